"""`bitsauvola`: bits choose among local thresholds, grey decides: what the parts compute, that everything learns, and that tiles are the page."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from docbin import engine  # noqa: E402
from docbin.errors import UsageError  # noqa: E402
from docbin.export import onnx_obstacle, to_packed  # noqa: E402
from docbin.kernels.reference_choice import CONTROLS, RANGE  # noqa: E402
from docbin.nets import build  # noqa: E402
from docbin.nets.bitsauvola import BitSauvola, ChoiceHead  # noqa: E402
from docbin.nets.inference import probability, to_tensor, with_depth  # noqa: E402
from tests.nets.variants import BITUNET  # noqa: E402

SMALL: dict[str, Any] = {**BITUNET, "threshold_windows": [3, 5]}


def made(**changes: Any) -> BitSauvola:
    torch.manual_seed(0)
    net = build("bitsauvola", {**SMALL, **changes})
    assert isinstance(net, BitSauvola)
    return net


def test_thresholds_are_the_mean_and_sauvolas_of_each_window() -> None:
    grey = torch.randint(0, 256, (1, 1, 16, 20)).float()
    found, _ = made().thresholds(grey)
    assert found.shape == (1, 4, 8, 10)
    for at, window in enumerate((3, 5)):
        half = window // 2
        row, column = 4, 5
        around = grey[0, 0, 2 * (row - half) : 2 * (row + half + 1), 2 * (column - half) : 2 * (column + half + 1)]
        mean, deviation = around.mean(), around.std(correction=0)
        assert torch.isclose(found[0, 2 * at, row, column], mean, rtol=1e-5)
        assert torch.isclose(found[0, 2 * at + 1, row, column], mean * (1 + 0.5 * (deviation / RANGE - 1)), rtol=1e-4)


def decided(net: BitSauvola, grey: torch.Tensor, option: int, gate: float, offset: float = 0.0) -> torch.Tensor:
    """Ink where the head trusts one option alone."""
    options = 2 * 2 + net.depth
    chosen = torch.zeros(1, options + CONTROLS, grey.shape[-2] // 2, grey.shape[-1] // 2)
    chosen[:, option] = 1000.0
    chosen[:, options], chosen[:, options + 2] = offset, gate
    depth = 128.0 * (grey < 60) if net.depth else None
    with torch.no_grad():
        return net._decided(grey, depth, chosen) > 0


def test_a_pixel_is_ink_where_it_is_darker_than_the_chosen_threshold_and_the_gate_is_open() -> None:
    net = made()
    torch.manual_seed(1)
    grey = torch.randint(0, 256, (1, 1, 16, 20)).float()
    thresholds, _ = net.thresholds(grey)
    for option in range(4):
        smooth = torch.nn.functional.interpolate(thresholds[:, option : option + 1], scale_factor=2.0, mode="bilinear")
        clear = (smooth - grey).abs() > 0.5 * smooth.std()  # the quotient by the deviation is interpolated, not the threshold itself
        ink = decided(net, grey, option, gate=1.0)
        assert ((ink == (grey < smooth)) | ~clear).all()
        assert clear.float().mean() > 0.5
        assert not decided(net, grey, option, gate=-1.0).any()
    assert torch.equal(decided(net, grey, option=4, gate=1.0), grey < 60), "the page's own threshold"
    assert decided(net, grey, 0, 1.0, offset=2.0).sum() > decided(net, grey, 0, 1.0).sum() > decided(net, grey, 0, 1.0, offset=-2.0).sum()


@pytest.mark.parametrize("lattice", [2, 4])
@pytest.mark.parametrize("depths", [0, 8])
def test_every_parameter_learns(lattice: int, depths: int) -> None:
    net = made(lattice=lattice, depths=depths, greys=11 - depths).train()
    page = torch.rand(2, 3 + net.depth, 64, 50)
    logits = net(page)
    assert logits.shape == (2, 1, 64, 50)
    torch.nn.functional.binary_cross_entropy_with_logits(logits, (page[:, :1] < 0.3).float()).backward()
    for name, weight in net.named_parameters():
        if weight.requires_grad:
            assert weight.grad is not None, name
            assert weight.grad.abs().sum() > 0, name


def test_a_choice_a_coarse_cell_is_interpolated() -> None:
    torch.manual_seed(0)
    head = ChoiceHead(64, 5, lattice=4, kernel=1)
    bits = torch.ones(1, 64, 3, 4)
    bits[..., 2:] = -1
    with torch.no_grad():
        out = head(bits)
    assert out.shape == (1, 5 + CONTROLS, 6, 8)
    assert torch.allclose(out[..., 3] + out[..., 4], out[..., 0] + out[..., 7], atol=1e-6)
    assert torch.allclose(out[..., 3], 0.75 * out[..., 0] + 0.25 * out[..., 7], atol=1e-6)


def test_tiles_are_the_page() -> None:
    net = made().eval()
    page = np.random.default_rng(0).integers(0, 256, (40, 200, 3)).astype(np.uint8)
    whole = probability(net, page)
    assert np.abs(probability(net, page, tile=64) - whole).max() < 1e-4


def trained(**changes: Any) -> BitSauvola:
    """A network with the looks of a trained one: norms with statistics, every output of the head at work."""
    net = made(**changes)
    with torch.no_grad():
        for _ in range(2):
            net(torch.rand(2, 3 + net.depth, 48, 64))
        for module in net.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.bias.copy_(torch.randn_like(module.bias) * 0.3)
        net.head.bias.copy_(torch.randn_like(net.head.bias) * 0.3)
    return net.eval()


def page(height: int, width: int) -> np.ndarray:
    rng = np.random.default_rng(1)
    smooth = np.kron(rng.integers(60, 230, (-(-height // 8), -(-width // 8))), np.ones((8, 8)))[:height, :width]
    return np.clip(smooth + rng.normal(0, 12, (height, width)), 0, 255).astype(np.uint8)


def logits(net: BitSauvola, image: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        out: np.ndarray = net(to_tensor(with_depth(image) if net.depth else image))[0, 0].numpy()
    return out


@pytest.mark.parametrize("changes", [{}, {"depths": 0, "greys": 11, "head": 1}, {"k": 0.2, "threshold_windows": [11, 3, 25]}])
def test_packed_it_gives_the_same_page_to_the_last_bit(changes: dict[str, Any]) -> None:
    net = trained(**changes)
    graph = engine.loads(to_packed(net))
    assert graph.nodes[-1].op == "choice"
    for size in ((64, 96), (61, 75), (1, 1)):
        want = logits(net, page(*size))
        assert np.array_equal(engine.logits(graph, page(*size)), want)
        assert np.array_equal(engine.ink(graph, page(*size)), want >= 0)


def test_evaluation_in_whole_numbers_decides_as_the_float_network() -> None:
    net, image = trained(), page(192, 256)
    whole = logits(net, image)
    net.train()
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.eval()
    float_ = logits(net, image)
    assert 0.05 < (float_ >= 0).mean() < 0.95
    assert np.quantile(np.abs(whole - float_), 0.99) < 0.1
    assert ((whole >= 0) != (float_ >= 0)).mean() < 3e-3


def test_a_sharpness_beyond_32_bits_is_cut_and_decides_alike() -> None:
    net, image = trained(), page(64, 96)
    with torch.no_grad():
        net.gain.fill_(1000.0)
    assert net.sharpness == 8 * net.config.floor
    sure = logits(net, image)
    with torch.no_grad():
        net.gain.fill_(8 * net.config.floor / np.exp(1.5))
    assert np.array_equal(sure, logits(net, image))


def test_what_the_engine_lacks_is_refused() -> None:
    with pytest.raises(UsageError, match="lattice = 2"):
        to_packed(made(lattice=2))
    assert "--to packed" in str(onnx_obstacle(made()))


@pytest.mark.parametrize(
    ("change", "said"),
    [({"first_stride": 1}, "first_stride"), ({"edge": 8}, "edge"), ({"threshold_windows": [4]}, "odd"), ({"lattice": 3}, "lattice")],
)
def test_wrong_variants_are_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        made(**change)
