"""Verdicts on pages that no model was fitted to: good results pass, spoiled ones are marked and told, and worse results are judged worse."""

from __future__ import annotations

import platform

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

import docbin
from docbin import kernels
from docbin.assessment import Signs, judge, signs
from docbin.assessment.features import NAMES, measure
from docbin.augment.spoiled_ink import LOSSES, SPOILS
from tests.assessment.pages import text_page

EXACT = 0.0 if platform.machine().lower() in ("x86_64", "amd64") else 0.02
"""How far features may lie from those of the twins: elsewhere OpenCV's means may be a level off (:mod:`docbin.kernels.area_means`)."""


@pytest.fixture(scope="module")
def text() -> tuple[np.ndarray, np.ndarray]:
    return text_page(1)


@pytest.mark.parametrize("name", LOSSES)
def test_a_result_that_lacks_a_fifth_of_the_text_is_marked(name: str, text: tuple[np.ndarray, np.ndarray]) -> None:
    page, truth = text
    spoiled = SPOILS[name](np.random.default_rng(0), page, truth, 0.2)
    verdict = judge(Signs(page), spoiled)
    assert any("left out" in reason for reason in verdict.reasons), verdict
    assert verdict.value < judge(Signs(page), truth).value


def test_every_line_that_is_gone_is_counted(text: tuple[np.ndarray, np.ndarray]) -> None:
    page, truth = text
    ink = truth.copy()
    ink[105:190] = False  # two lines of text
    [reason] = [reason for reason in judge(Signs(page), ink).reasons if "left out" in reason]
    assert "of 2 lines" in reason


@pytest.mark.parametrize(("size", "noise"), [(18, 0), (28, 0), (44, 0), (44, 4)])
def test_text_of_a_screen_passes_and_its_losses_do_not(size: int, noise: int) -> None:
    """Crisper than any scan that the models were fitted to."""
    picture = Image.new("L", (900, 700), 245)
    for top in range(20, 680 - size, round(1.4 * size)):
        ImageDraw.Draw(picture).text((20, top), f"Line {top}: 90.1 pounds to Clearing" * 3, fill=20, font=ImageFont.load_default(size))
    page = np.clip(np.asarray(picture) + np.random.default_rng(0).normal(0, noise, (700, 900)), 0, 255).astype(np.uint8)
    for method in ("otsu", "sauvola"):
        ink = docbin.binarize(page, method)
        verdict = judge(Signs(page), ink)
        assert verdict.reasons == (), (method, verdict)
        assert verdict.value > 0.85
        lost = ink.copy()
        lost[250:450] = False
        assert any("left out" in reason for reason in judge(Signs(page), lost).reasons)
        assert judge(Signs(page), lost).value < verdict.value


def test_specks_are_told_with_their_number(text: tuple[np.ndarray, np.ndarray]) -> None:
    page, truth = text
    specks = np.random.default_rng(0).random(truth.shape) < 0.02
    verdict = judge(Signs(page), truth | specks)
    assert any(reason.startswith("specks: ") for reason in verdict.reasons), verdict


def test_the_worse_a_threshold_the_lower_the_verdict(text: tuple[np.ndarray, np.ndarray]) -> None:
    page, truth = text
    inks = [page < level for level in (140, 186, 206)]
    measured = [docbin.score(ink, truth).fm for ink in inks]
    said = [judge(Signs(page), ink).value for ink in inks]
    assert measured == sorted(measured, reverse=True)
    assert said == sorted(said, reverse=True)


def test_the_public_function_takes_colour_and_light_writing(text: tuple[np.ndarray, np.ndarray]) -> None:
    page, truth = text
    expected = docbin.quality(page, truth)
    assert isinstance(expected, docbin.Quality)
    assert 0 <= expected.value <= 1
    assert docbin.quality(np.stack([page] * 3, axis=2), truth) == expected
    assert docbin.quality(255 - page, truth).value == pytest.approx(expected.value, abs=0.02)


def test_what_is_no_page_or_no_ink_of_it_is_refused(text: tuple[np.ndarray, np.ndarray]) -> None:
    page, truth = text
    with pytest.raises(ValueError, match=r"the page's shape \(600, 800\) is wanted, got \(600, 799\)"):
        docbin.quality(page, truth[:, 1:])
    with pytest.raises(TypeError, match="a bool array is wanted"):
        docbin.quality(page, truth.astype(np.uint8))
    with pytest.raises(TypeError):
        docbin.quality(page.astype(float), truth)


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (2, 2), (17, 33), (5, 900)])
@pytest.mark.parametrize("fill", ["none", "some", "all"])
def test_pages_of_any_size_get_a_verdict(shape: tuple[int, int], fill: str) -> None:
    rng = np.random.default_rng(0)
    page = rng.integers(0, 256, shape).astype(np.uint8)
    ink = {"none": np.zeros(shape, bool), "some": page < 128, "all": np.ones(shape, bool)}[fill]
    verdict = docbin.quality(page, ink)
    assert 0 <= verdict.value <= 1


def test_every_feature_is_finite_and_named(text: tuple[np.ndarray, np.ndarray]) -> None:
    page, truth = text
    for ink in (truth, ~truth, page < 60, page < 220):
        measured = measure(Signs(page), ink)
        assert list(measured.features) == list(NAMES)
        assert np.isfinite(measured.vector()).all()


def test_a_page_twice_as_large_is_judged_alike(monkeypatch: pytest.MonkeyPatch, text: tuple[np.ndarray, np.ndarray]) -> None:
    page, truth = text
    large = cv2.resize(page, None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR)
    ink = np.kron(truth, np.ones((2, 2), bool))
    monkeypatch.setattr(signs, "OVERVIEW", page.size)
    monkeypatch.setattr(signs, "DETAIL", page.size)
    view = Signs(large)
    assert view.shrink == 2
    assert view.overview.grey.shape == page.shape
    assert view.detail.grey.size <= page.size
    assert judge(view, ink).value == pytest.approx(judge(Signs(page), truth).value, abs=0.2)


def test_several_inks_of_a_page_are_judged_as_one_by_one(text: tuple[np.ndarray, np.ndarray]) -> None:
    page, truth = text
    view = Signs(page)
    inks = [truth, page < 150, docbin.binarize(page, "su")]
    assert [judge(view, ink) for ink in inks] == [judge(Signs(page), ink) for ink in inks]


def paler_from(row: int, page: np.ndarray, contrast: float) -> np.ndarray:
    """A page of tests.assessment.pages whose writing has, from a row on, only a share of its contrast."""
    paper = np.linspace(225, 200, page.shape[1])[None, :]
    below = np.arange(page.shape[0])[:, None] >= row
    return np.where(below, paper - contrast * (paper - page), page).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("contrast", [0.4, 0.5])
def test_pencil_beside_black_ink_that_was_lost_is_told(contrast: float) -> None:
    page, truth = text_page(0)
    pale = paler_from(400, page, contrast)  # the last third is in pencil
    ink = truth.copy()
    ink[400:] = False
    verdict = judge(Signs(pale), ink)
    assert any(reason.startswith("much that looks like writing was left out: ") for reason in verdict.reasons), verdict
    assert verdict.grave
    assert not judge(Signs(pale), truth).reasons


@pytest.mark.skipif(kernels._core is None, reason="this install has no compiled kernels")
@pytest.mark.parametrize("overview", [2_500_000, 60_000])
def test_the_core_and_the_numpy_twins_measure_the_same(overview: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signs, "OVERVIEW", overview)
    page, truth = text_page(3, (301, 403))
    ink = cv2.dilate(truth.view(np.uint8), np.ones((2, 2), np.uint8)).view(np.bool_)
    ink[:120, 200:] = False
    found = []
    for level in (kernels.levels()[-1], "numpy"):
        with kernels.use(level):
            seen = Signs(page)
            found.append((measure(seen, ink), judge(seen, ink)))
    (fast, verdict), (slow, its_verdict) = found
    np.testing.assert_allclose(fast.vector(), slow.vector(), rtol=EXACT, atol=EXACT)
    assert fast.counts == pytest.approx(slow.counts, rel=EXACT)
    assert verdict.value == pytest.approx(its_verdict.value, abs=0.01 if EXACT else 0)
    assert len(verdict.reasons) == len(its_verdict.reasons)


@pytest.mark.parametrize("depth", [45, 70, 100])
@pytest.mark.parametrize("columns", [800, 200])
def test_faded_ink_beside_black_strokes_that_came_out_nearly_empty_is_told(depth: int, columns: int) -> None:
    """One line is black, the other twelve are brown and lost; or all but a word is."""
    page, truth = text_page(depth)
    faded = paler_from(60, page, depth / 160)
    black = truth.copy()
    black[60:] = False
    black[:, columns:] = False
    verdict = judge(Signs(faded), black)
    assert any(reason.startswith("much that looks like writing was left out: ") for reason in verdict.reasons), verdict
    assert verdict.grave


def test_a_back_that_was_left_out_is_no_writing_that_was() -> None:
    page, truth = text_page(2)
    other = cv2.GaussianBlur(text_page(6)[1][:, ::-1].astype(np.float32), (0, 0), 2.5)
    shone = np.clip(page - 60.0 * np.roll(other, (17, 9), (0, 1)) * ~truth, 0, 255).astype(np.uint8)
    seen = Signs(shone)
    assert measure(seen, truth).features["pale_left"] > 0.3
    assert not any("left out" in reason for reason in judge(seen, truth).reasons)
