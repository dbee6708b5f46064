"""The first layer of a packed network as pictures: what it hands on of a page, one bit a pixel and threshold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from docbin.engine.graph import Graph
from docbin.errors import UsageError
from docbin.kernels.depth import depth_plane
from docbin.kernels.stem import NO_LEVELS, threshold_codes
from docbin.page import Image, Mask, to_grey


@dataclass(frozen=True, slots=True)
class StemBit:
    """One threshold of the stem.

    Attributes
    ----------
    window : side in pixels of the window whose mean and deviation make the threshold; None for a fixed level
    theta : how many deviations the threshold lies above the window's mean; or the level
    dark : bool (H, W), True where the pixel is darker than the threshold
    deep : whether the level is one of the depth plane (:mod:`docbin.kernels.depth`), which counts upwards
    """

    window: int | None
    theta: float
    dark: Mask
    deep: bool = False


def stem_bits(graph: Graph, image: Image) -> Iterator[StemBit]:
    """The stem's bits on a page (grey or RGB), threshold by threshold, windows first.

    Raises
    ------
    UsageError
        The network does not begin with threshold codes.
    """
    node = next((node for node in graph.nodes if node.op == "codes"), None)
    if node is None:
        raise UsageError("this network does not begin with threshold codes")
    height, width = image.shape[:2]
    windows, theta, grey = (node.tensors[key] for key in ("windows", "theta", "grey"))
    page = np.pad(to_grey(image), ((0, -height % graph.stride), (0, -width % graph.stride)), mode="edge")  # as the engine's run does
    depths = node.tensors.get("depth", NO_LEVELS)
    plane = depth_plane(page) if depths.size else None
    words = threshold_codes(page, windows, theta, grey, float(node.attributes["floor"]), depth=plane, depths=depths)
    thresholds = [(2 * int(window), float(value)) for window, row in zip(windows, theta, strict=True) for value in row]
    fixed = [(None, float(value)) for value in (*grey, *depths)]
    for number, (window, value) in enumerate([*thresholds, *fixed]):
        light = np.empty((2 * words.shape[1], 2 * words.shape[2]), np.bool_)
        for pixel in range(4):
            word, bit = divmod(4 * number + pixel, 64)
            light[pixel // 2 :: 2, pixel % 2 :: 2] = (words[word] >> np.uint64(bit)) & np.uint64(1)
        deep = number >= theta.size + grey.size
        yield StemBit(window, value, (light if deep else ~light)[:height, :width], deep)
