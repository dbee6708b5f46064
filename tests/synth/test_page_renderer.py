"""Rendered pages: truth is the counted coverage, pages follow from the seed, and no font at all is no failure."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from docbin.data.crops import NO_AUGMENT, CropSource
from docbin.data.pages import load_pages
from docbin.data.rendered_pages import RenderedPages, save_plain
from docbin.errors import UsageError
from docbin.synth.fonts import BUILT_IN, find_fonts, fingerprint
from docbin.synth.page.canvas import INK_FROM, Canvas, half_covered
from docbin.synth.page.handwriting import ALPHABET, Hand, catmull_rom
from docbin.synth.page.page_layout import KINDS
from docbin.synth.page.page_renderer import render_page
from docbin.synth.pseudo_text import SCRIPTS, Writer

FONTS = [BUILT_IN]


def _blank(height: int, width: int) -> np.ndarray:
    return np.full((height, width, 3), 230, np.uint8)


@pytest.mark.parametrize("oversampling", [1, 2, 3, 4])
def test_truth_is_coverage_of_at_least_a_half(oversampling: int) -> None:
    rng = np.random.default_rng(oversampling)
    ink = rng.random((7 * oversampling, 5 * oversampling)) < 0.5
    expected = np.zeros((7, 5), bool)
    for row in range(7):
        for column in range(5):
            block = ink[row * oversampling : (row + 1) * oversampling, column * oversampling : (column + 1) * oversampling]
            expected[row, column] = block.sum() / block.size >= 0.5
    np.testing.assert_array_equal(half_covered(ink, oversampling), expected)


def test_finished_page_agrees_with_its_layers() -> None:
    """Truth equals the thresholded coverage of everything drawn, and without a lens the picture's grey is that same coverage."""
    rng = np.random.default_rng(0)
    canvas = Canvas(120, 200, 4)
    layer = canvas.layer("print", (0.0, 0.0, 0.0))
    canvas.text(layer, "Truth 123", BUILT_IN.at(4 * 30), 10, 60)
    canvas.rule(layer, (5, 90.3), (190, 97.8), 2.6)
    canvas.discs(canvas.layer("hand", (0.0, 0.0, 0.0)), Hand(rng, 14).word("cursive", 20, 110)[0] * [1, 1, 1, 0] + [0, 0, 0, 1])
    image, truth = canvas.finish(rng, np.full((120, 200, 3), 255, np.uint8), softness=0.0)
    union = np.maximum(canvas.layers["print"].ink, canvas.layers["hand"].ink) > 0
    coverage = union.reshape(120, 4, 200, 4).mean(axis=(1, 3))
    np.testing.assert_array_equal(truth, coverage >= INK_FROM)
    alone = canvas.layers["hand"].ink.reshape(120, 4, 200, 4).max(axis=(1, 3)) == 0
    np.testing.assert_allclose(image[alone][:, 0], 255 * (1 - coverage[alone]), atol=0.51)
    assert 0.02 < truth.mean() < 0.3


def test_worn_edges_are_in_picture_and_truth_alike() -> None:
    for gain in (-0.4, 0.0, 0.5):
        canvas = Canvas(80, 240, 3)
        layer = canvas.layer("print", (0.0, 0.0, 0.0), rough=0.4, gain=gain)
        canvas.text(layer, "Letterpress", BUILT_IN.at(3 * 40), 8, 55)
        image, truth = canvas.finish(np.random.default_rng(1), np.full((80, 240, 3), 255, np.uint8), softness=0.0)
        dark = image[..., 0] < 255 * (1 - INK_FROM)
        assert (dark != truth).mean() < 0.001  # only pixels covered by that share exactly, rounded
        assert truth.any()


@pytest.mark.parametrize("softness", [0.4, 0.9])
def test_strokes_end_where_contests_end_them(softness: float) -> None:
    """Seen through a lens the edge of a wide stroke's truth lies where the picture has 1 - INK_FROM of the paper's grey, whatever the lens."""
    canvas = Canvas(80, 240, 8)
    canvas.rule(canvas.layer("print", (0.0, 0.0, 0.0)), (20, 70), (220, 30), 9)
    image, truth = canvas.finish(np.random.default_rng(0), np.full((80, 240, 3), 255, np.uint8), softness)
    dark = image[..., 0] <= 255 * (1 - INK_FROM)
    assert (dark != truth).mean() < 0.0005
    assert truth.sum() > 1.02 * (image[..., 0] < 128).sum()


def test_gain_makes_type_fatter() -> None:
    shares = []
    for gain in (-0.5, 0.0, 0.5):
        canvas = Canvas(80, 240, 3)
        canvas.text(canvas.layer("print", (0.0, 0.0, 0.0), rough=0.2, gain=gain), "Letterpress", BUILT_IN.at(3 * 40), 8, 55)
        shares.append(canvas.finish(np.random.default_rng(1), _blank(80, 240))[1].mean())
    assert shares[0] < shares[1] < shares[2]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_page_without_system_fonts(kind: str) -> None:
    image, truth = render_page(5, 2, FONTS, (300, 260), kind, oversampling=2)
    again = render_page(5, 2, FONTS, (300, 260), kind, oversampling=2)
    np.testing.assert_array_equal(image, again[0])
    np.testing.assert_array_equal(truth, again[1])
    assert image.shape == (300, 260, 3)
    assert 0.005 < truth.mean() < 0.5
    grey = image.mean(axis=2)
    assert grey[truth].mean() < grey[~truth].mean() - 10, "ink must be darker than paper"


@pytest.mark.parametrize("kind", KINDS)
def test_the_smallest_page(kind: str) -> None:
    """Nothing fits on 64 x 64 pixels, and nothing may break over it."""
    for seed in range(12):
        image, truth = render_page(seed, 0, FONTS, (64, 64), kind, oversampling=1)
        assert image.shape == (64, 64, 3)
        assert truth.shape == (64, 64)


def _page_bytes(number: int) -> bytes:
    image, truth = render_page(1, number, FONTS, (128, 160), oversampling=2)
    return image.tobytes() + truth.tobytes()


def test_same_page_in_another_process() -> None:
    here = [_page_bytes(number) for number in range(3)]
    assert len(set(here)) == 3
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        assert list(pool.map(_page_bytes, range(3))) == here


def test_wrong_arguments() -> None:
    with pytest.raises(UsageError, match="known are"):
        render_page(0, 0, FONTS, (100, 100), "poster")
    with pytest.raises(UsageError, match="64"):
        render_page(0, 0, FONTS, (10, 100))
    with pytest.raises(UsageError, match="count"):
        RenderedPages(count=-1).pages()


def test_no_font_falls_back_to_the_built_in_one(tmp_path: Path) -> None:
    assert find_fonts([tmp_path]) == [BUILT_IN]
    (tmp_path / "broken.ttf").write_bytes(b"no font")
    (tmp_path / "deeper").mkdir()
    assert find_fonts([tmp_path / "deeper", tmp_path]) == [BUILT_IN]
    with pytest.raises(UsageError, match="folder"):
        find_fonts([tmp_path / "missing"])


@pytest.mark.slow
def test_fonts_found_here_draw_what_they_promise() -> None:
    """Whatever this machine has: sorted, without doubles, and no missing letter in the promised scripts."""
    fonts = find_fonts()
    assert fonts
    keys = [(font.family, font.style) for font in fonts]
    assert keys == sorted(set(keys))
    assert len(fingerprint(fonts)) == 16
    for font in fonts[:: max(1, len(fonts) // 10)]:
        for script in set(font.scripts) & set(SCRIPTS):
            boxes = {bytes(font.at(24).getmask(letter)) for letter in ("\uffff",)}
            assert all(bytes(font.at(24).getmask(letter)) not in boxes for letter in SCRIPTS[script].sample)


def test_the_pool_is_cached_and_cropped_like_any_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from docbin.data import rendered_pages

    monkeypatch.setattr(rendered_pages, "find_fonts", lambda: FONTS)
    pool = RenderedPages("rendered", 3, seed=4, cache=tmp_path, shape=(200, 180))
    pages = pool.pages()
    stamps = [page.array_path.stat().st_mtime_ns for page in pages]
    assert [page.array_path.stat().st_mtime_ns for page in pool.pages()] == stamps
    image, truth = render_page(4, 1, FONTS, (200, 180))
    np.testing.assert_array_equal(pages[1].image, image)
    np.testing.assert_array_equal(pages[1].truth, truth)
    crop, crop_truth = CropSource(pages, 64, seed=1, augment=NO_AUGMENT).crop(0)
    assert crop.shape == (64, 64, 3)
    assert crop_truth.shape == (64, 64)
    plain = RenderedPages("rendered-no-plasma", 1, seed=4, cache=tmp_path, shape=(200, 180)).pages()
    assert plain[0].array_path != pages[0].array_path
    save_plain(pages, tmp_path / "rendered")
    carried = load_pages([str(tmp_path / "rendered")], tmp_path, tmp_path / "cache")
    assert [page.dataset for page in carried] == ["rendered"] * 3
    np.testing.assert_array_equal(carried[2].truth, pages[2].truth)


def test_the_pool_is_a_set_like_any_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ "rendered" renders into the cache where no such folder was carried along, and reads the folder where one was."""
    from docbin.data import rendered_pages

    small = {
        name: replace(renderer, function=lambda seed, number, fonts, shape, draw=renderer.function: draw(seed, number, fonts, (90, 80)))
        for name, renderer in rendered_pages.RENDERERS.items()
    }
    monkeypatch.setattr(rendered_pages, "find_fonts", lambda: FONTS)
    monkeypatch.setattr(rendered_pages, "RENDERERS", small)
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    pages = load_pages(["rendered", "rendered-no-plasma"], tmp_path, tmp_path / "cache", rendered=2)
    assert [page.dataset for page in pages] == ["rendered"] * 2 + ["rendered-no-plasma"] * 2
    save_plain(pages[:1], tmp_path / "pages" / "rendered")
    carried = load_pages(["rendered"], tmp_path, tmp_path / "cache")
    assert [page.dataset for page in carried] == ["rendered"]
    np.testing.assert_array_equal(carried[0].truth, pages[0].truth)


def test_no_plasma_in_pages_for_the_ablation(monkeypatch: pytest.MonkeyPatch) -> None:
    from docbin.augment import paper_effects

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a plasma field was drawn")

    monkeypatch.setattr(paper_effects, "plasma", refuse)
    render_page(0, 0, FONTS, (100, 100), "typeset", plasma=False)
    with pytest.raises(AssertionError, match="plasma"):
        render_page(0, 0, FONTS, (100, 100), "typeset")


def test_a_hand_writes_every_letter_and_never_the_same_twice() -> None:
    hand = Hand(np.random.default_rng(2), 20)
    for letter in ALPHABET:
        discs, end = hand.word(letter, 100, 50)
        assert end > 100
        assert np.isfinite(discs).all()
        assert (discs[:, 2] > 0).all()
        assert ((discs[:, 3] > 0) & (discs[:, 3] <= 1)).all()
    first, second = hand.word("same", 0, 0)[0], hand.word("same", 0, 0)[0]
    assert first.shape != second.shape or not np.allclose(first, second)
    nothing, end = hand.word("§", 10, 0)
    assert len(nothing) == 0
    assert end > 10


def test_strokes_have_no_gaps() -> None:
    """Neighbouring discs of one stroke overlap, so a hairline is a line and not a row of dots."""
    for seed in range(5):
        hand = Hand(np.random.default_rng(seed), 25)
        discs = hand.line((10, 40), (300, 44))
        apart = np.hypot(*np.diff(discs[:, :2], axis=0).T)
        assert (apart < discs[1:, 2] + discs[:-1, 2]).all()


def test_spline_passes_its_points_in_steps_no_larger_than_asked() -> None:
    points = np.array([[0.0, 0.0], [1.0, 2.0], [3.0, 1.0], [3.0, 1.0], [5.0, -1.0]])
    curve = catmull_rom(points, 0.05)
    for point in points:
        assert np.hypot(*(curve - point).T).min() < 1e-9
    assert np.hypot(*np.diff(curve, axis=0).T).max() < 0.11
    assert len(catmull_rom(points[:1], 0.1)) == 1


@pytest.mark.parametrize("script", SCRIPTS)
def test_words_use_only_letters_of_their_script(script: str) -> None:
    known = SCRIPTS[script].letters() + "".join(SCRIPTS[script].common) + SCRIPTS[script].vowels
    for seed in range(4):
        writer = Writer(np.random.default_rng(seed), script, plain=True)
        words = writer.words(200)
        assert len(set(words)) > 80
        letters = set("".join(words).lower()) - set(known.lower())
        assert not letters, f"unexpected {letters}"
        assert 1 < np.mean([len(word) for word in words]) < 12
