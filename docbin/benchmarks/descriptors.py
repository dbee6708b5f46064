"""Benchmarks: descriptors of public test sets, and how their pages are found on a user's disk.

A benchmark is data: one TOML file in the project's ``datasets/`` folder says what the set is (homepage, licence, citation, page names,
oddities) and how the files of its official archives are called. docbin ships no page of any of them. A user who unpacked an archive, or who
keeps the plain layout ``images/`` + ``gt/`` with equal stems, only names the folder; :meth:`Benchmark.pairs` finds the pages in it.

The search is declarative. A layout is a list of path patterns in which ``{stem}`` stands for the page's name, ``{book}`` for a folder that
the name begins with (``Book-003``), ``*`` for anything within a path component and a final ``.*`` for any picture suffix; letter case does
not matter. Four places are tried: ``ROOT/pages/<folder>``, ``ROOT/scene/<folder>``, ``ROOT/<folder>`` and ``ROOT`` itself. The first that
holds a complete pair wins, and within it the layout with the most pairs. Archives are unpacked in many ways, so a pattern may begin at any
folder below a place of the set's own; below ``ROOT`` itself, where other sets may lie, only patterns that name a folder may. A page that a
layout finds twice is dropped and named by :meth:`Benchmark.check`: scoring the wrong twin silently would be worse.

Descriptors are read through :mod:`importlib.resources` only, because the ``datasets`` folder lies beside the package in a checkout and
inside it in a wheel.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from docbin.benchmarks import word_truth
from docbin.errors import FileAccessError, UsageError
from docbin.metrics.words import PROTOCOLS
from docbin.typed_config import parse_toml, typed

TRUTH_SUFFIXES = (".txt", ".xml", ".gt")
"""Of files that hold outlines of words (:mod:`docbin.benchmarks.word_truth`)."""
PICTURE_SUFFIXES = (".png", ".tif", ".tiff", ".bmp", ".jpg", ".jpeg", ".webp", ".pbm", ".pgm", ".ppm", ".pnm", ".jp2", ".gif")
ROLES = ("train", "test", "other")
POLARITIES = ("black", "white")
TASKS = ("binarize", "detect", "text-mask", "ocr")
MANY = 20
"""So many missing pages, or files that nearly are pages, are told one by one."""
_DEPTH = 6  # folders below the root that are searched

Begin = Literal["here", "anywhere", "named"]
"""Where a pattern may begin: at the place itself, at any folder below it, or at any folder below it if the pattern names a folder."""


@dataclass(frozen=True, slots=True)
class PagePair:
    """A page and its truth: the page's name and two files."""

    stem: str
    image_path: Path
    truth_path: Path


@dataclass(frozen=True, slots=True)
class Layout:
    """Where pictures and truths lie: patterns relative to any folder below the root; see the module docstring."""

    images: tuple[str, ...]
    truths: tuple[str, ...]


PLAIN = Layout(images=("images/{stem}.*",), truths=("gt/{stem}.*", "gt/{stem}.ora"))
"""``images/`` + ``gt/``, equal stems, any picture format: tried before the layouts of a descriptor."""
LAYERED = Layout(images=("{stem}.ora",), truths=())
"""A folder of OpenRaster files, each of which holds a page and its ink (``docbin binarize --editable``)."""
PLAIN_WORDS = Layout(
    images=("images/{stem}.*",), truths=tuple(f"gt/{mark}{{stem}}{suffix}" for mark in ("gt_", "") for suffix in TRUTH_SUFFIXES)
)
"""The same for outlines of words; ``gt_`` may stand before the stem."""

PLAIN_TEXT = Layout(images=("images/{stem}.*",), truths=("text/{stem}.txt", "text/{stem}.xml"))
"""``images/`` + ``text/``: transcriptions (:mod:`docbin.benchmarks.text_truth`)."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One public test set.

    Attributes
    ----------
    name : the word on the command line
    title, year : what the set is called, and when it was published
    role : "train", "test" or "other", its part in the protocol that docbin's published numbers follow (train sets may be learned from; a test set
        is looked at once, at the end; "other" sets are used by neither)
    homepage, licence, citation : for people; "unknown" where nothing is stated
    archives : names (or addresses) of the official archives
    folders : folder names under a data root that may hold the set
    polarity : "black" or "white", the colour of ink in the truth files
    expected : how many pages the published set has
    stems : their names where known
    layouts : how the official archives lie on disk
    oddities : what to know before trusting a number on this set
    task : "binarize", truths are masks of ink; "detect", outlines of words; or "text-mask", masks of lettering
        (:mod:`docbin.benchmarks.text_mask_truth`), or "ocr", transcriptions (:mod:`docbin.benchmarks.text_truth`)
    truth : format of the outlines, of ``docbin.benchmarks.word_truth.FORMATS``
    protocol : how found words are counted, of ``docbin.metrics.words.PROTOCOLS``
    aspect : width over height of the published pictures, where copies of another aspect are about; such a copy is stretched to it when its words
        are read (:mod:`docbin.benchmarks.word_pictures`); 0 where pictures stay as they are
    """

    name: str
    title: str
    year: int
    role: str
    homepage: str
    licence: str
    citation: str
    expected: int
    archives: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    polarity: str = "black"
    stems: tuple[str, ...] = ()
    layouts: tuple[Layout, ...] = ()
    oddities: tuple[str, ...] = ()
    task: str = "binarize"
    truth: str = "icdar2015"
    protocol: str = "icdar2015"
    aspect: float = 0.0

    def pairs(self, data_root: str | os.PathLike[str]) -> list[PagePair]:
        """Pages and truths under `data_root`, in natural order (2 before 10).

        Raises
        ------
        FileAccessError
            `data_root` is missing, or no pair was found in it; the message says where was looked and what the official archives are called.
        """
        found = self._best(data_root)
        if not found.pairs:
            near = "" if self.expected else "".join(f"\n  {problem}" for problem in found.problems[:MANY])
            raise FileAccessError(
                f"{self.name}: no page with its truth was found under {data_root}; put pictures into images/ and transcriptions of the same names "
                "(.txt, or .xml in ALTO or PAGE) into text/ there"
                if self.task == "ocr"
                else f"{self.name}: no page with its truth was found under {data_root}; put pictures into {self.name}/images and truths of the same "
                f"names into {self.name}/gt there"
                + (
                    f", or unpack {', '.join(self.archives) or 'the official archives'} ({self.homepage})"
                    if self.archives or self.homepage != "unknown"
                    else near
                )
            )
        return found.pairs

    def check(self, data_root: str | os.PathLike[str]) -> list[str]:
        """What is wrong with the set under `data_root`, a sentence a problem, by page name; an empty list when all is there."""
        try:
            found = self._best(data_root)
        except FileAccessError as error:
            return [str(error)]
        if not found.pairs and not found.problems:
            return [f"{self.name}: nothing found under {data_root}"]
        problems = list(found.problems)
        have = {pair.stem.lower() for pair in found.pairs}
        named = {text.split(":")[0].lower() for text in found.problems}
        known = [stem for stem in self.stems if stem.lower() not in have | named]
        if self.stems and len(known) > MANY:
            problems.append(f"{known[0]} to {known[-1]}: {len(known)} are missing (neither picture nor truth)")
        elif self.stems and len(known) < len(self.stems):
            problems += [f"{stem}: missing (neither picture nor truth)" for stem in known]
        if self.expected and len(found.pairs) != self.expected:
            problems.append(f"{self.name}: {len(found.pairs)} complete pages, the published set has {self.expected}")
        return problems

    def _best(self, data_root: str | os.PathLike[str]) -> _Found:
        root = Path(data_root)
        if not root.is_dir():
            raise FileAccessError(f"{self.name}: the data root {root} is not a folder; give --data-root or set DOCBIN_DATA")
        nothing = _Found([], [])
        for place in self._places(root):
            files = _files_below(place)
            plain, stems = (PLAIN_WORDS, self.stems) if self.task == "detect" else (PLAIN, ())
            if self.task == "ocr":
                plain = PLAIN_TEXT
            if self.truth == word_truth.NONE:
                plain = Layout(PLAIN.images, ())
            tried = [_match(place, files, plain, stems, "here")]
            tried += [_match(place, files, layout, self.stems, "named" if place == root else "anywhere") for layout in self.layouts]
            best = max(tried, key=lambda found: len(found.pairs))
            if best.pairs:
                return best
            nothing = max(nothing, *tried, key=lambda found: len(found.problems))
        return nothing

    def _places(self, root: Path) -> list[Path]:
        names = dict.fromkeys((self.name, *self.folders))
        places = [parent / name for parent in (root / "pages", root / "scene", root) for name in names]
        return [place for place in places if place.is_dir()] + [root]


@dataclass(frozen=True, slots=True)
class _Found:
    pairs: list[PagePair]
    problems: list[str]


def natural_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key that puts "2" before "10" and "HW2" before "HW10"."""
    return tuple((0, int(part), "") if part.isdigit() else (1, 0, part.lower()) for part in re.split(r"(\d+)", text) if part)


def _files_below(place: Path) -> list[str]:
    """Files of pictures and truths below `place`, as "/"-separated relative paths, sorted; hidden folders and what lies deeper than `_DEPTH`
    are left out."""
    files: list[str] = []
    for folder, subfolders, names in os.walk(place):
        inner = Path(folder).relative_to(place)
        if len(inner.parts) >= _DEPTH:
            subfolders.clear()
        subfolders[:] = sorted(name for name in subfolders if not name.startswith((".", "__MACOSX")))
        pictures = (
            name for name in names if name.lower().endswith((*PICTURE_SUFFIXES, *TRUTH_SUFFIXES, ".ora")) and not name.startswith(".")
        )
        files += [(inner / name).as_posix() for name in pictures]
    return sorted(files)


@lru_cache(maxsize=256)
def _pattern(text: str, anywhere: bool) -> re.Pattern[str]:
    any_suffix = "|".join(re.escape(suffix[1:]) for suffix in PICTURE_SUFFIXES)
    body, tail = (text[:-2], rf"\.(?:{any_suffix})") if text.endswith(".*") else (text, "")
    parts = re.split(r"(\{stem\}|\{book\}|\*)", body)
    words = {"{stem}": "(?P<stem>[^/]+)", "{book}": "(?P<book>[^/]+)", "*": "[^/]*"}
    head = "(?:.*/)?" if anywhere else ""
    return re.compile(head + "".join(words.get(part) or re.escape(part) for part in parts) + tail, re.IGNORECASE)


def _by_stem(files: Iterable[str], patterns: Iterable[str], stems: tuple[str, ...], begin: Begin) -> dict[str, list[str]]:
    canonical = {stem.lower(): stem for stem in stems}
    found: dict[str, list[str]] = {}
    compiled = [_pattern(text, begin == "anywhere" or (begin == "named" and "/" in text)) for text in patterns]
    for file in files:
        for pattern in compiled:
            hit = pattern.fullmatch(file)
            if hit is None:
                continue
            stem = f"{hit['book']}-{hit['stem']}" if "book" in pattern.groupindex else hit["stem"]
            if stems and stem.lower() not in canonical:
                continue
            found.setdefault(canonical.get(stem.lower(), stem), []).append(file)
            break
    return found


def _match(place: Path, files: list[str], layout: Layout, stems: tuple[str, ...], begin: Begin) -> _Found:
    truths = _by_stem(files, layout.truths, stems, begin)
    taken = {file for twins in truths.values() for file in twins}
    images = _by_stem((file for file in files if file not in taken), layout.images, stems, begin)
    if not layout.truths:  # of a picture without writing, the picture itself is all that can be named
        truths = images
    pairs: list[PagePair] = []
    problems: list[str] = []
    for stem in sorted(images.keys() | truths.keys(), key=natural_key):
        of_page, of_truth = images.get(stem, []), truths.get(stem, [])
        if len(of_page) == 1 and len(of_truth) == 1:
            pairs.append(PagePair(stem, place / of_page[0], place / of_truth[0]))
        elif not of_truth:
            problems.append(f"{stem}: no truth for {place / of_page[0]}")
        elif not of_page:
            problems.append(f"{stem}: no picture for the truth {place / of_truth[0]}")
        else:
            twins = of_page if len(of_page) > 1 else of_truth
            problems.append(f"{stem}: found {len(twins)} times ({', '.join(twins)} in {place}); keep one")
    return _Found(pairs, problems)


def _descriptor_files() -> dict[str, Any]:
    folder = resources.files("docbin.benchmarks.datasets")
    return {entry.name.removesuffix(".toml"): entry for entry in folder.iterdir() if entry.name.endswith(".toml")}


def names() -> list[str]:
    """Names of the benchmarks that docbin knows, in natural order."""
    return sorted(_descriptor_files(), key=natural_key)


def load(name_or_folder: str | os.PathLike[str]) -> Benchmark:
    """The benchmark of that name, or a user's own folder in the plain layout (``images/`` + ``gt/``): as its ``descriptor.toml`` says, or else as
    a benchmark called after the folder.

    Raises
    ------
    UsageError
        Neither a known name nor such a folder (near names are suggested), or a descriptor with unknown or missing keys.
    """
    name = os.fspath(name_or_folder)
    known = _descriptor_files()
    if name in known:
        return parse(known[name].read_text(encoding="utf-8"), f"{name}.toml")
    folder = Path(name)
    if folder.is_dir():
        folder = folder.resolve()
        if not (folder / "images").is_dir() or not any((folder / truth).is_dir() for truth in ("gt", "text")):
            if any(file.suffix.lower() == ".ora" for file in folder.iterdir()):
                return Benchmark(folder.name, folder.name, 0, "other", "unknown", "unknown", "unknown", expected=0, layouts=(LAYERED,))
            raise UsageError(f"{name}: the folder must hold images/ and gt/ (or text/, for --ocr) with files of equal stems")
        own = folder / "descriptor.toml"
        if own.is_file():
            return parse(own.read_text(encoding="utf-8"), os.fspath(own))
        if not (folder / "gt").is_dir():
            return Benchmark(folder.name, folder.name, 0, "other", "unknown", "unknown", "unknown", expected=0, task="ocr")
        outlines = any(file.suffix.lower() in TRUTH_SUFFIXES for file in (folder / "gt").iterdir())
        task = "detect" if outlines else "binarize"
        return Benchmark(folder.name, folder.name, 0, "other", "unknown", "unknown", "unknown", expected=0, task=task)
    import difflib

    near = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"known are {', '.join(names())}"
    raise UsageError(f"benchmark {name!r} is neither a known name nor a folder; {hint}")


def data_root_of(name_or_folder: str | os.PathLike[str], data_root: str | os.PathLike[str] | None) -> Path:
    """Where the pages of a benchmark are looked for: the folder itself where one was named, else `data_root`, else ``DOCBIN_DATA``.

    The sample pages come with docbin and lie beside their descriptor; for them no root is needed.

    Raises
    ------
    UsageError
        None of them is there.
    """
    name = os.fspath(name_or_folder)
    if name not in _descriptor_files() and Path(name).is_dir():
        return Path(name)
    shipped = resources.files("docbin.benchmarks.datasets") / name
    if name in _descriptor_files() and shipped.is_dir():
        return Path(str(shipped))
    if data_root is not None:
        return Path(data_root)
    if os.environ.get("DOCBIN_DATA"):
        return Path(os.environ["DOCBIN_DATA"])
    raise UsageError(f"{name}: where are the pages? give --data-root DIR or set DOCBIN_DATA")


def parse(text: str, source: str) -> Benchmark:
    """Benchmark from the text of a descriptor; `source` names it in messages. Unknown keys, missing keys and wrong types are a UsageError."""
    bench = typed(Benchmark, parse_toml(text, source), source)
    choices = {"role": ROLES, "polarity": POLARITIES, "task": TASKS, "truth": tuple(word_truth.FORMATS), "protocol": tuple(PROTOCOLS)}
    for key, wanted in choices.items():
        if getattr(bench, key) not in wanted:
            raise UsageError(f"{source}: {key}={getattr(bench, key)!r}; choose one of {', '.join(wanted)}")
    for layout in bench.layouts:
        for pattern in (*layout.images, *layout.truths):
            if pattern.count("{stem}") != 1:
                raise UsageError(f"{source}: pattern {pattern!r} must hold {{stem}} once")
    return replace(bench, stems=tuple(stem for entry in bench.stems for stem in _expand(entry, source)))


def _expand(entry: str, source: str) -> list[str]:
    """ "H01..H10" -> H01, H02, ..., H10; anything else is one name."""
    if ".." not in entry:
        return [entry]
    ends = [re.fullmatch(r"(\D*)(\d+)", end) for end in entry.split("..")]
    if len(ends) != 2 or ends[0] is None or ends[1] is None or ends[0][1] != ends[1][1]:
        raise UsageError(f"{source}: stems entry {entry!r} is not of the form H01..H10")
    prefix, first, last = ends[0][1], ends[0][2], ends[1][2]
    return [f"{prefix}{number:0{len(first)}d}" for number in range(int(first), int(last) + 1)]
