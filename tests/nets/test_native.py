"""The compiled pieces of a training step give what PyTorch's own operations give, to the rounding of bfloat16."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")

from docbin.nets import native  # noqa: E402
from docbin.nets.bitunet import BitBlock, offsets  # noqa: E402
from docbin.nets.native import ClippedNorm2d, DepthwiseConv2d  # noqa: E402

needs_compiler = pytest.mark.skipif(native.library() is None, reason="no C++ compiler here; PyTorch's own operations serve")


def both(layer, x, gradient, *residual):
    """Output and gradients by the compiled kernels, and by PyTorch in float32; each layer starts from the same state."""
    results = []
    state = {name: value.clone() for name, value in layer.state_dict().items()}
    for compiled in (True, False):
        layer.load_state_dict(state)
        starts = [part.clone().requires_grad_() for part in (x, *residual)]
        if compiled:
            with torch.autocast("cpu", torch.bfloat16):
                assert native._wanted(x)
                y = layer(*starts)
            assert y.dtype == torch.bfloat16
        else:
            y = layer(*starts)
        found = torch.autograd.grad(y, [*starts, *layer.parameters()], gradient.to(y.dtype))
        after = {name: value.clone() for name, value in layer.state_dict().items()}
        results.append(([y.float().detach(), *(part.float() for part in found)], after))
    return results


def close(found, wanted, bound=0.01):
    assert found.shape == wanted.shape
    assert (found - wanted).abs().max() <= bound * wanted.abs().max().clamp_min(1e-3)


@needs_compiler
@pytest.mark.parametrize("channels", [3, 32, 70])
@pytest.mark.parametrize(
    ("kernel", "stride", "same"), [(3, 1, False), (5, 1, False), (3, 2, True), (5, 2, True), (3, 2, False), (5, 2, False)]
)
def test_a_depthwise_convolution_and_its_gradients(channels, kernel, stride, same):
    torch.manual_seed(channels + kernel)
    for height, width in ((12, 10), (6, 4), (2, 18)):
        layer = DepthwiseConv2d(channels, kernel, stride, 0 if same else kernel // 2, same)
        with torch.no_grad():  # weights and maps that bfloat16 holds exactly
            layer.weight.copy_(layer.weight.bfloat16().float())
        x = torch.randn(2, channels, height, width).bfloat16().float()
        gradient = torch.randn(2, channels, height // stride, width // stride).bfloat16().float()
        (ours, _), (theirs, _) = both(layer, x, gradient)
        for found, wanted in zip(ours, theirs, strict=True):
            close(found, wanted)


@needs_compiler
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("added", [False, True])
@pytest.mark.parametrize("limits", [(0.0, 6.0), (0.0, math.inf), (-math.inf, math.inf)])
def test_a_norm_with_clipping_and_its_gradients(training, limits, added):
    torch.manual_seed(1)
    for channels, height, width in ((5, 7, 9), (48, 16, 24), (130, 3, 2)):
        layer = ClippedNorm2d(channels, momentum=0.1, low=limits[0], high=limits[1]).train(training)
        with torch.no_grad():
            layer.weight.uniform_(0.5, 2)
            layer.bias.uniform_(-1, 1)
            layer.running_mean.uniform_(-1, 1)
            layer.running_var.uniform_(0.5, 2)
        x = (3 * torch.randn(3, channels, height, width) + 2).bfloat16().float()
        gradient, more = torch.randn(2, 3, channels, height, width).bfloat16().float()
        (ours, after), (theirs, wanted_after) = both(layer, x, gradient, *([more] if added else []))
        for found, wanted in zip(ours, theirs, strict=True):
            close(found, wanted, 0.02)
        for name, value in wanted_after.items():
            assert torch.allclose(after[name].float(), value.float(), rtol=1e-4, atol=1e-5), name


class Unchanged(torch.nn.Module):
    """In the place of a block's convolution: its maps as they are."""

    kernel_size = (1, 1)

    def of_padded(self, x):
        return x


class Thresholds(torch.nn.Module):
    """The norm and thresholds of a block of `bitunet` without its convolution."""

    def __init__(self, channels, thresholds, spread_out):
        super().__init__()
        self.block = BitBlock((channels,), 1, channels, thresholds, 1, "bireal", spread_out)
        self.block.conv = Unchanged()
        self.block.norm.weight.data.uniform_(0.3, 1.5)
        self.block.norm.bias.data.uniform_(-0.5, 0.5)

    def forward(self, x):
        return self.block(x)


@needs_compiler
@pytest.mark.parametrize("spread_out", [False, True])
@pytest.mark.parametrize("thresholds", [1, 2, 3])
def test_a_norm_with_thresholds_and_its_slopes(thresholds, spread_out):
    torch.manual_seed(thresholds)
    for channels, height, width in ((64, 7, 9), (192, 4, 6)):
        layer = Thresholds(channels, thresholds, spread_out)
        x = (2 * torch.randn(3, channels, height, width) + 1).bfloat16().float()
        gradient = torch.randn(3, channels * (thresholds if spread_out else 1), height, width).bfloat16().float()
        (ours, after), (theirs, wanted_after) = both(layer, x, gradient)
        different = (ours[0] - theirs[0]).abs() > 0.01  # values that lie on a threshold, to the rounding of a sum
        assert different.float().mean() < 1e-3
        for found, wanted in zip(ours[1:], theirs[1:], strict=True):
            close(found, wanted, 0.02)
        for name, value in wanted_after.items():
            assert torch.allclose(after[name].float(), value.float(), rtol=1e-4, atol=1e-5), name
    assert len(offsets(thresholds)) == thresholds


@needs_compiler
def test_several_threads_give_what_one_gives():
    torch.manual_seed(2)
    x = torch.randn(2, 64, 40, 36).bfloat16().contiguous(memory_format=torch.channels_last)
    found = []
    before = torch.get_num_threads()
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            torch.manual_seed(3)
            layers = torch.nn.Sequential(DepthwiseConv2d(64, 5, 2, 0, True), ClippedNorm2d(64, low=0.0, high=6.0))
            start = x.clone().requires_grad_()
            with torch.autocast("cpu", torch.bfloat16):
                y = layers(start)
            found.append(
                [y.float(), *(part.float() for part in torch.autograd.grad(y.float().square().sum(), [start, *layers.parameters()]))]
            )
    finally:
        torch.set_num_threads(before)
    for one, three in zip(*found, strict=True):
        close(three, one)


def test_without_a_compiler_pytorch_serves(monkeypatch):
    monkeypatch.setattr(native, "library", lambda: None)
    layer = DepthwiseConv2d(8, 3, 1, 1)
    with torch.autocast("cpu", torch.bfloat16):
        y = layer(torch.randn(1, 8, 6, 6))
    y.float().sum().backward()
    assert layer.weight.grad is not None
    assert torch.isfinite(layer.weight.grad).all()
