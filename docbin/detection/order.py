"""The order in which one would read words that lie anywhere: lines from top to bottom, words of a line from left to right."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from docbin.word import Polygon

SAME_LINE = 0.5
"""Two words are on one line where their heights share at least this part of the lower one."""


def reading_order(polygons: Sequence[Polygon]) -> list[int]:
    """Indices of words in reading order; float (n, 2) outlines in pixels.

    Words are taken from top to bottom by their middles. Each joins the line whose last taken word it overlaps most in height, if by at least half of
    the lower of the two, else it begins a line. Lines are read in the order of their highest middles.
    """
    if not polygons:
        return []
    tops, bottoms = np.array([p[:, 1].min() for p in polygons], float), np.array([p[:, 1].max() for p in polygons], float)
    lefts = np.array([p[:, 0].min() for p in polygons], float)
    lines: list[list[int]] = []
    ends = np.zeros((len(polygons), 2))  # top and bottom of the last word of each line
    for word in np.argsort((tops + bottoms) / 2, kind="stable").tolist():
        top, bottom = tops[word], bottoms[word]
        count = len(lines)
        shared = np.minimum(ends[:count, 1], bottom) - np.maximum(ends[:count, 0], top)
        part = shared / np.maximum(np.minimum(ends[:count, 1] - ends[:count, 0], bottom - top), 1e-9)
        best = int(np.argmax(part)) if count else 0
        if count and part[best] >= SAME_LINE:
            lines[best].append(word)
        else:
            best = count
            lines.append([word])
        ends[best] = top, bottom
    return [word for line in lines for word in sorted(line, key=lambda k: (lefts[k], k))]
