"""Inputs and an output word -> planned files: what goes where, settled before the first page is opened.

=====================  ==============================  ==========================================================
OUT                    inputs                          output
=====================  ==============================  ==========================================================
none                   files                           beside each input: ``page.jpg`` -> ``page.ink.png``, or ``page.words.json``
none                   a folder                        a folder beside it: ``scans/`` -> ``scans.ink/``, or ``scans.words/``
none                   stdin                           stdout
``-``                  one file                        stdout
``name.png`` ...       one file                        that file; its suffix chooses the format
``name.txt`` ...       one file                        refused, unless it is a folder already or ends in ``/``
``book.pdf``, ``.tif`` a folder, or several files      all pages in that one file, in the order of the inputs
a folder, or none      ``shard.tar``                   a folder of that name: ``out/shard/``, ``shard.ink/``, a file a member, called like it
anything else          any                             a folder, in which the tree of a walked folder is mirrored
=====================  ==============================  ==========================================================

The suffix and the split into pages depend on what the file holds, so they are settled when it is opened (:func:`storage`).
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from docbin.batch.inputs import STDIN, Refused, Skipped, Source, find
from docbin.batch.job import Job
from docbin.batch.names import stems
from docbin.batch.output_folder import OutputFolder
from docbin.batch.planned_file import PlannedFile
from docbin.batch.remote_folder import RemoteFolder
from docbin.batch.shard import Shard
from docbin.batch.work_list import SUFFIX, WorkList
from docbin.errors import FileAccessError, UsageError
from docbin.files.remote_path import AnyPath, RemotePath, is_url, place

Folder = OutputFolder | RemoteFolder

_ENDING = re.compile(r"\.[A-Za-z][A-Za-z0-9]{1,4}", re.ASCII)
"""What reads like the ending of a file's name, known or not."""
INCOMPLETE = "incomplete"
"""Stands in the name of a document in which pages are missing: ``book.incomplete.pdf``."""


@dataclass(slots=True)
class Plan:
    """The files of a batch, in order; make it with :func:`plan`.

    Attributes
    ----------
    job : what is done to every page
    files : planned files, refused input words, and pictures that are left out; those of a work list are read one at a time
    folders : the output folders, on this machine or in a store
    to_stdout : the one file's output belongs on stdout; it is written to a temporary file first
    identities : (device, inode) of every input, so that none is ever overwritten
    together : the one document that the pages of all inputs go into (:mod:`docbin.batch.one_document`), None where each has its own output
    """

    job: Job
    files: Sequence[PlannedFile | Refused | Skipped]
    folders: dict[AnyPath, Folder]
    overwrite: bool = False
    resume: bool = False
    to_stdout: bool = False
    identities: frozenset[tuple[int, int]] = frozenset()
    together: Path | None = None

    def folder(self, file: PlannedFile) -> Folder:
        """The output folder of a file."""
        return self.folders[file.folder]

    def stdout_file(self) -> Path | None:
        """After the run, the file that belongs on stdout; None where nothing was finished."""
        folder = next(iter(self.folders.values()), None)
        if folder is None or not self.to_stdout or isinstance(folder.path, RemotePath):
            return None
        return next(iter(folder.path.glob("stdout.*")), None)


def plan(
    words: Sequence[str],
    out: str | None,
    job: Job,
    *,
    spool: Path,
    overwrite: bool = False,
    resume: bool = False,
    shard: Shard | None = None,
) -> Plan:
    """Settle what goes where.

    Parameters
    ----------
    words : INPUT words, see :mod:`docbin.batch.inputs`
    out : OUT word, see the table above
    job : what is done to every page
    spool : folder for temporary files (stdin; what goes to stdout)
    overwrite, resume : what may happen to outputs that exist
    shard : do only this part of the files; names are those of the whole batch

    Raises
    ------
    UsageError
        Words that contradict each other: a file for many pages, an output folder inside an input folder, no input.
    FileAccessError
        The manifest cannot be read.
    """
    if not words:
        raise UsageError("no input; name files, folders, globs in quotes, or - for stdin")
    if any(word.lower().endswith(SUFFIX) for word in words):
        return _listed(words, out, job, spool, overwrite, resume, shard)
    found = find(words, spool, keep_apart=out is not None)
    sources = [item for item in found if isinstance(item, Source)]
    one = len(words) == 1 and not any(source.walked for source in sources) and not Path(words[0]).is_dir()
    made = Plan(job, [], {}, overwrite, resume, identities=frozenset(s.identity for s in sources if s.identity is not None))
    if out == "-" or (out is None and list(words) == [STDIN]):
        if not one:
            raise UsageError("stdout takes the result of one file; give a folder with -o for many")
        made.to_stdout = True
        planned = {source: PlannedFile(source, spool, "stdout", one_file=True) for source in sources}
    elif out is None:
        planned = _beside(words, sources, made)
    elif one and (exact := _as_file(out, job)) is not None:
        planned = {source: PlannedFile(source, exact.parent, exact.stem, exact, one_file=True) for source in sources}
    elif not one and (together := _as_document(out, job)) is not None:
        if shard is not None:
            raise UsageError(f"-o {out}: parts of a batch cannot share one document; give a folder, or leave out --shard")
        made.together = together
        found = [item for item in found if not (isinstance(item, Source) and _is_left_document(item, together))]
        sources = [item for item in found if isinstance(item, Source)]
        made.identities = frozenset(source.identity for source in sources if source.identity is not None)
        made.folders[together.parent] = OutputFolder(together.parent, keep=resume, remember=resume)
        planned = {source: PlannedFile(source, together.parent, together.stem, together, one_file=True) for source in sources}
    else:
        if one:
            _refuse_other_file(out, job)
        else:
            _refuse_file_for_many(out, words, job)
        root = place(out)
        _refuse_overlap(root, words, sources)
        made.folders[root] = _folder(root, spool, keep=True, remember=resume)
        planned = _named(sources, lambda source: root, made)
    for file in planned.values():
        if file.folder not in made.folders:
            keep = resume and not made.to_stdout
            made.folders[file.folder] = _folder(file.folder, spool, keep=keep, remember=keep)
    made.files = [planned[item] if isinstance(item, Source) else item for item in found if shard is None or shard.holds(_unit(item))]
    return made


def _unit(item: Source | Refused | Skipped) -> str:
    """The name by which an input belongs to a shard: the same on machines that see the inputs in different places."""
    return item.place.as_posix() if isinstance(item, Source) else item.name


def _folder(path: AnyPath, spool: Path, *, keep: bool, remember: bool, shard: Shard | None = None) -> Folder:
    if isinstance(path, Path):
        return OutputFolder(path, keep=keep, remember=remember)
    return RemoteFolder(path, spool, keep=keep, remember=remember, wanted=shard.holds if shard is not None else None)


def _listed(words: Sequence[str], out: str | None, job: Job, spool: Path, overwrite: bool, resume: bool, shard: Shard | None) -> Plan:
    """The plan of a work list."""
    if len(words) > 1:
        raise UsageError(f"{words[0]}: a work list stands alone; give one list, or put all lines into one")
    if out is None or out == "-":
        raise UsageError(f"{words[0]}: the units of a work list go into a folder; give one with -o")
    if _as_file(out, job) is not None:
        raise UsageError(f"-o {out} names a file, but a work list may be many; give a folder")
    path, root = local_list(words[0], spool), place(out)
    made = Plan(job, [], {}, overwrite, resume)
    made.folders[root] = _folder(root, spool, keep=True, remember=resume, shard=shard)
    made.files = WorkList(path, words[0], root, shard)
    if not len(made.files) and shard is None:
        raise FileAccessError(f"{words[0]}: the work list is empty; make one with 'docbin list'")
    return made


def local_list(word: str, spool: Path) -> Path:
    """A work list as a file of this machine; one at a URL is copied into `spool`."""
    import shutil

    from docbin.files.range_reader import open_object

    path = place(word)
    if isinstance(path, Path):
        return path
    local = spool / "work-list.jsonl"
    with open_object(path) as source, local.open("wb") as sink:
        shutil.copyfileobj(source, sink, 1 << 20)
    return local


def _named(sources: Sequence[Source], folder: Callable[[Source], AnyPath], made: Plan, mark: str = "") -> dict[Source, PlannedFile]:
    """Planned files with collision-free stems in each output folder."""
    groups: dict[AnyPath, list[Source]] = defaultdict(list)
    for source in sources:
        groups[folder(source)].append(source)
    planned = {}
    for where, members in groups.items():
        remembered = made.folders[where].manifest.stems if made.resume else {}
        bare = {path: stem.removesuffix(mark) for path, stem in remembered.items()}
        named = zip(members, stems(members, bare), strict=True)
        planned.update({source: PlannedFile(source, where, stem + mark) for source, stem in named})
    return planned


def _beside(words: Sequence[str], sources: Sequence[Source], made: Plan) -> dict[Source, PlannedFile]:
    """Without -o: named files get their result beside them, each walked folder gets a folder beside it."""
    if STDIN in words:
        raise UsageError("stdin together with other inputs needs an output folder; give one with -o")
    remote = next((source for source in sources if isinstance(source.path, RemotePath)), None)
    if remote is not None:
        raise UsageError(f"{remote.name}: an input at a URL needs an output; give a file, a folder or a URL with -o")
    mark = made.job.mark
    roots = {Path(word): Path(os.path.normpath(Path(word).absolute())) for word in words if Path(word).is_dir()}
    for word, root in roots.items():
        if not root.name:
            raise UsageError(f"{word}: there is no place beside this folder; give an output folder with -o")

    def own_folder(source: Source) -> Path | None:
        for word, root in roots.items():
            if source.walked and isinstance(source.path, Path) and source.path.is_relative_to(word):
                beside = word.parent if word.name not in ("", "..") else root.parent
                return beside / f"{root.name}{mark}"
        return None

    keep = made.resume or len(sources) > 1
    for source in sources:
        folder = own_folder(source) or source.path.parent
        if folder not in made.folders:
            made.folders[folder] = OutputFolder(Path(str(folder)), keep=keep, remember=made.resume)
    planned = _named([source for source in sources if own_folder(source)], lambda source: own_folder(source) or Path(), made)
    flat = {replace(source, place=PurePath(source.path.name)): source for source in sources if not own_folder(source)}
    beside = _named(list(flat), lambda source: source.path.parent, made, mark)
    planned.update({flat[source]: replace(file, source=flat[source]) for source, file in beside.items()})
    return planned


def _as_file(out: str, job: Job) -> AnyPath | None:
    """OUT as a file name for one input; None where it means a folder."""
    from docbin.files import READABLE_SUFFIXES, format_of

    path = place(out)
    if out.endswith(("/", os.sep)) or (isinstance(path, Path) and path.is_dir()):
        return None
    suffix, formats = path.suffix.lower(), job.formats()
    if any(suffix in known.suffixes for known in formats.values()):
        chosen = format_of(path.name, job.format, formats)
        if getattr(job, "probability", False) and not chosen.grey:
            raise UsageError(f"{out}: {chosen.name} cannot hold a probability map; name a .png or .tif file")
        return path
    if suffix in READABLE_SUFFIXES:
        raise _other_ending(out, suffix, job)
    return None


def _refuse_other_file(out: str, job: Job) -> None:
    """UsageError where OUT, for one file, is a file or reads like one (``page.txt``), but in no format of the job. ``v1.0`` reads like a folder."""
    path = place(out)
    folder = out.endswith(("/", os.sep)) or (isinstance(path, Path) and path.is_dir())
    if not folder and _ENDING.fullmatch(path.suffix):
        raise _other_ending(out, path.suffix.lower(), job)
    if not folder and isinstance(path, Path) and path.exists():
        raise UsageError(f"-o {out} is a file, and its name does not tell a format; name one with {_endings(job)}, or a folder")


def _other_ending(out: str, suffix: str, job: Job) -> UsageError:
    why = "docbin does not write" if not getattr(job, "layers", False) else "with --layers docbin does not write"
    return UsageError(
        f"{out}: {why} {suffix} files; name one with {_endings(job)}, or a folder (a new one of such a name with a / at its end)"
    )


def _endings(job: Job) -> str:
    """The usual ending of each of a job's formats: ".png, .tif, .pdf, .pbm"."""
    return ", ".join(known.suffixes[0] for known in job.formats().values())


def _as_document(out: str, job: Job) -> Path | None:
    """OUT as one document of many pages; None where it is none, or the job writes none."""
    path = Path(out)
    if is_url(out):
        return None
    able = [suffix for name in job.document_formats() for suffix in job.formats()[name].suffixes]
    return path if path.suffix.lower() in able and _as_file(out, job) is not None else None


def _is_left_document(source: Source, document: Path) -> bool:
    """Whether an input is the document itself, whole or incomplete, as an earlier run left it in a folder that is walked."""
    names = (document.name, f"{document.stem}.{INCOMPLETE}{document.suffix}")
    path = source.path
    return source.walked and isinstance(path, Path) and path.name in names and path.parent.resolve() == document.parent.resolve()


def _refuse_file_for_many(out: str, words: Sequence[str], job: Job) -> None:
    from docbin.files import READABLE_SUFFIXES

    path = Path(out)
    if path.is_file() or (not path.is_dir() and not out.endswith(("/", os.sep)) and path.suffix.lower() in READABLE_SUFFIXES):
        many = f"{len(words)} inputs" if len(words) > 1 else f"{words[0]}, which may be many"
        documents = " or ".join(job.formats()[name].suffixes[0] for name in job.document_formats())
        together = f", or a file with {documents} for all pages in one" if documents else ""
        raise UsageError(f"-o {out} names a file, but there are {many}; give a folder{together}")


def _refuse_overlap(root: AnyPath, words: Sequence[str], sources: Sequence[Source]) -> None:
    """An output folder within a walked one would be read back by the next run (and the other way round, inputs would be overwritten)."""
    if isinstance(root, RemotePath):
        for word in words:
            if is_url(word) and root.is_relative_to(folder := RemotePath(word)):
                raise UsageError(
                    f"-o {root} lies in the input folder {folder}, where the next run would read it back; choose a folder outside"
                )
        inside = next((s for s in sources if isinstance(s.path, RemotePath) and s.walked and s.path.is_relative_to(root)), None)
        if inside is not None:
            raise UsageError(
                f"-o {root} holds the input {inside.name}, which the next run would take for a page again; choose another folder"
            )
        return
    resolved = root.resolve()
    for word in words:
        walked = Path(word)
        if word != STDIN and walked.is_dir() and resolved.is_relative_to(walked.resolve()):
            raise UsageError(f"-o {root} lies in the input folder {walked}, where the next run would read it back; choose a folder outside")
    for source in sources:
        if source.walked and isinstance(source.path, Path) and source.path.resolve().is_relative_to(resolved):
            raise UsageError(
                f"-o {root} holds the input {source.name}, which the next run would take for a page again; choose another folder"
            )


@dataclass(frozen=True, slots=True)
class Storage:
    """How a file's result is stored: `document` = all pages in the one `whole` file, else a file for each page. `replaces`: that file is the input
    with its pictures replaced."""

    format: str
    suffix: str
    document: bool
    whole: AnyPath | None
    replaces: bool = False


def storage(file: PlannedFile, job: Job, kind: str, count: int, chosen: int) -> Storage:
    """Storage of a file of `count` pages, `chosen` of them wanted, now that its kind is known.

    Raises
    ------
    UsageError
        Several pages, but the output is one file in a format of one page; a compression that the format does not have.
    """
    from docbin.files import format_of
    from docbin.files.output import check_compression

    formats, documents = job.formats(), job.document_formats()
    archive = kind == "tar" and not file.one_file  # each page becomes a file of its own, called like its member
    if file.exact is not None:
        format = format_of(file.exact.name, job.format, formats).name
    else:
        format = job.format or job.usual_format(kind, 1 if archive else count)
    check_compression(formats[format], getattr(job, "compression", None))
    replaces = job.replaces(kind, format)
    document = (count > 1 and format in documents and not archive) or replaces
    suffix = file.exact.suffix if file.exact is not None else formats[format].suffixes[0]
    if file.one_file and chosen > 1 and not document:
        target = str(file.exact) if file.exact is not None else "stdout"
        what = job.one_page_is(format)
        way = f", --format {' or '.join(documents)}" if documents else ""
        raise UsageError(
            f"{file.source.name}: {chosen} pages do not fit into {target}: {what} holds one; choose a folder with -o{way}, or --pages"
        )
    whole = file.exact if file.exact is not None else file.folder / f"{file.stem}{suffix}"
    return Storage(format, suffix, document, whole if document or (count == 1 and not archive) or file.one_file else None, replaces)
