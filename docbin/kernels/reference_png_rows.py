"""The slow, obvious twin of :mod:`docbin.kernels.png_rows`: byte by byte, as the specification has it."""

from __future__ import annotations

from docbin.page import Image


def png_rows(filtered: Image, step: int, top: int, out: Image) -> bool:
    """As :func:`docbin.kernels.png_rows.png_rows`."""
    for place, line in enumerate(filtered.tolist(), top):
        kind, line = line[0], line[1:]
        if kind > 4:
            return False
        above = out[place - 1].tolist() if place else [0] * len(line)
        row: list[int] = []
        for x, value in enumerate(line):
            left, corner = (row[x - step], above[x - step]) if x >= step else (0, 0)
            guess = (0, left, above[x], (left + above[x]) // 2, _paeth(left, above[x], corner))[kind]
            row.append((value + guess) % 256)
        out[place] = row
    return True


def _paeth(left: int, above: int, corner: int) -> int:
    """Of three neighbours the one nearest to what a plane through them has here (A. W. Paeth, Graphics Gems II, 1991)."""
    plane = left + above - corner
    return min((left, above, corner), key=lambda neighbour: abs(plane - neighbour))  # the first of equals
