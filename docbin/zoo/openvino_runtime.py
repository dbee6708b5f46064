"""The runtimes ``openvino`` and ``openvino-float32``: a network's graph in Intel's OpenVINO, on CPUs of any maker.

``openvino`` computes convolutions in bfloat16 where the CPU has instructions for it (AMX, AVX-512 BF16), several times as fast as in single
precision. It does so only with graphs that are a network's convolutions alone (:mod:`docbin.zoo.graphs`): the z-scores of a page, which need single
precision, are no part of them, and the page is the same but for pixels that lie at the threshold. Whole networks, and all on CPUs without such
instructions, get single precision, as everything does with ``openvino-float32``.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from docbin import kernels
from docbin.page import FloatMap
from docbin.zoo.graphs import GraphNet, Infer


class OpenVinoFloatNet(GraphNet):
    """A network in OpenVINO, in single precision."""

    library = "OpenVINO"

    def _precision(self, core: Any, metadata: Mapping[str, str]) -> str:
        """What OpenVINO computes convolutions in."""
        return "f32"

    def _opened(self, path: Path, metadata: Mapping[str, str]) -> Infer:
        import openvino

        core = openvino.Core()
        setting = {
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": 1,
            "INFERENCE_NUM_THREADS": kernels.threads(),
            "INFERENCE_PRECISION_HINT": self._precision(core, metadata),
            "ENABLE_CPU_PINNING": False,  # the workers of a batch would all be bound to the same cores
        }
        request = core.compile_model(core.read_model(path), "CPU", setting).create_infer_request()
        one_at_a_time = threading.Lock()  # a request is one computation

        def infer(given: Mapping[str, Any]) -> FloatMap:
            with one_at_a_time:
                for name, value in given.items():
                    request.set_tensor(name, openvino.Tensor(value, shared_memory=True))
                request.infer()
                logits = np.array(request.get_tensor("logits").data, np.float32)
                for name, value in given.items():  # else the request would keep what it was handed until the next page
                    if value.ndim == 4:
                        request.set_tensor(name, openvino.Tensor(np.zeros((1, value.shape[1], 1, 1), np.float32)))
                return logits

        return infer


class OpenVinoNet(OpenVinoFloatNet):
    """A network in OpenVINO, in bfloat16 where that changes nothing but the time."""

    def _precision(self, core: Any, metadata: Mapping[str, str]) -> str:
        able = core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        return "bf16" if {"docbin.planes", "docbin.steps", "docbin.window"} & set(metadata) and "BF16" in able else "f32"
