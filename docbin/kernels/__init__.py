"""The compiled core and its dispatch.

A kernel exists several times: compiled for the baseline CPU ("scalar"), for AVX2, for AVX-512 or for NEON, and as a slow, obviously right NumPy
twin in ``docbin.kernels.reference_*`` ("numpy"). All levels return the same bits; only the time differs. The level is chosen once, best first, and
can be forced by the environment variable ``DOCBIN_KERNELS`` or by :func:`use`. An install without a compiler has "numpy" alone.

"avx512" asks for AVX-512 F, BW, DQ and VL and nothing more, which every server with AVX-512 has; "avx512vnni" for VNNI besides, which the 8-bit step
of the 1-bit networks and the 16-bit convolutions use (all other kernels are the same at both).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from docbin.errors import MissingExtra, UsageError

try:
    from docbin.kernels import _core
except ImportError:  # a build without a C++ compiler
    _core = None  # type: ignore[assignment]

INTERFACE = 12
"""How the functions of the compiled core are called; ``csrc/bind/module.cpp`` has the same number."""
if _core is not None and getattr(_core, "interface", 1) != INTERFACE:
    raise MissingExtra(
        f"{_core.__file__} was built from other C++ sources than this docbin (interface {getattr(_core, 'interface', 1)}, wanted is {INTERFACE}); "
        "build it again: pip install --no-build-isolation --no-deps -e . in a checkout, else pip install --force-reinstall docbin"
    )

KNOWN = ("numpy", "scalar", "avx2", "avx512", "avx512vnni", "neon")


def levels() -> tuple[str, ...]:
    """Levels that this install and this CPU can run, worst first; "numpy" is always there."""
    return ("numpy", *(_core.available_levels() if _core is not None else ()))


def _checked(level: str, asked_by: str) -> str:
    if level not in KNOWN:
        raise UsageError(f"{asked_by}={level!r}: no such kernel level; choose one of {', '.join(levels())}")
    if level not in levels():
        raise UsageError(
            f"{asked_by}={level!r}: this {'build' if _core is None else 'CPU or build'} cannot run it; here work {', '.join(levels())}"
        )
    return level


_forced: str | None = None


def active() -> str:
    """The level in force: the one forced by :func:`use` or ``DOCBIN_KERNELS``, else the best available.

    Raises
    ------
    UsageError
        ``DOCBIN_KERNELS`` names a level that does not exist or cannot run here.
    """
    if _forced is not None:
        return _forced
    asked = os.environ.get("DOCBIN_KERNELS", "").strip().lower()
    return _checked(asked, "DOCBIN_KERNELS") if asked else levels()[-1]


def compiled() -> bool:
    """Whether the level in force is one of the compiled core's, not the NumPy twins'."""
    return active() != "numpy" and _core is not None


@contextmanager
def use(level: str) -> Iterator[str]:
    """Force a level inside a ``with`` block (tests and benchmarks)."""
    global _forced
    before, _forced = _forced, _checked(level, "level")
    try:
        yield level
    finally:
        _forced = before


_at_most: ContextVar[int | None] = ContextVar("docbin_threads", default=None)


@contextmanager
def at_most(threads: int | None) -> Iterator[None]:
    """Hold the kernels that this thread calls inside a ``with`` block to so many threads; None: no limit. For callers with threads of their own."""
    token = _at_most.set(threads)
    try:
        yield
    finally:
        _at_most.reset(token)


def threads() -> int:
    """Threads a kernel may use: ``DOCBIN_THREADS``, else the limit of :func:`at_most`, else the CPUs this process may run on."""
    asked = os.environ.get("DOCBIN_THREADS", "").strip()
    if asked:
        if not asked.isdigit() or int(asked) < 1:
            raise UsageError(f"DOCBIN_THREADS={asked!r}: wants a whole number of at least 1")
        return int(asked)
    limit = _at_most.get()
    if limit is not None:
        return max(1, limit)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
