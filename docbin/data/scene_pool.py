"""A pool of rendered scenes on disk: rendered once, cut from many times, carried to another machine as an ordinary folder of pictures and truths.

Rendering a scene (:mod:`docbin.synth.scene`) takes as long as learning from it, and a scene of 1280 x 720 holds many different crops. The folder is
in the plain layout, ``images/*.jpg`` and ``gt/*.txt`` (CTW1500's lines, which take any number of corners), so it is a benchmark like any other.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from docbin.data.rendered_pages import in_children
from docbin.errors import UsageError
from docbin.word import Word, WordImage, WordSource

SHAPE = (720, 1280)
TRUTH = "ctw1500"
"""Format of the truth files, of ``docbin.benchmarks.word_truth``."""
VERSION_FILE = "renderer-version.txt"
"""Says which version of the renderer made the scenes of a folder; where it is missing, the first."""
_QUALITY = 95


def render_pool(folder: Path, count: int, seed: int = 0, workers: int = 1, shape: tuple[int, int] = SHAPE) -> None:
    """Render scenes 0..count - 1 of this seed into `folder`, those that are not there yet; a scene is there when its picture is.

    Parameters
    ----------
    folder : is made where it is not there
    count : scenes in the pool
    seed : decides them, with the fonts of this machine
    workers : processes that render
    shape : (height, width) of a scene, pixels

    Raises
    ------
    UsageError
        A negative count, or a folder that holds scenes of another version of the renderer.
    """
    from docbin.synth.scene import VERSION

    if count < 0:
        raise UsageError(f"count={count}: 0 or more rendered scenes are wanted")
    mark, first = folder / VERSION_FILE, picture_path(folder, 0)
    version = mark.read_text(encoding="ascii", errors="replace").strip() if mark.is_file() else "1" if first.is_file() else str(VERSION)
    if version != str(VERSION):
        raise UsageError(
            f"{folder}: holds scenes of the renderer's version {version}, this is {VERSION}; name another folder or remove that one"
        )
    for kind in ("images", "gt"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    _put(mark, f"{VERSION}\n".encode())
    missing = [(folder, number, seed, shape) for number in range(count) if not picture_path(folder, number).is_file()]
    in_children(_render, missing, workers, chunk=4)


def picture_path(folder: Path, number: int) -> Path:
    """Where scene `number` lies; its truth is ``gt/`` and the same stem."""
    return folder / "images" / f"scene_{number:05d}.jpg"


@lru_cache(maxsize=2)
def _source(seed: int, shape: tuple[int, int]) -> WordSource:
    from docbin.synth.scene import SceneSource

    source: WordSource = SceneSource(shape, seed)
    return source


def _render(job: tuple[Path, int, int, tuple[int, int]]) -> None:
    folder, number, seed, shape = job
    save(_source(seed, shape).sample(number), picture_path(folder, number), folder / "gt" / f"scene_{number:05d}.txt")


def save(picture: WordImage, image_path: Path, truth_path: Path) -> None:
    """Write a picture with its words, each file whole or not at all, the truth first."""
    import cv2

    _put(truth_path, lines(picture.words).encode())
    _, coded = cv2.imencode(".jpg", np.ascontiguousarray(picture.image[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    _put(image_path, coded.tobytes())


def lines(words: Sequence[Word]) -> str:
    """Words as the text of a truth file: corners to tenths of a pixel, ``####`` and the text, ``###`` for don't-care."""
    rows = []
    for word in words:
        text = "###" if word.ignore else " ".join(word.text.split())
        rows.append(",".join(f"{value:.1f}" for value in word.polygon.ravel().tolist()) + f",####{text}\n")
    return "".join(rows)


def _put(path: Path, data: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        temporary.write_bytes(data)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
