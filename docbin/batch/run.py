"""The batch itself: tasks to workers, answers to finished files, a record a page.

One loop in one thread. While a worker is free it gets the next page of a file that is open already, else the next file to look at; so few files are
in work at a time, pages of a document stay together, and memory does not grow with the batch.
"""

from __future__ import annotations

import time
from pathlib import Path

from docbin.batch.inputs import Refused
from docbin.batch.plan import Job, Plan, shape
from docbin.batch.record import Failure, PageRecord, Report, Summary
from docbin.batch.settings import PAGE_SECONDS, Settings
from docbin.batch.unit import Document, Pages, Unit
from docbin.batch.worker import Answer, Desk, Look, Task
from docbin.errors import DocbinError, Interrupted, PageTimeout
from docbin.processes.pool import Pool


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


def run(
    plan: Plan,
    *,
    jobs: int = 1,
    report: Path | None = None,
    listener: Listener | None = None,
    dry_run: bool = False,
    page_seconds: float = PAGE_SECONDS,
) -> Summary:
    """Do what was planned.

    A page that fails is recorded and the others go on; :attr:`Summary.exit_code` tells.

    Parameters
    ----------
    plan : from :func:`docbin.batch.plan`
    jobs : 1 works in this process, more in so many processes of one thread each, where a crash costs one page
    report : JSONL file, a line a page; replaced where it exists
    listener : hears of pages as they finish
    dry_run : only open the files and check the outputs; nothing is written (but the report)
    page_seconds : with more than one job, the longest a page may take

    Raises
    ------
    Interrupted
        Ctrl-C; finished pages are kept, unfinished files removed.
    FileAccessError
        The output folder or the report cannot be written.
    """
    if report is None:
        return _Run(plan, jobs, listener or Listener(), None, dry_run, page_seconds).go()
    with Report(report, plan.identities) as lines:
        return _Run(plan, jobs, listener or Listener(), lines, dry_run, page_seconds).go()


class InProcess:
    """This process does the work, with all its threads. Nothing guards it: a decoder's crash is the batch's. Offers what a pool does."""

    def __init__(self, settings: Settings) -> None:
        self._desk = Desk(settings)
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
        return task, self._desk.answer(task)

    def close(self, *, now: bool) -> None:
        self._desk.close()


def pool_for(settings: Settings, jobs: int, page_seconds: float = PAGE_SECONDS) -> Pool:
    """The processes that work on pages."""
    return Pool("docbin.batch.worker:Desk", (settings,), jobs, seconds=page_seconds)


def _as_failure(task: Task, answer: Answer | DocbinError) -> Answer:
    """A worker's death or silence as the failure of its page."""
    if not isinstance(answer, DocbinError):
        return answer
    way_out = "--page-timeout allows more" if isinstance(answer, PageTimeout) else "the other pages go on"
    return Failure.of(type(answer)(f"{task.label}: {answer}; {way_out}"))


class _Run:
    def __init__(self, plan: Plan, jobs: int, listener: Listener, report: Report | None, dry_run: bool, page_seconds: float) -> None:
        self.plan = plan
        self.listener = listener
        self.report = report
        self.dry_run = dry_run
        self.summary = Summary(inputs=len(plan.jobs))
        self.workers: Pool | InProcess = InProcess(plan.settings) if jobs == 1 else pool_for(plan.settings, jobs, page_seconds)
        self.ahead = max(4, 2 * jobs)
        self.units: dict[int, Unit] = {}
        self.waiting = iter(enumerate(plan.jobs))
        self.kept: dict[int, frozenset[int]] = {}
        self.claimed: dict[str, str] = {}

    def go(self) -> Summary:
        start = time.perf_counter()
        clean = False
        try:
            self.listener.expect(len(self.plan.jobs))
            if self.plan.resume and not self.dry_run:
                for home in self.plan.homes.values():
                    if home.folder.is_dir():
                        home.open()  # finishes what a killed run had finished but for the name
            while True:
                while self.workers.free and (task := self._next()) is not None:
                    self.workers.submit(task)
                if not self.workers.busy:
                    break
                task, answer = self.workers.wait()
                self._take(task, _as_failure(task, answer))
            clean = True
        except KeyboardInterrupt:
            done = self.summary.counts["done"] + self.summary.counts["kept"]
            again = "" if self.plan.to_stdout else "; --resume goes on from here"
            kept = f"{done} finished {'page is' if done == 1 else 'pages are'} kept{again}" if done else "no page was finished"
            raise Interrupted(f"interrupted; {kept}") from None
        finally:
            self.workers.close(now=not clean)
            for unit in self.units.values():
                unit.drop()
            for home in self.plan.homes.values():
                home.close()
        self.summary.seconds = time.perf_counter() - start
        return self.summary

    def _next(self) -> Task | None:
        for index, unit in list(self.units.items()):
            task = unit.next()
            self._hear_refused(unit)
            if unit.finished:
                del self.units[index]
            if task is not None:
                return task
        for index, job in self.waiting:
            if isinstance(job, Refused):
                self._tell(self._failed(job.name, Failure.of(job.error)))
                self.listener.step()
            elif not self._resumed(index, job):
                return Task(index, job.source.path, job.source.name, job.source.name)
        return None

    def _hear_refused(self, unit: Unit) -> None:
        if isinstance(unit, Pages):
            for record in unit.refused:
                self._tell(record)
                self.listener.step()
            unit.refused.clear()

    def _take(self, task: Task, answer: Answer) -> None:
        if task.page is None:
            self._opened(task, answer)
            return
        unit = self.units[task.job]
        for record in unit.take(task, answer):
            self._tell(record)
        self.listener.step()
        if unit.finished:
            del self.units[task.job]

    def _opened(self, task: Task, answer: Answer) -> None:
        job = self.plan.jobs[task.job]
        assert isinstance(job, Job)
        skip = self.kept.pop(task.job, frozenset())
        if isinstance(answer, Look):
            if not self.dry_run and len(self.plan.homes) == 1 < len(self.plan.jobs):
                self.plan.home(job).open()  # where the one output folder cannot be used, no page can be done: this ends the batch
            try:
                unit = self._unit(task.job, job, answer, skip)
                self.listener.expect(len(answer.pages) - len(skip) - (not skip))
                if self.dry_run:
                    self._rehearse(unit, answer, skip)
                else:
                    self.units[task.job] = unit
                return
            except DocbinError as error:
                answer = Failure.of(error)
        assert isinstance(answer, Failure)
        self.listener.expect(1 if skip else 0)
        self._tell(self._failed(job.source.name, answer))
        self.listener.step()

    def _unit(self, index: int, job: Job, look: Look, skip: frozenset[int]) -> Unit:
        storage = shape(job, self.plan.settings, look.kind, look.count, len(look.pages))
        if not self.dry_run:
            self.plan.home(job).open()
        if storage.document:
            return Document(self.plan, index, job, look, storage, self.claimed, self.ahead)
        return Pages(self.plan, index, job, look, storage, self.claimed, skip)

    def _rehearse(self, unit: Unit, look: Look, skip: frozenset[int]) -> None:
        """Record what would be done, and check the outputs as the work would."""
        for page in look.pages:
            if page in skip:
                continue
            output = unit.output(page)
            try:
                unit.check(output)
                record = unit.record(page, None, output)
            except DocbinError as error:
                record = unit.record(page, Failure.of(error))
            self._tell(record)
            self.listener.step()

    def _resumed(self, index: int, job: Job) -> bool:
        """Tell of what an earlier run has finished of this job; whether that is all of it."""
        if not self.plan.resume or job.source.stat is None:
            return False
        home = self.plan.home(job)
        pages: dict[int, PageRecord] = {}
        wanted = 0
        for entry in home.manifest.entries(self.plan.settings.key(*job.source.stat)):
            named_so = entry["output"] == job.exact.name if job.exact is not None else entry["stem"] == job.stem
            if not named_so or not home.is_kept(entry):
                continue
            records = [PageRecord.kept(told, str(home.folder / entry["output"])) for told in entry["records"]]
            if entry["page"] is None:
                self._tell_kept(records)
                return True
            pages[entry["page"]] = records[0]
            wanted = entry["wanted"]
        if not pages:
            return False
        self._tell_kept([record for _, record in sorted(pages.items())])
        self.kept[index] = frozenset(pages)
        return len(pages) == wanted

    def _tell_kept(self, records: list[PageRecord]) -> None:
        self.listener.expect(-1)  # they take no time, and would only spoil the guess of the time left
        for record in records:
            self._tell(record)

    def _failed(self, name: str, failure: Failure) -> PageRecord:
        settings = self.plan.settings
        return PageRecord(name, None, None, "failed", settings.method, dict(settings.params), error=failure)

    def _tell(self, record: PageRecord) -> None:
        self.summary.add(record)
        if self.report is not None:
            self.report.add(record)
        self.listener.page(record)
