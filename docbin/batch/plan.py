"""Inputs and an output word -> jobs: which file goes where, settled before the first page is opened.

=====================  ==============================  ==========================================================
OUT                    inputs                          output
=====================  ==============================  ==========================================================
none                   files                           beside each input: ``page.jpg`` -> ``page.ink.png``, or ``page.words.json``
none                   a folder                        a folder beside it: ``scans/`` -> ``scans.ink/``, or ``scans.words/``
none                   stdin                           stdout
``-``                  one file                        stdout
``name.png`` ...       one file                        that file; its suffix chooses the format
anything else          any                             a folder, in which the tree of a walked folder is mirrored
=====================  ==============================  ==========================================================

The suffix and the split into pages depend on what the file holds, so they are settled when it is opened (:func:`shape`).
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from docbin.batch.home import Home
from docbin.batch.inputs import STDIN, Refused, Source, find
from docbin.batch.names import stems
from docbin.batch.purpose import MARKS
from docbin.batch.settings import Settings
from docbin.errors import UsageError


@dataclass(frozen=True, slots=True)
class Job:
    """One input file and where its result goes: ``home / (stem + suffix)``, or the `exact` file."""

    source: Source
    home: Path
    stem: str
    exact: Path | None = None
    one_file: bool = False
    """The result must be one file: the user named it, or it goes to stdout."""


@dataclass(slots=True)
class Plan:
    """The jobs of a batch, in order; make it with :func:`plan`.

    Attributes
    ----------
    jobs : jobs and refused input words
    homes : the output folders
    to_stdout : the one job's output belongs on stdout; it is written to a temporary file first
    identities : (device, inode) of every input, so that none is ever overwritten
    """

    settings: Settings
    jobs: list[Job | Refused]
    homes: dict[Path, Home]
    overwrite: bool = False
    resume: bool = False
    to_stdout: bool = False
    identities: frozenset[tuple[int, int]] = frozenset()

    def home(self, job: Job) -> Home:
        """The output folder of a job."""
        return self.homes[job.home]

    def stdout_file(self) -> Path | None:
        """After the run, the file that belongs on stdout; None where nothing was finished."""
        home = next(iter(self.homes.values()), None)
        return None if home is None or not self.to_stdout else next(iter(home.folder.glob("stdout.*")), None)


def plan(
    words: Sequence[str],
    out: str | None,
    settings: Settings,
    *,
    spool: Path,
    overwrite: bool = False,
    resume: bool = False,
) -> Plan:
    """Settle what goes where.

    Parameters
    ----------
    words : INPUT words, see :mod:`docbin.batch.inputs`
    out : OUT word, see the table above
    spool : folder for temporary files (stdin; what goes to stdout)
    overwrite, resume : what may happen to outputs that exist

    Raises
    ------
    UsageError
        Words that contradict each other: a file for many pages, an output folder inside an input folder, no input.
    FileAccessError
        The manifest cannot be read.
    """
    if not words:
        raise UsageError("no input; name files, folders, globs in quotes, or - for stdin")
    found = find(words, spool, keep_apart=out is not None)
    sources = [item for item in found if isinstance(item, Source)]
    one = len(words) == 1 and not any(source.walked for source in sources) and not Path(words[0]).is_dir()
    made = Plan(settings, [], {}, overwrite, resume, identities=frozenset(s.identity for s in sources if s.identity is not None))
    if out == "-" or (out is None and list(words) == [STDIN]):
        if not one:
            raise UsageError("stdout takes the result of one file; give a folder with -o for many")
        made.to_stdout = True
        jobs = {source: Job(source, spool, "stdout", one_file=True) for source in sources}
    elif out is None:
        jobs = _beside(words, sources, made)
    elif one and (exact := _as_file(out, settings)) is not None:
        jobs = {source: Job(source, exact.parent, exact.stem, exact, one_file=True) for source in sources}
    else:
        _refuse_file_for_many(out, words)
        root = Path(out)
        _refuse_overlap(root, words, sources)
        made.homes[root] = Home(root, keep=True, remember=resume)
        jobs = _named(sources, lambda source: root, made)
    for job in jobs.values():
        if job.home not in made.homes:
            made.homes[job.home] = Home(job.home, keep=resume and not made.to_stdout, remember=resume and not made.to_stdout)
    made.jobs = [item if isinstance(item, Refused) else jobs[item] for item in found]
    return made


def _named(sources: Sequence[Source], folder: Callable[[Source], Path], made: Plan, mark: str = "") -> dict[Source, Job]:
    """Jobs with collision-free stems in each output folder."""
    groups: dict[Path, list[Source]] = defaultdict(list)
    for source in sources:
        groups[folder(source)].append(source)
    jobs = {}
    for home, members in groups.items():
        remembered = made.homes[home].manifest.stems if made.resume else {}
        bare = {path: stem.removesuffix(mark) for path, stem in remembered.items()}
        jobs.update({source: Job(source, home, stem + mark) for source, stem in zip(members, stems(members, bare), strict=True)})
    return jobs


def _beside(words: Sequence[str], sources: Sequence[Source], made: Plan) -> dict[Source, Job]:
    """Without -o: named files get their result beside them, each walked folder gets a folder beside it."""
    if STDIN in words:
        raise UsageError("stdin together with other inputs needs an output folder; give one with -o")
    mark = MARKS[made.settings.task]
    roots = {Path(word): Path(os.path.normpath(Path(word).absolute())) for word in words if Path(word).is_dir()}
    for word, root in roots.items():
        if not root.name:
            raise UsageError(f"{word}: there is no place beside this folder; give an output folder with -o")

    def own_folder(source: Source) -> Path | None:
        for word, root in roots.items():
            if source.walked and source.path.is_relative_to(word):
                beside = word.parent if word.name not in ("", "..") else root.parent
                return beside / f"{root.name}{mark}"
        return None

    keep = made.resume or len(sources) > 1
    for source in sources:
        home = own_folder(source) or source.path.parent
        made.homes.setdefault(home, Home(home, keep=keep, remember=made.resume))
    jobs = _named([source for source in sources if own_folder(source)], lambda source: own_folder(source) or Path(), made)
    flat = {replace(source, place=PurePath(source.path.name)): source for source in sources if not own_folder(source)}
    beside = _named(list(flat), lambda source: source.path.parent, made, mark)
    jobs.update({flat[source]: replace(job, source=flat[source]) for source, job in beside.items()})
    return jobs


def _as_file(out: str, settings: Settings) -> Path | None:
    """OUT as a file name for one input; None where it means a folder."""
    from docbin.files import READABLE_SUFFIXES, format_of

    path = Path(out)
    if out.endswith(("/", os.sep)) or path.is_dir():
        return None
    suffix, formats = path.suffix.lower(), settings.purpose.formats()
    if any(suffix in known.suffixes for known in formats.values()):
        chosen = format_of(path, settings.format, formats)
        if settings.probability and not chosen.grey:
            raise UsageError(f"{out}: {chosen.name} cannot hold a probability map; name a .png or .tif file")
        return path
    if suffix in READABLE_SUFFIXES:
        endings = ", ".join(known.suffixes[0] for known in formats.values())
        raise UsageError(f"{out}: docbin does not write {suffix} files; name one with {endings}, or a folder")
    return None


def _refuse_file_for_many(out: str, words: Sequence[str]) -> None:
    from docbin.files import READABLE_SUFFIXES

    path = Path(out)
    if path.is_file() or (not path.is_dir() and not out.endswith(("/", os.sep)) and path.suffix.lower() in READABLE_SUFFIXES):
        many = f"{len(words)} inputs" if len(words) > 1 else f"{words[0]}, which may be many"
        raise UsageError(f"-o {out} names a file, but there are {many}; give a folder")


def _refuse_overlap(root: Path, words: Sequence[str], sources: Sequence[Source]) -> None:
    """An output folder within a walked one would be read back by the next run (and the other way round, inputs would be overwritten)."""
    place = root.resolve()
    for word in words:
        folder = Path(word)
        if word != STDIN and folder.is_dir() and place.is_relative_to(folder.resolve()):
            raise UsageError(f"-o {root} lies in the input folder {folder}, where the next run would read it back; choose a folder outside")
    for source in sources:
        if source.walked and source.path.resolve().is_relative_to(place):
            raise UsageError(
                f"-o {root} holds the input {source.name}, which the next run would take for a page again; choose another folder"
            )


@dataclass(frozen=True, slots=True)
class Shape:
    """How a job's result is stored: `document` = all pages in the one `whole` file, else a file for each page."""

    format: str
    suffix: str
    document: bool
    whole: Path | None


def shape(job: Job, settings: Settings, kind: str, count: int, chosen: int) -> Shape:
    """Storage of a file of `count` pages, `chosen` of them wanted, now that its kind is known.

    Raises
    ------
    UsageError
        Several pages, but the output is one file in a format of one page.
    """
    from docbin.files import format_of

    purpose = settings.purpose
    formats, documents = purpose.formats(), purpose.documents(settings)
    if job.exact is not None:
        format = format_of(job.exact, settings.format, formats).name
    else:
        format = settings.format or purpose.usual(settings, kind, count)
    document = count > 1 and format in documents
    suffix = job.exact.suffix if job.exact is not None else formats[format].suffixes[0]
    if job.one_file and chosen > 1 and not document:
        target = str(job.exact) if job.exact is not None else "stdout"
        what = purpose.holds(settings, format)
        way = f", --format {' or '.join(documents)}" if documents else ""
        raise UsageError(
            f"{job.source.name}: {chosen} pages do not fit into {target}: {what} holds one; choose a folder with -o{way}, or --pages"
        )
    whole = job.exact if job.exact is not None else job.home / f"{job.stem}{suffix}"
    return Shape(format, suffix, document, whole if document or count == 1 or job.one_file else None)
