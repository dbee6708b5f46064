"""Pictures on a page of text: photographs and whatever else is dark or grey from edge to edge, in several tones.

One bit a pixel keeps the outlines of a picture, or patches of it, and a verdict on writing has nothing against that: outlines are like strokes. So a
picture is looked for by itself: a region larger than any letter within which no paper is seen, and which ends as sharply as something printed or
pasted on does. Stains, shadows and brown edges fade into the paper; tables, lids and gutters reach the edge of the page. Between the dots of a
coarse halftone there is paper: that is told by its dots (:mod:`docbin.assessment.reasons`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from docbin.assessment.signs import Signs
from docbin.dark_panels import paper_level
from docbin.kernels.area_means import area_means
from docbin.kernels.order_statistics import median
from docbin.page import Mask

SIDE = 800
"""Pixels of the longer side that a page is looked at."""
STROKE = 13
"""Dark strokes up to so many of these pixels are writing; a headline of 60 points has less."""
PAPER = 0.85
"""Of the page's light paper, what a picture is at most."""
LEAST = 0.02
"""Share of the page that a picture takes at least."""
STEP, STEPS = 24, 0.8
"""Grey levels within four of these pixels across a picture's outline, and the part of the outline that is so sharp."""
CONVEX = 0.65
"""Share of its convex hull that a picture fills at least."""
VARIED = 20.0
"""Mean distance of a picture's pixels from their median at least, grey levels, letters left out: a coloured box or a sticky note has 1,
stains of benchmark pages 17 at most where they end sharply."""
SOLID = 0.97
"""Share of ink from which it is drawn as it is: a black square."""


class Pictures(NamedTuple):
    """The pictures of a page: how many, their share of it, and what share of them is ink."""

    number: int
    share: float
    ink: float


def pictures(page: Signs, ink: Mask) -> Pictures:
    """The pictures of a page that its ink, bool (H, W), does not draw as they are; those that reach the page's edge do not count."""
    import cv2

    grey = page.overview.grey
    shrink = max(1.0, max(grey.shape) / SIDE)
    size = (max(1, round(grey.shape[0] / shrink)), max(1, round(grey.shape[1] / shrink)))
    small = area_means(grey, size) if shrink > 1 else grey
    paper = PAPER * paper_level(small)
    # A page's edge continues what lies at it; else strokes there would be wider than they are.
    closed = np.asarray(
        cv2.morphologyEx(small, cv2.MORPH_CLOSE, np.ones((STROKE, STROKE), np.uint8), borderType=cv2.BORDER_REPLICATE), np.uint8
    )
    dark = np.asarray(cv2.threshold(closed, paper, 1, cv2.THRESH_BINARY_INV)[1], np.uint8)
    if np.count_nonzero(dark) < LEAST * dark.size:
        return Pictures(0, 0.0, 0.0)
    found = np.zeros_like(dark)
    steep: np.ndarray[tuple[int, ...], np.dtype[np.uint8]] | None = None
    count = 0
    for outline in cv2.findContours(dark, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0]:
        area, (x, y, wide, high) = cv2.contourArea(outline), cv2.boundingRect(outline)
        if area < LEAST * dark.size or x < 2 or y < 2 or x + wide > size[1] - 2 or y + high > size[0] - 2:
            continue
        if area < CONVEX * cv2.contourArea(cv2.convexHull(outline)):
            continue
        steep = np.asarray(cv2.morphologyEx(small, cv2.MORPH_GRADIENT, np.ones((5, 5), np.uint8)), np.uint8) if steep is None else steep
        if float((steep[outline[:, 0, 1], outline[:, 0, 0]] >= STEP).mean()) < STEPS:
            continue
        inside = np.zeros_like(dark)
        cv2.drawContours(inside, [outline], -1, 1, cv2.FILLED)
        values = closed[cv2.erode(inside, np.ones((STROKE // 2, STROKE // 2), np.uint8)) > 0]
        if not len(values) or float(np.abs(values - np.float32(median(values))).mean()) < VARIED:
            continue
        found |= inside
        count += 1
    if not count:
        return Pictures(0, 0.0, 0.0)
    inked = (
        area_means(np.ascontiguousarray(ink).view(np.uint8), size, times=255)
        if max(ink.shape) > SIDE
        else np.asarray(255 * ink.view(np.uint8), np.uint8)
    )
    drawn = float(inked[found > 0].mean() / 255)
    return Pictures(count, float(np.count_nonzero(found) / found.size), drawn) if drawn < SOLID else Pictures(0, 0.0, 0.0)
