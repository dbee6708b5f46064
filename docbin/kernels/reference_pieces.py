"""The slow, obvious twin of :mod:`docbin.kernels.pieces`: OpenCV labels the pieces, NumPy sums over the labels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from docbin.page import Image


def pieces(bits: Image, depth: Image | None = None, slope: Image | None = None, *, eight: bool = True) -> NDArray[np.int64]:
    """As :func:`docbin.kernels.pieces.pieces`."""
    import cv2

    count, labels, boxes, _ = cv2.connectedComponentsWithStats(np.asarray(bits, np.uint8), connectivity=8 if eight else 4)
    table = np.zeros((count - 1, 9), np.int64)
    if count == 1:
        return table
    inside = np.flatnonzero(bits)
    owner = labels.ravel()[inside]
    left, top, width, height, area = boxes[1:].astype(np.int64).T
    table[:, :5] = np.column_stack([area, left, top, left + width, top + height])
    if depth is not None and slope is not None:
        for column, plane in ((5, depth), (7, slope)):
            values = plane.ravel()[inside]
            table[:, column] = np.bincount(owner, values, minlength=count)[1:]
            most = np.zeros(count, np.int64)
            np.maximum.at(most, owner, values)
            table[:, column + 1] = most[1:]
    _, firsts = np.unique(owner, return_index=True)
    return table[np.argsort(firsts, kind="stable")]


def peaks(bits: Image, *planes: NDArray[np.float32]) -> NDArray[np.float64]:
    """As :func:`docbin.kernels.pieces.peaks`."""
    import cv2

    count, labels, boxes, _ = cv2.connectedComponentsWithStats(np.asarray(bits, np.uint8), connectivity=8)
    inside = np.flatnonzero(bits)
    owner = labels.ravel()[inside].astype(np.intp)
    largest = np.zeros(
        (len(planes), count), np.float32
    )  # contiguous and of the planes' own type: else NumPy's `at` is thirty times as slow
    for row, plane in zip(largest, planes, strict=True):
        np.maximum.at(row, owner, plane.ravel()[inside])
    table = np.column_stack([boxes[1:, cv2.CC_STAT_AREA], *largest[:, 1:]]).astype(np.float64)
    _, firsts = np.unique(owner, return_index=True)
    return table[np.argsort(firsts, kind="stable")]


def keep_by_cells(bits: Image, cells: NDArray[np.int16], side: int, least: int) -> Image:
    """As :func:`docbin.kernels.pieces.keep_by_cells`."""
    import cv2

    count, labels = cv2.connectedComponents(np.asarray(bits, np.uint8), connectivity=8)
    numbers = np.kron(cells.astype(np.int64) - least, np.ones((side, side), np.int64))[: bits.shape[0], : bits.shape[1]]
    sums = np.zeros(count, np.int64)
    np.add.at(sums, labels.ravel(), numbers.ravel())
    keeps = sums >= 0
    keeps[0] = False
    return np.asarray(keeps[labels], np.uint8)
