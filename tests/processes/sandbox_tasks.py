"""Tasks for the sandbox's tests: one that works, and one for each way to go wrong. Imported in the child."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

from docbin.errors import InputError, RefusedInput


def echo(**arguments: Any) -> Any:
    return arguments


def process() -> int:
    return os.getpid()


def hang() -> None:
    time.sleep(3600)


def hang_in_c() -> None:
    """Ignores every signal that can be ignored, as a loop in a decoder does."""
    import signal

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    while True:
        sum(range(10_000_000))


def half_an_answer() -> None:
    """Writes the length of a message on the pipe, and never the message."""
    import struct

    for number in range(3, 64):
        try:
            if str(Path(f"/proc/self/fd/{number}").readlink()).startswith("socket:"):
                os.write(number, struct.pack("!i", 1000))
                break
        except OSError:
            continue
    time.sleep(3600)


def bomb(megabytes: int) -> int:
    held = [bytearray(1 << 20) for _ in range(megabytes)]
    return len(held)


def bomb_in_numpy(megabytes: int) -> int:
    import numpy as np

    return int(np.ones(megabytes << 20, np.uint8)[-1])


def crash() -> None:
    import ctypes

    ctypes.string_at(0)


def leave() -> None:
    os._exit(7)


def refuse() -> None:
    raise RefusedInput("scan.png: too large; make it smaller")


def run_out() -> None:
    try:
        raise MemoryError
    except MemoryError as error:
        raise InputError("scan.png: no memory") from error


def mistake() -> None:
    raise ValueError("seven")


def chatter() -> str:
    print("to stdout")
    print("to stderr", file=sys.stderr)
    return "heard"


def too_much() -> str:
    return "x" * (40 << 20)


def file_too_long(path: str) -> int:
    with Path(path).open("wb") as file:
        file.truncate(2 << 30)
    return Path(path).stat().st_size


TASKS = {
    function.__name__: function
    for function in list(globals().values())
    if callable(function) and getattr(function, "__module__", "") == __name__
}
