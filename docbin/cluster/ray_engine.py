"""A batch on the machines of a Ray cluster.

Rows are names of files, never pixels: a row is one unit, an actor fetches it, works in docbin's own guarded child process and writes the finished
output itself, and a small record comes back. So the object store holds nothing to spill, and what Ray cannot do (a limit of time or of memory for a
page, a page that crashes its process) is done where it is done on one machine.

* A page that hangs, crashes or takes all memory costs its child process; its error is a row like any other. No exception reaches Ray, which would
  drop a block or stop the batch for it.
* An actor that dies, or a machine, is replaced by Ray, and the rows it had are done again, which makes the same bytes under the same names: an
  output that this very run made may be made again, any other may not.
* The driver keeps the records: a report line a page, and for outputs in a store the records of the folder. A driver that dies is started again with
  ``--resume``. On a shared disk actors write the folder's manifest themselves, under its lock, as several docbins in one folder always did.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import logging
import math
import os
import pickle
import secrets
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docbin.batch.batch_plan import Plan
from docbin.batch.batch_run import BatchRun, Listener, page_pool
from docbin.batch.failure import Failure
from docbin.batch.inputs import Refused
from docbin.batch.job import Job
from docbin.batch.output_folder import OutputFolder
from docbin.batch.planned_file import PlannedFile
from docbin.batch.record import PageRecord, Report, Summary
from docbin.batch.remote_folder import RemoteFolder
from docbin.batch.work_list import Unit, planned, unit_of
from docbin.errors import DocbinError, Interrupted, MissingExtra, UsageError
from docbin.files.kinds import TAR_SUFFIX
from docbin.files.remote_path import AnyPath, RemotePath, place

if TYPE_CHECKING:
    from docbin.batch.batch_plan import Folder

UNITS_AT_ONCE = 50_000
"""Units that are given to Ray as one dataset; the driver's memory does not grow with the batch."""
MOST_ROWS = 16
"""Rows of a task: what is done again where an actor dies, and what one actor may still have while the others are idle (docs/scale.md)."""


class UnitActor:
    """An actor: does units with one child process that keeps the opened model.

    Parameters
    ----------
    job : what is done to every page
    run : name of the run, the same for all actors
    out : output folder of rows that are units (:func:`map_units`); rows of :func:`run` bring their own
    overwrite, resume, page_seconds : as for :func:`docbin.batch.run`
    ask_records : look into the folder's records for what is done (``resume``); else the driver has
    """

    def __init__(
        self,
        job: Job,
        run: str,
        out: str | None = None,
        overwrite: bool = False,
        resume: bool = False,
        page_seconds: float | None = None,
        ask_records: bool = False,
    ) -> None:
        self._job, self._run, self._overwrite, self._resume, self._ask_records = job, run, overwrite, resume, ask_records
        self._out = None if out is None else place(out)
        self._pool = page_pool(job, 1, page_seconds, one_thread=True, share=os.cpu_count() or 1)
        self._spool = tempfile.TemporaryDirectory(prefix="docbin-actor-", ignore_cleanup_errors=True)
        self._folders: dict[AnyPath, Folder] = {}
        self._records: list[bytes] = []

    def __call__(self, batch: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
        """Rows of planned files (columns ``file``, ``skip``) to rows of ``number``, ``records`` (JSON) and ``kept`` (lines for the folder)."""
        numbers, files = [int(number) for number in batch["number"]], [pickle.loads(data) for data in batch["file"]]
        skip = {at: frozenset(json.loads(pages)) for at, pages in enumerate(batch["skip"])}
        made = self._do(files, skip)
        lines = [line.decode() for line in self._records]
        self._records.clear()
        rows: dict[str, list[Any]] = {
            "number": numbers,
            "records": [json.dumps([record.as_dict() for record in records]) for records in made],
        }
        return rows | {"kept": ["".join(lines), *[""] * (len(numbers) - 1)]}

    def records(self, batch: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
        """Rows of units (columns of a work list) to rows of records, one a page."""
        assert self._out is not None
        root = self._out if isinstance(self._out, RemotePath) else self._out.resolve()
        files = [unit if isinstance(unit, Refused) else planned(unit, self._out, root) for unit in _units(batch)]
        made = [record for records in self._do(files, None) for record in records]
        for folder in self._folders.values():
            if isinstance(folder, RemoteFolder):
                folder.close()  # a library's user has no driver that would keep the records
        return _columns(made)

    def _do(self, files: Sequence[PlannedFile | Refused], skip: Mapping[int, frozenset[int]] | None) -> list[list[PageRecord]]:
        """The records of each file; whatever goes wrong is one of them."""
        heard = _ByInput(files)
        for file in files:
            if isinstance(file, PlannedFile) and file.folder not in self._folders:
                self._folders[file.folder] = self._folder(file.folder)
        folders = {file.folder: self._folders[file.folder] for file in files if isinstance(file, PlannedFile)}
        inputs = frozenset(file.source.identity for file in files if isinstance(file, PlannedFile) and file.source.identity is not None)
        plan = Plan(self._job, files, folders, self._overwrite, self._resume, identities=inputs)
        try:
            BatchRun(plan, 1, heard, None, False, pool=self._pool, skip=skip).go()
        except Exception as error:  # the folder cannot be written, processes do not start: a row, not the end of the batch
            heard.fail(self._job, error)
        return heard.made

    def _folder(self, path: AnyPath) -> Folder:
        if isinstance(path, RemotePath):
            keeps = None if self._out is not None else self._records
            remember = self._resume and self._ask_records
            return RemoteFolder(path, Path(self._spool.name), keep=True, remember=remember, run=self._run, records=keeps)
        return OutputFolder(path, keep=True, remember=self._resume, run=self._run)


class _ByInput(Listener):
    """Sorts records to the files they belong to."""

    def __init__(self, files: Sequence[PlannedFile | Refused]) -> None:
        self.made: list[list[PageRecord]] = [[] for _ in files]
        self._names = [file.source.name if isinstance(file, PlannedFile) else file.name for file in files]
        self._at = {name: at for at, name in enumerate(self._names)}

    def page(self, record: PageRecord) -> None:
        self.made[self._at[record.input]].append(record)

    def fail(self, job: Job, error: Exception) -> None:
        """Give every file that has no record yet the error."""
        for name, records in zip(self._names, self.made, strict=True):
            if not records:
                records.append(PageRecord(name, None, None, "failed", job.row.name, dict(job.params), error=Failure.of(error)))


class RecordsActor(UnitActor):
    """A :class:`UnitActor` for datasets of units."""

    def __call__(self, batch: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
        return self.records(batch)


def _units(batch: Mapping[str, Sequence[Any]]) -> Iterator[Unit | Refused]:
    """The rows of a batch as units; a row that is none is refused, alone."""
    columns = {name: batch[name] for name in ("uri", "name", "size", "etag") if name in batch}
    for at in range(len(next(iter(batch.values()), ()))):
        values = {name: _plain(column[at]) for name, column in columns.items()}
        label = str(values.get("uri") or "a row without a uri")
        try:
            yield unit_of(values, label)
        except DocbinError as error:
            yield Refused(label, error)


def _plain(value: Any) -> Any:
    """A cell of a table as a value; None for a missing one. Whole numbers are real ones in a column where some are missing."""
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, float):
        return None if math.isnan(value) else int(value) if value.is_integer() else value
    return value


def _columns(records: Sequence[PageRecord]) -> dict[str, list[Any]]:
    """Records as the columns of a table; lists and tables within are JSON."""
    rows = [record.as_dict() for record in records]
    names = tuple(PageRecord("", None, None, "done", "").as_dict())
    return {name: [json.dumps(v) if isinstance(v := row[name], dict | list | tuple) else v for row in rows] for name in names}


def _ray() -> Any:
    try:
        import ray
        import ray.data
    except ImportError:
        raise MissingExtra("--engine ray needs Ray, which is not installed; pip install 'docbin[cluster]'") from None
    return ray


def _connected() -> Any:
    """Ray, connected to the cluster that ``RAY_ADDRESS`` names, or one of this machine alone."""
    ray = _ray()
    if not ray.is_initialized():
        address = os.environ.get("RAY_ADDRESS")
        if (
            address is None
        ):  # on a cluster of our own workers are as urgent as the local engine's; Ray would let them wait for all else (nice 15)
            os.environ.setdefault("RAY_worker_niceness", "0")
        with _quiet():
            ray.init(log_to_driver=False, logging_level="ERROR", include_dashboard=False, address=address)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.max_errored_blocks = 0  # an errored block would be dropped with all its units
    return ray


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep Ray's plans and hints off the user's terminal; Ray Data's go to its files all the same. What a user has set in the environment counts."""
    for handler in logging.getLogger("ray.data").handlers:
        if type(handler).__name__ != "SessionFileHandler":
            handler.setLevel(logging.ERROR)
    name = "RAY_BACKEND_LOG_LEVEL"  # read once, when this process connects
    if name in os.environ:
        yield
        return
    os.environ[name] = "fatal"
    real = os.dup(2)
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)  # on connecting, Ray's core says on stderr that it found the variable
    try:
        yield
    finally:
        os.dup2(real, 2)
        os.close(real)
        os.environ.pop(name, None)


def _actors(ray: Any, jobs: int | None) -> int:
    return max(1, jobs if jobs is not None else int(ray.cluster_resources().get("CPU", 1)))


def _mapped(ray: Any, dataset: Any, actor: type, arguments: Mapping[str, Any], actors: int, rows: int) -> Any:
    """The dataset through a pool of actors; a dead one is started again, and its task done again, as often as need be."""
    strategy = ray.data.ActorPoolStrategy(min_size=1, max_size=actors, initial_size=actors, max_tasks_in_flight_per_actor=2)
    return dataset.map_batches(
        actor,
        batch_size=rows,
        batch_format="numpy",
        compute=strategy,
        fn_constructor_kwargs=dict(arguments),
        num_cpus=1,
    )  # Ray Data starts actors again, and their tasks, without end: what a page can do wrong ends in its child process, so only machines fail here


def rows_a_task(units: int, actors: int, *, archives: bool = False) -> int:
    """Rows of a task: few enough that every actor gets at least eight tasks, at most :data:`MOST_ROWS`; one where there are `archives` among them,
    each of which is the work of many."""
    if archives:
        return 1
    return max(1, min(MOST_ROWS, units // (8 * actors)))


def run(
    plan: Plan,
    *,
    jobs: int | None = None,
    report: Path | None = None,
    listener: Listener | None = None,
    page_seconds: float | None = None,
) -> Summary:
    """Do what was planned on the cluster that ``RAY_ADDRESS`` names, or on this machine; parameters and errors of :func:`docbin.batch.run`.

    `jobs` is the number of actors; None: one a CPU of the cluster. Outputs that are no URLs must lie on a disk that every machine sees under the same
    name.
    """
    if plan.to_stdout or plan.together is not None:
        raise UsageError("--engine ray writes an output for every input: name a folder or a URL with -o")
    if report is None:
        return _Driver(plan, jobs, listener or Listener(), None, page_seconds).go()
    with Report(report, plan.identities) as lines:
        return _Driver(plan, jobs, listener or Listener(), lines, page_seconds).go()


class _Driver:
    """The driver's part: what is done already, rows to the actors, records from them."""

    def __init__(self, plan: Plan, jobs: int | None, listener: Listener, report: Report | None, page_seconds: float | None) -> None:
        self._ray = _connected()
        self._plan, self._actors, self._listener = plan, _actors(self._ray, jobs), listener
        self._batch = BatchRun(plan, 0, listener, report, False)
        self._arguments = {
            "job": plan.job,
            "run": secrets.token_hex(8),
            "overwrite": plan.overwrite,
            "resume": plan.resume,
            "page_seconds": page_seconds,
        }

    def go(self) -> Summary:
        start = time.perf_counter()
        summary, plan = self._batch.summary, self._plan
        try:
            if plan.resume and not plan.overwrite:
                self._batch.refuse_other_settings()
            self._listener.expect(len(plan.files))
            for folder in plan.folders.values():
                if isinstance(folder, RemoteFolder) or plan.resume:
                    folder.open()
            rows: list[dict[str, Any]] = []
            archives = False
            for number, file in enumerate(plan.files):
                row = self._row(number, file)
                if row is not None:
                    rows.append(row)
                    archives = archives or (isinstance(file, PlannedFile) and file.source.path.suffix.lower() == TAR_SUFFIX)
                if len(rows) >= UNITS_AT_ONCE:
                    self._do(rows, archives)
                    rows, archives = [], False
            self._do(rows, archives)
        except KeyboardInterrupt:
            raise Interrupted(f"interrupted; {summary.counts['done']} pages are done and kept; --resume goes on from here") from None
        finally:
            for folder in plan.folders.values():
                folder.close()
        summary.seconds = time.perf_counter() - start
        return summary

    def _row(self, number: int, file: Any) -> dict[str, Any] | None:
        """A unit for the actors; None where there is nothing to do."""
        if not isinstance(file, PlannedFile):
            self._batch.record_unopened(number, file)
            return None
        if self._batch.resumed(number, file):
            return None
        skip = self._batch.kept.pop(number, frozenset())
        return {"number": number, "file": pickle.dumps(file), "skip": json.dumps(sorted(skip))}

    def _do(self, rows: list[dict[str, Any]], archives: bool) -> None:
        if not rows:
            return
        size = rows_a_task(len(rows), self._actors, archives=archives)
        dataset = self._ray.data.from_items(rows, override_num_blocks=-(-len(rows) // size))
        for batch in _mapped(self._ray, dataset, UnitActor, self._arguments, self._actors, size).iter_batches(
            batch_size=None, batch_format="numpy", prefetch_batches=0
        ):
            for records, kept in zip(batch["records"], batch["kept"], strict=True):
                self._take(json.loads(str(records)), str(kept))

    def _take(self, records: list[dict[str, Any]], kept: str) -> None:
        self._listener.expect(len(records) - 1)
        for fields in records:
            self._batch.record(_record(fields))
            self._listener.step()
        folder = next((folder for folder in self._plan.folders.values() if isinstance(folder, RemoteFolder)), None)
        for line in kept.encode().splitlines(keepends=True) if folder is not None else ():
            folder.keep_record(line)  # type: ignore[union-attr]


def _record(fields: dict[str, Any]) -> PageRecord:
    """A record that came back from an actor: lists are tuples again, and an error is a failure."""
    error = fields.get("error")
    failure = None if error is None else Failure(error["type"], error["message"], fields["exit_code"])
    names = [field.name for field in dataclasses.fields(PageRecord) if field.name in fields and field.name != "error"]
    values: dict[str, Any] = {name: tuple(fields[name]) if isinstance(fields[name], list) else fields[name] for name in names}
    return PageRecord(**values, error=failure)


def map_units(
    dataset: Any,
    out: str,
    job: Job | str | None = None,
    *,
    actors: int | None = None,
    rows: int = 4,
    overwrite: bool = False,
    resume: bool = False,
    page_seconds: float | None = None,
) -> Any:
    """Binarize the files that a Ray dataset names, lazily: a dataset of records comes back, a row a page.

    Parameters
    ----------
    dataset : ray.data.Dataset with a column ``uri``, and ``name``, ``size``, ``etag`` where they are known (:mod:`docbin.batch.work_list`)
    out : output folder: a URL, or a folder that every machine sees under this name
    job : a :class:`docbin.batch.Binarize` (or Detect, Enhance), or a method's name; None: the default method
    actors : processes, each with one CPU; None: one a CPU of the cluster
    rows : units that an actor does at a time
    overwrite, resume, page_seconds : as for :func:`docbin.batch.run`

    Returns
    -------
    ray.data.Dataset with the fields of a report's line (:class:`docbin.batch.PageRecord`) as columns; errors are rows whose status is "failed"

    Raises
    ------
    UsageError, MissingExtra
        The job cannot be done, or Ray is not installed.
    """
    from docbin import batch

    ray = _connected()
    made = job if isinstance(job, Job) else batch.Binarize.create(job)
    arguments = {
        "job": made,
        "run": secrets.token_hex(8),
        "out": out,
        "overwrite": overwrite,
        "resume": resume,
        "page_seconds": page_seconds,
    }
    return _mapped(ray, dataset, RecordsActor, arguments | {"ask_records": True}, _actors(ray, actors), rows)
