"""The runtimes ``openvino``, ``openvino-int8`` and ``openvino-float32``: a network's graph in Intel's OpenVINO, on CPUs of any maker.

``openvino`` computes convolutions in bfloat16 where the CPU has instructions for it (AMX, AVX-512 BF16), several times as fast as in single
precision. It does so only with graphs that are a network's convolutions alone (:mod:`docbin.zoo.graphs`): the z-scores of a page, which need single
precision, are no part of them, and the page is the same but for pixels that lie at the threshold. Whole networks, and all on CPUs without such
instructions, get single precision, as everything does with ``openvino-float32``.

``openvino-int8`` computes those convolutions in 8 bits whose inputs' ranges the graph tells (``docbin package --int8``,
:mod:`docbin.train.calibrate`): weights in 255 steps a filter, symmetric, what they are handed in 256 steps of its range. The stored weights are
those of every other runtime; they are rounded when the graph is opened. It asks for a CPU with AVX-512 VNNI: without, OpenVINO adds pairs of
products in 16 bits, which overflow.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from docbin import kernels
from docbin.page import FloatMap
from docbin.zoo.graphs import RANGES, GraphNet, Infer


class OpenVinoFloatNet(GraphNet):
    """A network in OpenVINO, in single precision."""

    library = "OpenVINO"

    def _precision(self, core: Any, metadata: Mapping[str, str]) -> str:
        """What OpenVINO computes convolutions in."""
        return "f32"

    def _graph(self, core: Any, path: Path, metadata: Mapping[str, str]) -> Any:
        """The graph that is compiled."""
        return core.read_model(path)

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
        request = core.compile_model(self._graph(core, path, metadata), "CPU", setting).create_infer_request()
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


class OpenVinoInt8Net(OpenVinoNet):
    """A network in OpenVINO, convolutions in 8 bits; what lies between them as in :class:`OpenVinoNet`."""

    def _graph(self, core: Any, path: Path, metadata: Mapping[str, str]) -> Any:
        model = core.read_model(path)
        in_eight_bits(model, json.loads(metadata[RANGES]))
        return model


def in_eight_bits(model: Any, ranges: Mapping[str, tuple[float, float]]) -> None:
    """Round the weights and inputs of a graph's convolutions to 8 bits, in place; OpenVINO computes what is rounded on both sides in whole numbers.

    Parameters
    ----------
    model : an ``openvino.Model``
    ranges : the name of a convolution's weights -> least (at most 0) and largest number that it is handed; what lies beyond is cut off. Where several
        convolutions share an input, all get the widest range, since it is rounded once.

    Raises
    ------
    ValueError
        A range is of no convolution of the graph.
    """
    from openvino import opset13 as ops

    convolutions = [node for node in model.get_ordered_ops() if node.get_type_name() == "Convolution"]
    names = [next((name for name in node.input_value(1).get_names() if name in ranges), "") for node in convolutions]
    if strangers := set(ranges) - set(names):
        raise ValueError(f"a range is given for {min(strangers)}, which are no convolution's weights")
    chosen = [(node, name) for node, name in zip(convolutions, names, strict=True) if name]
    sources: dict[tuple[str, int], tuple[Any, float, float]] = {}
    for node, name in chosen:
        source = node.input_value(0)
        key = source.get_node().get_name(), source.get_index()
        low, high = ranges[name]
        _, least, largest = sources.get(key, (source, low, high))
        sources[key] = source, min(least, low), max(largest, high)
    for source, least, largest in sources.values():
        takers = list(source.get_target_inputs())
        limits = zero_on_a_step(least, largest)
        rounded = ops.fake_quantize(source, *limits, *limits, 256)
        for taker in takers:  # all of them: what is kept in 8 bits is kept once
            taker.replace_source_output(rounded.output(0))
    for node, _ in chosen:
        weights = _stored(node.input_value(1).get_node())
        largest = np.abs(weights).max((1, 2, 3), keepdims=True) + np.float32(1e-12)
        node.input(1).replace_source_output(ops.fake_quantize(ops.constant(weights), -largest, largest, -largest, largest, 255).output(0))
    model.validate_nodes_and_infer_types()


def zero_on_a_step(least: float, largest: float) -> tuple[np.float32, np.float32]:
    """A range of 256 steps moved by less than one, so that 0, which lies in it, stays 0 when it is rounded: maps are padded with zeros."""
    step = max(largest - least, 1e-6) / 255
    below = round(-least / step)
    return np.float32(-below * step), np.float32((255 - below) * step)


def _stored(node: Any) -> np.ndarray[Any, np.dtype[np.float32]]:
    """The numbers of a constant, or of one that is widened."""
    while node.get_type_name() == "Convert":
        node = node.input_value(0).get_node()
    return np.array(node.data, np.float32)
