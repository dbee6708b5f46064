"""Many inputs into one document: ``docbin binarize scans/ -o book.pdf``.

The files are opened and their pages worked on as in any batch, in whatever order; here they wait until it is their turn, and are appended in the
order of the inputs. So that memory does not grow with the document, pages that are far ahead of their turn are not begun. The document takes its
name when its last page is in it. Where a page fails, or a file cannot be read, the good pages go to ``book.incomplete.pdf``, as for a document of
one input.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docbin.batch.batch_plan import INCOMPLETE, Plan, Storage
from docbin.batch.failure import Failure
from docbin.batch.job import difference
from docbin.batch.outputs import Outputs, append_page
from docbin.batch.planned_file import PlannedFile
from docbin.batch.record import PageRecord
from docbin.batch.worker import Answer, Done, FileInfo, Task
from docbin.errors import DocbinError, UsageError

if TYPE_CHECKING:
    from docbin.files import PageWriter
    from docbin.files.remote_path import AnyPath


class OneDocument:
    """The document that all inputs of a plan go into.

    Parameters
    ----------
    plan : with `together`, the document's path
    ahead : pages that may be worked on before those that stand in front of them are done
    """

    def __init__(self, plan: Plan, ahead: int) -> None:
        from docbin.files import format_of

        assert plan.together is not None
        self.plan = plan
        self.path = plan.together
        self.folder = plan.folders[self.path.parent]
        self.format = format_of(self.path, plan.job.format, plan.job.formats()).name
        self._ahead = ahead
        self._turns = [number for number, file in enumerate(plan.files) if isinstance(file, PlannedFile)]
        self._parts: dict[int, _Part | None] = {}
        self._turn = 0
        self._begun = 0
        self._writer: PageWriter | None = None
        self._staged = Path()
        self._records: list[PageRecord] = []
        self._broken: Failure | None = None
        self.missing: list[str] = []
        """Inputs that could not be opened."""

    def key(self) -> str:
        """The resume key of the document: of its inputs' keys, in order."""
        digest = hashlib.sha256()
        for file in self.plan.files:
            if not isinstance(file, PlannedFile) or file.source.stat is None:
                return ""
            digest.update(self.plan.job.key(*file.source.stat).encode())
        return digest.hexdigest()

    def kept(self) -> list[PageRecord] | None:
        """With resume: the records of the document that an earlier run has finished; None where there is none."""
        for entry in self.folder.manifest.entries(self.key()) if self.plan.resume and self.key() else ():
            if entry["output"] == self.path.name and self.folder.is_kept(entry):
                return [PageRecord.kept(fields, str(self.path)) for fields in entry["records"]]
        return None

    def check(self) -> None:
        """Refuse a name that is taken, before any page is worked on; with resume, by a document of other settings too."""
        entry = self.folder.manifest.last(self.path.name) if self.plan.resume and not self.plan.overwrite else None
        if entry is not None and self.folder.is_kept(entry):
            words = difference(dict(entry.get("settings") or {}), self.plan.job.settings())
            if words is not None:
                raise UsageError(
                    f"{self.path}: made with {words}; give --overwrite to make it again, the same settings to go on, or another name with -o"
                )
        with contextlib.suppress(OSError):
            info = self.path.stat()
            if (info.st_dev, info.st_ino) in self.plan.identities:
                raise UsageError(
                    f"{self.path}: this is one of the inputs, and docbin never overwrites an input; choose another output with -o"
                )
        self.folder.check_free(self.path, overwrite=self.plan.overwrite, resume=self.plan.resume)

    def part(self, number: int, file: PlannedFile, info: FileInfo, storage: Storage) -> Outputs:
        """The pages of an input that was opened."""
        part = _Part(self, number, file, info, storage)
        self._parts[number] = part
        return part

    def without(self, number: int, name: str) -> None:
        """An input cannot be opened: those behind it move up, and the document will be incomplete."""
        self._parts[number] = None
        self.missing.append(name)
        self._advance()

    def may_begin(self, number: int) -> bool:
        """Whether a page of this input may be begun: always where it is the input's turn."""
        first = self._turn < len(self._turns) and self._turns[self._turn] == number
        return self._broken is None and (first or self._begun < self._ahead)

    def begin(self) -> None:
        """A page is being worked on, and will wait for its turn."""
        self._begun += 1

    def _advance(self) -> None:
        """Append what has its turn."""
        while self._turn < len(self._turns):
            number = self._turns[self._turn]
            if number not in self._parts:
                return
            part = self._parts[number]
            if part is not None:
                while part.waiting and (answer := part.waiting.pop(part.info.pages[part.appended], None)) is not None:
                    self._begun -= 1
                    self._append(part, answer)
                if part.appended < len(part.info.pages):
                    return
            del self._parts[number]
            self._turn += 1

    def _append(self, part: _Part, answer: Answer) -> None:
        from docbin.files import PageWriter

        page = part.info.pages[part.appended]
        part.appended += 1
        if isinstance(answer, Done) and self._broken is None:
            try:
                if self._writer is None:
                    self._staged = self.folder.staged(self.path.suffix)
                    self._writer = PageWriter(self._staged, self.format, compression=getattr(self.plan.job, "compression", None))
                append_page(self._writer, answer)
            except DocbinError as error:
                self._broken = replace(Failure.of(error), message=str(error).replace(str(self._staged), str(self.path)))
        if isinstance(answer, Done):
            answer = replace(answer, result=replace(answer.result, data=None, layers=None))
        assert not isinstance(answer, FileInfo)
        self._records.append(part.record(page, self._broken or answer, self.path))

    def finish(self) -> list[PageRecord]:
        """After the last page: give the document its name. The records of all its pages, in order."""
        bad = any(record.error is not None for record in self._records) or bool(self.missing)
        if self._broken is not None or self._writer is None:
            self.drop()
            return self._records if self._broken is None else self._all_failed(self._broken)
        name = self.path.with_name(f"{self.path.stem}.{INCOMPLETE}{self.path.suffix}") if bad else self.path
        records = [one if one.error else replace(one, output=str(name)) for one in self._records]
        try:
            self._writer.close()
            if bad:
                self.folder.check_free(name, overwrite=self.plan.overwrite, resume=self.plan.resume)
            entry = self._entry(INCOMPLETE if bad else self.key(), records)
            self.folder.commit(self._staged, name, entry, overwrite=self.plan.overwrite, resume=self.plan.resume)
        except DocbinError as error:
            return self._all_failed(Failure.of(error))
        return records

    def _all_failed(self, failure: Failure) -> list[PageRecord]:
        """Records where the document cannot be written: of its pages so far, and of the inputs that were not begun."""
        job = self.plan.job
        done = [one if one.error else replace(one, status="failed", output=None, error=failure) for one in self._records]
        left = [file for number in self._turns[self._turn :] if isinstance(file := self.plan.files[number], PlannedFile)]
        return done + [PageRecord(file.source.name, None, None, "failed", job.row.name, dict(job.params), error=failure) for file in left]

    def _entry(self, key: str, records: Sequence[PageRecord]) -> dict[str, Any]:
        """The manifest's line, less what the folder adds."""
        return {
            "key": key,
            "input": os.path.abspath(self.path),  # noqa: PTH100 - the document itself: it has no one input
            "stem": self.path.stem,
            "page": None,
            "wanted": len(records),
            "settings": self.plan.job.settings(),
            "records": [record.as_dict() for record in records],
        }

    def drop(self) -> None:
        """Give up what is unfinished."""
        if self._writer is not None:
            self._writer.abandon()
        self._writer = None
        self._parts.clear()


class _Part(Outputs):
    """The pages of one input, on their way into the document."""

    def __init__(self, document: OneDocument, number: int, file: PlannedFile, info: FileInfo, storage: Storage) -> None:
        super().__init__(document.plan, number, file, info, storage, {})
        self.waiting: dict[int, Answer] = {}
        self.appended = 0
        self._document = document
        self._next = 0
        self._taken = 0

    def next(self) -> Task | None:
        if self._next == len(self.info.pages) or not self._document.may_begin(self.number):
            return None
        page = self.info.pages[self._next]
        self._next += 1
        self._document.begin()
        return self.task(page, None)

    def take(self, task: Task, answer: Answer) -> list[PageRecord]:
        assert task.page is not None
        self._taken += 1
        self.waiting[task.page] = answer
        self.finished = self._taken == len(self.info.pages)
        self._document._advance()
        return []

    def check(self, output: AnyPath, *, by_worker: bool = False) -> None:
        """The document is checked as a whole."""

    def output(self, page: int) -> Path:
        return self._document.path
