"""What each contestant of :mod:`docbin.bench.networks` does in the process that is its own: load a network, and give back a call from page to ink."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from docbin import kernels
from docbin.bench.contest import Run
from docbin.kernels.depth import depth_plane
from docbin.page import Image, Mask
from docbin.word import Word

TILE = 512
STRIDE = 16


def open_packed(page: Image, threads: int, path: Path, level: str) -> Run:
    """docbin's engine."""
    from docbin import engine

    graph = engine.read(path)

    def run() -> Mask:
        with kernels.use(level):
            return engine.ink(graph, page, threads=threads)

    return run


def open_model(page: Image, threads: int, name: str, runtime: str) -> Run:
    """A model of the zoo in one of its runtimes; threads by DOCBIN_THREADS."""
    from docbin.zoo import runtimes

    model = runtimes.load(name, runtime)
    return lambda: model(page)


def open_detector(page: Image, threads: int, name: str, runtime: str, level: str) -> Run:
    """A detector of the zoo, from the picture to the area of its words; threads by DOCBIN_THREADS."""
    from docbin import detection

    detector = detection.load(name, runtime)

    def run() -> Mask:
        with kernels.use(level):
            return _area(detector(page), page)

    return run


def _area(words: Sequence[Word], page: Image) -> Mask:
    """The area of words that were found on a page."""
    import cv2

    found = np.zeros(page.shape[:2], np.uint8)
    for word in words:
        cv2.fillPoly(found, [np.rint(word.polygon).astype(np.int32)], 1)
    return found > 0


def open_openvino_detector(page: Image, threads: int, name: str) -> Run:
    """A float detector of the zoo in OpenVINO, from the picture to the area of its words, its graph fixed to the size that the picture is handed over
    at."""
    import openvino

    from docbin import detection
    from docbin.detection.detector import inner_size, resized, rules_of
    from docbin.zoo import folders

    config = folders.load_config(name)
    assert config.onnx is not None
    rules = rules_of(config)
    height, width = inner_size(page.shape[0], page.shape[1], config.detect.side)
    core = openvino.Core()
    graph = core.read_model(config.folder / config.onnx.file)
    graph.reshape([1, 3, height, width])
    setting = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": threads}
    request = core.compile_model(graph, "CPU", setting).create_infer_request()

    def run() -> Mask:
        colour = page if page.ndim == 3 else np.repeat(page[..., None], 3, 2)
        part = resized(colour, height, width).transpose(2, 0, 1)[None].astype(np.float32) / np.float32(255)
        logits = np.asarray(request.infer([part], share_outputs=True)[0][0, 0], np.float32)
        probability = np.asarray(1 / (1 + np.exp(-logits)), np.float32)
        return _area(detection.find_words(probability, rules, (page.shape[1], page.shape[0])), page)

    return run


def tile_of(page: Image, stride: int = STRIDE) -> tuple[int, int]:
    """The tile of at most 512 pixels a side that cuts a page with the least left over, multiples of `stride`."""

    def side(length: int) -> int:
        return -(-length // (-(-length // TILE) * stride)) * stride

    return side(page.shape[0]), side(page.shape[1])


def in_tiles(planes: Sequence[Image], tile: tuple[int, int], scale: float, infer: Callable[[Any], Any]) -> Mask:
    """Ink of a page by a network that takes float32 (1, planes, *tile) on the scale 0..`scale` and gives logits (1, 1, *tile)."""
    height, width = planes[0].shape
    rows, columns = -(-height // tile[0]), -(-width // tile[1])
    filled = np.stack([np.pad(plane, ((0, rows * tile[0] - height), (0, columns * tile[1] - width)), mode="edge") for plane in planes])
    out = np.empty(filled.shape[1:], np.bool_)
    for y in range(0, rows * tile[0], tile[0]):
        for x in range(0, columns * tile[1], tile[1]):
            part = filled[:, y : y + tile[0], x : x + tile[1]].astype(np.float32)[None]
            if scale != 255:
                part *= np.float32(scale / 255)
            np.greater_equal(infer(part)[0, 0], 0, out=out[y : y + tile[0], x : x + tile[1]])
    return out[:height, :width]


def open_onnx(page: Image, threads: int, path: Path, tile: tuple[int, int], depth: bool) -> Run:
    """The float twin of a packed graph in ONNX Runtime; with `depth` the depth plane is measured first, as the engine does."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda: in_tiles(
        [page, *([depth_plane(page)] if depth else [])], tile, 255.0, lambda part: session.run(["logits"], {"page": part})[0]
    )


def open_openvino(page: Image, threads: int, path: Path, tile: tuple[int, int]) -> Run:
    """A quantised network in OpenVINO."""
    import openvino

    core = openvino.Core()
    setting = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": threads}
    request = core.compile_model(core.read_model(path), "CPU", setting).create_infer_request()
    return lambda: in_tiles([page], tile, 1.0, lambda part: request.infer([part], share_outputs=True)[0])


def quantise(page: Image, threads: int, source: Path, target: Path, tile: tuple[int, int]) -> Run:
    """Not a contestant: writes the INT8 form of an ONNX file, calibrated on tiles of the page."""
    import logging

    import nncf
    import openvino

    nncf.set_log_level(logging.ERROR)
    tiles = [page[y : y + tile[0], x : x + tile[1]] for y in range(0, page.shape[0], tile[0]) for x in range(0, page.shape[1], tile[1])]
    whole = [part.astype(np.float32)[None, None] / np.float32(255) for part in tiles if part.shape == tile] or [
        np.zeros((1, 1, *tile), np.float32)
    ]
    some = whole[:: max(1, len(whole) // 4)][:4]
    model = nncf.quantize(openvino.Core().read_model(source), nncf.Dataset(some), subset_size=len(some))
    openvino.save_model(model, target)
    return lambda: np.zeros(page.shape, np.bool_)
