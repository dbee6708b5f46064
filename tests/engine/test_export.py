"""A packed network computes the torch network's bits: layer by layer, and its logits to the last bit; tiles equal the page."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from docbin import engine, export, kernels  # noqa: E402
from docbin.engine.tiles import Region, compute  # noqa: E402
from docbin.errors import UsageError  # noqa: E402
from docbin.kernels import bits  # noqa: E402
from docbin.kernels.depth import depth_plane  # noqa: E402
from docbin.nets.bitunet import BitBlock, BitUNet  # noqa: E402
from docbin.nets.bitunet_config import BitUNetConfig  # noqa: E402
from docbin.nets.inference import to_tensor, with_depth  # noqa: E402

SMALL = BitUNetConfig(
    windows=(3, 7, 9),
    thetas=7,
    greys=3,
    depths=8,
    filters=(32, 64, 96),
    decoder_filters=(64, 32),
    narrow=(32, 64),
    thresholds=2,
    encoder_convs=(2, 1, 2),
    decoder_convs=(1, 2),
    planes=2,
)
ONE_BIT = BitUNetConfig(
    windows=(3, 7, 9),
    thetas=9,
    greys=5,
    depths=0,
    filters=(64, 64),
    decoder_filters=(64,),
    narrow=(64,),
    thresholds=1,
    encoder_convs=(1, 1),
    decoder_convs=(1,),
)


EDGED = replace(SMALL, edge=12)
EDGED_ONE_BIT = replace(ONE_BIT, edge=4)
BY_LAYER = replace(SMALL, filters=(32, 64, 64), layer_thresholds=(4, 2, 1, 3, 4, 1, 2, 4, 2, 3), edge=4)
STRIDED = replace(SMALL, first_stride=2, depths=0, greys=11)


def trained(config: BitUNetConfig = SMALL, seed: int = 0) -> BitUNet:
    """A network with the looks of a trained one: norms with statistics, factors of both signs and one of zero."""
    torch.manual_seed(seed)
    net = BitUNet(config)
    with torch.no_grad():
        for _ in range(3):
            net(torch.rand(2, 4, 48, 64))
        for module in net.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.weight.copy_(torch.randn_like(module.weight))
                module.weight[3] = 0
                module.bias.copy_(torch.randn_like(module.bias) * 0.3)
        if net.edge is not None:
            nn.init.normal_(net.edge.second.weight, std=0.2)
            nn.init.normal_(net.edge.second.bias)
    return net.eval()


def page(height: int, width: int) -> np.ndarray:
    rng = np.random.default_rng(1)
    smooth = np.kron(rng.integers(60, 230, (-(-height // 8), -(-width // 8))), np.ones((8, 8)))[:height, :width]
    return np.clip(smooth + rng.normal(0, 12, (height, width)), 0, 255).astype(np.uint8)


def as_tensor(image: np.ndarray) -> torch.Tensor:
    return to_tensor(with_depth(image))


def test_every_layer_has_the_torch_networks_bits() -> None:
    net, image = trained(), page(64, 96)
    graph = engine.loads(export.to_packed(net))
    seen: list[torch.Tensor] = []
    hooks = [module.register_forward_hook(lambda _m, _i, out: seen.append(out)) for module in net.modules() if isinstance(module, BitBlock)]
    codes = net.stem.register_forward_hook(lambda _m, _i, out: seen.append(out))
    with torch.no_grad():
        net(as_tensor(image))
    for hook in [*hooks, codes]:
        hook.remove()
    sizes = [(64 >> size.halvings, 96 >> size.halvings) for size in graph.sizes]
    regions = [Region(0, height, 0, width) for height, width in sizes]
    maps: dict[int, np.ndarray] = {}
    for index, node in enumerate(graph.nodes[:-1]):
        maps[index] = compute(graph, (image, depth_plane(image)), index, regions, maps)
        if node.op in ("codes", "conv"):
            want = seen.pop(0)[0].numpy() > 0
            assert np.array_equal(bits.unpack(maps[index], len(want)), want), f"node {index} ({node.op})"
    assert not seen


@pytest.mark.parametrize("size", [(64, 96), (61, 75), (1, 1), (17, 130)])
@pytest.mark.parametrize("config", [SMALL, EDGED, EDGED_ONE_BIT, BY_LAYER, STRIDED])
def test_logits_are_the_torch_networks_to_the_last_bit(size: tuple[int, int], config: BitUNetConfig) -> None:
    net, image = trained(config), page(*size)
    graph = engine.loads(export.to_packed(net))
    with torch.no_grad():
        want = net(as_tensor(image))[0, 0].numpy()
    got = engine.logits(graph, image)
    assert np.array_equal(got, want)
    assert np.array_equal(engine.ink(graph, image), want >= 0)


@pytest.mark.parametrize("tile", [(16, 24), (8, 200), (50, 50)])
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("config", [SMALL, EDGED, STRIDED])
def test_tiles_equal_the_whole_page(tile: tuple[int, int], threads: int, config: BitUNetConfig) -> None:
    graph, image = engine.loads(export.to_packed(trained(config))), page(93, 110)
    image[:, :20] = 0  # a scanner's black margin
    whole = engine.logits(graph, image, threads=1, tile=(4096, 4096))
    assert np.array_equal(engine.logits(graph, image, threads=threads, tile=tile), whole)


@pytest.mark.parametrize("level", kernels.levels())
@pytest.mark.parametrize("config", [SMALL, EDGED, STRIDED])
def test_every_kernel_level_gives_the_same_logits_and_ink(level: str, config: BitUNetConfig) -> None:
    graph, image = engine.loads(export.to_packed(trained(config))), page(40, 156)
    logits, ink = engine.logits(graph, image), engine.ink(graph, image)
    with kernels.use(level):
        assert np.array_equal(engine.logits(graph, image), logits)
        assert np.array_equal(engine.ink(graph, image), ink)


def test_a_masked_network_exports_its_zeros() -> None:
    net = trained(replace(ONE_BIT, quantizer="zeromask"))
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, BitBlock):
                module.conv.weight_quantizer.latent.copy_(torch.randn_like(module.conv.weight))
    image = page(32, 40)
    with torch.no_grad():
        want = net(as_tensor(image))[0, 0].numpy()
    assert np.array_equal(engine.logits(engine.loads(export.to_packed(net)), image), want)


@pytest.mark.parametrize("config", [SMALL, ONE_BIT, replace(SMALL, thresholds=4), EDGED, BY_LAYER])
def test_training_computes_what_evaluation_counts(config: BitUNetConfig) -> None:
    """Levels and float norms in training, bits and integer thresholds in evaluation: the same logits, where the norms use the same statistics."""
    net = trained(config)
    image = as_tensor(page(48, 64))
    with torch.no_grad():
        want = net(image)
        net.train()
        for module in net.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        got = net(image)
    # A value on its threshold may fall to either side in single precision.
    assert ((got - want).abs() < 1e-3).float().mean() > 0.99


def test_training_learns_and_every_parameter_gets_a_gradient() -> None:
    torch.manual_seed(0)
    net = BitUNet(SMALL)
    image = torch.rand(2, 4, 32, 32)
    truth = (image[:, :3].mean(1, keepdim=True) < 0.5).float()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    losses = []
    for step in range(12):
        optimizer.zero_grad()
        loss = nn.functional.binary_cross_entropy_with_logits(net(image), truth)
        loss.backward()
        if step == 0:
            assert all(value.grad is not None and value.grad.abs().sum() > 0 for value in net.parameters() if value.requires_grad)
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    assert torch.isfinite(net(torch.zeros(1, 4, 9, 13))).all()


def test_a_float_network_says_why_it_cannot_be_packed() -> None:
    with pytest.raises(UsageError, match="float layers"):
        export.to_packed(nn.Conv2d(1, 1, 1))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"filters": (60, 64, 64, 64)}, "multiple of 64"),
        ({"greys": 4}, "multiple of 64"),
        ({"narrow": (64, 64)}, "want 4 encoder_convs"),
        ({"quantizer": "denseshift"}, "does not fold"),
        ({"layer_thresholds": (2,) * 13}, "one for each of encoder.0.0"),
        ({"layer_thresholds": (4, *(2,) * 13)}, "side by side want equally many thresholds, got encoder.0.0 4, narrow.0 2"),
        ({"layer_thresholds": (1, *(2,) * 13)}, "encoder.0.0: 32 filters of 1 thresholds"),
    ],
)
def test_a_variant_that_the_engine_cannot_run_is_refused(change: dict, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        BitUNetConfig(**change)
