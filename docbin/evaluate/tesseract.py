"""Tesseract through its command: a page to the text that it reads there.

The command and not a library, because what is measured is what a user has installed. It gets one thread and a limit of time; the picture goes through
a temporary file, with its resolution, by which Tesseract judges what is too small.
"""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from docbin.errors import MissingExtra, PageFailed, UsageError
from docbin.page import Image, Mask

PROGRAM = "tesseract"
SECONDS = 600.0
"""Longest that a page may take."""
THRESHOLDS = {"tesseract-otsu": 1, "tesseract-sauvola": 2}
"""Names of Tesseract's own thresholds -> ``thresholding_method``; without one it takes its older Otsu for the layout and reads grey lines."""


@functools.lru_cache(maxsize=1)
def program() -> str:
    """The path of the command; MissingExtra where there is none."""
    found = shutil.which(PROGRAM)
    if found is None:
        raise MissingExtra("OCR as a judge needs the program tesseract; install it (Debian, Ubuntu: apt install tesseract-ocr)")
    return found


@functools.lru_cache(maxsize=1)
def languages() -> frozenset[str]:
    """The languages and scripts that are installed, by the names that ``-l`` takes."""
    done = subprocess.run([program(), "--list-langs"], capture_output=True, text=True, timeout=60, check=False)
    return frozenset(line.strip() for line in (done.stdout or done.stderr).splitlines()[1:] if line.strip())


def check_language(language: str) -> None:
    """Refuse a language, or several joined by ``+``, of which one is not installed.

    Raises
    ------
    MissingExtra
        The program, or the data of a language.
    UsageError
        It is no language's name.
    """
    for part in language.split("+"):
        if not part[:1].isalpha() or not part.replace("_", "").replace("/", "").replace("-", "").isalnum():
            raise UsageError(f"--ocr {language!r}: a language of Tesseract is wanted, such as eng, deu or eng+fra")
        if part not in languages():
            short = part.split("/")[-1].lower().replace("_", "-")
            package = f"tesseract-ocr-{'script-' + short[:4] if part[:1].isupper() or '/' in part else short}"
            raise MissingExtra(
                f"tesseract has no language {part} here; it has {', '.join(sorted(languages())) or 'none'} (Debian, Ubuntu: apt install {package})"
            )


def read(
    page: Image | Mask, language: str, page_mode: int | None = None, dpi: tuple[float, float] | None = None, threshold: int | None = None
) -> str:
    """What Tesseract reads on a page.

    Parameters
    ----------
    page : uint8 (H, W) or (H, W, 3), or ink bool (H, W)
    language, page_mode : its ``-l`` and ``--psm``; None is its default, 3
    dpi : the page's resolution; None lets it guess
    threshold : its ``thresholding_method``; None is its default

    Raises
    ------
    MissingExtra
        The program is not installed.
    PageFailed
        It ends with an error, or needs more than `SECONDS`.
    """
    digest = hashlib.sha256(np.ascontiguousarray(page).data).hexdigest()
    asked = digest, page.dtype.str, page.shape, language, page_mode, dpi, threshold
    if asked not in _READ:
        _READ[asked] = _read(page, language, page_mode, dpi, threshold)
    return _READ[asked]


_READ: dict[tuple[object, ...], str] = {}
"""What was read by this process: methods that make the same of a page (``METHOD@auto`` of one with large letters) have it read once."""


def _read(page: Image | Mask, language: str, page_mode: int | None, dpi: tuple[float, float] | None, threshold: int | None) -> str:
    from docbin.files import write_page, write_picture

    with tempfile.TemporaryDirectory(prefix="docbin-ocr-") as folder:
        path = Path(folder) / "page.png"
        if page.dtype == np.bool_:
            write_page(np.asarray(page, np.bool_), path, dpi)
        else:
            write_picture(np.asarray(page, np.uint8), path, dpi)
        words = [program(), str(path), "-", "-l", language]
        words += [] if page_mode is None else ["--psm", str(page_mode)]
        words += [] if threshold is None else ["-c", f"thresholding_method={threshold}"]
        try:
            done = subprocess.run(
                words,
                capture_output=True,
                timeout=SECONDS,
                check=False,
                stdin=subprocess.DEVNULL,
                env={**os.environ, "OMP_THREAD_LIMIT": "1"},
            )
        except subprocess.TimeoutExpired:
            raise PageFailed(f"tesseract needs more than {SECONDS:.0f} s") from None
    if done.returncode:
        said = " ".join(done.stderr.decode(errors="replace").split())[-300:]
        raise PageFailed(f"tesseract ended with {done.returncode}: {said}")
    return done.stdout.decode("utf-8", errors="replace")
