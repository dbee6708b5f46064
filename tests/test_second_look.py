"""Lines that the verdict tells as lost are read by a second look; a page without such keeps every bit; what only looks like them stays out."""

from __future__ import annotations

import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

import docbin
from docbin import automatic, catalogue
from docbin.assessment import Signs
from docbin.assessment.features import measure
from docbin.assessment.reasons import READ_AGAIN
from docbin.batch.binarize_job import Binarize
from docbin.batch.clean_job import Clean
from docbin.errors import UsageError
from docbin.kernels.pieces import AREA, BOTTOM, DEEPEST, LEFT, RIGHT, TOP
from docbin.second_look import AMONG, PAPER, among_ink, judged, level_of, parts_of, remarked, second_look, stretched
from tests.assessment.pages import text_page

HEAD = 146
"""Rows of pixels of the page's head, three lines in black."""
DEFAULT = catalogue.get(catalogue.DEFAULT)


def carbon_copy(share: float = 0.22, soft: float = 0.7) -> tuple[np.ndarray, np.ndarray]:
    """(page, truth): print, below `HEAD` of `share` of its contrast and blurred by `soft` pixels more."""
    grey, truth = text_page(3, noise=0)
    paper = np.broadcast_to(np.linspace(225, 200, grey.shape[1])[None, :], grey.shape)
    drawn = grey.astype(np.float64)
    drawn[HEAD:] = cv2.GaussianBlur(paper - share * (paper - grey), (0, 0), soft)[HEAD:]
    drawn += np.random.default_rng(5).normal(0, 0.4, grey.shape)
    return drawn.round().clip(0, 255).astype(np.uint8), truth


@pytest.fixture(scope="module")
def carbon() -> tuple[np.ndarray, np.ndarray]:
    return carbon_copy()


def recall(ink: np.ndarray, truth: np.ndarray) -> float:
    return float(np.count_nonzero(ink & truth) / np.count_nonzero(truth))


def test_a_carbon_copy_below_black_print_is_read_and_the_page_stays_marked(carbon: tuple[np.ndarray, np.ndarray]) -> None:
    grey, truth = carbon
    ink = DEFAULT.binarize(grey)
    assert recall(ink[HEAD:], truth[HEAD:]) < 0.05
    again, verdict = judged(Signs(grey), grey, ink, DEFAULT.binarize)
    assert recall(again[HEAD:], truth[HEAD:]) > 0.85
    assert docbin.score(again, truth).fm > 85
    np.testing.assert_array_equal(again[: HEAD - 10], ink[: HEAD - 10])
    assert (again | ink == again).all()
    assert verdict.suspect
    assert verdict.grave
    assert verdict.reasons[0].startswith(READ_AGAIN)


def test_auto_and_a_batch_read_it_and_say_so(
    carbon: tuple[np.ndarray, np.ndarray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grey, truth = carbon
    choice = automatic.choose(grey)
    assert choice.method == catalogue.DEFAULT
    assert recall(choice.ink[HEAD:], truth[HEAD:]) > 0.85
    assert choice.quality.reasons[0].startswith(READ_AGAIN)
    made = Binarize.create().work(docbin.Page(grey), "carbon.png", None, "png")
    assert made.data == np.packbits(choice.ink, axis=1).tobytes()
    assert made.reasons[0].startswith(READ_AGAIN)
    assert made.quality == choice.quality.value
    clean = Clean.create()
    cleaned = clean.work(docbin.Page(grey), "carbon.png", None, "png")
    assert cleaned.reasons[0].startswith(READ_AGAIN)
    assert cleaned.data is not None
    pixels = np.frombuffer(zlib.decompress(cleaned.data), np.uint8).reshape(grey.shape)
    assert recall(pixels[HEAD:] < 250, truth[HEAD:]) > 0.85
    for threads in ("1", "2"):  # with two a file is written beside the verdict, and once more where a second look adds to it
        monkeypatch.setenv("DOCBIN_THREADS", threads)
        Binarize.create().work(docbin.Page(grey), "carbon.png", tmp_path / "carbon.png", "png")
        with Image.open(tmp_path / "carbon.png") as written:
            np.testing.assert_array_equal(np.asarray(written) == 0, choice.ink)
    alone = Binarize.create("sauvola").work(docbin.Page(grey), "carbon.png", None, "png")
    assert not any(reason.startswith(READ_AGAIN) for reason in alone.reasons)


@pytest.mark.parametrize("job", [Binarize, Clean])
@pytest.mark.parametrize("method", [None, "auto"])
def test_without_a_second_look_the_ink_is_the_networks_own(
    job: type[Binarize | Clean], method: str | None, carbon: tuple[np.ndarray, np.ndarray]
) -> None:
    grey, _ = carbon
    made = job.create(method, second_look="off").work(docbin.Page(grey), "carbon.png", None, "png")
    assert not any(reason.startswith(READ_AGAIN) for reason in made.reasons)
    assert made.ink < job.create(method).work(docbin.Page(grey), "carbon.png", None, "png").ink
    if method is None:
        assert made.ink == DEFAULT.binarize(grey).mean()
    assert job.create(second_look="off").settings() != job.create().settings()
    with pytest.raises(UsageError, match="--second-look on: choose one of auto, off"):
        job.create(second_look="on")


def test_a_clean_page_keeps_every_bit_and_is_not_asked_again() -> None:
    grey, _ = text_page(2)
    ink = DEFAULT.binarize(grey)

    def never(image: np.ndarray) -> np.ndarray:
        raise AssertionError("nothing is lost on this page")

    again, verdict = judged(Signs(grey), grey, ink, never)
    assert again is ink
    assert verdict == docbin.quality(grey, ink)
    blank = np.zeros_like(ink)
    assert judged(Signs(grey), grey, blank, never)[0] is blank


def lost_on(page: Signs, ink: np.ndarray) -> list[np.ndarray]:
    rows = measure(page, ink).lost_rows
    assert rows, "told as lost: the case that this is about"
    return rows


def test_a_back_that_is_told_is_not_filled_in() -> None:
    """The mirrored back of a page stands among the front's lines, too: not even the network is asked."""
    grey, truth = text_page(3, noise=0)
    head = truth.copy()
    head[HEAD:] = False
    back = cv2.GaussianBlur(text_page(7, noise=0)[1][:, ::-1].astype(np.float64), (0, 0), 0.9)
    paper = np.linspace(225, 200, grey.shape[1])[None, :]
    front = cv2.GaussianBlur(head.astype(np.float64), (0, 0), 0.7)
    drawn = paper * (1 - 0.75 * front) * (1 - 0.15 * back) + np.random.default_rng(5).normal(0, 0.4, grey.shape)
    page = drawn.round().clip(0, 255).astype(np.uint8)
    signs = Signs(page)
    rows = lost_on(signs, head)
    assert among_ink(signs.overview, head.view(np.uint8), rows) > AMONG
    assert second_look(signs, page, head, rows, lambda image: image < PAPER - 75) is None


def test_what_the_method_does_not_read_or_reads_as_specks_is_not_filled_in(carbon: tuple[np.ndarray, np.ndarray]) -> None:
    grey, truth = carbon
    ink = truth.copy()
    ink[HEAD:] = False
    signs = Signs(grey)
    rows = lost_on(signs, ink)
    noise = np.random.default_rng(1)

    def half(image: np.ndarray) -> np.ndarray:
        found = image < PAPER - 75
        found[:, : found.shape[1] // 2] = False
        return found

    def grained(image: np.ndarray) -> np.ndarray:
        return np.asarray((image < PAPER - 75) & (noise.random(image.shape) < 0.4))

    assert second_look(signs, grey, ink, rows, lambda image: image < PAPER - 75) is not None
    assert second_look(signs, grey, ink, rows, half) is None
    assert second_look(signs, grey, ink, rows, grained) is None


def test_a_page_that_is_looked_at_smaller_is_read_in_full_size(monkeypatch: pytest.MonkeyPatch) -> None:
    from docbin.assessment import signs

    small, truth = carbon_copy()
    grey = cv2.resize(small, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    large = np.kron(truth, np.ones((2, 2), np.bool_))
    ink = large.copy()
    ink[2 * HEAD :] = False
    monkeypatch.setattr(signs, "OVERVIEW", small.size)
    page = Signs(grey)
    assert page.shrink == 2
    found = second_look(page, grey, ink, lost_on(page, ink), lambda image: image < PAPER - 75)
    assert found is not None
    assert recall(found.ink[2 * HEAD :], large[2 * HEAD :]) > 0.85
    assert found.ink.shape == grey.shape
    assert 2 * HEAD <= found.top < found.bottom < grey.shape[0]


def test_a_part_is_stretched_to_white_paper_and_dark_strokes_and_print_is_no_darker() -> None:
    grey = np.full((200, 300), 180, np.uint8)
    grey[50:54, 20:280], grey[100:104, 20:280] = 150, 20
    shown = stretched(grey, 255 - 255 * 154 / 184)
    assert abs(int(shown[10, 10]) - PAPER) <= 1
    assert abs(int(shown[52, 100]) - int(shown[102, 100])) <= 6
    assert shown[102, 100] < 100


def strokes(top: int, left: int = 20, deepest: int = 40) -> np.ndarray:
    table = np.zeros((8, 9), np.int64)
    table[:, AREA], table[:, TOP], table[:, BOTTOM], table[:, DEEPEST] = 30, top, top + 10, deepest
    table[:, LEFT] = left + 12 * np.arange(8)
    table[:, RIGHT] = table[:, LEFT] + 8
    return table


def test_rows_near_each_other_are_one_part_and_others_are_not() -> None:
    one = np.ones(2)
    parts = parts_of([strokes(20), strokes(300, deepest=70), strokes(60), strokes(40)], one, (400, 400))
    assert sorted((part.rows.start, part.rows.stop) for part in parts) == [(16, 74), (296, 314)]
    assert {part.level for part in parts} == {40.0, 70.0}
    assert len(parts_of([strokes(20), strokes(20, left=200)], one, (400, 400))) == 2
    (edge,) = parts_of([strokes(0, left=0)], 2 * one, (24, 180))
    assert (edge.rows, edge.columns) == (slice(0, 24), slice(0, 180))
    assert level_of(np.concatenate([strokes(0, deepest=10), strokes(0, deepest=90)])) == 90


def test_a_failure_is_a_warning_and_the_ink_stays(carbon: tuple[np.ndarray, np.ndarray]) -> None:
    ink = DEFAULT.binarize(carbon[0])

    def broken(image: np.ndarray) -> np.ndarray:
        raise MemoryError("no room")

    with pytest.warns(UserWarning, match="MemoryError: no room"):
        again, verdict = remarked(carbon[0], ink, broken)
    assert again is ink
    assert verdict is None
