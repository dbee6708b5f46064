"""The errors a user can meet, each with the exit code that the command line returns for it.

A message names the file, the page, the value and the way out: ``page 3 of scan.tif: float pixels hold NaN; re-export the page as 8 or 16 bit``.
Anything else that escapes is a bug in docbin.
"""

from __future__ import annotations


class DocbinError(Exception):
    """Base of every error docbin raises on purpose."""

    exit_code = 1


class UsageError(DocbinError, ValueError):
    """A wrong option, method, parameter or combination of them (exit code 1)."""

    exit_code = 1


class InputError(DocbinError):
    """A page that cannot be read: truncated, empty, mislabelled, encrypted, unsupported pixels (exit code 2)."""

    exit_code = 2


class RefusedInput(InputError):
    """A page that could be read but is refused: over the pixel limit, a decompression bomb, a page without area (exit code 2)."""


class MissingExtra(DocbinError):
    """A method or model that needs something not installed (exit code 3); the message says what to install."""

    exit_code = 3


class FileAccessError(DocbinError):
    """A file or folder that is missing, unreadable, unwritable, or a disk that is full (exit code 5)."""

    exit_code = 5


class OutputExists(FileAccessError):
    """An output that is there already and may not be replaced (exit code 5)."""


class PageFailed(DocbinError):
    """A page that could not be finished through no fault of its file: a method broke its contract, memory ran out (exit code 6)."""

    exit_code = 6


class WorkerDied(PageFailed):
    """The process that worked on the page died: killed for want of memory, or crashed (exit code 6)."""


class PageTimeout(PageFailed):
    """The process that worked on the page gave no result in time (exit code 6)."""


class SomePagesFailed(DocbinError):
    """A batch finished but some pages failed; the report lists them (exit code 6)."""

    exit_code = 6


class Interrupted(DocbinError):
    """Ctrl-C: finished pages are kept (exit code 130)."""

    exit_code = 130
