"""Light writing on dark is found by its strokes, whatever the mean grey says."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

import docbin
from docbin.errors import UsageError
from docbin.page import Image, to_grey
from docbin.polarity import SURE, glance, grey_upright, lead_of_dark, polarity_of, upright

SAMPLES = sorted((Path(__file__).resolve().parents[1] / "datasets/samples/images").glob("*.png"))


def text(height: int = 600, width: int = 800, size: float = 0.9, lines: int = 8, seed: int = 0) -> Image:
    """Black writing on white, uint8 (H, W)."""
    rng = np.random.default_rng(seed)
    page = np.full((height, width), 235, np.uint8)
    for line in range(lines):
        words = "".join(rng.choice(list("abcdefghklmnoprstuvw   ")) for _ in range(60))
        cv2.putText(
            page,
            words,
            (20, round(60 * size) + round(50 * size) * line),
            cv2.FONT_HERSHEY_SIMPLEX,
            size,
            30,
            max(1, round(2 * size)),
            cv2.LINE_AA,
        )
    return page


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_page_and_its_negative(path: Path) -> None:
    page = np.ascontiguousarray(cv2.imread(str(path))[..., ::-1])
    assert polarity_of(page) == "dark"
    assert polarity_of(255 - page) == "light"
    assert np.array_equal(docbin.binarize(page, "sauvola"), docbin.binarize(255 - page, "sauvola"))


@pytest.mark.parametrize("size", [0.5, 0.9, 2.0, 6.0])
def test_letters_of_every_size(size: float) -> None:
    page = text(size=size)
    assert polarity_of(page) == "dark"
    assert polarity_of(255 - page) == "light"


def test_mean_grey_decides_nothing() -> None:
    on_a_black_table = np.full((1200, 1600), 12, np.uint8)
    on_a_black_table[100:700, 200:1000] = text()
    assert on_a_black_table.mean() < 90
    assert polarity_of(on_a_black_table) == "dark"
    negative_in_a_white_frame = 255 - on_a_black_table
    assert negative_in_a_white_frame.mean() > 160
    assert polarity_of(negative_in_a_white_frame) == "light"


def test_a_microfilm_negative_with_fog_and_noise_and_a_blueprint() -> None:
    rng = np.random.default_rng(1)
    negative = 40 + 0.45 * (255 - text().astype(np.float64)) + rng.normal(0, 9, (600, 800)) + np.linspace(0, 40, 800)
    assert polarity_of(np.clip(negative, 0, 255).astype(np.uint8)) == "light"
    blueprint = np.empty((600, 800, 3), np.uint8)
    strokes = (text() < 128)[..., None]
    blueprint[:] = np.where(strokes, (205, 215, 230), (35, 70, 140))
    assert polarity_of(blueprint) == "light"


def test_a_white_on_black_heading_over_a_page_of_text_changes_nothing() -> None:
    page = text(lines=10)
    page[:100] = 255 - text(100, 800, 1.4, 2)
    assert polarity_of(page) == "dark"


@pytest.mark.parametrize(
    "page",
    [
        np.full((300, 300), 250, np.uint8),
        np.zeros((300, 300), np.uint8),
        np.tile(np.linspace(20, 230, 300), (300, 1)).astype(np.uint8),
        np.random.default_rng(0).integers(0, 256, (300, 300)).astype(np.uint8),
        np.zeros((1, 1), np.uint8),
        np.zeros((3, 2000), np.uint8),
    ],
    ids=["white", "black", "ramp", "noise", "pixel", "line"],
)
def test_without_writing_a_page_is_taken_as_it_is(page: Image) -> None:
    assert lead_of_dark(page) is None or page.std() > 60
    assert polarity_of(page) == "dark"


def test_what_the_user_says_counts() -> None:
    page = text()
    assert upright(page, "dark")[0] is page
    turned, found = upright(page, "light")
    assert found == "light"
    assert np.array_equal(turned, 255 - page)
    assert np.array_equal(docbin.binarize(255 - page, "otsu", polarity="dark"), docbin.binarize(page, "otsu", polarity="light"))
    with pytest.raises(UsageError, match=r"polarity 'negative': choose one of auto, dark, light"):
        docbin.binarize(page, "otsu", polarity="negative")


@pytest.mark.data
def test_every_benchmark_page_is_dark_on_light_and_its_negative_is_not() -> None:
    root = Path(os.environ.get("DOCBIN_DATA", Path(__file__).resolve().parents[2] / "shared/data")) / "pages"
    if not root.is_dir():
        pytest.skip("the benchmark pages are not here (DOCBIN_DATA)")
    found = []
    for path in sorted(root.glob("dibco201[134]/images/*")):
        page = np.ascontiguousarray(cv2.imread(str(path))[..., ::-1])
        found.append((polarity_of(page), polarity_of(255 - page)))
    assert set(found) == {("dark", "light")}


def test_a_glance_at_a_page_of_text_is_enough_and_agrees_with_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    page = text(1754, 1240, 1.0, 30)
    lead = glance(page)
    assert lead is not None
    assert lead > SURE
    assert lead == pytest.approx(lead_of_dark(page), abs=0.05)
    assert glance(255 - page) == pytest.approx(-lead, abs=0.05)  # ... whose polarity the whole page decides
    colour = np.repeat(page[..., None], 3, axis=2)
    assert glance(colour) == lead
    monkeypatch.setattr("docbin.polarity.lead_of_dark", lambda image: -1.0)
    assert polarity_of(page) == "dark"
    assert polarity_of(255 - page) == "light"
    assert polarity_of(text(lines=1)) == "light"  # too little writing for a glance


def test_a_glance_at_a_few_windows_decides_nothing() -> None:
    assert glance(text(200, 300)) is None
    assert glance(np.full((2000, 1500), 250, np.uint8)) is None


@pytest.mark.parametrize("polarity", ["auto", "dark", "light"])
def test_a_page_is_the_same_in_grey_before_and_after(polarity: str) -> None:
    rng = np.random.default_rng(2)
    page = np.clip(text()[..., None] * np.array([0.95, 0.9, 0.7]) + rng.normal(0, 5, (600, 800, 3)), 0, 255).astype(np.uint8)
    for image in (page, 255 - page, text()):
        turned, found = upright(image, polarity)
        in_grey, its = grey_upright(image, polarity)
        assert its == found
        assert np.array_equal(in_grey, to_grey(turned))
