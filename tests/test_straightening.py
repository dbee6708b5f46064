"""Curved lines made straight: what is found, what is left alone, and where pixels go."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pictures

import docbin
from docbin import straightening
from docbin.cli import main
from docbin.errors import UsageError
from docbin.straightening import Field

HEIGHT, WIDTH = 520, 640
LETTER = 14
Pixels = NDArray[np.uint8]


def _sheet(seed: int = 0, jitter: float = 0.0) -> Pixels:
    """White, twelve lines of dark boxes the size of letters; every seventh hangs below its line. `jitter`: of the lines, letter by letter, pixels."""
    random = np.random.default_rng(seed)
    page = np.full((HEIGHT, WIDTH), 255, np.uint8)
    for foot in range(70, 480, 34):
        left = 40
        while left < WIDTH - 60:
            wide, down = int(random.integers(7, 12)), 5 if random.random() < 1 / 7 else 0
            at = foot + down + round(jitter * random.standard_normal())
            page[at - LETTER : at, left : left + wide] = 40
            left += wide + (3 if random.random() < 0.8 else 12)
    return page


def _bent(page: Pixels, sag: float, skew: float = 0.0) -> Pixels:
    """The page, bent as beside a fold: by `sag` pixels at the right, half of it at the bottom, and turned by `skew`."""
    import cv2

    y, x = np.mgrid[0 : page.shape[0], 0 : page.shape[1]].astype(np.float32)
    along = x / page.shape[1]
    down = sag * along**3 * (1 - 0.5 * y / page.shape[0]) + skew * (x - page.shape[1] / 2)
    return np.asarray(cv2.remap(page, x, np.asarray(y - down, np.float32), cv2.INTER_LINEAR, borderValue=(255, 255, 255)), np.uint8)


def _unevenness(page: Pixels) -> float:
    """Median over the lines of how far feet lie from their line's median, 80 percent of them, pixels."""
    lines, _ = straightening.text_lines(page < 128)
    assert len(lines) >= 10
    return float(np.median([np.quantile(np.abs(line[1] - np.median(line[1])), 0.8) for line in lines]))


@pytest.mark.parametrize(("sag", "skew"), [(36, 0.0), (-40, 0.0), (40, 0.02)])
def test_bent_lines_become_straight(sag: float, skew: float) -> None:
    page = _bent(_sheet(), sag, skew)
    found = straightening.curvature(page < 128)
    assert found is not None
    assert found.sure
    assert found.letter == pytest.approx(LETTER, abs=2)
    assert _unevenness(page) > 4
    made = straightening.straightened(page, page < 128)
    assert _unevenness(made) <= 1.5
    assert (made < 128).sum() == pytest.approx((page < 128).sum(), rel=0.05)  # no letter is lost


@pytest.mark.parametrize(("sag", "skew", "jitter"), [(0, 0.0, 0.0), (0, 0.03, 0.0), (3, 0.0, 0.0), (30, 0.0, 4.0)])
def test_straight_skewed_and_handwritten_lines_stay_as_they_are(sag: float, skew: float, jitter: float) -> None:
    page = _bent(_sheet(jitter=jitter), sag, skew)
    assert straightening.straightened(page, page < 128) is page


def test_few_lines_stay_as_they_are() -> None:
    page = _sheet()
    page[250:] = 255
    page = _bent(page, 30)
    assert straightening.straightened(page, page < 128) is page


def test_a_line_that_would_leave_the_page_makes_it_higher() -> None:
    page = _bent(_sheet(), 30)[58:]  # the first line's left end is at the edge, its right end lower
    turned = np.ascontiguousarray(page[:, ::-1])
    for one in (page, turned):
        made = straightening.straightened(one, one < 128)
        assert made.shape[1] == one.shape[1]
        assert made.shape[0] >= one.shape[0]
        assert (made < 128).sum() == pytest.approx((one < 128).sum(), rel=0.05)
    low = _bent(_sheet(), -60)[: 440 - 30]
    assert straightening.straightened(low, low < 128).shape[0] > low.shape[0]


def test_colours_move_as_greys_do() -> None:
    page = _bent(_sheet(), 30)
    grey = straightening.straightened(page, page < 128)
    colour = straightening.straightened(np.dstack([page, page, 255 - (255 - page) // 2]), page < 128)
    assert np.array_equal(colour[..., 0], grey)
    assert (colour[..., 2] >= grey).all()
    assert (colour[0, 0] == 255).all()


def test_strips_are_the_whole_page(monkeypatch: pytest.MonkeyPatch) -> None:
    import cv2

    page = np.random.default_rng(0).integers(0, 256, (150, 90), dtype=np.uint8)
    field = Field(np.random.default_rng(1).normal(0, 4, (straightening.ALONG, straightening.ACROSS + 1)), 10, 80, 20, 130)
    y, x = np.mgrid[-7:155, 0:90].astype(np.float64)
    source = np.asarray(y + field.shift(x, y), np.float32)
    whole = cv2.remap(page, x.astype(np.float32), source, cv2.INTER_CUBIC, borderMode=cv2.BORDER_CONSTANT, borderValue=(255,))
    assert (
        np.abs(straightening.moved(page, field, 7, 5).astype(int) - whole).max() <= 4
    )  # places are rounded to 1/32 pixel, anew in each strip
    monkeypatch.setattr(straightening, "STRIP", 11)
    assert np.abs(straightening.moved(page, field, 7, 5).astype(int) - whole).max() <= 4


def test_shifts_of_places_and_of_grids_are_the_same_and_end_where_lines_end() -> None:
    random = np.random.default_rng(2)
    field = Field(random.normal(0, 3, (straightening.ALONG, straightening.ACROSS + 1)), 10, 300, 20, 200)
    columns, rows = random.uniform(-50, 400, 30), random.uniform(-50, 300, 20)
    paired = field.shift(np.broadcast_to(columns, (20, 30)), np.broadcast_to(rows[:, None], (20, 30)))
    assert np.allclose(field.grid(columns, rows), paired)
    assert np.allclose(field.grid(np.array([300.0, 301.0, 900.0]), np.array([200.0, 700.0])), field.shift(np.array(300.0), np.array(200.0)))
    assert np.allclose(field.grid(np.array([155.0]), rows), 0)  # the middle stays


def slow_neighbours(boxes: NDArray[np.float64], height: float) -> dict[int, int]:
    """Each letter's neighbour among all letters: the twin of :func:`docbin.straightening._neighbours`."""
    chosen: dict[int, tuple[float, int]] = {}
    for one, (left, top, width, high) in enumerate(boxes):
        costs = []
        for other, (left2, top2, width2, high2) in enumerate(boxes):
            beside = min(top + high, top2 + high2) - max(top, top2)
            gap = left2 - left - width
            if left2 > left and left2 + width2 > left + width and gap <= straightening.GAP * height and beside >= 0.5 * min(high, high2):
                costs.append((max(gap, 0) + 2 * abs(top + high - top2 - high2), other))
        if costs:
            cost, other = min(costs)
            chosen.setdefault(other, (np.inf, -1))
            chosen[other] = min(chosen[other], (cost, one))
    return {one: other for other, (_, one) in chosen.items()}


@pytest.mark.parametrize("seed", range(4))
def test_neighbours_are_those_of_all_letters(seed: int) -> None:
    random = np.random.default_rng(seed)
    boxes = straightening.letter_boxes(_bent(_sheet(seed)[:260, :400], float(random.uniform(-20, 20))) < 128).astype(np.float64)
    boxes += random.uniform(0, 0.3, boxes.shape)  # no two costs are equal
    left, top, width, high = boxes.T
    found = straightening._neighbours(left, left + width, top, top + high, LETTER)
    assert len(boxes) > 100
    assert {one: int(other) for one, other in enumerate(found) if other >= 0} == slow_neighbours(boxes, LETTER)


@pytest.mark.parametrize("shape", [(1, 1), (1, 70), (3, 2), (40, 300), (300, 40)])
def test_every_size(shape: tuple[int, int]) -> None:
    random = np.random.default_rng(0)
    page = random.integers(0, 256, shape, dtype=np.uint8)
    for share in (0.0, 0.05, 0.3, 1.0):
        made = straightening.straightened(page, random.random(shape) < share)
        assert made.shape[1] == shape[1]


def test_what_does_not_fit_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = _sheet()
    with pytest.raises(ValueError, match="one shape"):
        straightening.straightened(page, np.zeros((3, 4), np.bool_))
    with pytest.raises(TypeError, match="bool"):
        straightening.straightened(page, page)
    with pytest.raises(UsageError, match="choose one of auto, off"):
        docbin.clean(page, "otsu", straighten="yes")
    Pictures.fromarray(page).save(tmp_path / "page.png")
    assert main(["clean", str(tmp_path / "page.png"), "-m", "otsu", "--straighten", "on"]) == 1
    assert "choose one of auto, off" in capsys.readouterr().err


def test_clean_straightens_pictures_and_documents_unless_told_not_to(tmp_path: Path) -> None:
    page = _bent(_sheet(), -60)[:410]
    straight, kept = docbin.clean(page, "otsu"), docbin.clean(page, "otsu", straighten="off")
    assert kept.shape == page.shape
    assert straight.shape[0] > page.shape[0]
    source = str(tmp_path / "page.png")
    Pictures.fromarray(page).save(source, dpi=(200, 200))
    report = tmp_path / "report.jsonl"
    assert main(["clean", source, "-m", "otsu", "-o", str(tmp_path / "page.pdf"), "--report", str(report)]) == 0
    assert next(iter(docbin.read_pages(tmp_path / "page.pdf"))).pixels.shape == straight.shape
    assert json.loads(report.read_text().splitlines()[0])["size"] == [straight.shape[1], straight.shape[0]]
    assert main(["clean", source, "-m", "otsu", "-o", str(tmp_path / "flat.png"), "--straighten", "off"]) == 0
    with Pictures.open(tmp_path / "flat.png") as made:
        assert np.array_equal(np.asarray(made), kept)


@pytest.mark.data
def test_photographed_book_pages_are_curved_and_scans_are_not(benchmark_pages: Path) -> None:
    folder = benchmark_pages.parent / "ocr/images"
    if not folder.is_dir():
        pytest.skip(f"needs the transcribed pages; {folder} is not there (set DOCBIN_DATA)")
    for name, curved in {"photo-bostB1": True, "photo-bostB2": True, "typescript-02": False, "fraktur-03": False}.items():
        found = straightening.curvature(docbin.binarize(folder / f"{name}.webp", "sauvola"))
        assert found is not None
        assert found.sure == curved, name
