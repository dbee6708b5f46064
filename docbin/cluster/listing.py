"""Inputs as the units of a work list, one at a time: ``docbin list``.

Memory does not grow with the list. Names that would collide in the output folder get longer, as :mod:`docbin.batch.names` says, and for that only
neighbours have to be compared: two names can clash only if they lie in one folder and are equal up to their first dot, and such names follow each
other in the order in which folders and stores are listed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from docbin.batch.inputs import Refused, Skipped, Source, each, natural
from docbin.batch.names import stems
from docbin.batch.work_list import Unit
from docbin.errors import DocbinError
from docbin.files.remote_path import RemotePath

_ONE_PAGE = frozenset([".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".dib", ".jp2", ".j2k", ".j2c", ".jpc"])
"""Suffixes of files that hold one page, without a look."""
_COUNT_SECONDS = 30.0
"""A file whose pages are not counted by then is listed without their number."""


def units(words: Sequence[str], spool: Path, *, count: bool = True) -> Iterator[Unit | Refused | Skipped]:
    """The units that INPUT words mean, in the order of the words.

    Parameters
    ----------
    words : as :func:`docbin.batch.plan` takes them, but for stdin
    spool : folder for temporary files
    count : look into files of this machine for their number of pages where the suffix does not say it; objects in stores are not opened
    """
    from docbin.processes.pool import Pool

    pool = Pool("docbin.cluster.listing:PageCounter", seconds=_COUNT_SECONDS, memory=2 << 30)
    try:
        for (kind, _), group in groupby(each(words, spool, distinct=len(words) > 1), key=_group):
            if kind == "said":
                yield from (item for item in group if not isinstance(item, Source))
                continue
            members = [item for item in group if isinstance(item, Source)]
            for source, stem in zip(members, stems(members), strict=True):
                yield _unit(source, stem, pool if count else None)
    finally:
        pool.close()


def _group(item: Source | Refused | Skipped) -> tuple[str, Any]:
    """Sources with equal keys may want the same name; see the module's docstring."""
    if not isinstance(item, Source):
        return "said", None
    if not item.walked:
        return "named", None
    first = item.place.name.split(".")[0]
    if isinstance(item.path, RemotePath):
        return "object", (item.place.parent, first)
    return "file", (item.place.parent, natural(first))  # the order of a walk, in which p1 and p01 mix


def _unit(source: Source, stem: str, pool: Any) -> Unit:
    name = Path(stem).as_posix()
    if isinstance(source.path, RemotePath):
        etag = str(source.stat[2]) if source.stat is not None and source.stat[2] else None
        return Unit(source.path.url, name, source.size, etag, 1 if source.path.suffix.lower() in _ONE_PAGE else None)
    pages = 1 if source.path.suffix.lower() in _ONE_PAGE else _counted(source.path, pool) if pool is not None else None
    etag = str(source.stat[2]) if source.stat is not None else None
    return Unit(str(source.path.absolute()), name, source.size, etag, pages)


def _counted(path: Path, pool: Any) -> int | None:
    """Pages of a file, looked at in a child process: a hostile file may crash a decoder."""
    pool.submit(path)
    try:
        _, answer = pool.wait()
    except DocbinError:
        return None
    return answer if isinstance(answer, int) else None


class PageCounter:
    """The worker that opens files to count their pages."""

    def answer(self, path: Path) -> int | None:
        """The number of pages; None where the file cannot be opened (the batch will say why)."""
        from docbin.files import open_pages

        try:
            with open_pages(path) as file:
                return file.count
        except Exception:  # a work list is no place for it
            return None
