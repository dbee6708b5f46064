"""The NumPy twin of :mod:`docbin.kernels.jbig2`: a generic region pixel by pixel, as ITU-T T.88 (ISO/IEC 14492) has it, in its figures' names.

Kept as slow and as plain as the standard's flow charts; the compiled encoder codes runs of white at once, and must come to the same bytes.
"""

from __future__ import annotations

import numpy as np

from docbin.page import Mask

ESTIMATES = (
    (0x5601, 1, 1, 1), (0x3401, 2, 6, 0), (0x1801, 3, 9, 0), (0x0AC1, 4, 12, 0), (0x0521, 5, 29, 0), (0x0221, 38, 33, 0), (0x5601, 7, 6, 1),
    (0x5401, 8, 14, 0), (0x4801, 9, 14, 0), (0x3801, 10, 14, 0), (0x3001, 11, 17, 0), (0x2401, 12, 18, 0), (0x1C01, 13, 20, 0), (0x1601, 29, 21, 0),
    (0x5601, 15, 14, 1), (0x5401, 16, 14, 0), (0x5101, 17, 15, 0), (0x4801, 18, 16, 0), (0x3801, 19, 17, 0), (0x3401, 20, 18, 0), (0x3001, 21, 19, 0),
    (0x2801, 22, 19, 0), (0x2401, 23, 20, 0), (0x2201, 24, 21, 0), (0x1C01, 25, 22, 0), (0x1801, 26, 23, 0), (0x1601, 27, 24, 0), (0x1401, 28, 25, 0),
    (0x1201, 29, 26, 0), (0x1101, 30, 27, 0), (0x0AC1, 31, 28, 0), (0x09C1, 32, 29, 0), (0x08A1, 33, 30, 0), (0x0521, 34, 31, 0), (0x0441, 35, 32, 0),
    (0x02A1, 36, 33, 0), (0x0221, 37, 34, 0), (0x0141, 38, 35, 0), (0x0111, 39, 36, 0), (0x0085, 40, 37, 0), (0x0049, 41, 38, 0), (0x0025, 42, 39, 0),
    (0x0015, 43, 40, 0), (0x0009, 44, 41, 0), (0x0005, 45, 42, 0), (0x0001, 45, 43, 0), (0x5601, 46, 46, 0),
)  # fmt: skip
"""Table E.1: Qe, the next index after the more probable symbol, after the less probable one, whether the symbols then change places."""

TYPICAL_CONTEXT = 0x9B25
"""The context in which "this row repeats the one above" is coded (6.2.5.7)."""


class ArithmeticEncoder:
    """Annex E.2. `code` takes the number of a context and a symbol, 0 or 1; `finish` gives all bytes."""

    def __init__(self) -> None:
        self._index: dict[int, int] = {}
        self._more: dict[int, int] = {}
        self._a, self._c, self._count, self._bytes = 0x8000, 0, 12, bytearray(1)

    def code(self, context: int, symbol: int) -> None:
        index, more = self._index.get(context, 0), self._more.get(context, 0)
        estimate, after_more, after_less, switch = ESTIMATES[index]
        self._a -= estimate
        if symbol == more:
            if self._a & 0x8000:
                self._c += estimate
                return
            if self._a < estimate:
                self._a = estimate
            else:
                self._c += estimate
            self._index[context] = after_more
        else:
            if self._a < estimate:
                self._c += estimate
            else:
                self._a = estimate
            if switch:
                self._more[context] = 1 - more
            self._index[context] = after_less
        while True:
            self._a, self._c, self._count = self._a << 1, self._c << 1, self._count - 1
            if self._count == 0:
                self._byte_out()
            if self._a & 0x8000:
                return

    def _byte_out(self) -> None:
        if self._bytes[-1] != 0xFF and self._c >= 0x8000000:
            self._bytes[-1] += 1
            if self._bytes[-1] == 0xFF:
                self._c &= 0x7FFFFFF
        if self._bytes[-1] == 0xFF:
            self._bytes.append(self._c >> 20)
            self._c, self._count = self._c & 0xFFFFF, 7
        else:
            self._bytes.append(self._c >> 19 & 0xFF)
            self._c, self._count = self._c & 0x7FFFF, 8

    def finish(self) -> bytes:
        upper = self._c + self._a
        self._c |= 0xFFFF
        if self._c >= upper:
            self._c -= 0x8000
        for _ in range(2):
            self._c <<= self._count
            self._byte_out()
        if self._bytes[-1] != 0xFF:
            self._bytes.append(0xFF)
        return bytes(self._bytes[1:]) + b"\xac"


def generic_region(mask: Mask, *, typical: bool) -> bytes:
    """See :func:`docbin.kernels.jbig2.generic_region`."""
    height, width = mask.shape
    page = np.zeros((height + 2, width + 8), np.int64)  # white around it: two rows above, four pixels to each side
    page[2:, 4:-4] = mask
    encoder = ArithmeticEncoder()
    repeats = False
    for y in range(2, height + 2):
        if typical:
            now = bool((page[y] == page[y - 1]).all())
            encoder.code(TYPICAL_CONTEXT, int(now != repeats))
            repeats = now
            if repeats:
                continue
        row, above, second = page[y].tolist(), page[y - 1].tolist(), page[y - 2].tolist()
        for x in range(4, width + 4):
            context = 0
            for pixel in (*second[x - 2 : x + 3], *above[x - 3 : x + 4], *row[x - 4 : x]):
                context = context << 1 | pixel
            encoder.code(context, row[x])
    return encoder.finish()
