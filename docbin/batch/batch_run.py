"""The batch itself: tasks to workers, answers to finished files, a record a page.

One loop in one thread. While a worker is free it gets the next page of a file that is open already, else the next file to look at; so few files are
in work at a time, pages of a document stay together, and memory does not grow with the batch. The next tasks are handed to the pool beforehand, so
that a worker that has done a page begins another at once, while the page is given its name and its record is written.

Pages are worked on in child processes with limits of memory and time, also where there is one job: a decoder that crashes, hangs or takes all memory
costs its page. A child is used for all pages until it dies, so that a page costs little more than here; a caller may start it while it is still
planning.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from docbin.batch.batch_plan import Plan, Storage, storage
from docbin.batch.failure import Failure
from docbin.batch.inputs import Refused, Skipped
from docbin.batch.job import PAGE_SECONDS, READ_SECONDS, Job, difference
from docbin.batch.one_document import OneDocument
from docbin.batch.outputs import Outputs, SeparatePages, WholeDocument
from docbin.batch.planned_file import PlannedFile
from docbin.batch.record import PageRecord, Report, Summary, is_low
from docbin.batch.replaced_document import ReplacedDocument, as_possible
from docbin.batch.worker import Answer, FileInfo, PageWorker, Task
from docbin.errors import DocbinError, FileAccessError, Interrupted, PageTimeout, UsageError
from docbin.files.kinds import TAR_SUFFIX
from docbin.files.remote_path import RemotePath
from docbin.processes.child import Child
from docbin.processes.memory import machine_memory
from docbin.processes.pool import Pool

_SHARE = 0.8
"""Part of the machine's memory that the workers may take together."""
_LEAST_MEMORY = 4 << 30
"""Bytes that a worker may take however many there are, as far as the machine has them: few pages need so much, and not all at once."""
_MOST_MEMORY = 8 << 30
"""Bytes that a worker may take for pages of up to 400 megapixels, where its method does not say that it needs more."""


class Listener:
    """Hears of a batch as it goes; override what is of interest. Called in the thread that called :func:`run`."""

    def expect(self, pages: int) -> None:
        """So many more pages (fewer, if negative) are to be worked on than was thought; a file counts as one page until it is opened.

        Pages that an earlier run has finished are not expected.
        """

    def step(self) -> None:
        """An expected page was worked on; its record may come later."""

    def page(self, record: PageRecord) -> None:
        """The record of a page is final."""

    def document(self, output: str, pages: int) -> None:
        """A file of several pages was finished; the records of its pages come next."""

    def report_failed(self, error: DocbinError) -> None:
        """The report cannot be written any more; the batch goes on."""


def run(
    plan: Plan,
    *,
    jobs: int = 1,
    report: Path | None = None,
    listener: Listener | None = None,
    dry_run: bool = False,
    page_seconds: float | None = None,
    worker: Child | None = None,
) -> Summary:
    """Do what was planned.

    A page that fails is recorded and the others go on; :attr:`Summary.exit_code` says how it went.

    Parameters
    ----------
    plan : from :func:`docbin.batch.plan`
    jobs : worker processes; one has all threads, of several each has one thread. 0 works in this process, where nothing guards it
    report : a file with a line a page, JSON, or CSV by its suffix; replaced where it exists
    listener : hears of pages as they finish
    dry_run : only open the files and check the outputs; nothing is written (but the report)
    page_seconds : the longest a page may take; None: `PAGE_SECONDS`, of which `READ_SECONDS` to read it
    worker : a child process that was started before (and has no worker yet); the batch ends it

    Raises
    ------
    UsageError
        With resume: pages in the output folder were made with other settings.
    Interrupted
        Ctrl-C; finished pages are kept, unfinished files removed.
    FileAccessError
        The output folder or the report cannot be written.
    """
    if report is None:
        return BatchRun(plan, jobs, listener or Listener(), None, dry_run, page_seconds, worker).go()
    with Report(report, plan.identities) as lines:
        return BatchRun(plan, jobs, listener or Listener(), lines, dry_run, page_seconds, worker).go()


class InProcess:
    """This process does the work. Nothing guards it: a decoder's crash is the batch's. Offers what a pool does."""

    def __init__(self, job: Job) -> None:
        self._worker = PageWorker(job)
        self._task: Task | None = None

    @property
    def free(self) -> bool:
        return self._task is None

    @property
    def busy(self) -> bool:
        return self._task is not None

    def submit(self, task: Task) -> None:
        self._task = task

    def wait(self) -> tuple[Task, Answer]:
        assert self._task is not None
        task, self._task = self._task, None
        return task, self._worker.answer(task)

    def close(self, *, now: bool) -> None:
        self._worker.close()


def page_pool(
    job: Job,
    jobs: int,
    page_seconds: float | None = None,
    worker: Child | None = None,
    *,
    one_thread: bool | None = None,
    share: int | None = None,
) -> Pool:
    """Processes for the pages of a job, with limits of time and memory, see :func:`run`; `share` of them share the memory (None: `jobs`)."""
    return Pool(
        "docbin.batch.worker:PageWorker.prepared",
        (job,),
        jobs,
        seconds=PAGE_SECONDS if page_seconds is None else page_seconds,
        first_seconds=READ_SECONDS if page_seconds is None else None,
        memory=worker_memory(job, share or jobs),
        first=worker,
        one_thread=one_thread,
        ahead=jobs,
        ends=_is_page,
    )


def _is_page(task: Task) -> bool:
    """Whether a task was a page. After a look at a file its process waits for the file's first page, for it has the file open."""
    return task.page is not None


def worker_memory(job: Job, jobs: int) -> int:
    """Bytes that each of `jobs` workers may use."""
    all_of_it = int(_SHARE * machine_memory())
    share = max(all_of_it // jobs, min(_LEAST_MEMORY, all_of_it))
    if job.row.memory:
        return share
    return int(min(share, _MOST_MEMORY * max(1.0, (job.max_megapixels or 0.0) / 400.0)))


def _as_failure(task: Task, answer: Answer | DocbinError) -> Answer:
    """A worker's death or silence as the failure of its page."""
    if not isinstance(answer, DocbinError):
        return answer
    way_out = "; --page-timeout allows more" if isinstance(answer, PageTimeout) else "; the other pages go on"
    return Failure.of(type(answer)(f"{task.label}: {answer}{way_out}"))


class BatchRun:
    """A batch at work; :func:`run` makes one. Engines of other rooms make one a share of the batch, with a pool of their own."""

    def __init__(
        self,
        plan: Plan,
        jobs: int,
        listener: Listener,
        report: Report | None,
        dry_run: bool,
        page_seconds: float | None = None,
        worker: Child | None = None,
        pool: Pool | None = None,
        skip: Mapping[int, frozenset[int]] | None = None,
    ) -> None:
        """`pool` has workers that outlive this batch. `skip`: pages of files, by their number in the plan, that are done; the plan's records are
        then not asked."""
        self.plan = plan
        self.listener = listener
        self.report = report
        self.dry_run = dry_run
        self.summary = Summary(inputs=len(plan.files), least_quality=plan.job.least_quality())
        self._own_workers = pool is None
        self.workers: Pool | InProcess
        if pool is not None:
            self.workers = pool
        elif jobs == 0:
            self.workers = InProcess(plan.job)
        else:
            self.workers = page_pool(plan.job, jobs, page_seconds, worker)
        self.ahead = max(4, 2 * jobs)
        self.opened: dict[int, Outputs] = {}
        self.waiting: Iterator[tuple[int, PlannedFile | Refused | Skipped]] = iter(enumerate(plan.files))
        self._ask_records = skip is None
        self.kept: dict[int, frozenset[int]] = dict(skip or {})
        self.claimed: dict[int, int] = {}
        self._spool: tempfile.TemporaryDirectory[str] | None = None
        self._copies: dict[int, Path] = {}
        self.together = OneDocument(plan, self.ahead) if plan.together is not None else None

    def go(self) -> Summary:
        start = time.perf_counter()
        clean = False
        try:
            if self.plan.resume and not self.plan.overwrite and self._ask_records:
                self.refuse_other_settings()
            self.listener.expect(len(self.plan.files))
            if self.plan.resume and not self.dry_run:
                for folder in self.plan.folders.values():
                    if not isinstance(folder.path, Path) or folder.path.is_dir():
                        folder.open()  # finishes what a killed run had finished but for the name
            if self.together is not None and not self._begin_together(self.together):
                self.waiting = iter(())
            while True:
                while self.workers.free and (task := self._next()) is not None:
                    self.workers.submit(task)
                if not self.workers.busy:
                    break
                task, answer = self.workers.wait()
                self._take(task, _as_failure(task, answer))
            if self.together is not None:
                self._finish_together(self.together)
            clean = True
        except KeyboardInterrupt:
            done = self.summary.counts["done"] + self.summary.counts["kept"]
            done += sum(outputs.stored for outputs in self.opened.values() if isinstance(outputs, ReplacedDocument))
            again = "" if self.plan.to_stdout else "; --resume goes on from here"
            kept = f"{done} finished {'page is' if done == 1 else 'pages are'} kept{again}" if done else "no page was finished"
            raise Interrupted(f"interrupted; {kept}") from None
        finally:
            if self._own_workers or not clean:
                self.workers.close(now=not clean)
            for outputs in self.opened.values():
                outputs.drop()
            if self.together is not None:
                self.together.drop()
            if self._spool is not None:
                self._spool.cleanup()
            for folder in self.plan.folders.values():
                folder.close()
        self.summary.seconds = time.perf_counter() - start
        return self.summary

    def _begin_together(self, document: OneDocument) -> bool:
        """Whether there is something to do: not where an earlier run has finished the one document."""
        kept = document.kept()
        if kept is not None:
            self.listener.expect(-len(self.plan.files))
            for record in kept:
                self.record(record)
            return False
        document.check()
        if not self.dry_run:
            document.folder.open()
        return True

    def _finish_together(self, document: OneDocument) -> None:
        """The one document takes its name, and its pages' records become final."""
        if self.dry_run:
            return
        records = document.finish()
        if any(record.status == "done" for record in records):
            self.listener.document(next(record.output for record in records if record.output is not None), len(records))
        for record in records:
            self.record(record)

    def refuse_other_settings(self) -> None:
        """Refuse to go on where an earlier run has made pages of these inputs with other settings: half a folder of each would be the result."""
        folders = self.plan.folders.values()
        if not any(self._other_settings(entry) for folder in folders for entry in folder.manifest.samples()):
            return  # no need to look at each of a million inputs
        for file in self.plan.files:
            if not isinstance(file, PlannedFile) or file.source.stat is None:
                continue
            folder = self.plan.folder(file)
            for entry in folder.manifest.of_input(file.source.stat[0]):
                words = self._other_settings(entry)
                if words is not None and folder.is_kept(entry):
                    raise UsageError(
                        f"{folder.path / entry['output']}: made with {words}; give --overwrite to make it again, "
                        "the same settings to go on, or another folder with -o"
                    )

    def _other_settings(self, entry: Mapping[str, Any]) -> str | None:
        """In what an output of an earlier run differs from this batch's settings; None where it does not."""
        now = self.plan.job.settings()
        earlier = dict(entry.get("settings") or {"method": entry["records"][0]["method"], "task": self.plan.job.task})
        if entry["page"] is not None or "settings" not in entry:  # a page in a file of its own is the same whichever others were wanted
            earlier = {**now, **earlier, "pages": now["pages"]}
        return difference(earlier, now)

    def _next(self) -> Task | None:
        for number, outputs in list(self.opened.items()):
            task = outputs.next()
            self._record_refused(outputs)
            if outputs.finished:
                self._forget(number)
            if task is not None:
                return task
        if self.together is not None and len(self.opened) >= self.ahead:
            return None  # the pages of these stand in front
        for number, file in self.waiting:
            if not isinstance(file, PlannedFile):
                self.record_unopened(number, file)
            elif self.together is not None or not self.resumed(number, file):
                copy = self._copy_of(number, file)
                return Task(number, file.source.path, file.source.name, file.source.name, size=file.source.size, spooled=copy)
        return None

    def record_unopened(self, number: int, file: Refused | Skipped) -> None:
        """Record an input that cannot be opened or is left out."""
        if isinstance(file, Refused):
            if self.together is not None:
                self.together.without(number, file.name)
            self.record(self._failed(file.name, Failure.of(file.error)))
        else:
            job = self.plan.job
            self.record(PageRecord(file.name, None, None, "skipped", job.row.name, dict(job.params), warnings=(file.reason,)))
        self.listener.step()

    def _record_refused(self, outputs: Outputs) -> None:
        if isinstance(outputs, SeparatePages):
            for record in outputs.refused:
                self.record(record)
                self.listener.step()
            outputs.refused.clear()

    def _take(self, task: Task, answer: Answer) -> None:
        if task.page is None:
            self._open(task, answer)
            return
        outputs = self.opened[task.number]
        records = outputs.take(task, answer)
        if len(records) > 1 and records[0].output is not None and isinstance(outputs, WholeDocument):
            self.listener.document(records[0].output, len(records))
        for record in records:
            self.record(record)
        self.listener.step()
        if outputs.finished:
            self._forget(task.number)

    def _forget(self, number: int) -> None:
        """A file of which every page has its record."""
        self.opened.pop(number, None)
        copy = self._copies.pop(number, None)
        if copy is not None:
            copy.unlink(missing_ok=True)

    def _copy_of(self, number: int, file: PlannedFile) -> Path | None:
        """Where an archive in a store is copied to, for all workers to read it; None for other files, and where nothing is worked on."""
        path = file.source.path
        if self.dry_run or not isinstance(path, RemotePath) or path.suffix.lower() != TAR_SUFFIX:
            return None
        if self._spool is None:
            self._spool = tempfile.TemporaryDirectory(prefix="docbin-tar-", ignore_cleanup_errors=True)
        self._copies[number] = Path(self._spool.name) / f"{number}{TAR_SUFFIX}"
        return self._copies[number]

    def _open(self, task: Task, answer: Answer) -> None:
        file = self.plan.files[task.number]
        assert isinstance(file, PlannedFile)
        skip = self.kept.pop(task.number, frozenset())
        if task.spooled is not None:
            file = replace(file, source=replace(file.source, path=task.spooled))
        if isinstance(answer, FileInfo):
            if not self.dry_run and len(self.plan.folders) == 1 < len(self.plan.files):
                self.plan.folder(file).open()  # where the one output folder cannot be used, no page can be done: this ends the batch
            try:
                outputs = self._outputs(task.number, file, answer, skip)
                earlier = len(outputs.earlier) if isinstance(outputs, ReplacedDocument) else 0
                self.listener.expect(len(answer.pages) - earlier - len(skip) - (not skip))
                if self.dry_run:
                    self._rehearse(outputs, answer, skip)
                else:
                    self.opened[task.number] = outputs
                return
            except DocbinError as error:
                answer = Failure.of(error)
        assert isinstance(answer, Failure)
        self._forget(task.number)
        if self.together is not None:
            self.together.without(task.number, file.source.name)
        self.listener.expect(1 if skip else 0)
        self.record(self._failed(file.source.name, answer))
        self.listener.step()

    def _outputs(self, number: int, file: PlannedFile, info: FileInfo, skip: frozenset[int]) -> Outputs:
        if self.together is not None:
            return self.together.part(
                number, file, info, Storage(self.together.format, self.together.path.suffix, True, self.together.path)
            )
        stored = storage(file, self.plan.job, info.kind, info.count, len(info.pages))
        if stored.replaces:
            stored = as_possible(stored, file.source.name, info, self.plan.job)
        if not self.dry_run:
            self.plan.folder(file).open()
        if stored.replaces:
            return ReplacedDocument(self.plan, number, file, info, stored, self.claimed, self.ahead)
        if stored.document:
            return WholeDocument(self.plan, number, file, info, stored, self.claimed, self.ahead)
        return SeparatePages(self.plan, number, file, info, stored, self.claimed, skip)

    def _rehearse(self, outputs: Outputs, info: FileInfo, skip: frozenset[int]) -> None:
        """Record what would be done, and check the outputs as the work would."""
        for page in info.pages:
            if page in skip:
                continue
            try:
                output = outputs.output(page)
                outputs.check(output)
                record = outputs.record(page, None, output)
            except DocbinError as error:
                record = outputs.record(page, Failure.of(error))
            self.record(record)
            self.listener.step()

    def resumed(self, number: int, file: PlannedFile) -> bool:
        """Record what an earlier run has finished of this file; whether that is all of it."""
        if not self.plan.resume or file.source.stat is None or not self._ask_records:
            return False
        folder = self.plan.folder(file)
        pages: dict[int, PageRecord] = {}
        wanted = 0
        for entry in folder.manifest.entries(self.plan.job.key(*file.source.stat)):
            named_so = entry["output"] == file.exact.name if file.exact is not None else entry["stem"] == file.stem
            if not named_so or not folder.is_kept(entry):
                continue
            records = [PageRecord.kept(fields, str(folder.path / entry["output"])) for fields in entry["records"]]
            if entry["page"] is None:
                self._record_kept(records)
                return True
            pages[entry["page"]] = records[0]
            wanted = entry["wanted"]
        if not pages:
            return False
        self._record_kept([record for _, record in sorted(pages.items())])
        self.kept[number] = frozenset(pages)
        return len(pages) == wanted

    def _record_kept(self, records: list[PageRecord]) -> None:
        self.listener.expect(-1)  # they take no time, and would only spoil the guess of the time left
        for record in records:
            self.record(record)

    def _failed(self, name: str, failure: Failure) -> PageRecord:
        job = self.plan.job
        return PageRecord(name, None, None, "failed", job.row.name, dict(job.params), error=failure)

    def record(self, record: PageRecord) -> None:
        if is_low(record, self.summary.least_quality):
            told = f"low quality: an F-measure of {record.quality:.2f} is to be expected, below the {self.summary.least_quality:g} that was asked"
            record = replace(record, reasons=(*record.reasons, told))
        self.summary.add(record)
        if self.report is not None and self.summary.report_error is None:
            try:
                self.report.add(record)
            except FileAccessError as error:
                self.summary.report_error = Failure.of(error)
                self.listener.report_failed(error)
        self.listener.page(record)
