"""A PDF whose scanned pages are replaced: the input itself comes out, with ink in the place of its pictures.

Finished pages wait in files of their own, under ``OUT/.docbin/pages-KEY/``, until the last one is there; so a killed run goes on with --resume at the
page where it stopped, and memory holds no pages. A page that fails stays as it is in ``book.incomplete.pdf``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docbin.batch.batch_plan import Plan, Storage
from docbin.batch.job import Job, Result
from docbin.batch.output_folder import read_regular
from docbin.batch.outputs import WholeDocument
from docbin.batch.planned_file import PlannedFile
from docbin.batch.record import PageRecord, is_record
from docbin.batch.worker import Answer, Done, FileInfo, Task
from docbin.errors import DocbinError, PageFailed, RefusedInput

if TYPE_CHECKING:
    from docbin.pdf.replace import Replacement

_LARGEST_PAGE = 1 << 30
_KEPT = Done((0, 0), None, 0.0, (), Result())
"""Stands for the answer of a page that an earlier run has finished."""


def as_possible(storage: Storage, name: str, info: FileInfo, job: Job) -> Storage:
    """The storage of a PDF to be replaced; that of one built anew where its structure cannot be read.

    Raises
    ------
    RefusedInput
        It is signed, or its owner forbids changes.
    """
    document = info.document
    if document is None or not document.structured:
        return replace(storage, replaces=False, document=info.count > 1)
    if document.signed and not getattr(job, "break_signatures", False):
        raise RefusedInput(
            f"{name}: it is signed, and a change makes the signatures void; give --break-signatures to take them out, or --pdf rebuild for a "
            "new PDF of ink alone"
        )
    if document.locked:
        raise RefusedInput(
            f"{name}: it is encrypted, and its owner forbids changes; open it with the owner's password and save it without (qpdf --decrypt "
            "--password=...)"
        )
    return storage


class ReplacedDocument(WholeDocument):
    """See the module's docstring. `earlier`: pages that an earlier run has finished."""

    def __init__(
        self, plan: Plan, number: int, file: PlannedFile, info: FileInfo, storage: Storage, claimed: dict[int, int], ahead: int
    ) -> None:
        super().__init__(plan, number, file, info, storage, claimed, ahead)
        self._pages = self.folder.pages(self.key())
        self.earlier: dict[int, dict[str, Any]] = {}
        self.stored = 0
        """Pages that a later run finds."""
        if self._pages is None:
            return
        for page in info.pages:
            known = load(self._pages / _name(page))
            if known is not None and known[0].get("page") == page:
                self.earlier[page] = known[0]
        if len(self.earlier) == len(info.pages):
            del self.earlier[info.pages[-1]]  # whose answer finishes the document
        self.stored = len(self.earlier)

    def next(self) -> Task | None:
        while self._next < len(self.info.pages) and self.info.pages[self._next] in self.earlier and not self._broken:
            page = self.info.pages[self._next]
            self._waiting[page] = _KEPT
            self._next += 1
            self._taken += 1
            self._append_ready()
        return super().next()

    def _append(self, page: int) -> None:
        answer: Answer = self._waiting.pop(page)
        assert not isinstance(answer, FileInfo)
        if page in self.earlier:
            self._records.append(PageRecord.kept(self.earlier[page], str(self._whole)))
            return
        record = self.record(page, answer, self._whole)
        if isinstance(answer, Done):
            try:
                if self._pages is None:
                    self._pages = self.folder.pages(self.key())
                assert self._pages is not None
                store(self._pages / _name(page), record, answer.result.replacement)
                self.stored += 1
            except OSError as error:
                from docbin.files.access import access_error

                self._broken = self._failure(access_error(error, str(self._whole), "write"))
                return
        self._records.append(record)

    def _finish(self) -> list[PageRecord]:
        from docbin.files.access import access_error
        from docbin.pdf.replace import PictureReplacer

        bad = [record for record in self._records if record.error is not None]
        if len(bad) == len(self._records) or (bad and self.plan.to_stdout):
            return self._held_back(bad)
        assert self._pages is not None
        self._staged = self.folder.staged(self.storage.suffix)
        replacer = None
        try:
            replacer = PictureReplacer(self._source(self._pages), self._pages, self.file.source.name)
            for record in self._records:
                known = load(self._pages / _name(record.page or 0)) if record.error is None else None
                if known is not None and known[1] is not None:
                    replacer.add(record.page or 0, known[1])
            replacer.write(self._staged, self.info.pages, break_signatures=getattr(self.plan.job, "break_signatures", False))
            records = self._committed(bad)
        except DocbinError as error:
            return self._failed(error)
        except OSError as error:
            return self._failed(access_error(error, str(self._whole), "write"))
        except MemoryError:
            return self._failed(PageFailed(f"{self.file.source.name}: not enough memory to write it; use fewer --jobs"))
        finally:
            if replacer is not None:
                replacer.close()
        self.folder.forget_pages(self._pages)
        self.stored = 0
        return records

    def _failed(self, error: DocbinError) -> list[PageRecord]:
        """The records of a document that cannot be written; what failed before keeps its own error."""
        failure = self._failure(error)
        return [record if record.error else self.record(record.page or 0, failure) for record in self._records]

    def _source(self, folder: Path) -> Path:
        """The input as a file of this machine."""
        path = self.file.source.path
        if isinstance(path, Path):
            return path
        from docbin.files import object_store

        local = folder / "source.pdf"
        local.write_bytes(object_store.read(path))
        return local

    def drop(self) -> None:
        self._waiting.clear()


def _name(page: int) -> str:
    return f"{page}.page"


def store(path: Path, record: PageRecord, replacement: Replacement | None) -> None:
    """Write a finished page: a line of JSON that says what it is, and the codes of its pictures one behind the other."""
    from docbin.pdf import page_layers

    fields: dict[str, Any] = {"record": record.as_dict(), "place": None}
    codes: list[bytes] = []
    if replacement is not None:
        codes = page_layers.codes(replacement.picture)
        fields |= page_layers.described(replacement.picture) | {"place": asdict(replacement.place)}
    body = b"".join(codes)
    fields |= {"lengths": [len(code) for code in codes], "sha256": sha256(body).hexdigest()}
    unfinished = path.with_suffix(".part")
    unfinished.write_bytes(json.dumps(fields).encode() + b"\n" + body)
    unfinished.replace(path)


def load(path: Path) -> tuple[dict[str, Any], Replacement | None] | None:
    """Read a finished page: the fields of its record, and what comes in the place of its pictures; None where it is not what :func:`store` writes."""
    try:
        head, _, body = read_regular(path, _LARGEST_PAGE).partition(b"\n")
        fields = json.loads(head)
        if sha256(body).hexdigest() != fields["sha256"] or not is_record(fields["record"]):
            return None
        codes, at = [], 0
        for length in fields["lengths"]:
            codes.append(body[at : at + int(length)])
            at += int(length)
        return fields["record"], None if fields["place"] is None else _replacement(fields, codes)
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
        return None


def _replacement(fields: Mapping[str, Any], codes: list[bytes]) -> Replacement:
    from docbin.pdf.page_layers import from_description
    from docbin.pdf.place import Place
    from docbin.pdf.replace import Replacement

    place = fields["place"]
    left, bottom, right, top = (float(edge) for edge in place["box"])
    which = place["picture"]
    where = Place(None if which is None else int(which), int(place["orientation"]), (left, bottom, right, top), bool(place["inline"]))
    return Replacement(where, from_description(fields, codes))
