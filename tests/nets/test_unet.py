# ruff: noqa: E402 - torch is optional, so it is asked for before the imports that need it
"""`unet`: size, shapes, gradients, robustness, and its reach."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from docbin.errors import MissingExtra, UsageError
from docbin.nets import NETS, build, config_of
from docbin.nets.inference import probability
from docbin.nets.unet import UNet, UNetConfig, box_mean, local_contrast

SMALL = {"widths": [8, 16, 16], "encoder_blocks": [1, 1, 1], "decoder_blocks": [1, 1], "dilations": [1], "windows": [5], "head": 8}


def test_the_default_variant_fits_eight_megabytes_of_float16() -> None:
    """3,892,068 weights; a change of this number changes every published file."""
    net = build("unet")
    assert sum(weight.numel() for weight in net.parameters()) == 3_892_068
    assert sum(value.numel() for value in net.state_dict().values()) * 2 < 8_000_000


@pytest.mark.parametrize("size", [(1, 1), (7, 33), (16, 16), (50, 31)])
@pytest.mark.parametrize("edge", [0, 8])
def test_any_size_comes_back(size: tuple[int, int], edge: int) -> None:
    torch.manual_seed(0)
    net = build("unet", {**SMALL, "edge": edge}).eval()
    logits = net(torch.rand(2, 3, *size))
    assert logits.shape == (2, 1, *size)
    assert torch.isfinite(logits).all()


def test_every_parameter_gets_a_gradient() -> None:
    torch.manual_seed(0)
    net = build("unet", SMALL)
    net(torch.rand(2, 3, 45, 37)).square().mean().backward()
    without = [name for name, weight in net.named_parameters() if weight.grad is None or not weight.grad.abs().sum() > 0]
    assert without == []


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_flat_page_is_finite(value: float) -> None:
    """Black and white pages have no contrast anywhere: nothing may be divided by nothing."""
    torch.manual_seed(0)
    net = build("unet", SMALL)
    logits = net(torch.full((2, 3, 32, 32), value))
    logits.mean().backward()
    assert torch.isfinite(logits).all()
    assert all(torch.isfinite(weight.grad).all() for weight in net.parameters() if weight.grad is not None)


def test_the_edge_step_sees_what_that_of_the_1_bit_networks_sees() -> None:
    """But for the rounding: the same levels of the same page."""
    from docbin.nets.stem import Stem

    rng = np.random.default_rng(0)
    page, depth = (torch.from_numpy(rng.integers(0, 256, (1, 1, 64, 96)).astype(np.float32)) for _ in range(2))
    net = build("unet", {**SMALL, "depth": True, "edge": 4, "edge_windows": [5, 13, 31]})
    wanted = Stem((5, 13, 31), 7, 3, 8, 7.65).levels(page, depth)
    levels = net.levels(torch.cat([page.expand(-1, 3, -1, -1), depth], 1) / 255)
    # Half levels round down on one side, the nearest is taken on the other.
    assert (levels - wanted).abs().max() <= 0.76


def test_the_edge_step_starts_by_changing_nothing_and_tiles_equal_the_page() -> None:
    torch.manual_seed(0)
    net = build("unet", {**SMALL, "edge": 8}).eval()
    page = np.random.default_rng(0).integers(0, 256, (150, 190, 3), dtype=np.uint8)
    assert torch.equal(net.edge(torch.randn(1, 16, 8, 8), torch.ones(1, 4, 8, 8)), torch.ones(1, 4, 8, 8))
    torch.nn.init.normal_(net.edge.second.weight)
    whole = probability(net, page, tile=4096)
    np.testing.assert_allclose(probability(net, page, tile=64), whole, atol=2e-5)


def test_box_mean_equals_a_double_loop() -> None:
    values = np.random.default_rng(0).random((9, 12))
    means = box_mean(torch.from_numpy(values)[None, None], 5)[0, 0].numpy()
    for row in range(9):
        for column in range(12):
            box = values[max(row - 2, 0) : row + 3, max(column - 2, 0) : column + 3]
            assert means[row, column] == pytest.approx(box.mean(), abs=1e-12)


def test_local_contrast_equals_its_float64_twin() -> None:
    """All pixels of the cells around count; float32 must stay within 1e-3 of float64 on a page of small contrast."""
    cells = (0.7 + 0.05 * np.random.default_rng(0).standard_normal((4, 10, 11))).clip(0, 1)
    said = local_contrast(torch.from_numpy(cells.astype(np.float32))[None], 5)[0].numpy()
    for row in range(10):
        for column in range(11):
            box = cells[:, max(row - 2, 0) : row + 3, max(column - 2, 0) : column + 3]
            wanted = (cells[:, row, column] - box.mean()) / (box.std() + 0.05)
            assert said[:, row, column] == pytest.approx(wanted.clip(-4, 4), abs=1e-3)


def test_no_pixel_reaches_further_than_the_halo() -> None:
    """The gradient of one output pixel with respect to the page ends within `halo`, and the contrast windows' reach is within it too."""
    torch.manual_seed(0)
    net = UNet(config_of("unet", SMALL)).eval()
    size = 2 * net.halo + 4 * net.stride
    page = torch.rand(1, 3, size, size)
    changed = page.clone()
    middle = size // 2
    changed[..., middle, middle] = 1 - changed[..., middle, middle]
    with torch.inference_mode():
        moved = (net(changed) != net(page))[0, 0].nonzero()
    assert len(moved) > 0
    assert int((moved - middle).abs().max()) <= net.halo


def test_a_grey_page_is_its_own_contrast_in_every_channel() -> None:
    """The luma weights sum to 1, so a grey page's grey is the page."""
    net = UNet(UNetConfig(windows=()))
    page = torch.rand(1, 1, 16, 16).expand(1, 3, 16, 16)
    assert net._raw(page).shape == (1, 12, 8, 8)


def test_wrong_variants_are_refused() -> None:
    with pytest.raises(UsageError, match=r"unknown key variant\.width"):
        build("unet", {"width": [1]})
    with pytest.raises(UsageError, match="decoder_blocks"):
        build("unet", {"widths": [8, 8]})
    with pytest.raises(UsageError, match="odd"):
        build("unet", {"windows": [8]})
    with pytest.raises(UsageError, match="choose one of"):
        build("no-such-net")


@pytest.mark.parametrize("name", sorted(NETS))
def test_every_architecture_of_the_table_can_be_built_with_its_defaults(name: str) -> None:
    try:
        net = build(name)
    except MissingExtra as error:
        pytest.skip(str(error))
    assert sum(weight.numel() for weight in net.parameters()) > 0


def test_a_variant_with_depth_sees_the_fourth_channel_and_no_page_needs_one() -> None:
    torch.manual_seed(0)
    net = UNet(UNetConfig(widths=(8, 16), encoder_blocks=(1, 1), decoder_blocks=(1,), depth=True)).eval()
    page = torch.rand(1, 4, 40, 40)
    changed = page.clone()
    changed[:, 3] = 1 - changed[:, 3]
    with torch.no_grad():
        assert (net(page) != net(changed)).any()
    rng = np.random.default_rng(0)
    for shape in ((50, 70), (50, 70, 3)):
        image = rng.integers(0, 256, shape).astype(np.uint8)
        whole = probability(net, image)
        assert whole.shape == (50, 70)
        tiled = probability(net, image, tile=16)
        assert np.abs(whole - tiled).max() < 1e-5, "the plane is the page's, whatever the tile"


def with_eye(**changes: object) -> UNet:
    """A small network with an eye, which has random weights; skipped where its library is not installed."""
    torch.manual_seed(0)
    small = {
        "widths": [8, 8, 8, 8],
        "encoder_blocks": [1, 1, 1, 1],
        "decoder_blocks": [1, 1, 1],
        "dilations": [1],
        "windows": [5],
        "head": 8,
    }
    try:
        net = build("unet", {**small, "eye": "efficientnet-lite0", **changes})
    except MissingExtra as error:
        pytest.skip(str(error))
    assert isinstance(net, UNet)
    return net.eval()


def opened(net: UNet) -> UNet:
    """Its eye tells something: the answers do not begin at zero."""
    assert net.eye is not None
    for layer in net.eye.told:
        torch.nn.init.normal_(layer.weight, 0, 0.3)
    return net


def test_an_eye_changes_nothing_before_it_has_learned() -> None:
    net = with_eye()
    page = torch.rand(1, 3, 64, 96)  # of whole cells: an eye's are larger, and so is the padding
    with torch.no_grad():
        before = net(page)
        assert (opened(net)(page) != before).any()
        net.eye = None
        assert torch.allclose(net(page), before, atol=1e-6)


def test_no_pixel_reaches_further_than_the_halo_with_an_eye() -> None:
    net = opened(with_eye())
    size = 2 * net.halo + 4 * net.stride
    page = torch.rand(1, 3, size, size)
    changed = page.clone()
    middle = size // 2
    changed[..., middle - 2 : middle + 2, middle - 2 : middle + 2] = 1 - changed[..., middle - 2 : middle + 2, middle - 2 : middle + 2]
    with torch.inference_mode():
        moved = (net(changed) != net(page))[0, 0].nonzero()
    furthest = int((moved - middle).abs().max())
    assert net.halo / 2 < furthest <= net.halo, "the bound holds, and is not a far cry from what is seen"


def test_tiles_of_a_network_with_an_eye_equal_the_page() -> None:
    net = opened(with_eye(edge=8))
    page = np.random.default_rng(0).integers(0, 256, (150, 1500, 3), dtype=np.uint8)
    np.testing.assert_allclose(probability(net, page, tile=64), probability(net, page, tile=4096), atol=2e-5)


def test_the_convolutions_alone_see_the_same_with_an_eye() -> None:
    """The graph for other runtimes is handed colours as 0..255, the network 0..1."""
    net = opened(with_eye())
    page = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (1, 3, 64, 96)).astype(np.float32))
    raw = net._raw(page / 255)
    wide = torch.cat([raw[:, :12] * 255, raw[:, 12:]], 1)
    with torch.no_grad():
        said = torch.nn.functional.pixel_shuffle(net.convolutions()(wide), 2)
        assert torch.allclose(said, net(page / 255), atol=1e-4)


def test_an_eye_that_is_not_there_is_refused() -> None:
    with pytest.raises(UsageError, match="efficientnet-lite0"):
        build("unet", {"eye": "resnet18"})
    with pytest.raises(UsageError, match="2 widths"):
        build("unet", {"widths": [8, 8], "encoder_blocks": [1, 1], "decoder_blocks": [1], "eye": "efficientnet-lite0"})
