"""Compiled pieces of a training step on a CPU: what lies between the convolutions costs more than they do in PyTorch's own kernels.

Two modules, each a drop-in for one of PyTorch with the same parameters and state:

- :class:`DepthwiseConv2d`: oneDNN's gradients of a depthwise convolution in bfloat16 are 4 to 16 times slower than in float32, and both are far
  from what their arithmetic costs: of a step of EfficientNet-Lite0 more than half;
- :class:`ClippedNorm2d`: a batch norm, an addition and the clipping (ReLU, ReLU6) behind it as one operation that keeps only its input, where
  PyTorch reads and writes the map three times more; :func:`levels_of_norm` is the same with the thresholds of a 1-bit network.

``kernels.cpp`` is built for this machine's instructions when a training first asks for it (:func:`library`; a second or two, kept in the cache
folder). Where there is no C++ compiler, outside of bfloat16 autocast on a CPU, and where no gradients are wanted, PyTorch's own operations do the
same: they are the slow twins that the tests compare with.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import math
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from docbin.files.cache import cache_folder

SOURCE = Path(__file__).with_name("kernels.cpp")
FLAGS = (
    "-std=c++20",
    "-O3",
    "-march=native",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-ffp-contract=fast",
    "-shared",
    "-fPIC",
    "-pthread",
)


@functools.cache
def library() -> ctypes.CDLL | None:
    """The compiled kernels, built if need be; None where there is no compiler, or where DOCBIN_NATIVE=0 says so."""
    compiler = os.environ.get("CXX") or shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")
    if compiler is None or os.environ.get("DOCBIN_NATIVE") == "0":
        return None
    version = subprocess.run([compiler, "--version"], capture_output=True, check=False).stdout
    processor = Path("/proc/cpuinfo").read_bytes().partition(b"\n\n")[0] if Path("/proc/cpuinfo").exists() else b""
    flags = [line for line in processor.splitlines() if line.startswith((b"flags", b"Features", b"model name"))]
    name = hashlib.sha256(b"\n".join([SOURCE.read_bytes(), version, *flags, " ".join(FLAGS).encode()])).hexdigest()[:16]
    built = cache_folder("native") / f"{name}.so"
    if not built.exists():
        built.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=built.parent) as folder:
            made = Path(folder) / "kernels.so"
            if subprocess.run([compiler, *FLAGS, "-o", str(made), str(SOURCE)], capture_output=True, check=False).returncode:
                return None
            made.replace(built)
    return ctypes.CDLL(str(built))


def _wanted(x: Tensor) -> bool:
    return (
        torch.is_grad_enabled()
        and x.device.type == "cpu"
        and not torch.compiler.is_compiling()
        and torch.is_autocast_enabled("cpu")
        and torch.get_autocast_dtype("cpu") == torch.bfloat16
        and library() is not None
    )


def _pixels(x: Tensor) -> Tensor:
    """`x` as bfloat16 in channels_last, a copy only where it is something else."""
    return x.to(torch.bfloat16).contiguous(memory_format=torch.channels_last)


def _call(name: str, *arguments: Any) -> int:
    built = library()
    assert built is not None
    given = [_argument(value) for value in arguments]
    return int(getattr(built, name)(*given))


def _argument(value: Any) -> Any:
    if value is None or isinstance(value, Tensor):
        return ctypes.c_void_p(None if value is None else value.data_ptr())
    if isinstance(value, float):
        return ctypes.c_float(value)
    if isinstance(value, tuple):
        return (ctypes.c_int64 * len(value))(*value)
    return value


class _Depthwise(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
        x, narrow = _pixels(x), weight.to(torch.bfloat16)
        ctx.save_for_backward(x, weight)
        ctx.stride, ctx.padding = stride, padding
        return F.conv2d(x, narrow, None, stride, padding, groups=x.shape[1])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        x, weight = ctx.saved_tensors
        gradient = _pixels(gradient)
        kernel, threads = weight.shape[-1], torch.get_num_threads()
        shape = (x.shape[0], x.shape[2], x.shape[3], x.shape[1], gradient.shape[2], gradient.shape[3])
        of_input = of_weight = None
        if ctx.needs_input_grad[0] and ctx.stride == 1:
            turned = weight.to(torch.bfloat16).flip(2, 3)
            of_input = F.conv2d(gradient, turned, None, 1, kernel - 1 - ctx.padding, groups=x.shape[1])
        elif ctx.needs_input_grad[0]:
            of_input = torch.empty_like(x)
            taps = weight.detach().to(torch.bfloat16).float()[:, 0].permute(1, 2, 0).contiguous()
            _call("docbin_depthwise_input", gradient, taps, shape, kernel, ctx.stride, ctx.padding, threads, of_input)
        if ctx.needs_input_grad[1]:
            of_weight = torch.empty(weight.shape, dtype=torch.float32)
            _call("docbin_depthwise_weights", x, gradient, shape, kernel, ctx.stride, ctx.padding, threads, of_weight)
        return of_input, of_weight, None, None


class DepthwiseConv2d(nn.Conv2d):
    """A convolution of 3 x 3 or 5 x 5 with one group a channel, stride 1 or 2, and no bias.

    With `same`, a stride of 2 pads as TensorFlow does for maps of even sides: (k - 2) // 2 rows before, (k - 1) // 2 behind.
    """

    def __init__(self, channels: int, kernel: int, stride: int = 1, padding: int = 0, same: bool = False) -> None:
        super().__init__(channels, channels, kernel, stride, padding, groups=channels, bias=False)
        self.same = ((kernel - 2) // 2, (kernel - 1) // 2) if same else None
        self.has_kernel = kernel in (3, 5) and stride in (1, 2)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H', W')."""
        if self.same is not None:
            before, behind = self.same
            x = F.pad(x, (before, behind, before, behind))
        if not (self.has_kernel and _wanted(x)):
            plain: Tensor = self._conv_forward(x, self.weight, None)
            return plain
        y: Tensor = _Depthwise.apply(x, self.weight, self.stride[0], int(self.padding[0]))  # type: ignore[no-untyped-call]
        return y


def _size(x: Tensor) -> tuple[ctypes.c_int64, ctypes.c_int64]:
    """Pixels of the batch, and channels."""
    return ctypes.c_int64(x.numel() // x.shape[1]), ctypes.c_int64(x.shape[1])


class _Norm(torch.autograd.Function):
    """A norm with what follows it; see ``docbin_norm_forward`` in kernels.cpp."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, residual: Tensor | None, weight: Tensor, bias: Tensor, statistics: _Statistics, behind: _Behind
    ) -> Tensor:
        shape = (x.shape[0], x.shape[1] * behind.maps, *x.shape[2:])
        out = torch.empty(shape, dtype=torch.bfloat16, memory_format=torch.channels_last)
        fixed = (*_size(x), statistics.mean, statistics.scale, weight, bias, *behind.arguments())
        _call("docbin_norm_forward", x, residual, *fixed, torch.get_num_threads(), out)
        ctx.save_for_backward(x, residual, weight, bias)
        ctx.statistics, ctx.behind = statistics, behind
        return out

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, residual, weight, bias = ctx.saved_tensors
        of_x, of_weight, of_bias = torch.empty_like(x), torch.empty_like(weight), torch.empty_like(bias)
        of_residual = None if residual is None else torch.empty_like(x)
        fixed = (*_size(x), ctx.statistics.mean, ctx.statistics.scale, weight, bias, *ctx.behind.arguments(), int(ctx.statistics.batch))
        found = (of_x, of_residual, of_weight, of_bias)
        _call("docbin_norm_backward", x, residual, _pixels(gradient), *fixed, torch.get_num_threads(), *found)
        return of_x, of_residual, of_weight, of_bias, None, None


class _Statistics(NamedTuple):
    """What a norm takes off and multiplies by, float32 (C,) each; `batch`: they are the batch's own and move with it."""

    mean: Tensor
    scale: Tensor
    batch: bool


class _Behind(NamedTuple):
    """What follows the norm: 0, clipping to low..high; 1, levels between thresholds; 2, the thresholds' signs one behind the other."""

    kind: int
    low: float
    high: float
    offsets: tuple[float, ...] = ()

    @property
    def maps(self) -> int:
        return len(self.offsets) if self.kind == 2 else 1

    def arguments(self) -> tuple[Any, ...]:
        return self.kind, self.low, self.high, (ctypes.c_float * len(self.offsets))(*self.offsets), len(self.offsets)


def _statistics(norm: nn.BatchNorm2d, x: Tensor) -> _Statistics:
    """Of the batch, which the running ones then follow; or, in evaluation, the running ones."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    if not norm.training:
        return _Statistics(norm.running_mean.clone(), (norm.running_var + norm.eps).rsqrt(), batch=False)
    pixels, share = x.numel() // x.shape[1], norm.momentum
    assert share is not None
    mean, variance, scale = (torch.empty(x.shape[1]) for _ in range(3))
    _call("docbin_norm_statistics", x, *_size(x), norm.running_mean, norm.eps, torch.get_num_threads(), mean, variance, scale)
    norm.running_mean.lerp_(mean, share)
    norm.running_var.lerp_(variance * (pixels / max(pixels - 1, 1)), share)
    assert norm.num_batches_tracked is not None
    norm.num_batches_tracked += 1
    return _Statistics(mean, scale, batch=True)


def _normed(norm: nn.BatchNorm2d, x: Tensor, residual: Tensor | None, behind: _Behind) -> Tensor:
    x = _pixels(x)
    with torch.no_grad():
        statistics = _statistics(norm, x)
    more = None if residual is None else _pixels(residual)
    y: Tensor = _Norm.apply(x, more, norm.weight, norm.bias, statistics, behind)  # type: ignore[no-untyped-call]
    return y


class Clip(nn.Module):
    """Adds `residual`, where there is one, and clips to `low`..`high`; infinite limits clip nothing."""

    def __init__(self, low: float = -math.inf, high: float = math.inf) -> None:
        super().__init__()
        self.limits: tuple[float, float] = (low, high)

    def forward(self, x: Tensor, residual: Tensor | None = None) -> Tensor:
        """(N, C, H, W) -> the same shape; `x` may be written over."""
        if residual is not None:
            x = x.add_(residual)
        low, high = self.limits
        if math.isinf(low) and math.isinf(high):
            return x
        return F.relu(x, inplace=True) if low == 0 and math.isinf(high) else F.hardtanh(x, low, high)


class ClippedNorm2d(nn.BatchNorm2d):
    """Batch norm over (N, C, H, W), then :class:`Clip`; with `low` = 0 that is a ReLU, with 0 and 6 a ReLU6."""

    def __init__(self, channels: int, eps: float = 1e-5, momentum: float = 0.1, low: float = -math.inf, high: float = math.inf) -> None:
        super().__init__(channels, eps, momentum)
        self.behind = Clip(low, high)

    def forward(self, x: Tensor, residual: Tensor | None = None) -> Tensor:
        """(N, C, H, W), and what is added before the clipping, if anything -> the same shape."""
        if not _wanted(x):
            y: Tensor = self.behind(super().forward(x), residual)
            return y
        return _normed(self, x, residual, _Behind(0, *self.behind.limits))


def levels_of_norm(norm: nn.BatchNorm2d, x: Tensor, offsets: tuple[float, ...], spread_out: bool) -> Tensor | None:
    """A norm with the thermometer of :mod:`docbin.nets.bitunet` behind it, as one operation; None where PyTorch's own are to do it.

    Parameters
    ----------
    x : (N, C, H, W)
    offsets : what is added before each sign is taken
    spread_out : the signs themselves, (N, offsets * C, H, W), with the triangle of Bi-Real Net as slope; else their mean, (N, C, H, W), whose slope
        is 1 within the outermost offset + 1
    """
    if not _wanted(x):
        return None
    reach = 1.0 + max(offsets)
    return _normed(norm, x, None, _Behind(2 if spread_out else 1, -reach, reach, offsets))
