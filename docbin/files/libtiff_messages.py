"""What libtiff says of a damaged file: for docbin's warnings, not for the terminal.

libtiff tells of damage by a line on stderr for every line of a fax that it cannot read, hundreds a page, which name no file, and Pillow hands none of
them on: such a page looks whole to a program. So docbin has libtiff call it instead. The library is the one that Pillow has loaded, found through
Pillow's own module; where it cannot be (Windows, where it is a part of that module), its lines go where they always went.
"""

from __future__ import annotations

import ctypes
import functools
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any

_LONGEST = 500
_listening = threading.local()
"""`lists`, a thread's own: where what libtiff says goes, the innermost last."""


@contextmanager
def libtiff_messages() -> Iterator[Collection[str]]:
    """What libtiff says of damage in this thread while the context lasts, each thing once; of contexts in one another the inner hears."""
    _install()
    lists = _lists()
    said: dict[str, None] = {}
    lists.append(said)
    try:
        yield said
    finally:
        lists.pop()


def _lists() -> list[dict[str, None]]:
    lists: list[dict[str, None]] | None = getattr(_listening, "lists", None)
    if lists is None:
        lists = _listening.lists = []
    return lists


@functools.cache
def _install() -> Callable[..., None] | None:
    """Have libtiff call us, from now on; None where it cannot be found."""
    from PIL.Image import core  # type: ignore[attr-defined]

    handler_type = ctypes.CFUNCTYPE(
        None, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p
    )  # where, format, va_list: a pointer on every system
    try:
        set_handler = ctypes.CDLL(core.__file__).TIFFSetErrorHandler  # looks through what the module is linked with, too
        write_out = ctypes.CDLL(None).vsnprintf
    except (AttributeError, OSError, TypeError):
        return None
    write_out.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_void_p]
    set_handler.argtypes, set_handler.restype = [ctypes.c_void_p], ctypes.c_void_p
    before: Any = None

    def heard(module: bytes | None, format: bytes, values: int | None) -> None:
        lists = _lists()
        if not lists:  # Pillow at work for somebody else
            if before is not None:
                before(module, format, values)
            return
        text = ctypes.create_string_buffer(_LONGEST)
        write_out(text, _LONGEST, format, values)
        said = b": ".join(part for part in (module, text.value) if part).decode(errors="replace")
        lists[-1].setdefault(said)

    handler = handler_type(heard)
    address = set_handler(ctypes.cast(handler, ctypes.c_void_p))
    before = handler_type(address) if address else None
    return handler  # kept alive by the cache: libtiff calls it until the process ends
