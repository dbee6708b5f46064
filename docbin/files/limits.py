"""What a reader may spend on a page, checked from the header before a pixel is decoded.

A 48 kB PNG can unpack to 400 megapixels, a PDF page of 200 000 pt asks for 694 gigapixels at 300 dpi. The default limit of 400 megapixels admits
A1 at 600 dpi (279) and refuses A0 (558). The decoders' own guards are not used: Pillow's is a module global that belongs to the host program, warns
below an A2 page and refuses A1. Two of its users cannot be had without it (WebP, GIF); for those, and only for pages that pass it,
it is lifted for the moment of the call.
"""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Iterator
from dataclasses import dataclass

from docbin.errors import InputError, RefusedInput, UsageError
from docbin.files.resolution import HIGHEST_DPI, LOWEST_DPI

DEFAULT_MEGAPIXELS = 400.0

BYTES_A_PIXEL = 10
"""Memory that decoding may take for each pixel of the largest allowed page: RGB takes 7 (decoder's 4, ours 3), 16-bit grey 5."""

MAX_PAGES = 65_536
"""More pages than this in one file is not a document but an attack on the reader (or a TIFF whose directories form a very long chain)."""


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How a file is read.

    Attributes
    ----------
    dpi : resolution at which PDF pages are rendered, and the resolution of pages whose file names none; None: 300 for PDF, none for pictures
    max_megapixels : largest page, in millions of pixels

    Raises
    ------
    UsageError
        dpi outside 10 to 20000, or a limit that is not a positive number.
    """

    dpi: float | None = None
    max_megapixels: float = DEFAULT_MEGAPIXELS

    def __post_init__(self) -> None:
        if self.dpi is not None and not (math.isfinite(self.dpi) and LOWEST_DPI <= self.dpi <= HIGHEST_DPI):
            raise UsageError(f"dpi={self.dpi}: allowed is {LOWEST_DPI:g} to {HIGHEST_DPI:g} dots per inch")
        if not self.max_megapixels > 0:
            raise UsageError(f"max_megapixels={self.max_megapixels}: a number above 0 is wanted (millions of pixels a page)")

    def check_size(self, width: int, height: int, label: str, way_out: str = "") -> None:
        """Refuse a page without area (InputError) or over the limit (RefusedInput); `label` names it in the message."""
        if width <= 0 or height <= 0:
            raise InputError(
                f"{label}: the header says {width} x {height} pixels, a page without area; the file is damaged, scan or export it again"
            )
        megapixels = width * height / 1e6
        if megapixels > self.max_megapixels:
            digits = next((number for number in range(1, 6) if round(megapixels, number) > self.max_megapixels), 6)  # 400.02 is not 400.0
            raise RefusedInput(
                f"{label}: {width} x {height} pixels are {megapixels:,.{digits}f} megapixels, over the limit of "
                f"{self.max_megapixels:g}; "
                f"{way_out}raise the limit (--max-megapixels {math.ceil(megapixels)}) if you trust the file"
            )

    @property
    def max_bytes(self) -> float:
        """Memory that decoding one page may take: 10 bytes for each pixel of the largest page, at least 256 MiB."""
        return max(256 * 2**20, self.max_megapixels * 1e6 * BYTES_A_PIXEL)

    def check_bytes(self, width: int, height: int, bytes_a_pixel: float, label: str) -> None:
        """Refuse a page whose decoding takes more memory than :attr:`max_bytes`: all planes and working copies, by the decoder's own needs.

        `bytes_a_pixel` is what the reader of the kind knows from the header (16 bits a channel, alpha, a decoder that keeps two canvases).
        """
        needed = width * height * bytes_a_pixel
        if needed > self.max_bytes:
            raise RefusedInput(
                f"{label}: decoding {width} x {height} pixels of this kind takes {needed / 1e9:,.1f} GB, over the limit of "
                f"{self.max_bytes / 1e9:.1f} GB (10 bytes for each pixel of --max-megapixels {self.max_megapixels:g}); convert the page to 8-bit "
                f"grey, or raise the limit (--max-megapixels {math.ceil(needed / BYTES_A_PIXEL / 1e6)}) if you trust the file"
            )

    def check_pages(self, count: int, name: str) -> None:
        """Refuse a file of more than `MAX_PAGES` pages."""
        if count > MAX_PAGES:
            raise RefusedInput(f"{name}: more than {MAX_PAGES} pages; split the file if you trust it")


_PILLOW_LIMIT = threading.RLock()


@contextlib.contextmanager
def pillow_limit_lifted(pixels: int) -> Iterator[None]:
    """Around a call that asks Pillow's global limit about a page of `pixels` that ours has admitted; the limit is back afterwards."""
    from PIL import Image as pillow

    with _PILLOW_LIMIT:
        before = pillow.MAX_IMAGE_PIXELS
        if before is None or pixels <= before:
            yield
            return
        pillow.MAX_IMAGE_PIXELS = None
        try:
            yield
        finally:
            pillow.MAX_IMAGE_PIXELS = before
