"""A catalogue for tests alone: a plain threshold, and one that misbehaves on marked pages.

Worker processes import it by name (``"tests.batch.faults:ROWS"``), so nothing of it is reachable in the product. A page is marked by the grey value
of its top left pixel; any other page comes out as ``grey < 128``.
"""

from __future__ import annotations

import ctypes
import os
import signal
import time
from typing import Any

import numpy as np

from docbin.catalogue import Method
from docbin.page import FloatMap, Image, Mask, to_grey
from docbin.registry import Param

RAISES, KILLED, HANGS, WRONG_SHAPE, WRONG_TYPE, NO_MEMORY, SEGFAULT, PRINTS, NAN = range(1, 10)


def half(image: Image, **_: Any) -> Mask:
    """Ink where grey < 128."""
    return to_grey(image) < 128


def slow(image: Image, seconds: float) -> Mask:
    """As `half`, after a pause."""
    time.sleep(seconds)
    return half(image)


def first_slow(image: Image) -> Mask:
    """As `half`; the page of seed 0 takes a second."""
    if (image == _first()).all():
        time.sleep(1.0)
    return half(image)


def _first() -> Image:
    from tests.batch.pages import grey

    return grey(0, 9)


def threads(image: Image) -> Mask:
    """As `half`, where every library is down to one thread; else an error."""
    import cv2

    from docbin import kernels

    to_grey(np.repeat(image[..., None], 3, axis=2))  # OpenCV at work
    if (kernels.threads(), cv2.getNumThreads(), os.environ.get("OMP_NUM_THREADS")) != (1, 1, "1"):
        raise RuntimeError(f"{kernels.threads()} {cv2.getNumThreads()} {os.environ.get('OMP_NUM_THREADS')}")
    return half(image)


def marked(image: Image) -> Any:
    """Do what the mark asks for, else as `half`."""
    mark = int(to_grey(image)[0, 0])
    if mark == RAISES:
        raise ZeroDivisionError("a bug of the method")
    if mark == KILLED:
        os.kill(os.getpid(), signal.SIGKILL)
    if mark == HANGS:
        time.sleep(3600)
    if mark == NO_MEMORY:
        raise MemoryError
    if mark == SEGFAULT:
        ctypes.string_at(0)
    if mark == PRINTS:
        print("printed by Python")
        os.write(1, b"written by a C library\n")
    if mark == WRONG_SHAPE:
        return half(image)[1:]
    return half(image).astype(np.uint8) if mark == WRONG_TYPE else half(image)


def chance(image: Image) -> FloatMap:
    """A probability map; NaN on a marked page."""
    grey = to_grey(image)
    probability = 1.0 - grey.astype(np.float32) / 255
    if grey[0, 0] == NAN:
        probability[3, 3] = np.nan
    return probability


ROWS = {
    row.name: row
    for row in (
        Method(
            "half",
            "tests",
            "a plain threshold",
            "nobody",
            "tests.batch.faults:half",
            params=(Param("unused", 1, "changes nothing", min=0, max=9),),
        ),
        Method(
            "slow", "tests", "takes its time", "nobody", "tests.batch.faults:slow", params=(Param("seconds", 0.1, "pause, seconds", min=0),)
        ),
        Method(
            "marked", "tests", "misbehaves on marked pages", "nobody", "tests.batch.faults:marked", probability="tests.batch.faults:chance"
        ),
        Method("first_slow", "tests", "slow on the first page", "nobody", "tests.batch.faults:first_slow"),
        Method("threads", "tests", "wants one thread", "nobody", "tests.batch.faults:threads"),
        Method(
            "absent", "tests", "needs what is not there", "nobody", "tests.batch.faults:half", needs=("no_such_module",), extra="nothing"
        ),
    )
}
