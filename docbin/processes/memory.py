"""How much memory there is, and holding this process to a part of it."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from pathlib import Path

_CGROUP_FILES = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
UNKNOWN = 8 << 30
"""Bytes that are taken for the machine's memory where the system does not say."""
KEPT = 256 << 20
"""Bytes of freed memory that :func:`keep_freed_memory` lets a process hold for its next page: what a page of 20 megapixels takes at the most."""
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD, _M_MMAP_MAX = -1, -2, -3, -4  # names of mallopt(3)
_BLOCK, _STEP = 32 << 20, 1 << 20
"""Bytes of the largest block that is taken from the heap (glibc allows no more), and by which the heap grows."""


def machine_memory() -> int:
    """Bytes of memory that this machine, or the container around this process, has."""
    found = []
    with contextlib.suppress(ValueError, OSError, AttributeError):
        found.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    for path in _CGROUP_FILES:
        with contextlib.suppress(OSError, ValueError):  # "max" where there is no limit
            found.append(int(Path(path).read_text()))
    return min((size for size in found if size > 0), default=UNKNOWN)


def limit_memory(most: int, *, address_space: bool = False) -> None:
    """Let this process have at most so many bytes, and let it leave no core file; beyond them an allocation fails as where memory ends.

    What is limited is the memory that the process may write (``RLIMIT_DATA``: on Linux all private mappings), else, or where `address_space` is
    True, the addresses that it may map (``RLIMIT_AS``), libraries and reservations included. Where the system has neither (Windows) nothing is.
    """
    if sys.platform == "win32":
        return
    import resource

    kind = resource.RLIMIT_DATA if sys.platform == "linux" and not address_space else resource.RLIMIT_AS
    for limit, value in ((kind, most), (resource.RLIMIT_CORE, 0)):
        with contextlib.suppress(ValueError, OSError):  # macOS knows the first by name only; a hard limit may be lower already
            resource.setrlimit(limit, (value, value))


def memory_limit() -> int | None:
    """Bytes that this process may use by :func:`limit_memory` or a limit that it was started with; None where there is no limit."""
    if sys.platform == "win32":
        return None
    import resource

    limits = [resource.getrlimit(kind)[0] for kind in (resource.RLIMIT_DATA, resource.RLIMIT_AS)]
    return min((limit for limit in limits if limit != resource.RLIM_INFINITY), default=None)


def memory_in_use() -> int:
    """Bytes that count against :func:`memory_limit` now; 0 where the system does not say."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(Path("/proc/self/statm").read_text().split()[5]) * os.sysconf("SC_PAGE_SIZE")
    return 0


def keep_freed_memory(most: int | None = KEPT) -> bool:
    """Have this process keep up to `most` bytes that it frees, for a page that is like the last one; None: all of them, whatever a block's size.

    False where the system's allocator has no such switch.

    glibc gives large blocks back to the system at once, and for the next page the system finds and clears them again, 4 KiB at a time. Pages of A4 by
    Sauvola's method: at 300 dpi 14,000 page faults (0.03 s) become none, at 600 dpi 89,000 (0.24 s) become 26,000, for blocks above 32 MiB stay with
    the system. The most that the process holds at a time is 178 MB as before, and 500 MB for 420. A training on a CPU frees and asks for gigabytes a
    second, the same blocks at every step: on two cores it spent five sixths of its time so (2.3 crops/s of `unet` instead of 14.6), and keeps all.
    Allocators other than glibc's stay as they are.
    """
    if sys.platform != "linux":
        return False
    try:
        change = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):  # musl
        return False
    if most is None:  # the largest threshold is that of a C int: beyond 2 GiB at the heap's end may still be given back
        settings = {_M_MMAP_MAX: 0, _M_TRIM_THRESHOLD: 2**31 - 1}
    else:
        settings = {_M_MMAP_THRESHOLD: _BLOCK, _M_TRIM_THRESHOLD: most, _M_TOP_PAD: _STEP}
    changed: int = sum(change(name, value) for name, value in settings.items())
    return changed == len(settings)


def give_back_freed_memory() -> None:
    """Give what :func:`keep_freed_memory` kept back to the system, before somebody asks how much is free."""
    if sys.platform == "linux":
        with contextlib.suppress(AttributeError, OSError):
            ctypes.CDLL(None).malloc_trim(0)
