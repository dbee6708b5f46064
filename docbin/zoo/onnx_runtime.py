"""The runtime ``onnx``: a network's graph in ONNX Runtime, in single precision."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from docbin import kernels
from docbin.page import FloatMap
from docbin.zoo.graphs import GraphNet, Infer


class OnnxNet(GraphNet):
    """A network in ONNX Runtime."""

    library = "ONNX Runtime"

    def _opened(self, path: Path, metadata: Mapping[str, str]) -> Infer:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = kernels.threads()
        options.inter_op_num_threads = 1
        options.enable_mem_pattern = False  # tiles at the page's border differ in size; a plan of memory for each would be kept
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

        def infer(given: Mapping[str, Any]) -> FloatMap:
            logits: Any = session.run(["logits"], dict(given))[0]
            return np.asarray(logits, np.float32)

        return infer
