"""Transcriptions: what is written on a page, from plain text, ALTO or PAGE files, and what a set says of how its pages are to be read.

A transcribed set holds ``text/`` beside ``images/``, files of equal stems: ``.txt`` in UTF-8, or ``.xml`` in ALTO (Library of Congress) or PAGE
(PRImA). Lines come in the order of the file; of PAGE in that of its reading order where it has one. ``items.json`` beside them may say more of
single pages: a list of objects with ``id`` (the stem) and any of ``kind`` (pages of one kind are told together), ``source`` (pages of one book or
hand are no independent evidence), ``lang`` and ``psm`` (language and page mode of Tesseract) and ``dpi``.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docbin.benchmarks.descriptors import Benchmark, PagePair
from docbin.errors import FileAccessError, InputError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

ITEMS = "items.json"
_KEYS: Mapping[str, type | tuple[type, ...]] = {"kind": str, "source": str, "lang": str, "psm": int, "dpi": (list, int, float)}


@dataclass(frozen=True, slots=True)
class Transcription:
    """What is written on a page, and how it is to be read.

    Attributes
    ----------
    text : the transcription, normalized (:func:`normalized`)
    kind, source : "" where the set does not say; a source that is not told is guessed from the stem (:func:`source_of`)
    language, page_mode : of Tesseract; None where the set does not say
    dpi : (horizontal, vertical); None where neither the set nor the file says
    """

    text: str
    kind: str = ""
    source: str = ""
    language: str | None = None
    page_mode: int | None = None
    dpi: tuple[float, float] | None = None


def normalized(text: str) -> str:
    """Text as it is compared: composed characters (NFC), every run of white space one space, none at the ends."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def source_of(stem: str) -> str:
    """The book or hand that a page is from, guessed from its name: without its last number or single letter, ``book-a_012`` -> ``book-a``."""
    return re.sub(r"(?:[-_. ]?\d+|[-_. ][A-Za-z])$", "", stem) or stem


def transcribed(benchmark: Benchmark) -> Benchmark:
    """The benchmark with its transcriptions for truth, ``images/`` + ``text/``, whatever else it has truths of."""
    return replace(benchmark, task="ocr", layouts=(), stems=(), expected=0)


def languages(pairs: Sequence[PagePair]) -> set[str]:
    """The languages that a set's ``items.json`` names; errors as :func:`transcription`."""
    said = {pair.truth_path.parent.parent / ITEMS: None for pair in pairs}
    wanted = {pair.stem for pair in pairs}
    return {row["lang"] for path in said for stem, row in _items(path).items() if stem in wanted and "lang" in row}


def transcription(pair: PagePair) -> Transcription:
    """The transcription of a page.

    Raises
    ------
    FileAccessError, InputError
        It cannot be read, is of no known format, holds no text, or ``items.json`` is not what it should be.
    """
    text = normalized(read_text(pair.truth_path))
    if not text:
        raise InputError(f"{pair.truth_path}: holds no text; leave out pages without writing")
    said = _items(pair.truth_path.parent.parent / ITEMS).get(pair.stem, {})
    dpi = said.get("dpi")
    if dpi is None:
        dpi = _dpi_of(pair.image_path)
    elif not isinstance(dpi, list):
        dpi = [dpi, dpi]
    return Transcription(
        text,
        said.get("kind", ""),
        said.get("source", "") or source_of(pair.stem),
        said.get("lang"),
        said.get("psm"),
        None if dpi is None else (float(dpi[0]), float(dpi[1])),
    )


def _dpi_of(path: Path) -> tuple[float, float] | None:
    from docbin import files

    return next(iter(files.read_pages(path, pages=[1]))).dpi


def _items(path: Path) -> Mapping[str, Mapping[str, Any]]:
    if not path.is_file():
        return {}
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        found: dict[str, Mapping[str, Any]] = {}
        for row in rows:
            said = {key: row[key] for key in _KEYS if row.get(key) is not None}
            for key, value in said.items():
                if not isinstance(value, _KEYS[key]) or (isinstance(value, list) and len(value) != 2):
                    raise InputError(f"{path}: {row['id']}: {key} = {value!r} is not what is wanted there")
            found[str(row["id"])] = said
    except OSError as error:
        raise FileAccessError(f"{path}: cannot be read ({error.strerror or error})") from None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise InputError(f"{path}: a list of objects, each with an id, is wanted ({type(error).__name__}: {error})") from None
    return found


def read_text(path: Path) -> str:
    """The text of a transcription file, a line a line.

    Raises
    ------
    FileAccessError, InputError
        It cannot be read, or is XML but neither ALTO nor PAGE.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FileAccessError(f"{path}: cannot read the transcription ({error.strerror or error})") from None
    if path.suffix.lower() != ".xml":
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise InputError(f"{path}: is not UTF-8 (byte {error.start}); save it as UTF-8") from None
    from xml.etree import ElementTree

    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise InputError(f"{path}: XML with a document type or entities; ALTO and PAGE have none")
    try:
        root = ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise InputError(f"{path}: not well-formed XML ({error})") from None
    name = _name(root)
    if name == "alto":
        return "\n".join(_alto_lines(root))
    if name == "PcGts":
        return "\n".join(_page_lines(root))
    raise InputError(f"{path}: its root is <{name}>; ALTO (<alto>) or PAGE (<PcGts>) is wanted, or plain text as .txt")


def _name(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _children(element: Element, *names: str) -> Iterator[Element]:
    return (child for child in element if _name(child) in names)


def _alto_lines(root: Element) -> Iterator[str]:
    for line in root.iter():
        if _name(line) == "TextLine":
            words = [part.get("CONTENT", "") for part in _children(line, "String")]
            hyphens = [part.get("CONTENT", "") for part in _children(line, "HYP")]
            yield " ".join(words) + "".join(hyphens)


def _page_lines(root: Element) -> Iterator[str]:
    regions = [element for element in root.iter() if _name(element) == "TextRegion"]
    order = {part.get("regionRef"): place for place, part in enumerate(p for p in root.iter() if _name(p).startswith("RegionRef"))}
    regions.sort(key=lambda region: order.get(region.get("id"), len(order)))  # those that it does not name come last, in the file's order
    for region in regions:
        lines = list(_children(region, "TextLine"))
        if lines:
            yield from (_unicode(line) for line in lines)
        elif not list(_children(region, "TextRegion")):
            yield _unicode(region)


def _unicode(element: Element) -> str:
    """The text of a line or region: of several readings the first (lowest index)."""
    readings = sorted(_children(element, "TextEquiv"), key=lambda reading: int(reading.get("index", "0") or 0))
    for reading in readings:
        for text in _children(reading, "Unicode"):
            return text.text or ""
    return " ".join(_unicode(word) for word in _children(element, "Word"))
