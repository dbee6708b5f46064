"""Truth files of text detection: the outlines of a picture's words, in the formats that the public sets come in.

====================  ==============================================================================================================
format                a line
====================  ==============================================================================================================
``icdar2015``         ``x1,y1,...,x4,y4,text``; text ``###`` is don't-care
``total-text``        ``x: [[1 2 3]], y: [[4 5 6]], ornt: [u'c'], transcriptions: [u'text']``; text or orientation ``#`` is don't-care
``ctw1500``           an XML file with ``<box><label/><segs>x1,y1,...</segs></box>`` (training), ``x1,y1,...,xn,yn,####text`` (test), or
                      ``left,top,right,bottom`` and 28 numbers counted from left and top (first release)
``msra-td500``        ``number difficult x y width height angle``: an upright box turned about its middle, radians; difficult is don't-care
``none``              no file at all: photographs without writing, in which every outline is false
====================  ==============================================================================================================
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from docbin.errors import FileAccessError, InputError, UsageError
from docbin.word import Word

IGNORED = ("###", "#")
NONE = "none"
"""The format of sets without writing; the path of a truth is then that of the picture, and is not opened."""


def read(path: Path, format: str) -> list[Word]:
    """The words of a truth file.

    Raises
    ------
    UsageError
        Unknown format.
    FileAccessError, InputError
        The file cannot be read, or a line is not of the format.
    """
    if format not in FORMATS:
        raise UsageError(f"truth format {format!r} does not exist; choose one of {', '.join(FORMATS)}")
    if format == NONE:
        return []
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise FileAccessError(f"{path}: cannot read the truth ({error.strerror or error})") from None
    except UnicodeDecodeError:
        text = path.read_bytes().decode("latin-1")
    try:
        return FORMATS[format](text)
    except (ValueError, IndexError, KeyError) as error:
        raise InputError(f"{path}: not a truth file of the format {format}: {error}") from None


def _word(numbers: list[float], text: str, ignore: bool) -> Word:
    if len(numbers) < 6 or len(numbers) % 2 or not all(map(math.isfinite, numbers)):
        raise ValueError(f"{len(numbers)} coordinates; pairs of at least three corners are wanted")
    return Word(np.array(numbers, np.float32).reshape(-1, 2), text, ignore)


def _lines(text: str) -> list[tuple[int, str]]:
    """Numbered lines that hold something."""
    return [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1) if line.strip()]


def _icdar(text: str) -> list[Word]:
    words = []
    for number, line in _lines(text):
        parts = line.split(",", 8)
        if len(parts) < 8:
            raise ValueError(f"line {number}: {len(parts)} parts, wanted are eight coordinates and a text")
        said = parts[8] if len(parts) == 9 else ""
        words.append(_word([float(part) for part in parts[:8]], said, said in IGNORED))
    return words


def _total_text(text: str) -> list[Word]:
    words = []
    for found in re.finditer(
        r"x:\s*\[\[(?P<x>[^\]]*)\]\]\s*,\s*y:\s*\[\[(?P<y>[^\]]*)\]\]\s*,\s*ornt:\s*\[(?P<o>[^\]]*)\]\s*,\s*transcriptions:\s*\[(?P<t>.*?)\]\s*$",
        text,
        re.MULTILINE,
    ):
        x, y = ([float(part) for part in found[axis].replace(",", " ").split()] for axis in "xy")
        if len(x) != len(y):
            raise ValueError(f"{len(x)} and {len(y)} coordinates of a word")
        said, orientation = (re.sub(r"^u?(['\"])(.*)\1$", r"\2", found[part].strip()) for part in "to")
        words.append(_word([value for pair in zip(x, y, strict=True) for value in pair], said, said in IGNORED or orientation == "#"))
    if len(words) != text.count("x: [["):
        raise ValueError(f"{len(words)} of {text.count('x: [[')} words can be read")
    return words


def _ctw1500(text: str) -> list[Word]:
    if text.lstrip().startswith("<"):
        return _ctw1500_xml(text)
    words = []
    for number, line in _lines(text):
        numbers, mark, said = line.partition("####")
        values = [float(part) for part in numbers.strip(" ,").split(",") if part.strip()]
        if not mark and len(values) == 32:
            values = [value + values[k % 2] for k, value in enumerate(values[4:])]
        if len(values) % 2 or len(values) < 6:
            raise ValueError(f"line {number}: {len(values)} coordinates")
        words.append(_word(values, said, said in IGNORED))
    return words


def _ctw1500_xml(text: str) -> list[Word]:
    from xml.etree import ElementTree

    if "<!ENTITY" in text or "<!DOCTYPE" in text:
        raise ValueError("an XML file with entities; the published files have none")
    try:
        boxes = list(ElementTree.fromstring(text).iter("box"))
    except ElementTree.ParseError as error:
        raise ValueError(str(error)) from None
    words = []
    for box in boxes:
        said = box.findtext("label") or ""
        words.append(_word([float(part) for part in (box.findtext("segs") or "").split(",") if part.strip()], said, said in IGNORED))
    return words


def _msra(text: str) -> list[Word]:
    words = []
    for number, line in _lines(text):
        values = [float(part) for part in line.split()]
        if len(values) != 7:
            raise ValueError(f"line {number}: {len(values)} numbers, wanted are 7")
        _, difficult, x, y, width, height, angle = values
        corners = np.array([[-width, -height], [width, -height], [width, height], [-width, height]]) / 2
        cosine, sine = np.cos(angle), np.sin(angle)
        turned = corners @ np.array([[cosine, sine], [-sine, cosine]]) + (x + width / 2, y + height / 2)
        words.append(_word(turned.ravel().tolist(), "", difficult != 0))
    return words


FORMATS: Mapping[str, Callable[[str], list[Word]]] = {
    "icdar2015": _icdar,
    "total-text": _total_text,
    "ctw1500": _ctw1500,
    "msra-td500": _msra,
    NONE: lambda text: [],
}
