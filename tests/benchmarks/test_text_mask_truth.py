"""Truth files of text masks: colours, crumbs, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from docbin.benchmarks import text_mask_truth
from docbin.errors import InputError

WHITE, BLACK, PINK = (255, 255, 255), (0, 0, 0), (255, 0, 255)


def write(path: Path, colours: dict[tuple[int, int, int, int], tuple[int, int, int]]) -> Path:
    picture = np.full((30, 40, 3), 255, np.uint8)
    for (top, left, bottom, right), colour in colours.items():
        picture[top:bottom, left:right] = colour
    Image.fromarray(picture).save(path)
    return path


def test_black_is_easy_and_pink_is_hard(tmp_path: Path) -> None:
    path = write(tmp_path / "a.png", {(2, 2, 8, 10): BLACK, (2, 20, 8, 30): PINK, (20, 2, 21, 5): BLACK})
    text, hard = text_mask_truth.read(path)
    assert hard is not None
    assert int(text.sum()) == 48 + 60, "the crumb of three pixels is gone"
    assert int(hard.sum()) == 60
    assert hard[2:8, 20:30].all()


def test_holes_of_three_pixels_are_filled_and_belong_to_what_is_around(tmp_path: Path) -> None:
    path = write(tmp_path / "a.png", {(2, 2, 12, 12): PINK, (5, 5, 6, 8): WHITE, (2, 20, 12, 30): BLACK, (5, 25, 6, 29): WHITE})
    text, hard = text_mask_truth.read(path)
    assert hard is not None
    assert text[5, 5:8].all()
    assert hard[5, 5:8].all()
    assert not text[5, 25:29].any(), "a hole of four stays"


def test_a_mask_without_colours_tells_no_hard_part(tmp_path: Path) -> None:
    text, hard = text_mask_truth.read(write(tmp_path / "a.png", {(2, 2, 8, 10): BLACK}))
    assert (int(text.sum()), hard) == (48, None)
    Image.fromarray(~np.asarray(Image.open(tmp_path / "a.png").convert("L"))).save(tmp_path / "b.png")
    text, _ = text_mask_truth.read(tmp_path / "b.png", polarity="white")
    assert int(text.sum()) == 48


def test_other_colours_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.png: a mask of lettering has white, black .* other colours"):
        text_mask_truth.read(write(tmp_path / "a.png", {(2, 2, 8, 10): (0, 200, 0)}))
