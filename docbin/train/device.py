"""Where a run computes: one CPU, one GPU, or several through `accelerate`; precision and the backward pass are decided here and nowhere
else.
"""

from __future__ import annotations

import contextlib
import math
import os
from typing import Any

import torch
from torch import Tensor, nn

from docbin.errors import MissingExtra, UsageError

AUTO = "auto"
_TYPES = {"float32": None, "bfloat16": torch.bfloat16, "float16": torch.float16}


def computes_bfloat16() -> bool:
    """Whether the device has units for bfloat16; a CPU without them computes in it, but five times slower than in float32."""
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported())
    return bool(
        getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)() or getattr(torch.cpu, "_is_amx_tile_supported", lambda: False)()
    )


class Device:
    """A device (`torch_device`) with its precision. Started by ``accelerate launch`` (WORLD_SIZE > 1), it is one of several; gradients are averaged
    over them.
    """

    def __init__(self, precision: str, threads: int = 0, compile: bool = False) -> None:
        if precision == AUTO:
            precision = "bfloat16" if computes_bfloat16() else "float32"
        if precision not in _TYPES:
            raise UsageError(f"run.precision = {precision!r}: choose one of {AUTO}, {', '.join(_TYPES)}")
        self.dtype, self.compile = _TYPES[precision], compile
        self.accelerator: Any = None
        if threads:
            torch.set_num_threads(threads)
        if int(os.environ.get("WORLD_SIZE", "1")) > 1:
            try:
                from accelerate import Accelerator  # type: ignore[import-untyped]
            except ImportError:
                raise MissingExtra("training on several devices needs accelerate; pip install 'docbin[train]'") from None
            self.accelerator = Accelerator()
            self.torch_device = torch.device(self.accelerator.device)
        else:
            self.torch_device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        if self.dtype is torch.float16 and self.torch_device.type == "cpu":
            raise UsageError("run.precision = 'float16': only on CUDA; take bfloat16 on a CPU")
        self.scaler = torch.amp.GradScaler(self.torch_device.type, enabled=self.dtype is torch.float16)
        self.skipped_steps = 0  # optimizer steps that were not taken, since this was made

    @property
    def rank(self) -> int:
        """Number of this process, 0 for the one that writes."""
        return int(self.accelerator.process_index) if self.accelerator else 0

    @property
    def world(self) -> int:
        """Number of processes."""
        return int(self.accelerator.num_processes) if self.accelerator else 1

    def to_device(self, net: nn.Module) -> nn.Module:
        """`net` on this device in channels_last (4-d weights only; three times faster on a CPU)."""
        return net.to(device=self.torch_device, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]

    def wrap(self, net: nn.Module) -> nn.Module:
        """The module to call in a training step: `net` itself, or its wrapper that averages gradients over the devices; compiled, if so asked."""
        if self.compile:
            net = torch.compile(net)  # type: ignore[assignment]
        if self.accelerator is None:
            return net
        wrapped: nn.Module = self.accelerator.prepare_model(net)
        return wrapped

    def synchronize(self, progress: float, stop: bool) -> tuple[float, bool]:
        """What all processes go by: the first one's `progress`, and whether any of them wants to `stop`.

        Clocks run apart and a signal reaches one process. One that ended a step before the others would leave them waiting for its gradients.
        """
        if self.accelerator is None:
            return progress, stop
        said = torch.tensor([progress if self.rank == 0 else 0.0, float(stop)], dtype=torch.float64, device=self.torch_device)
        torch.distributed.all_reduce(said)
        return float(said[0]), bool(said[1] > 0)

    def autocast(self) -> contextlib.AbstractContextManager[Any]:
        """The precision of a forward pass."""
        return torch.autocast(self.torch_device.type, self.dtype, enabled=self.dtype is not None)

    def optimizer_step(self, loss: Tensor, optimizer: torch.optim.Optimizer, clip: float) -> float:
        """Backward pass, clipping, one optimizer step; returns the gradient's norm. A step whose gradient is not finite is not taken, and
        counted in `skipped_steps`.
        """
        optimizer.zero_grad(set_to_none=True)
        self.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        self.scaler.unscale_(optimizer)
        weights = [weight for group in optimizer.param_groups for weight in group["params"] if weight.grad is not None]
        norm = float(torch.nn.utils.clip_grad_norm_(weights, clip if clip > 0 else float("inf"), foreach=True))
        if math.isfinite(norm):
            self.scaler.step(optimizer)
        else:
            self.skipped_steps += 1
        self.scaler.update()
        return norm
