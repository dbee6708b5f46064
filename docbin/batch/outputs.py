"""The outputs of one input file that was opened: which pages are still to be done, and how they become finished files.

:class:`SeparatePages` finishes every page on its own; :class:`WholeDocument` appends pages in order to one file, which is finished with its last
page. A document with failed pages is never put under its own name, where the next program would take it for whole: the good pages go to
``book.incomplete.tif``, and --resume does the document again.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docbin.batch.batch_plan import INCOMPLETE, Folder, Plan, Storage
from docbin.batch.failure import Failure
from docbin.batch.names import member_stems, page_stem
from docbin.batch.planned_file import PlannedFile
from docbin.batch.record import PageRecord
from docbin.batch.shard import unit_hash
from docbin.batch.worker import Answer, Done, FileInfo, Task, unpack
from docbin.errors import DocbinError, RefusedInput, UsageError

if TYPE_CHECKING:
    from docbin.files import PageWriter
    from docbin.files.remote_path import AnyPath


class Outputs(ABC):
    """What the two kinds share: the records of a file's pages and the checks of its outputs.

    Attributes
    ----------
    finished : every page has its record
    """

    def __init__(self, plan: Plan, number: int, file: PlannedFile, info: FileInfo, storage: Storage, claimed: dict[int, int]) -> None:
        self.plan, self.number, self.file, self.info, self.storage = plan, number, file, info, storage
        self.folder: Folder = plan.folder(file)
        self.finished = False
        self._claimed = claimed  # hash of an output's name -> number of the input that it belongs to: a batch may have millions
        self._members = member_stems(info.names)

    @abstractmethod
    def next(self) -> Task | None:
        """The next page to work on, None where there is none (just now)."""

    @abstractmethod
    def take(self, task: Task, answer: Answer) -> list[PageRecord]:
        """Take the answer to a task of this file; the records that are final now."""

    def drop(self) -> None:  # noqa: B027 - not abstract: an output whose pages are files of their own holds nothing open
        """Give up what is unfinished (an interrupt)."""

    def output(self, page: int) -> AnyPath:
        """The file that a page ends in.

        Raises
        ------
        RefusedInput
            The page's name in its archive leads out of the output folder.
        """
        if self.storage.whole is not None:
            return self.storage.whole
        if not self.info.names:
            return self.file.folder / f"{page_stem(self.file.stem, page)}{self.storage.suffix}"
        stem = self._members[page - 1]
        if stem is None:
            name = self.info.names[page - 1]
            raise RefusedInput(
                f"{self.file.source.name}: the member {name!r} does not stay below the output folder; pack it under a relative name"
            )
        return self.file.folder / self.file.stem / f"{stem}{self.storage.suffix}"

    def check(self, output: AnyPath, *, by_worker: bool = False) -> None:
        """Refuse an output that is an input, that another input of this batch writes, or (unless the worker looks) that exists and should stay."""
        identity = self.folder.identity(output)
        if identity is not None and (identity in self.plan.identities or identity == self.file.source.identity):
            raise UsageError(f"{output}: this is one of the inputs, and docbin never overwrites an input; choose another output with -o")
        if str(output) == str(self.file.source.path):
            raise UsageError(f"{output}: this is the input, and docbin never overwrites an input; choose another output with -o")
        key = self.folder.name_key(output)
        first = self._claimed.setdefault(unit_hash(key), self.number)
        if first != self.number:
            other = self.plan.files[first]
            name = other.source.name if isinstance(other, PlannedFile) else other.name
            alike = " (this disk makes no difference between letters' cases)" if self.folder.folds_case() else ""
            raise UsageError(f"{self.file.source.name}: {output} is already the output for {name}{alike}; rename one of them")
        if not by_worker:
            self.folder.check_free(output, overwrite=self.plan.overwrite, resume=self.plan.resume)

    def task(self, page: int, staged: Path | None) -> Task:
        """The task of a page."""
        source = self.file.source
        label = self.info.label(page, source.name)
        put = None
        if staged is not None:
            may = {"overwrite": self.plan.overwrite, "resume": self.plan.resume}
            put = self.folder.put_of(self.output(page), staged, self.key(), **may)
        return Task(
            self.number,
            source.path,
            source.name,
            label,
            page,
            staged,
            self.storage.format,
            source.size,
            put,
            replaces=self.storage.replaces,
        )

    def record(self, page: int, answer: Done | Failure | None, output: AnyPath | None = None) -> PageRecord:
        """The record of a page that is done, failed, or (None) only planned."""
        job = self.plan.job
        base = PageRecord(
            self.file.source.name,
            page,
            self.info.count,
            "planned",
            job.row.name,
            dict(job.params),
            "-" if self.plan.to_stdout else None,
            member=self.info.names[page - 1] if self.info.names else None,
            wanted=len(self.info.pages),
        )
        if output is not None and not self.plan.to_stdout:
            base = replace(base, output=str(output))
        if isinstance(answer, Failure):
            return replace(base, status="failed", output=None, error=answer)
        if answer is None:
            return base
        return replace(
            base,
            status="done",
            size=answer.size if all(answer.size) else None,
            dpi=answer.dpi,
            ink=None if answer.result.ink is None else round(answer.result.ink, 6),
            words=answer.result.words,
            polarity=answer.result.polarity,
            seconds=round(answer.seconds, 4),
            warnings=answer.warnings,
            chosen=answer.result.chosen,
            verdicts=None if answer.result.verdicts is None else dict(answer.result.verdicts),
            quality=answer.result.quality,
            reasons=answer.result.reasons,
        )

    def entry(self, key: str, page: int | None, records: Sequence[PageRecord]) -> dict[str, Any]:
        """A manifest line, less what the folder adds."""
        stat = self.file.source.stat
        return {
            "key": key,
            "input": stat[0] if stat else "",
            "stem": self.file.stem,
            "page": page,
            "wanted": len(self.info.pages),
            "settings": self.plan.job.settings(),
            "records": [record.as_dict() for record in records],
        }

    def commit(self, staged: Path, output: AnyPath, entry: dict[str, Any]) -> None:
        """Make an unfinished file the finished `output`."""
        self.folder.commit(staged, output, entry, overwrite=self.plan.overwrite, resume=self.plan.resume)

    def key(self) -> str:
        """The resume key of this input; empty where it has none."""
        stat = self.file.source.stat
        return self.plan.job.key(*stat) if stat else ""


class SeparatePages(Outputs):
    """A file of one page, or one that is split: every page is a finished file of its own. `skip`: pages an earlier run has finished."""

    def __init__(
        self,
        plan: Plan,
        number: int,
        file: PlannedFile,
        info: FileInfo,
        storage: Storage,
        claimed: dict[int, int],
        skip: frozenset[int],
    ) -> None:
        super().__init__(plan, number, file, info, storage, claimed)
        self._todo = [page for page in info.pages if page not in skip]
        self._next = 0
        self._taken = 0
        self.refused: list[PageRecord] = []
        self.finished = not self._todo

    def next(self) -> Task | None:
        """The next page whose output may be written; refused ones go to `refused`."""
        while self._next < len(self._todo):
            page = self._todo[self._next]
            self._next += 1
            try:
                self.check(self.output(page), by_worker=self.folder.worker_writes)
            except DocbinError as error:
                self.refused.append(self.record(page, Failure.of(error)))
                self._count()
                continue
            return self.task(page, self.folder.staged(self.storage.suffix))
        return None

    def take(self, task: Task, answer: Answer) -> list[PageRecord]:
        self._count()
        assert task.page is not None
        assert task.staged is not None
        assert not isinstance(answer, FileInfo)
        output = self.output(task.page)
        if isinstance(answer, Failure):
            return [self.record(task.page, _renamed(answer, task.staged, output))]
        record = self.record(task.page, answer, output)
        try:
            whole = None if self.storage.whole else task.page
            self.commit(task.staged, output, self.entry(self.key(), whole, [record]))
        except DocbinError as error:
            return [self.record(task.page, Failure.of(error))]
        return [record]

    def _count(self) -> None:
        self._taken += 1
        self.finished = self._taken == len(self._todo)


class WholeDocument(Outputs):
    """A file of several pages that stays one file. At most `ahead` pages wait for their turn, so memory does not grow with the document."""

    def __init__(
        self, plan: Plan, number: int, file: PlannedFile, info: FileInfo, storage: Storage, claimed: dict[int, int], ahead: int
    ) -> None:
        super().__init__(plan, number, file, info, storage, claimed)
        assert storage.whole is not None
        self._ahead = ahead
        self._whole = storage.whole
        self.check(self._whole)
        self._staged = Path()
        self._writer: PageWriter | None = None
        self._waiting: dict[int, Answer] = {}
        self._records: list[PageRecord] = []
        self._next = 0
        self._taken = 0
        self._broken: Failure | None = None

    def next(self) -> Task | None:
        if self._broken or self._next == len(self.info.pages) or self._next - len(self._records) >= self._ahead:
            return None
        page = self.info.pages[self._next]
        self._next += 1
        return self.task(page, None)

    def take(self, task: Task, answer: Answer) -> list[PageRecord]:
        assert task.page is not None
        self._taken += 1
        self._waiting[task.page] = answer
        self._append_ready()
        if self._broken and self._taken == self._next:
            self.drop()
            self.finished = True
            return [self.record(page, self._broken) for page in self.info.pages]
        if len(self._records) == len(self.info.pages):
            self.finished = True
            return self._finish()
        return []

    def _append_ready(self) -> None:
        """Append the pages whose turn it is."""
        while not self._broken and len(self._records) < len(self.info.pages) and self.info.pages[len(self._records)] in self._waiting:
            self._append(self.info.pages[len(self._records)])

    def _append(self, page: int) -> None:
        from docbin.files import PageWriter

        answer = self._waiting.pop(page)
        assert not isinstance(answer, FileInfo)
        if isinstance(answer, Done):
            try:
                if self._writer is None:
                    self._staged = self.folder.staged(self.storage.suffix)
                    self._writer = PageWriter(self._staged, self.storage.format, compression=getattr(self.plan.job, "compression", None))
                append_page(self._writer, answer)
            except DocbinError as error:
                self._broken = self._failure(error)
                return
            answer = replace(answer, result=replace(answer.result, data=None, layers=None))
            document = self.info.document
            if document is not None and document.warning and self._whole.suffix.lower() == ".pdf" and not self._records:
                answer = replace(answer, warnings=(*answer.warnings, document.warning))
        self._records.append(self.record(page, answer, self._whole))

    def _failure(self, error: DocbinError) -> Failure:
        """An error of the output, told with the name the user knows."""
        return _renamed(Failure.of(error), self._staged, self._whole)

    def _finish(self) -> list[PageRecord]:
        bad = [record for record in self._records if record.error is not None]
        if self._writer is None or (bad and self.plan.to_stdout):
            return self._held_back(bad)
        try:
            if self.info.document is not None:
                self._writer.describe(self.info.document, [record.page for record in self._records if record.error is None and record.page])
            self._writer.close()
            return self._committed(bad)
        except DocbinError as error:
            failure = self._failure(error)
            return [record if record.error else self.record(record.page or 0, failure) for record in self._records]

    def _held_back(self, bad: Sequence[PageRecord]) -> list[PageRecord]:
        """The records of a document that is not written because pages failed."""
        self.drop()
        return [
            record if record.error else replace(record, status="failed", output=None, error=_not_written(bad)) for record in self._records
        ]

    def _committed(self, bad: Sequence[PageRecord]) -> list[PageRecord]:
        """Give the document its name, or that of an incomplete one where pages failed."""
        partial = self._whole.with_name(f"{self._whole.stem}.{INCOMPLETE}{self._whole.suffix}")
        if not bad:
            self.commit(self._staged, self._whole, self.entry(self.key(), None, self._records))
            self.folder.remove_overtaken(partial, overwrite=self.plan.overwrite)
            return self._records
        self.check(partial)
        records = [record if record.error else replace(record, output=str(partial)) for record in self._records]
        self.commit(self._staged, partial, self.entry(INCOMPLETE, None, records))
        return records

    def drop(self) -> None:
        if self._writer is not None:
            self._writer.abandon()
        self._writer = None
        self._waiting.clear()


def append_page(writer: PageWriter, done: Done) -> None:
    """Append a page that came back as data."""
    if done.result.layers is not None:
        writer.add_layers(done.result.layers, done.dpi)
        return
    page = unpack(done)
    if done.result.channels:
        writer.add_picture(page, done.dpi)
    else:
        writer.add(page, done.dpi)


def _renamed(failure: Failure, staged: Path, output: AnyPath) -> Failure:
    """The failure told with the output's name instead of the unfinished file's, which the user does not know."""
    return replace(failure, message=failure.message.replace(str(staged), str(output)))


def _not_written(bad: Sequence[PageRecord]) -> Failure:
    """Why a good page of a document did not reach stdout."""
    failed = ", ".join(str(record.page) for record in bad)
    code = bad[0].error.exit_code if bad[0].error else 6
    return Failure("PageFailed", f"{bad[0].input}: nothing was written to stdout, because page {failed} failed", code)
