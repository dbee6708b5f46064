"""Pages through an ONNX graph, whichever library computes it: how a page is cut, what a tile is handed, and where what comes back belongs.

There are four kinds of graph, and the file's metadata say which (:func:`docbin.export.to_onnx` writes all):

* a whole network, from pixels to logits: input "page", float32 (1, 3, H, W), with the depth plane (1, 4, H, W), in 0..1 of any size; output "logits",
  float32 (1, 1, H, W);
* a network's convolutions alone (``docbin.planes``): its inputs are planes of the page's cells of 2 x 2 pixels, which
  :mod:`docbin.kernels.cell_planes` computes, its output the logits of the four pixels of each cell, float32 (1, 4, h, w);
* one step of a network that cleans a page (``docbin.steps``): from a page, sides multiples of the stride, to what is wrong with it, added here; the
  last page is thresholded by Otsu;
* a network that looks at a window as a whole (``docbin.window``): from a window of the page and the matrices of its Fourier transforms to logits of
  those rows and columns of the window that are kept.

The metadata also tell which weights the graph was made from (``docbin.weights``, their SHA-256), how its pages are cut (``docbin.halo``,
``docbin.stride``), and maybe what its convolutions are handed (``docbin.ranges``), for whoever computes them in 8 bits. They are read from the file
itself, since not every library that runs the graph hands them out.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from docbin import kernels
from docbin.errors import FileAccessError, InputError
from docbin.kernels.cell_planes import Plane, cell_planes
from docbin.kernels.depth import depth_plane
from docbin.page import FloatMap, Image, Mask, to_grey
from docbin.zoo.folders import Config, onnx_file
from docbin.zoo.tiles import cheapest_tile, cuts, inside, tiles

WHOLE = "whole"
"""Stands for the halo of a network that must see all of a picture; only of detectors, whose pictures are of bounded size."""
MOST_STRIDE = 1024
"""Largest stride that a graph may say, pixels; those of docbin's networks are 2 to 64."""
RANGES = "docbin.ranges"
"""The key of the metadata under which a graph says what its convolutions are handed: the name of their weights -> [least, largest]."""
STRIP = 5
"""Pixels of the largest strip of a page, with its surround, in squares of the side that the model's config gives its tiles: half of an A4 page of
300 dpi."""

Infer = Callable[[Mapping[str, Any]], FloatMap]
"""The graph: its inputs by name to its logits."""
Part = tuple[tuple[slice, slice], FloatMap]
"""Pixels of a page, maybe every second one, and what is known there."""


def graph_metadata(data: bytes) -> dict[str, str]:
    """The ``metadata_props`` of an ONNX file: field 14 of its outermost protocol-buffer message, each a key (1) and a value (2).

    Raises
    ------
    ValueError
        The bytes are no such message.
    """
    found: dict[str, str] = {}
    for number, value in _fields(data):
        if number == 14 and isinstance(value, bytes):
            pair = dict(_fields(value))
            key, text = pair.get(1, b""), pair.get(2, b"")
            if isinstance(key, bytes) and isinstance(text, bytes):
                found[key.decode("utf-8")] = text.decode("utf-8")
    return found


def _fields(data: bytes) -> Iterator[tuple[int, bytes | int]]:
    """(number, value) of the fields of a protocol-buffer message: bytes of those with a length, whole numbers of the others."""
    at = 0

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while at < len(data) and shift < 64:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7
        raise ValueError("not a protocol buffer")

    while at < len(data):
        number, kind = divmod(varint(), 8)
        if kind == 0:
            yield number, varint()
            continue
        if kind not in (1, 2, 5):
            raise ValueError("not a protocol buffer")
        length = {1: 8, 5: 4}.get(kind) or (varint() if kind == 2 else 0)
        if at + length > len(data):
            raise ValueError("not a protocol buffer")
        yield number, data[at : at + length]
        at += length


def sigmoid(logits: FloatMap) -> FloatMap:
    """In place, by tanh, which overflows nowhere."""
    logits *= np.float32(0.5)
    np.tanh(logits, out=logits)
    logits += np.float32(1.0)
    logits *= np.float32(0.5)
    return logits


def _coloured(image: Image) -> Image:
    """A page of three channels; grey is repeated."""
    return np.broadcast_to(image[..., None], (*image.shape, 3)) if image.ndim == 2 else image


def _handed(part: Image) -> FloatMap:
    """uint8 (H, W, C) as graphs take it: float32 (1, C, H, W) in 0..1."""
    page = np.ascontiguousarray(part.transpose(2, 0, 1)[None], np.float32)
    page /= np.float32(255.0)
    return page


def _luma(page: FloatMap) -> FloatMap:
    """Grey (H, W) of (3, H, W), ITU-R BT.601."""
    return np.asarray(np.float32(0.299) * page[0] + np.float32(0.587) * page[1] + np.float32(0.114) * page[2], np.float32)


def _otsu(grey: FloatMap) -> np.float32:
    """Otsu's threshold of a page (H, W) in 0..1, half a grey above the last dark one of 256; of equally good ones the darkest."""
    levels = np.rint(np.clip(grey, 0, 1) * np.float32(255)).astype(np.uint8)
    counts = np.bincount(levels.ravel(), minlength=256).astype(np.float64)
    dark, weighted = counts.cumsum(), (counts * np.arange(256)).cumsum()
    total, mean = dark[-1], weighted[-1] / dark[-1]
    between = (mean * dark - weighted) ** 2 / np.maximum(dark * (total - dark), 1.0)
    between[(dark == 0) | (dark == total)] = 0.0
    best = int((between >= between.max() * (1 - 1e-12)).argmax())
    return np.float32((best + 0.5) / 255)


def transform_matrices(height: int, width: int) -> dict[str, FloatMap]:
    """The Fourier transform of real maps (height, width) and back as products of matrices, both scaled to keep energy ("ortho").

    ``rows_*`` (height, height) transform columns of a map, ``columns_*`` (width, width // 2 + 1) its rows to the half of the spectrum that a real map
    has, ``back_*`` (width // 2 + 1, width) that half to rows again. They are computed in double precision.
    """

    def angles(size: int, count: int) -> Any:
        return 2 * np.pi / size * (np.outer(np.arange(size), np.arange(count)) % size)

    half = width // 2 + 1
    down, across = angles(height, height), angles(width, half)
    twice = np.full((half, 1), 2.0)  # but for the first and, of an even width, the last, which stand for themselves alone
    twice[0] = 1.0
    if width % 2 == 0:
        twice[-1] = 1.0
    found = {
        "rows_cos": np.cos(down) / np.sqrt(height),
        "rows_sin": np.sin(down) / np.sqrt(height),
        "columns_cos": np.cos(across) / np.sqrt(width),
        "columns_sin": np.sin(across) / np.sqrt(width),
        "back_real": twice * np.cos(across).T / np.sqrt(width),
        "back_imaginary": -twice * np.sin(across).T / np.sqrt(width),
    }
    return {name: np.ascontiguousarray(matrix, np.float32) for name, matrix in found.items()}


class GraphNet(ABC):
    """A network in a library for ONNX graphs (see :class:`docbin.zoo.runtimes.Opened`).

    Parameters
    ----------
    config : of a model with an ONNX file

    Raises
    ------
    InputError, FileAccessError
        The file or the weights are damaged, missing, or not of the same network.
    """

    library: str

    def __init__(self, config: Config) -> None:
        path = onnx_file(config)
        assert path is not None
        assert config.weights is not None
        if config.onnx is not None:
            config.verified(config.onnx)
            config.verified(config.weights)  # the graph takes its tensors from there
        try:
            metadata = graph_metadata(path.read_bytes())
        except OSError as error:
            raise FileAccessError(f"{path}: cannot read the network ({error.strerror}); export the model again") from None
        except ValueError:
            raise InputError(f"{path}: no ONNX file; export the model again") from None
        try:
            self._infer = self._opened(path, metadata)
        except Exception as error:  # these libraries' own exceptions share no base but Exception
            raise InputError(f"{path}: {self.library} cannot load it ({str(error)[:300]}); export the model again") from None
        if metadata.get("docbin.weights") != config.weights.sha256:
            raise InputError(f"{path}: was not exported from {config.folder / config.weights.file}; export it again")
        try:
            self._heed(config, metadata)
        except (KeyError, ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise InputError(
                f"{path}: its metadata are none that docbin writes ({type(error).__name__}: {str(error)[:300]}); export the model again"
            ) from None

    def _heed(self, config: Config, metadata: Mapping[str, str]) -> None:
        """What config and metadata say of how the graph is fed."""
        self._grey, self._depth = config.input.channels == "grey", config.input.depth
        self._tile, self._stride = config.input.tile, int(metadata["docbin.stride"])
        if not 1 <= self._stride <= MOST_STRIDE:
            raise ValueError(f"docbin.stride is {self._stride}, and must be 1 to {MOST_STRIDE}")
        halo = metadata["docbin.halo"] if config.input.halo is None else config.input.halo
        if halo != WHOLE and int(halo) < 0:
            raise ValueError(f"docbin.halo is {halo}, and must be 0 or more")
        self._halo = None if halo == WHOLE else -(-int(halo) // self._stride) * self._stride
        planes: dict[str, list[Any]] = json.loads(metadata.get("docbin.planes", "{}"))
        self._planes = {name: tuple(Plane(*one) for one in some) for name, some in planes.items()}
        self._channels = int(metadata.get("docbin.channels", "3"))
        self._steps, self._sharpness = int(metadata.get("docbin.steps", "0")), float(metadata.get("docbin.sharpness", "0"))
        self._window: dict[str, Any] = dict(json.loads(metadata.get("docbin.window", "{}")))

    @abstractmethod
    def _opened(self, path: Path, metadata: Mapping[str, str]) -> Infer:
        """The graph of a file as a function; called once, from the constructor. `metadata` are the file's metadata."""

    def _parts(self, image: Image) -> Iterator[Part]:
        """Logits of the page, part after part; every pixel once."""
        if self._grey:
            image = to_grey(image)
        depth = depth_plane(to_grey(image)) if self._depth else None
        if self._planes:
            return self._of_cells(image, depth)
        if self._steps:
            return self._by_steps(image)
        return self._of_windows(image) if self._window else self._of_pixels(image, depth)

    def _of_pixels(self, image: Image, depth: Image | None) -> Iterator[Part]:
        """By a graph that takes pixels."""
        height, width = image.shape[:2]
        tile, halo = (self._tile, self._halo) if self._halo is not None else (max(height, width), 0)
        for rows, columns, good_rows, good_columns in cuts(height, width, tile, halo, self._stride):
            part = _coloured(image[rows, columns])
            if depth is not None:
                part = np.dstack([part, depth[rows, columns]])
            logits = self._infer({"page": _handed(part)})
            yield (good_rows, good_columns), logits[0, 0, inside(rows, good_rows), inside(columns, good_columns)]

    def _of_cells(self, image: Image, depth: Image | None) -> Iterator[Part]:
        """By a graph that takes planes of cells."""
        height, width = image.shape[:2]
        stride = self._stride
        cells = -(-height // stride) * stride // 2, -(-width // stride) * stride // 2
        assert self._halo is not None
        tile = cheapest_tile(2 * cells[0], 2 * cells[1], self._halo, stride, STRIP * self._tile**2, self._tile)
        every = list(tiles(2 * cells[0], 2 * cells[1], tile, self._halo))
        most = max((rows.stop - rows.start) * (columns.stop - columns.start) for rows, columns, _, _ in every)
        # One memory for all tiles: a library may keep what it was handed last.
        memory = {name: np.empty(len(planes) * most, np.float32) for name, planes in self._planes.items()}
        for rows, columns, good_rows, good_columns in every:
            high, wide = (rows.stop - rows.start) // 2, (columns.stop - columns.start) // 2
            given: dict[str, FloatMap] = {}
            for name, planes in self._planes.items():
                out = memory[name][: 4 * len(planes) * high * wide].reshape(4 * len(planes), high, wide)
                region = rows.start // 2, columns.start // 2, high, wide
                given[name] = cell_planes(image, depth, planes, cells, region, kernels.threads(), out)[None]
            logits = self._infer(given)[0]
            top, left = good_rows.start - rows.start, good_columns.start - columns.start
            bottom, right = min(good_rows.stop, height), min(good_columns.stop, width)
            for pixel in range(4):
                place = slice(good_rows.start + pixel // 2, bottom, 2), slice(good_columns.start + pixel % 2, right, 2)
                count = [len(range(part.start, part.stop, 2)) for part in place]
                yield place, logits[pixel, top // 2 : top // 2 + count[0], left // 2 : left // 2 + count[1]]

    def _by_steps(self, image: Image) -> Iterator[Part]:
        """By a graph that says what is wrong with a page; each step is done over the whole page before the next."""
        height, width = image.shape[:2]
        high, wide = (-(-side // self._stride) * self._stride for side in (height, width))
        page = _handed(np.pad(_coloured(image), ((0, high - height), (0, wide - width), (0, 0)), mode="edge"))[0]
        if self._channels == 1:
            page = _luma(page)[None]
        assert self._halo is not None
        tile = cheapest_tile(high, wide, self._halo, self._stride, STRIP * self._tile**2, self._tile)
        for step in range(self._steps):
            if step:  # what lies beyond the page is its last row and column in every step
                page[:, height:], page[:, :, width:] = page[:, height - 1 : height], page[:, :, width - 1 : width]
            after = np.empty_like(page)
            for rows, columns, good_rows, good_columns in tiles(high, wide, tile, self._halo):
                wrong = self._infer({"page": np.ascontiguousarray(page[None, :, rows, columns])})[0]
                good = slice(None), good_rows, good_columns
                np.add(page[good], wrong[:, inside(rows, good_rows), inside(columns, good_columns)], out=after[good])
            page = after
        grey = (page[0] if len(page) == 1 else _luma(page))[:height, :width]
        yield (slice(0, height), slice(0, width)), (_otsu(grey) - grey) * np.float32(self._sharpness)

    def _of_windows(self, image: Image) -> Iterator[Part]:
        """By a graph that looks at a window of the page as a whole."""
        window, margin, scale = (int(self._window[name]) for name in ("window", "margin", "scale"))
        height, width = image.shape[:2]
        matrices: dict[tuple[int, int], dict[str, FloatMap]] = {}
        assert self._halo is not None
        for rows, columns, good_rows, good_columns in cuts(height, width, window, self._halo, self._stride, window):
            part = _coloured(image[rows, columns])
            more = [(0, -side % self._stride) for side in part.shape[:2]]
            page = _handed(np.pad(part, (*more, (0, 0)), mode="edge"))
            deep = page.shape[2] // scale, page.shape[3] // scale
            if deep not in matrices:
                sizes = {"whole": deep, "quarter": (deep[0] // 2, deep[1] // 2)}
                matrices[deep] = {
                    f"{part}_{name}": matrix for part in self._window["parts"] for name, matrix in transform_matrices(*sizes[part]).items()
                }
            kept = [inside(rows, good_rows), inside(columns, good_columns)]
            # Logits that are kept, and what the head sees around them; at the window's own border it ends as the window does.
            taken = [
                slice(max(0, good.start - margin), side if good.stop + margin >= side else good.stop + margin)
                for good, side in zip(kept, page.shape[2:], strict=True)
            ]
            indices = {name: np.arange(some.start, some.stop) for name, some in zip(("rows", "columns"), taken, strict=True)}
            logits = self._infer({"page": page, **indices, **matrices[deep]})
            yield (good_rows, good_columns), logits[0, 0, inside(taken[0], kept[0]), inside(taken[1], kept[1])]

    def probability(self, image: Image) -> FloatMap:
        """See :class:`docbin.zoo.runtimes.Opened`."""
        out = np.empty(image.shape[:2], np.float32)
        for place, logits in self._parts(image):
            out[place] = sigmoid(np.array(logits, np.float32))
        return out

    def ink(self, image: Image, threshold: float) -> Mask:
        """See :class:`docbin.zoo.runtimes.Opened`."""
        out = np.empty(image.shape[:2], np.bool_)
        for place, logits in self._parts(image):
            out[place] = sigmoid(np.array(logits, np.float32)) >= threshold
        return out
