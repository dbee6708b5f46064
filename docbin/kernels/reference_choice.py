"""The choice among local thresholds behind a head of bits, the slow, obvious way; the twin of ``csrc/engine/choice*``.

What the head says a cell of 4 x 4 pixels is made whole numbers and interpolated to cells of 2 x 2 exactly. There it becomes, in single precision
in a fixed order, four numbers, which are cut to whole ones again: a pixel is ink where ``level - slope * grey + page * (depth - 48)`` and the gate
are at least 0. Those, too, are interpolated exactly, so the decision is one of integers. Bounds of the file's numbers
(:mod:`docbin.engine.graph`) keep every sum within 32 bits.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from docbin.kernels.reference_stem import moments, pixels_of

RANGE = 128.0
"""Sauvola's R, grey levels."""

SCALE_WINDOW = 11
"""Side in cells of the window whose deviation is the unit of offsets and of the sharpness."""

PAGE_LEVEL, PAGE_UNIT = 48.0, 32.0
"""Level of the depth plane that parts ink and paper by the page, and what counts as one deviation there."""

CONTROLS = 3
"""Outputs of the head beside the options' weights: offset, sharpness, gate."""

SHARPENING = 1.5
"""The sharpness is its largest times exp(SHARPENING (tanh - 1))."""

GATE, GATE_SLOPE = 2, 4
"""The gate's logit is GATE + GATE_SLOPE times what the head says."""

CHOICE_UNIT, CHOICE_LARGEST = 128.0, 2047.0
"""Levels of one unit of what the head says: quantized to 1 / 128, cut just below 16; sixteen times that still fits 16 bits."""

LOGIT_UNIT = 2.0**15
"""Levels of one unit of a logit before it is interpolated."""

POWER = (1.0, 0.6930635571479797, 0.23945674300193787, 0.05322357639670372, 0.006831894163042307)
"""2^t for t in -1..0 to three millionths, lowest power first."""

Whole = NDArray[np.int32]
Floats = NDArray[np.float32]


def power(x: Floats) -> Floats:
    """2^x for -126 < x <= 0: a polynomial of the fraction, scaled by the exponent's bits."""
    whole = x.astype(np.int32)  # towards 0
    t = x - whole.astype(np.float32)
    value = np.full_like(t, POWER[-1])
    for coefficient in POWER[-2::-1]:
        value = value * t + np.float32(coefficient)
    return np.asarray(value * ((whole + 127) << 23).view(np.float32), np.float32)


def tanh(x: Floats) -> Floats:
    """Of -16 < x < 16."""
    z = power(np.abs(x) * np.float32(-2 / math.log(2)))
    size = (np.float32(1) - z) / (np.float32(1) + z)
    return np.where(x < 0, -size, size)


def quantized(head: Floats) -> Whole:
    """What the head says, float32, as whole numbers -2047..2047 of 1 / 128; what is no number is the least."""
    scaled = np.float32(CHOICE_UNIT) * head
    return np.asarray(np.rint(np.fmin(np.fmax(scaled, np.float32(-CHOICE_LARGEST)), np.float32(CHOICE_LARGEST))), np.int32)


def raised(maps: Whole) -> Whole:
    """Sixteen times the maps (n, h, w) at twice the side, interpolated: a cell's quarter is 9, 3, 3 and 1 parts of its four nearest, the map's edge
    repeated."""
    for axis in (1, 2):
        maps = np.moveaxis(maps, axis, 0)
        before, after = np.concatenate([maps[:1], maps[:-1]]), np.concatenate([maps[1:], maps[-1:]])
        pairs = np.stack([3 * maps + before, 3 * maps + after], 1)
        maps = np.moveaxis(pairs.reshape(-1, *maps.shape[1:]), 0, axis)
    return maps


def lines(
    head: Floats, pixels: NDArray[np.uint8], windows: NDArray[np.int32], floor: float, k: float, sharpness: float, has_depth: bool
) -> Whole:
    """Slope, level, gate and, with depth, the page's share, in units of 2^-15, int32 (3 or 4, h, w): a cell of 2 x 2 pixels each, from its pixels (4,
    h, w) and what the head says a cell of 4 x 4, (outputs, h / 2, w / 2)."""
    said = raised(quantized(head)).astype(np.float32)  # of 1 / 2048, each below 2^15
    options = 2 * len(windows) + has_depth
    unit = np.float32(1 / (16 * CHOICE_UNIT))
    shares = power((said[:options] - said[:options].max(0)) * np.float32(1 / (16 * CHOICE_UNIT * math.log(2))))
    total = shares[0]
    for share in shares[1:]:
        total = total + share
    *around, (_, spread) = moments(pixels, np.array([*windows.tolist(), SCALE_WINDOW], np.int32), floor)
    one, of_k = np.float32(1), np.float32(k)
    base, slant = (one - of_k) - of_k * np.float32(floor) * np.float32(1 / RANGE), of_k * np.float32(1 / RANGE)
    local = threshold = np.zeros_like(total)
    for at, (mean, deviation) in enumerate(around):
        of_mean, of_sauvola = shares[2 * at], shares[2 * at + 1]
        local = local + (of_mean + of_sauvola)
        threshold = threshold + mean * (of_mean + of_sauvola * (base + slant * deviation))
    offset, sharper, gate = said[options:]
    exponent = np.float32(SHARPENING / math.log(2)) * (tanh(unit * sharper) - one)
    sharp = np.float32(sharpness) * power(exponent)
    share_of = sharp / total
    of_grey = share_of / spread
    maps = [of_grey * local, of_grey * threshold + sharp * tanh(unit * offset)]
    if has_depth:
        maps.append(share_of * shares[options - 1] * np.float32(1 / PAGE_UNIT))
    cut = [(np.float32(LOGIT_UNIT) * part).astype(np.int32) for part in maps]  # towards 0
    gates = round(GATE * LOGIT_UNIT) + round(GATE_SLOPE * LOGIT_UNIT / (16 * CHOICE_UNIT)) * gate.astype(np.int32)
    return np.stack([*cut[:2], gates, *cut[2:]])


def decided(
    head: Floats,
    page: NDArray[np.uint8],
    depth: NDArray[np.uint8] | None,
    windows: NDArray[np.int32],
    floor: float,
    k: float,
    sharpness: float,
) -> Floats:
    """Logits of ink, float32 (H, W).

    Parameters
    ----------
    head : what the network's bits say a cell of 4 x 4 pixels, float32 (options + 3, H / 4, W / 4): logits of the options' shares (for each window its
        mean and Sauvola's threshold, then, with `depth`, the page's own), offset, sharpness, gate
    page, depth : uint8 (H, W), of sides that 4 divides
    windows : sides in cells of 2 x 2 pixels, odd
    floor : added to the local deviations, grey levels
    k : Sauvola's k, 0..1
    sharpness : the largest that a pixel's comparison can have, logits a deviation
    """
    slope, level, gate, *of_page = raised(lines(head, pixels_of(page), windows, floor, k, sharpness, depth is not None))
    darker = level - slope * page.astype(np.int32)
    if depth is not None:
        darker = darker + of_page[0] * (depth.astype(np.int32) - round(PAGE_LEVEL))
    return np.asarray(np.minimum(darker, gate).astype(np.float32) * np.float32(1 / (16 * LOGIT_UNIT)), np.float32)
