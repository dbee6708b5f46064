"""Fonts that are on this machine, and what they can be used for.

docbin ships no font and downloads none: a rendered page uses what the system has, and says so. A font file is taken if Pillow opens it and its
family is no collection of symbols; for each script of :mod:`docbin.synth.pseudo_text` it is asked whether it draws every letter (a missing letter
comes out as the font's "not defined" box, which is recognised by its shape). The list is sorted by family and style, not by path, so that two
machines with the same fonts in different folders render the same pages. Where there is no font at all, Pillow's built-in one (Latin only) stands in.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from docbin.errors import UsageError
from docbin.synth.pseudo_text import SCRIPTS

FOLDERS = (
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "~/.fonts",
    "~/.local/share/fonts",
    "/Library/Fonts",
    "/System/Library/Fonts",
    "C:/Windows/Fonts",
)
"""Where the usual systems keep fonts; folders that are not there are passed over."""

_HAND = re.compile("script|hand|kristi|breip|ecolier|delphine|humor|chancery|cursive|dancing|fasthand|kacstpen|comic|brush")
_ODD = re.compile("keyboard|initials|music|symbol|colored|emoji|dingbat|braille|hairline|thin|math|lignes|display o|quran|qurn")


@dataclass(frozen=True, slots=True)
class Font:
    """One font file.

    Attributes
    ----------
    path : the file, or "" for Pillow's built-in font
    family, style : as the file names itself
    scripts : scripts of which it has every letter; "accented latin" where it also has the accents of French and German
    hand : it imitates handwriting
    """

    path: str
    family: str
    style: str
    scripts: tuple[str, ...]
    hand: bool = False

    def at(self, pixels: int) -> Any:
        """The font as Pillow draws it, em height `pixels`; kept for further use."""
        return _sized(self.path, max(4, pixels))


ACCENTED = "äöüßéèêçàÄÖÜÉÀ"

BUILT_IN = Font("", "Aileron", "Regular", ("latin",))
"""The font inside Pillow: always there."""


@lru_cache(maxsize=512)
def _sized(path: str, pixels: int) -> Any:
    from PIL import ImageFont

    return ImageFont.truetype(path, pixels) if path else ImageFont.load_default(pixels)


def find_fonts(folders: Iterable[str | os.PathLike[str]] | None = None) -> list[Font]:
    """Usable fonts below `folders` (default: FOLDERS), sorted by family and style; one file each, without doubles; Pillow's own if there is none.

    Raises
    ------
    UsageError
        `folders` was given and none of them is a folder.
    """
    if folders is not None:
        given = tuple(os.fspath(folder) for folder in folders)
        if not any(Path(folder).is_dir() for folder in given):
            raise UsageError(f"fonts: none of {', '.join(given) or 'the folders'} is a folder; leave them out to use the system's fonts")
        return list(_found(given))
    return list(_found(FOLDERS))


@lru_cache(maxsize=8)
def _found(folders: tuple[str, ...]) -> tuple[Font, ...]:
    fonts: dict[tuple[str, str], Font] = {}
    for folder in folders:
        for path in sorted(Path(folder).expanduser().rglob("*")):
            if path.suffix.lower() in (".ttf", ".otf", ".ttc"):
                font = _examined(path)
                if font is not None:
                    fonts.setdefault((font.family, font.style), font)
    return tuple(fonts[key] for key in sorted(fonts)) or (BUILT_IN,)


def _examined(path: Path) -> Font | None:
    """The font in a file, or None if it cannot be opened, holds symbols, or has no script that we can write."""
    try:
        opened = _sized(str(path), 24)
        family, style = (part or "" for part in opened.getname())
    except (OSError, ValueError):
        return None
    name = f"{family} {style}".lower()
    if _ODD.search(name):
        return None
    scripts = tuple(script for script, letters in SCRIPTS.items() if _draws(opened, letters.letters()))
    hand = _HAND.search(name) is not None
    if "latin" in scripts and _draws(opened, ACCENTED):
        scripts = (*scripts, "accented latin")
    return Font(str(path), family, style, scripts, hand) if scripts else None


def _draws(opened: Any, letters: str) -> bool:
    """Whether every letter has a shape of its own, other than the font's box for what it lacks."""
    shapes = set()
    try:
        missing = {_shape(opened, letter) for letter in ("\uffff", "\U000eeeee")}
        for letter in letters:
            shape = _shape(opened, letter)
            if shape in missing or not any(shape[1]):
                return False
            shapes.add(shape)
    except (OSError, ValueError):
        return False
    return len(shapes) > len(letters) // 2


def _shape(opened: Any, letter: str) -> tuple[tuple[int, int], bytes]:
    mask = opened.getmask(letter)
    return mask.size, bytes(mask)


def fingerprint(fonts: Iterable[Font]) -> str:
    """Eight bytes in hex that change with the set of fonts (by family, style and file size)."""
    digest = hashlib.blake2b(digest_size=8)
    for font in fonts:
        size = Path(font.path).stat().st_size if font.path else 0
        digest.update(f"{font.family}|{font.style}|{size}\n".encode())
    return digest.hexdigest()
