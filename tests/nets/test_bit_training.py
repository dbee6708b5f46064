"""The faster parts of a 1-bit network's training step against their slow twins: bits exactly, gradients too where no sum is reordered."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from docbin.errors import UsageError  # noqa: E402
from docbin.nets import build, config_of  # noqa: E402
from docbin.nets.bitunet import _Levels, _Spread, offsets  # noqa: E402
from docbin.nets.stem import Stem, box_sum  # noqa: E402
from docbin.quant.estimators import binarize, triangle  # noqa: E402
from docbin.quant.layer import QuantConv2d  # noqa: E402
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
        if isinstance(block, QuantConv2d):
            block.register_forward_pre_hook(lambda _, given: seen.append(given[0].dtype))
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


def test_a_variant_of_before_is_read() -> None:
    """``thresholds`` was called ``fan``: model folders and runs of then still hold that key."""
    assert config_of("bitunet", {"fan": 4}) == config_of("bitunet", {"thresholds": 4})
    with pytest.raises(UsageError, match="thresholds 0 times"):
        config_of("bitunet", {"fan": 0})
