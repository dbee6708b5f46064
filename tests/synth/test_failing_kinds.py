"""Rendered pages of failing kinds: what they promise, kind by kind, on small pages."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from docbin.data.failing_pages import FailingPages, weak_part
from docbin.errors import FileAccessError, UsageError
from docbin.synth.page.faded_kinds import FADED_KINDS
from docbin.synth.page.failing_kinds import CHECK_SEED, FAILING_KINDS, render_failing_page
from docbin.synth.page.figure_kinds import FIGURE_KINDS
from docbin.synth.page.writing_on_paper import FailingPage

SMALL = (400, 320)
PALE = [kind for kind in FAILING_KINDS if kind.startswith("pale-")]


def grey(page: FailingPage) -> np.ndarray:
    return cv2.cvtColor(page.image, cv2.COLOR_RGB2GRAY).astype(np.float32)


@pytest.mark.parametrize("kind", [*FAILING_KINDS, *FADED_KINDS, *FIGURE_KINDS])
def test_a_page_is_a_function_of_kind_seed_and_number(kind: str) -> None:
    one, again, other = (render_failing_page(kind, seed, number, SMALL) for seed, number in ((5, 1), (5, 1), (5, 2)))
    assert one.image.shape == (*SMALL, 3)
    assert one.image.dtype == np.uint8
    assert one.truth.shape == one.weak.shape == SMALL
    assert one.truth.dtype == one.weak.dtype == np.bool_
    assert one.weak.any()
    assert not (one.weak & ~one.truth).any(), "the weak part is a part of the truth"
    assert np.array_equal(one.image, again.image)
    assert np.array_equal(one.truth, again.truth)
    assert not np.array_equal(one.truth, other.truth)


@pytest.mark.parametrize("kind", PALE)
def test_pale_writing_has_the_contrast_that_its_name_says(kind: str) -> None:
    asked = float(kind.split("-")[1])
    differences = []
    for number in range(3):
        page = render_failing_page(kind, 3, number, SMALL)
        core = cv2.erode(page.weak.view(np.uint8), np.ones((3, 3), np.uint8)) > 0
        paper = ~(cv2.dilate(page.truth.view(np.uint8), np.ones((9, 9), np.uint8)) > 0) & (grey(page) > 120)  # no book edge
        differences.append(float(grey(page)[paper].mean() - grey(page)[core if core.sum() > 50 else page.weak].mean()))
    assert abs(np.mean(differences) - asked) < 12, differences


@pytest.mark.parametrize("companion", ["heading", "border", "stamp", "hand"])
def test_a_black_companion_is_ink_far_darker_than_the_pale_part(companion: str) -> None:
    page = render_failing_page(f"pale-60-{companion}", 3, 0, SMALL)
    strong = cv2.erode((page.truth & ~page.weak).view(np.uint8), np.ones((3, 3), np.uint8)) > 0
    assert grey(page)[strong].mean() < grey(page)[page.weak].mean() - 60


def test_a_book_edge_is_dark_and_no_ink() -> None:
    page = render_failing_page("pale-90-edge", 3, 0, SMALL)
    dark = cv2.erode((grey(page) < 75).view(np.uint8), np.ones((5, 5), np.uint8)) > 0
    assert (dark & ~page.truth).sum() > 300


def test_white_on_dark_is_lighter_than_its_ground() -> None:
    for number in range(3):
        page = render_failing_page("white-on-dark", 3, number, SMALL)
        assert grey(page)[page.truth].mean() > grey(page)[~page.truth].mean() + 30


def test_the_back_is_dark_and_no_ink() -> None:
    page = render_failing_page("mirrored-back", 3, 0, SMALL)
    paper = float(np.median(grey(page)[~page.truth]))
    ink = float(grey(page)[page.truth].mean())
    clear = cv2.dilate(page.truth.view(np.uint8), np.ones((7, 7), np.uint8)) == 0
    assert (grey(page)[clear] < (paper + ink) / 2).mean() > 0.005, "strokes of the back as dark as the front's"


def test_coloured_ink_is_seen_by_colour_and_hardly_by_luminance() -> None:
    for number in range(3):
        page = render_failing_page("coloured", 3, number, SMALL)
        core = cv2.erode(page.truth.view(np.uint8), np.ones((3, 3), np.uint8)) > 0
        core = core if core.sum() > 50 else page.truth
        apart = cv2.dilate(page.truth.view(np.uint8), np.ones((7, 7), np.uint8)) == 0
        colours = page.image[core].mean(0) - page.image[apart].mean(0)
        assert np.linalg.norm(colours) > 30  # thin letters of some fonts have little core
        assert abs(grey(page)[core].mean() - grey(page)[apart].mean()) < 40


def test_lone_marks_are_small_pieces() -> None:
    page = render_failing_page("lone-marks", CHECK_SEED, 0, (600, 500))
    _, _, stats, _ = cv2.connectedComponentsWithStats(page.weak.view(np.uint8), connectivity=8)
    assert len(stats) > 5
    assert stats[1:, cv2.CC_STAT_AREA].max() <= 60


@pytest.mark.parametrize("kind", [kind for kind in FADED_KINDS if kind != "spread"])
def test_what_has_faded_is_paler_than_the_rest_and_darker_than_paper(kind: str) -> None:
    levels = []
    for number in range(3):
        page = render_failing_page(kind, 3, number, (600, 460))
        bare = cv2.dilate(page.truth.view(np.uint8), np.ones((9, 9), np.uint8)) == 0
        weak, rest = (cv2.erode(part.view(np.uint8), np.ones((2, 2), np.uint8)) > 0 for part in (page.weak, page.truth & ~page.weak))
        levels.append((np.median(grey(page)[bare]), grey(page)[weak].mean(), grey(page)[rest].mean() if rest.sum() > 200 else np.nan))
        assert levels[-1][1] < levels[-1][0] - 8
    dark = [(weak, rest) for _, weak, rest in levels if not np.isnan(rest)]  # some pages have nothing else
    if dark:  # over the pages together: hairlines of one font, blurred, need as much ink as its headings
        assert np.mean([rest for _, rest in dark]) < np.mean([weak for weak, _ in dark]) - 15


def test_of_a_spread_one_page_lies_in_shadow() -> None:
    for number in range(3):
        page = render_failing_page("spread", 3, number, (600, 460))
        bare = cv2.dilate(page.truth.view(np.uint8), np.ones((9, 9), np.uint8)) == 0
        halves = [float(np.median(grey(page)[:, side][bare[:, side]])) for side in (slice(0, 150), slice(310, 460))]
        dark = slice(0, 150) if halves[0] < halves[1] else slice(310, 460)
        assert min(halves) < 0.7 * max(halves)
        assert page.weak[:, dark].sum() > 0.9 * page.truth[:, dark].sum(), "the writing in shadow is the weak part"


def test_photographs_of_paper_are_used_when_given(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for number in range(2):
        cv2.imwrite(str(tmp_path / f"{number}.png"), rng.integers(150, 230, (480, 640, 3)).astype(np.uint8))
    plain = [render_failing_page("low-contrast", 1, number, SMALL) for number in range(3)]
    photographed = [render_failing_page("low-contrast", 1, number, SMALL, papers=tmp_path) for number in range(3)]
    assert any(not np.array_equal(one.image, other.image) for one, other in zip(plain, photographed, strict=True))
    (tmp_path / "none").mkdir()
    with pytest.raises(FileAccessError, match="no photograph"):
        render_failing_page("low-contrast", 1, papers=tmp_path / "none")


def test_the_pool_goes_round_the_kinds_and_keeps_the_weak_part(tmp_path: Path) -> None:
    kinds = ("lone-marks", "low-contrast")
    pool = FailingPages(3, seed=9, cache=tmp_path, kinds=kinds, shape=SMALL)
    pages = pool.pages()
    assert [page.name for page in pages] == [f"failing-kinds/9-{name}" for name in ("lone-marks-000", "low-contrast-000", "lone-marks-001")]
    again = render_failing_page("lone-marks", 9, 1, SMALL)
    assert np.array_equal(pages[2].image, again.image)
    assert np.array_equal(pages[2].truth, again.truth)
    assert np.array_equal(weak_part(pages[2]), again.weak)
    stamps = [page.array_path.stat().st_mtime_ns for page in pages]
    assert [page.array_path.stat().st_mtime_ns for page in pool.pages()] == stamps, "what is in the cache is not rendered again"


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(UsageError, match=r"kind 'pencil': unknown; known are pale-90-heading"):
        render_failing_page("pencil", 0)
    with pytest.raises(UsageError, match="at least 400 x 300"):
        render_failing_page("shadow", 0, shape=(300, 300))
