"""Output names: one rule, no silent collisions.

``a.jpg`` becomes ``a`` plus the format's suffix. Where two inputs would get the same name, *all* of them take the next, longer form, until every
name is its own: ``a`` -> ``a.jpg`` -> ``folder_a`` -> ``folder_a.jpg`` -> ``a.jpg-1f3c9a02`` (a digest of the absolute path). The result depends on
the set of inputs only, never on their order. Names that differ only in case or in Unicode composition count as the same, because many file systems
take them so. Under --resume, an input that has a name from the last run keeps it.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from docbin.batch.inputs import OWN_FOLDER, Source

PAGE_MARK = re.compile(r"\.p\d{4,}$")
_DRIVE = re.compile(r"[A-Za-z]:")


def page_stem(stem: str, page: int) -> str:
    """Stem of one page's file where a document is split into files: ``book`` -> ``book.p0003``."""
    return f"{stem}.p{page:04d}"


def stays_below(name: str) -> bool:
    """Whether a name that came from outside (a work list, an archive) may be an output's: relative, nowhere climbing, none of docbin's own."""
    path = PurePosixPath(name)
    if not path.parts or path.is_absolute() or path.parts[0] == OWN_FOLDER or "\0" in name or "\\" in name:
        return False
    return ".." not in path.parts and not _DRIVE.match(name)


def member_stems(names: Sequence[str]) -> list[str | None]:
    """A stem for each member of an archive, no two equal: ``a/p1.jpg`` -> ``a/p1``, where that is taken ``a/p1.jpg``, then with a digest of the name.

    It depends on the names in the archive only. None for a name that leads out of the output folder.
    """
    good = [name for name in names if stays_below(name)]
    forms = []
    for name in good:
        place = PurePosixPath(name)
        digest = hashlib.sha256(name.encode(errors="surrogateescape")).hexdigest()[:8]
        forms.append(tuple(str(place.parent / form) for form in (place.stem, place.name, f"{place.name}-{digest}")))
    levels, _ = _settle(forms, [None] * len(forms), [0] * len(forms))
    stems = {name: form[level] for name, form, level in zip(good, forms, levels, strict=True)}
    return [stems.get(name) for name in names]


def _forms(source: Source) -> tuple[str, ...]:
    place, folder = source.place, source.path.absolute().parent.name
    digest = hashlib.sha256(str(source.path.absolute()).encode(errors="surrogateescape")).hexdigest()[:8]
    names = (place.stem, place.name, f"{folder}_{place.stem}", f"{folder}_{place.name}", f"{place.name}-{digest}")
    return tuple(str(place.parent / name) for name in names)


def folded(stem: str) -> str:
    """The same text for names that are one on a disk that makes no difference between letters' cases or Unicode compositions."""
    return unicodedata.normalize("NFC", stem).casefold()


def stems(sources: Sequence[Source], remembered: Mapping[str, str] | None = None) -> list[str]:
    """A stem (relative path without the format's suffix) for each source, no two equal.

    Parameters
    ----------
    sources : sources that share one output folder
    remembered : absolute path -> stem of the last run
    """
    if len(sources) == 1 and not remembered:  # most of a long list: nothing to be told apart from
        return [str(sources[0].place.parent / sources[0].place.stem)]
    forms = [_forms(source) for source in sources]
    free: list[str | None] = [None] * len(sources)
    levels, _ = _settle(forms, free, [0] * len(sources))
    if not remembered:
        return [form[level] for form, level in zip(forms, levels, strict=True)]
    # The names of the whole set come first: so a run that was interrupted goes on with the names that it would have given.
    fixed = [remembered.get(source.stat[0]) if source.stat else None for source in sources]
    levels, fixed = _settle(forms, fixed, levels)
    return [kept if kept is not None else form[level] for kept, form, level in zip(fixed, forms, levels, strict=True)]


def _settle(forms: Sequence[tuple[str, ...]], fixed: Sequence[str | None], levels: Sequence[int]) -> tuple[list[int], list[str | None]]:
    """Levels from these upwards, and fixed names, of which no two are equal."""
    levels, fixed = list(levels), list(fixed)
    while True:
        now = [kept if kept is not None else form[level] for kept, form, level in zip(fixed, forms, levels, strict=True)]
        clashing = _clashing([folded(stem) for stem in now])
        if not clashing:
            return levels, fixed
        movable = [index for index in clashing if fixed[index] is None]
        if not movable:  # a manifest that contradicts itself: forget it
            for index in clashing:
                fixed[index] = None
            continue
        moved = [min(levels[index] + 1, len(forms[index]) - 1) for index in movable]
        if moved == [levels[index] for index in movable]:  # against a remembered name that is longer than any
            for index in clashing:
                fixed[index] = None
        for index, level in zip(movable, moved, strict=True):
            levels[index] = level  # the last form holds a digest: no two are equal


def _clashing(keys: Sequence[str]) -> list[int]:
    """Indices of keys that are not their owner's alone; ``book.p0001`` clashes with ``book`` too, which may be split into pages."""
    owners: dict[str, list[int]] = defaultdict(list)
    for index, key in enumerate(keys):
        owners[key].append(index)
    clashing = {index for group in owners.values() if len(group) > 1 for index in group}
    for key, group in owners.items():
        whole = PAGE_MARK.sub("", key)
        if whole != key and whole in owners:
            clashing.update(group, owners[whole])
    return sorted(clashing)
