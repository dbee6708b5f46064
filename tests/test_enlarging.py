"""Small letters: their height, and pages with twice the pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pictures
from PIL import ImageDraw, ImageFilter, ImageFont

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


def test_edges_lie_where_greys_are_halfway_from_paper_to_ink() -> None:
    ink = np.zeros((80, 120), np.bool_)
    ink[20:60, 40:46] = True
    page = np.full((80, 120), 210, np.uint8)
    page[20:60, 42:49] = 80  # the stroke lies two pixels right of the ink
    page[20:60, 56:60] = 80  # another, out of reach
    page[30:34, 36:40] = 175  # a smudge, far paler than ink
    unsure = np.full(ink.shape, 0.5, np.float32)
    wanted = np.zeros_like(ink)
    wanted[20:60, 42:49] = True
    assert (enlarging.edges_by_greys(ink, page, unsure) == wanted).all()
    assert not enlarging.edges_by_greys(np.zeros_like(ink), page, unsure).any()


def test_on_soft_pages_a_blurred_ring_and_its_dot_stay_apart_and_solid_strokes_whole() -> None:
    import cv2

    ink = np.zeros((120, 160), np.uint8)
    cv2.ellipse(ink, (60, 60), (11, 17), 0, 0, 360, 1, 4)  # a dotted zero
    ink[56:65, 58:63] = 1
    ink[40:80, 110:116] = 1
    page = np.rint(225 - 110 * cv2.GaussianBlur(ink.astype(np.float32), (0, 0), 2.6)).astype(np.uint8)
    seen = cv2.morphologyEx(ink, cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8)) > 0  # a network sees one blob
    sure = np.where(seen, 0.95, 0.05).astype(np.float32)
    blob, apart = (enlarging.edges_by_greys(seen, page, sure, soft) for soft in (False, True))
    assert cv2.connectedComponents(np.asarray(blob, np.uint8))[0] == 3  # the blob, the stroke, the paper
    assert cv2.connectedComponents(np.asarray(apart, np.uint8))[0] == 4
    assert apart[44:76, 111:115].all()


def test_certainty_shifts_the_limit_of_greys() -> None:
    ink = np.zeros((80, 120), np.bool_)
    ink[20:60, 40:46] = True
    page = np.full((80, 120), 200, np.uint8)
    page[20:60, 40:46] = 100
    page[20:60, 46] = 140  # three fifths as deep as ink
    at = [enlarging.edges_by_greys(ink, page, np.full(ink.shape, value, np.float32))[40, 46] for value in (0.0, 1.0)]
    assert at == [False, True]


def test_blur_noise_and_fading_make_ink_uneven() -> None:
    page = _page(30)
    ink = page < 140
    noise = np.random.default_rng(0).normal(0, 25, page.shape)
    faded = np.where(ink, np.linspace(60, 160, page.shape[1])[None], page).astype(np.uint8)
    blurred = np.asarray(Pictures.fromarray(page).filter(ImageFilter.GaussianBlur(2)))
    assert enlarging.evenness(page, ink) > 0.85
    for worse in (np.clip(page + noise, 0, 255).astype(np.uint8), faded, blurred):
        assert enlarging.evenness(worse, ink) < enlarging.CRISP
    assert enlarging.evenness(page, np.zeros_like(ink)) == 1


class _Seen:
    """A method that finds dark pixels, with logits of +-3, and remembers the sizes of its pages."""

    def __init__(self) -> None:
        self.sizes: list[tuple[int, ...]] = []

    def __call__(self, page: NDArray[np.uint8]) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
        self.sizes.append(page.shape)
        ink = page < 140
        return ink, np.where(ink, 0.95, 0.05).astype(np.float32)


@pytest.mark.parametrize(
    ("size", "faded", "enlarge", "times", "scale"),
    [
        (12, False, "auto", 2, 2),
        (30, True, "auto", 1, 2),
        (30, False, "auto", 1, 1),
        (60, True, "auto", 1, 1),
        (60, False, "2", 1, 2),
        (12, False, "1", 1, 1),
    ],
)
def test_small_letters_are_seen_twice_soft_ones_once_and_others_are_left_alone(
    size: int, faded: bool, enlarge: str, times: int, scale: int
) -> None:
    page, run = _page(size), _Seen()
    if faded:
        page = np.where(page < 140, np.linspace(20, 135, page.shape[1])[None], page).astype(np.uint8)
    found = enlarging.on_fitting_grid(page, enlarge, run)
    twice = (2 * page.shape[0], 2 * page.shape[1])
    assert run.sizes == [page.shape, twice][:times]
    assert found.soft == (scale == 2 and size == 30)
    assert found.scale == scale
    assert found.ink.shape == found.page.shape == (page.shape if found.scale == 1 else twice)
    assert found.probability is not None
    assert (found.ink == (found.probability >= 0.5)).all()


def test_strokes_of_the_back_that_the_method_took_away_stay_away_when_enlarged() -> None:
    page = _page(24).copy()
    page[60:64, 400:560] = 60

    def run(page: NDArray[np.uint8]) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
        ink = page < 140
        ink[60:64, 400:560] = False
        return ink, np.where(page < 140, 0.95, 0.05).astype(np.float32)

    found = enlarging.on_fitting_grid(page, 2, run)
    assert not found.ink[120:128, 800:1120].any()
    assert found.ink.any()


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
