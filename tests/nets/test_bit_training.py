"""The faster parts of a 1-bit network's training step against their slow twins: bits exactly, gradients too where no sum is reordered."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from docbin.errors import UsageError  # noqa: E402
from docbin.nets import build, config_of  # noqa: E402
from docbin.nets.bitunet import BitBlock, _Levels, _Spread, offsets  # noqa: E402
from docbin.nets.folded_conv import FoldedConv  # noqa: E402
from docbin.nets.native import ClippedNorm2d  # noqa: E402
from docbin.nets.pixels import framed  # noqa: E402
from docbin.nets.stem import Stem, box_sum  # noqa: E402
from docbin.quant.estimators import binarize, triangle  # noqa: E402
from tests.nets.variants import BITUNET, UNET  # noqa: E402


def maps(dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
    """Values on a grid that the thresholds lie on, channels_last, and a gradient."""
    torch.manual_seed(0)
    x = (torch.randint(-24, 25, (2, 6, 7, 5)) / 8).to(dtype).contiguous(memory_format=torch.channels_last)
    return x.requires_grad_(), torch.randn(2, 6, 7, 5).to(dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("thresholds", [1, 2, 3, 4])
def test_levels_are_the_mean_of_signs(thresholds: int, dtype: torch.dtype) -> None:
    x, gradient = maps(dtype)
    levels = _Levels.apply(x, offsets(thresholds))
    reached = sum((x.detach() >= -offset).to(dtype) for offset in offsets(thresholds))
    assert torch.equal(levels, reached * (2 / thresholds) - 1)
    levels.backward(gradient)
    inside = x.detach().abs() < 1 + max(offsets(thresholds))
    assert torch.equal(x.grad, torch.where(inside, gradient, torch.zeros_like(gradient)))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("thresholds", [1, 2, 4])
def test_spread_bits_are_signs_one_behind_the_other(thresholds: int, dtype: torch.dtype) -> None:
    x, _ = maps(dtype)
    gradient = torch.randn(2, 6 * thresholds, 7, 5).to(dtype)
    found = _Spread.apply(x, offsets(thresholds))
    found.backward(gradient)
    twin = x.detach().clone().requires_grad_()
    wanted = torch.cat([binarize(twin + offset, triangle) for offset in offsets(thresholds)], 1)
    wanted.backward(gradient)
    assert torch.equal(found, wanted)
    if thresholds <= 2:
        assert torch.equal(x.grad, twin.grad)
    else:  # more than two terms may be added in another order
        rounding = torch.finfo(dtype).eps
        assert torch.linalg.vector_norm((x.grad - twin.grad).float()) < rounding * torch.linalg.vector_norm(twin.grad.float())


@pytest.mark.parametrize("depths", [0, 8])
@pytest.mark.parametrize(("height", "width"), [(64, 64), (2, 34), (30, 6)])
def test_the_kernel_gives_a_training_the_stems_codes(height: int, width: int, depths: int) -> None:
    torch.manual_seed(0)
    stem = Stem((5, 13, 31), 7, 3 + 8 - depths, depths, 7.65)
    grey = torch.randint(0, 256, (2, 1, height, width)).float()
    depth = torch.randint(0, 256, (2, 1, height, width)).float() if depths else None
    codes = stem.train().codes(grey, depth, torch.bfloat16)
    assert codes.dtype == torch.bfloat16
    assert codes.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(codes.float(), stem.eval().codes(grey, depth, torch.float32))
    assert torch.equal(codes.float(), stem(grey, depth))


def test_a_lowered_training_has_no_map_in_single_precision() -> None:
    torch.manual_seed(0)
    net = build("bitunet", BITUNET).train()
    seen = []
    for block in net.modules():
        if isinstance(block, BitBlock):
            block.register_forward_pre_hook(
                lambda _, given: seen.extend(one.dtype for one in (given[0] if isinstance(given[0], tuple) else given))
            )
    with torch.autocast("cpu", torch.bfloat16):
        net(torch.rand(1, 4 if net.depth else 3, 64, 64))
    assert seen
    assert set(seen) == {torch.bfloat16}


@pytest.mark.parametrize("kind", [torch.int32, torch.int64])
def test_box_sums_are_those_of_the_window(kind: torch.dtype) -> None:
    torch.manual_seed(0)
    cells = torch.randint(0, 4 * 255**2, (2, 1, 9, 40)).to(kind)
    found = box_sum(cells, 5)
    for row, column in ((0, 0), (4, 20), (8, 39), (1, 38)):
        window = cells[:, :, max(0, row - 2) : row + 3, max(0, column - 2) : column + 3]
        assert torch.equal(found[:, :, row, column], window.sum((2, 3)).to(kind))


def test_a_folded_teacher_says_the_same() -> None:
    torch.manual_seed(0)
    net = build("unet", UNET)
    image = torch.rand(2, 4 if net.depth else 3, 64, 64)
    for norm in net.modules():
        if isinstance(norm, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(norm.weight, 0.5, 1.5)
            torch.nn.init.normal_(norm.bias)
            norm.running_mean.normal_()
            norm.running_var.uniform_(0.5, 2)
    net.eval()
    with torch.no_grad():
        before = net(image)
        net.fold_norms()
        after = net(image)
    assert not any(isinstance(part, torch.nn.BatchNorm2d) for part in net.modules())
    assert torch.allclose(before, after, rtol=1e-3, atol=1e-3 * before.abs().max().item())


@pytest.mark.skipif(not torch.ops.mkldnn._is_mkldnn_bf16_supported(), reason="oneDNN fuses no bfloat16 on this CPU")
@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("residual", [False, True])
def test_a_folded_convolution_in_bfloat16_is_nearer_to_single_precision_than_its_parts(residual: bool, dilation: int) -> None:
    """oneDNN's fused operation rounds once; its result must be the separate operations' but for their roundings."""
    torch.manual_seed(1)
    layer = FoldedConv(
        torch.nn.Conv2d(16, 24, 3, padding=dilation, dilation=dilation, bias=False).eval(), ClippedNorm2d(24, low=0.0).eval()
    )
    x, more = (torch.randn(2, channels, 9, 13).bfloat16().contiguous(memory_format=torch.channels_last) for channels in (16, 24))
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        assert layer._is_fused(x)
        found = layer(x, more if residual else None)
        separate = layer.behind(layer.conv(x), more if residual else None)
    exact = layer(x.float(), more.float() if residual else None)
    assert found.dtype == torch.bfloat16
    assert (found > 0).float().mean() > 0.3
    torch.testing.assert_close(found.float(), exact, rtol=2**-7, atol=2**-7)
    assert (found.float() - exact).abs().mean() <= 1.05 * (separate.float() - exact).abs().mean()


def test_a_variant_of_before_is_read() -> None:
    """``thresholds`` was called ``fan``: model folders and runs of then still hold that key."""
    assert config_of("bitunet", {"fan": 4}) == config_of("bitunet", {"thresholds": 4})
    with pytest.raises(UsageError, match="filters of 0 thresholds"):
        config_of("bitunet", {"fan": 0})


@pytest.mark.parametrize("edge", [0, 1, 2])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_maps_in_a_frame_are_those_that_concatenation_and_padding_give(edge: int, dtype: torch.dtype) -> None:
    parts = [torch.randn(2, channels, 5, 7).to(dtype).contiguous(memory_format=torch.channels_last) for channels in (6, 1, 8)]
    found, wanted = ([part.clone().requires_grad_(k != 1) for k, part in enumerate(parts)] for _ in range(2))
    one = framed(found, edge, -1.0)
    two = torch.nn.functional.pad(torch.cat(wanted, 1), (edge,) * 4, value=-1.0)
    assert torch.equal(one, two)
    gradient = torch.randn_like(two)
    one.backward(gradient)
    two.backward(gradient)
    for mine, twin in zip(found, wanted, strict=True):
        assert mine.grad is None if twin.grad is None else torch.equal(mine.grad, twin.grad)


def test_a_block_of_several_maps_is_a_block_of_their_concatenation() -> None:
    """The whole block with its gradients against the layer's own padding."""
    block = BitBlock((6, 3), 1, 4, 2, 3, "bireal").train()
    maps = [torch.randn(2, channels, 8, 6).sign().requires_grad_() for channels in (6, 3)]
    gradient = torch.randn(2, 4, 8, 6)
    block(tuple(maps)).backward(gradient)
    found = [one.grad for one in (*maps, block.conv.weight)]
    twins = [one.detach().clone().requires_grad_() for one in maps]
    block.zero_grad()
    _Levels.apply(block.norm(block.conv(torch.cat(twins, 1))), block.offsets).backward(gradient)
    for mine, twin in zip(found, (*twins, block.conv.weight), strict=True):
        torch.testing.assert_close(mine, twin.grad)
