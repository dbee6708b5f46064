"""Small letters: their height, and pages with twice the pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pictures
from PIL import ImageDraw, ImageFont

import docbin
from docbin import enlarging
from docbin.cli import main
from docbin.errors import UsageError
from docbin.metrics import score

TEXT = "the quick brown fox jumps over a lazy dog and runs\n" * 6


def _page(size: int, scale: int = 1) -> NDArray[np.uint8]:
    """A page of text of `size` pixels, `scale` times as large, dark grey on light grey."""
    page = Pictures.new("L", (size * 26 * scale, size * 10 * scale), 220)
    font = ImageFont.load_default(size * scale)
    ImageDraw.Draw(page).multiline_text((size * scale, size * scale), TEXT, fill=60, font=font, spacing=size * scale // 2)
    return np.asarray(page)


@pytest.mark.parametrize("size", [10, 16, 24, 48])
def test_the_height_of_letters_follows_their_size_and_dust_changes_nothing(size: int) -> None:
    ink = _page(size) < 140
    height = enlarging.letter_height(ink)
    assert height is not None
    assert 0.45 * size <= height <= 0.8 * size  # x-height to ascenders
    dusty = ink.copy()
    rows, columns = np.random.default_rng(0).integers(0, min(ink.shape), (2, ink.size // 500))
    dusty[rows, columns] = True
    after = enlarging.letter_height(dusty)
    assert after is not None
    assert abs(after - height) <= max(1, 0.1 * height)


def test_too_few_letters_have_no_height() -> None:
    ink = np.zeros((200, 300), np.bool_)
    assert enlarging.letter_height(ink) is None
    ink[20:28, 20:26] = True
    assert enlarging.letter_height(ink) is None
    assert enlarging.letter_height(np.ones((3, 3), np.bool_)) is None


def test_auto_enlarges_small_letters_alone() -> None:
    small, large = _page(12), _page(30)
    assert docbin.binarize(small, "sauvola", enlarge="auto").shape == (2 * small.shape[0], 2 * small.shape[1])
    assert docbin.binarize(large, "sauvola", enlarge="auto").shape == large.shape
    assert docbin.binarize(large, "sauvola", enlarge=2).shape == (2 * large.shape[0], 2 * large.shape[1])
    assert docbin.clean(small, "sauvola", enlarge="auto").shape == (2 * small.shape[0], 2 * small.shape[1])
    assert np.array_equal(docbin.binarize(small, "sauvola", enlarge=1), docbin.binarize(small, "sauvola"))
    with pytest.raises(UsageError, match="choose one of auto, 1, 2"):
        docbin.binarize(small, "sauvola", enlarge=3)


def test_ink_decided_on_the_finer_grid_is_nearer_the_letters_than_doubled_bits() -> None:
    fine = _page(11, 2)  # what a scan of twice the resolution would have shown
    half = np.asarray(Pictures.fromarray(fine).resize((fine.shape[1] // 2, fine.shape[0] // 2), Pictures.Resampling.BOX))
    truth = fine < 140
    for method in ("otsu", "bitunet"):
        anew = docbin.binarize(half, method, enlarge="auto")
        stairs = np.kron(docbin.binarize(half, method), np.ones((2, 2), np.bool_))
        assert score(anew, truth).fm > score(stairs, truth).fm + 1


def test_dark_sides_join_the_ink_and_nothing_else_does() -> None:
    ink = np.zeros((80, 120), np.bool_)
    ink[20:60, 40:44] = True
    page = np.full((80, 120), 210, np.uint8)
    page[20:60, 40:47] = 80  # the stroke is wider than the ink
    page[20:60, 52:56] = 80  # another, out of reach
    page[30:34, 36:40] = 175  # a smudge, far paler than ink
    unsure = np.full(ink.shape, 0.2, np.float32)
    added = enlarging.with_dark_sides(ink, page, unsure) & ~ink
    assert added[20:60, 44:47].all()
    assert added.sum() == 40 * 3
    assert (enlarging.with_dark_sides(ink, page, np.zeros_like(unsure)) == ink).all()
    assert not enlarging.with_dark_sides(np.zeros_like(ink), page, unsure).any()


def test_the_commands_double_the_resolution_of_what_they_enlarge(tmp_path: Path) -> None:
    frames = [Pictures.fromarray(_page(size)).resize((300, 110)) for size in (12, 12)]
    frames[0].save(tmp_path / "page.png", dpi=(100, 100))
    frames[0].save(tmp_path / "book.tif", save_all=True, append_images=frames[1:], dpi=(100, 100))
    for command, name in (("binarize", "page.ink.png"), ("clean", "page.clean.png")):
        report = tmp_path / f"{command}.jsonl"
        words = [command, str(tmp_path / "page.png"), "-m", "otsu", "--enlarge", "2", "--report", str(report)]
        assert main(words) == 0
        with Pictures.open(tmp_path / name) as made:
            assert made.size == (600, 220)
            assert made.info["dpi"] == pytest.approx((200, 200), abs=0.1)
        assert '"size": [600, 220]' in report.read_text(encoding="utf-8")
        out = tmp_path / f"{command}.tif"
        assert main([command, str(tmp_path / "book.tif"), "-m", "otsu", "--enlarge", "auto", "-o", str(out)]) == 0
        sizes = {page.pixels.shape[:2]: page.dpi for page in docbin.read_pages(out)}
        scale = docbin.binarize(np.asarray(frames[0]), "otsu", enlarge="auto").shape[0] // 110
        assert list(sizes) == [(110 * scale, 300 * scale)]
        assert sizes[110 * scale, 300 * scale] == pytest.approx((100 * scale, 100 * scale), abs=0.1)


def test_another_word_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Pictures.fromarray(_page(12)).save(tmp_path / "page.png")
    for command in ("binarize", "clean"):
        assert main([command, str(tmp_path / "page.png"), "--enlarge", "3"]) == 1
        assert "--enlarge 3: choose one of auto, 1, 2" in capsys.readouterr().err
