"""Found words as files: JSON, ICDAR's text lines, or the picture with the words drawn on it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from docbin.files.access import access_error
from docbin.files.output import Format
from docbin.page import Image
from docbin.word import Word

FORMATS: Mapping[str, Format] = {
    row.name: row
    for row in (
        Format("json", (".json",), "an object a picture", False, False, False, "docbin.detection.output:as_json"),
        Format("icdar", (".txt",), "a line a word: x1,y1,x2,y2,...", False, False, False, "docbin.detection.output:as_lines"),
        Format("picture", (".jpg", ".jpeg", ".png"), "the picture with outlines", False, False, False, "docbin.detection.output:drawn"),
    )
}
"""What words are written as."""

LINE, HALO = (213, 94, 0), (255, 255, 255)
"""Colours of an outline and of the thin line around it that keeps it visible on any ground, RGB."""


def as_dict(words: Sequence[Word], image: str, size: tuple[int, int]) -> dict[str, Any]:
    """The stable JSON form; `size` is (width, height), coordinates are to hundredths of a pixel."""
    records = [{"polygon": np.round(word.polygon.astype(float), 2).tolist(), "score": round(word.score, 4)} for word in words]
    return {"image": image, "size": list(size), "words": records}


def as_json(words: Sequence[Word], image: str, size: tuple[int, int]) -> str:
    """The JSON form on one line, so that files put together are JSON Lines."""
    return json.dumps(as_dict(words, image, size), ensure_ascii=False) + "\n"


def as_lines(words: Sequence[Word]) -> str:
    """ICDAR's result file: the corners of a word a line, whole pixels."""
    return "".join(",".join(str(value) for value in np.rint(word.polygon).astype(int).ravel().tolist()) + "\n" for word in words)


def drawn(image: Image, words: Sequence[Word]) -> Image:
    """The picture, RGB, with every word's outline."""
    import cv2

    picture = np.ascontiguousarray(np.repeat(image[..., None], 3, 2) if image.ndim == 2 else image).copy()
    width = max(1, round(max(picture.shape[:2]) / 800))
    outlines = [np.rint((word.polygon - 0.5) * 16).astype(np.int32) for word in words]
    for colour, thickness in ((HALO, width + 2), (LINE, width)):
        cv2.polylines(picture, outlines, True, colour, thickness, cv2.LINE_AA, 4)
    return picture


def write(path: Path, format: str, image: Image, words: Sequence[Word], name: str) -> None:
    """Write what was found in a picture called `name`.

    Raises
    ------
    FileAccessError
        The file cannot be written.
    """
    height, width = image.shape[:2]
    try:
        if format == "picture":
            from PIL import Image as Pictures

            kind = "PNG" if path.suffix.lower() == ".png" else "JPEG"
            Pictures.fromarray(drawn(image, words)).save(path, kind, **({"quality": 92} if kind == "JPEG" else {}))
        else:
            path.write_text(as_json(words, name, (width, height)) if format == "json" else as_lines(words), encoding="utf-8")
    except OSError as error:
        raise access_error(error, str(path), "write") from error
