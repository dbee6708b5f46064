"""A worker for the pool's tests, imported in the child."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable


class Worker:
    def __init__(self, factor: int) -> None:
        self._factor = factor
        self.progress: Callable[[], None] = lambda: None

    def answer(self, task: tuple[str, float]) -> object:
        what, value = task
        if what == "sleep":
            time.sleep(value)
        elif what == "read and sleep":
            self.progress()
            time.sleep(value)
        elif what == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif what == "memory":
            return len(bytearray(int(value)))
        elif what == "main":
            import sys

            return getattr(sys.modules["__main__"], "__file__", None)
        return value * self._factor
