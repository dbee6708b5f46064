"""A clean page: white paper, own greys in the ink, no dirt; and what the batch and the command line make of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pictures

import docbin
from docbin import catalogue, cleaning
from docbin.cli import main
from docbin.errors import UsageError
from docbin.kernels.paper import paper_level
from docbin.polarity import with_own_hues

Pixels = NDArray[np.uint8]


def _strokes(shape: tuple[int, int] = (200, 240)) -> NDArray[np.bool_]:
    """Bars four pixels wide, as tall as letters."""
    ink = np.zeros(shape, np.bool_)
    for top in range(20, shape[0] - 40, 50):
        for left in range(20, shape[1] - 20, 20):
            ink[top : top + 28, left : left + 4] = True
    return ink


def _page(ink: NDArray[np.bool_], paper: NDArray[np.float64] | float = 200.0, depth: float = 0.7) -> Pixels:
    """Ink of that depth on that paper, a little blurred."""
    import cv2

    soft = cv2.GaussianBlur(ink.astype(np.float32), (3, 3), 0.6)
    return np.asarray(np.rint(paper * (1 - depth * soft)), np.uint8)


def slow_clean(page: Pixels, ink: NDArray[np.bool_], probability: NDArray[np.float32] | None) -> Pixels:
    """The whole page by the formula, white paper included: the twin of :func:`docbin.cleaning.clean_page` in grey."""
    import cv2

    kept = cleaning.without_dirt(ink, page)
    reach = cleaning.REACH + cleaning.FADE
    away = cv2.distanceTransform(np.asarray(~kept, np.uint8), cv2.DIST_L2, 3) if kept.any() else np.full(kept.shape, 1e6, np.float32)
    opacity = np.clip((reach + 1 - away) / (cleaning.FADE + 1), 0, 1)
    if probability is not None:
        unsure = np.clip((probability - cleaning.UNSURE) / (cleaning.SURE - cleaning.UNSURE), 0, 1)
        unsure[cv2.dilate(np.asarray(ink & ~kept, np.uint8), np.ones((2 * reach + 1,) * 2, np.uint8)) > 0] = 0
        opacity = np.maximum(opacity, unsure)
    flat = np.minimum(page * (255.0 / paper_level(page, ink)), 255)
    return np.asarray(np.rint(255 - opacity * (255 - flat)), np.uint8)


@pytest.mark.parametrize("shape", [(200, 240), (61, 83), (7, 300), (1, 1)])
def test_what_is_computed_near_ink_alone_is_what_the_formula_gives(shape: tuple[int, int]) -> None:
    random = np.random.default_rng(sum(shape))
    ink = _strokes(shape) | (random.random(shape) < 0.01)
    page = np.asarray(np.clip(_page(ink, 180) + random.normal(0, 9, shape), 0, 255), np.uint8)
    for probability in (None, random.random(shape, np.float32) ** 4):
        for mask in (ink, np.zeros_like(ink), np.ones_like(ink)):
            off = cleaning.clean_page(page, mask, probability).astype(int) - slow_clean(page, mask, probability)
            assert np.abs(off).max() <= 1  # float32 beside float64


def test_paper_is_white_and_ink_as_dark_in_a_shadow_as_beside_it() -> None:
    ink = _strokes()
    shade = np.repeat(np.linspace(220, 90, ink.shape[1])[None], ink.shape[0], axis=0)
    clean = cleaning.clean_page(_page(ink, shade), ink)
    away = np.ones_like(ink)
    rows, columns = np.nonzero(ink)
    for y, x in zip(rows, columns, strict=True):
        away[max(0, y - 6) : y + 7, max(0, x - 6) : x + 7] = False
    assert (clean[away] == 255).all()
    core = clean[21:47, 21::20][:, :10]
    assert core.max() - core.min() <= 12  # the page's own ink spans 27 to 66
    assert abs(float(core.mean()) - 255 * 0.3) < 12


def test_a_narrow_stain_leaves_no_halo_around_its_letters() -> None:
    ink = _strokes()
    stain = np.full(ink.shape, 220.0)
    stain[:, 90:134] = 130  # a band as wide as a coffee ring's; strokes stand every 20 pixels
    clean = cleaning.clean_page(_page(ink, stain), ink)
    assert clean[24:44, 106].min() >= 250  # paper in the middle of the stain, between two strokes; in windows of 70 pixels 221
    assert clean[24:44, [97, 126]].min() >= 225  # near its edges


def test_edges_keep_their_greys() -> None:
    ink = _strokes()
    page = _page(ink)
    clean = cleaning.clean_page(page, ink)
    beside = ~ink & (page < 200)  # anti-aliasing outside the mask
    assert beside.any()
    assert np.abs(clean[beside].astype(float) - page[beside] * 255.0 / 200).max() <= 3


def test_colours_stay_only_where_asked() -> None:
    ink = _strokes()
    page = np.dstack([_page(ink, 240, 0.2), _page(ink, 220, 0.9), _page(ink, 180, 0.9)])
    red = cleaning.clean_page(page, ink, colour=True)
    assert red.shape == page.shape
    assert (red[0, 0] == 255).all()
    middle = red[30, 21]
    assert middle[0] > 180
    assert middle[1] < 60
    assert cleaning.clean_page(page, ink).ndim == 2
    assert cleaning.clean_page(page[..., 1].copy(), ink, colour=True).ndim == 2


def test_pale_strokes_of_which_the_method_was_nearly_sure_stay_and_others_go() -> None:
    ink = _strokes()
    pale = np.zeros_like(ink)
    pale[180:184, 20:200] = True
    page = np.minimum(_page(ink), _page(pale, depth=0.3))
    unsure = np.where(ink, 1.0, np.where(pale, 0.38, 0.0)).astype(np.float32)
    assert cleaning.clean_page(page, ink, unsure)[182, 100] < 210
    assert cleaning.clean_page(page, ink, np.minimum(unsure, np.where(ink, 1, 0.05)).astype(np.float32))[182, 100] == 255
    assert cleaning.clean_page(page, ink)[182, 100] == 255


def test_specks_go_and_full_stops_stay() -> None:
    ink = _strokes()
    ink[5, 5] = ink[110, 150] = True
    ink[60:64, 34:38] = True  # as wide as a stroke
    kept = cleaning.without_dirt(ink)
    assert not kept[5, 5]
    assert not kept[110, 150]
    assert kept[60:64, 34:38].all()
    assert (kept == ink).sum() == ink.size - 2


@pytest.mark.parametrize("turns", range(4))
def test_a_dark_border_goes_and_the_writing_beside_it_stays(turns: int) -> None:
    ink = _strokes((400, 500))
    border = np.zeros_like(ink)
    border[:, -40:] = True
    border[::3, -44:] = True  # ragged
    kept = np.rot90(cleaning.without_dirt(np.ascontiguousarray(np.rot90(ink & ~np.rot90(border, 0) | border, turns))), -turns)
    assert not kept[:, -44:].any()
    assert (kept[:, :-60] == ink[:, :-60]).all()


def test_a_thick_heading_in_the_page_and_a_line_at_its_edge_are_no_border() -> None:
    ink = _strokes((400, 500))
    ink[150:200, 100:400] = True  # a bar inside
    ink[:, 0:4] = True  # a ruled line at the edge, as thin as strokes
    assert (cleaning.without_dirt(ink) == ink).all()


def test_a_sheet_on_a_black_table_loses_its_outline_and_no_letter() -> None:
    ink = np.pad(_strokes((400, 500)), 100)
    sheet = np.pad(np.ones((400, 500), np.bool_), 100)
    page = np.where(sheet, _page(ink), 20).astype(np.uint8)
    edge = np.zeros_like(ink)
    edge[96:104, 96:604] = edge[496:504, 96:604] = edge[96:504, 96:104] = edge[96:504, 596:604] = True
    kept = cleaning.without_dirt(ink | edge, page)
    assert (kept & ~edge == ink & ~edge).all()
    assert kept[edge].mean() < 0.05


def _book_on_a_table() -> tuple[Pixels, NDArray[np.bool_], NDArray[np.bool_]]:
    """A sheet of writing below a marbled board on a black table: page, ink of the writing, ink that a method sees in the board."""
    random = np.random.default_rng(1)
    writing = np.pad(_strokes((400, 500)), ((200, 60), (0, 100)))
    page = np.full(writing.shape, 25, np.uint8)
    page[200:600, :500] = _page(writing)[200:600, :500]
    board = np.zeros_like(writing)
    for _ in range(40):
        y, x = int(random.integers(105, 172)), int(random.integers(5, 480))
        board[y : y + int(random.integers(6, 20)), x : x + int(random.integers(4, 16))] = True
    page[100:200, :500] = np.where(board[100:200, :500], 30, 100)
    return page, writing, board


def test_a_marbled_board_beside_the_sheet_goes_with_the_table() -> None:
    page, writing, board = _book_on_a_table()
    beyond = cleaning.beyond_sheet(page, writing | board)
    assert beyond is not None
    assert beyond[:196].all()
    assert beyond[:, 504:].all()
    assert not beyond[204:596, :496].any()
    assert (cleaning.without_dirt(writing | board, page) == writing).all()
    faint = np.where(writing, 1, np.where(board, 0.3, 0)).astype(np.float32)
    clean = cleaning.clean_page(page, writing | board, faint)
    assert (clean[:196] == 255).all()
    assert clean[204:, :500].min() < 120


def test_writing_on_what_looks_like_surroundings_stays() -> None:
    page, writing, _ = _book_on_a_table()
    title = np.zeros_like(writing)
    for left in range(40, 460, 14):
        title[140:160, left : left + 6] = True
    page[title] = 30
    assert cleaning.beyond_sheet(page, writing | title) is None
    assert (cleaning.without_dirt(writing | title, page)[title]).all()


@pytest.mark.parametrize("dark", [True, False])
def test_a_shadow_and_dark_corners_are_no_table(dark: bool) -> None:
    ink = _strokes((600, 800))
    shade = np.full(ink.shape, 220.0)
    if dark:
        shade *= np.clip(np.linspace(-0.05, 1.5, 800)[None], 0.15, 1)  # as dark as a table at the left, but without an edge
    else:
        shade[:150, :200] = 40  # a corner
    page = _page(ink, shade)
    assert cleaning.surroundings(page).any()
    assert cleaning.beyond_sheet(page, ink) is None


@pytest.mark.parametrize("share", [0.1, 0.4])
def test_a_hard_deep_shadow_that_lines_run_into_is_no_table(share: float) -> None:
    ink = _strokes((600, 800))
    shade = np.where(np.arange(800) >= (1 - share) * 800, 55.0, 220.0)[None]
    page = _page(ink, np.repeat(shade, 600, axis=0))
    assert cleaning.surroundings(page).any()
    assert cleaning.beyond_sheet(page, ink) is None
    assert (cleaning.without_dirt(ink, page) == ink).all()


def test_letters_close_to_the_edge_of_a_narrow_sheet_stay() -> None:
    ink = np.pad(_strokes((400, 500))[:, 12:], ((0, 0), (150, 150)))  # a receipt: letters eight pixels from its edge
    sheet = np.zeros_like(ink)
    sheet[:, 150:-150] = True
    page = np.where(sheet, _page(ink), 20).astype(np.uint8)
    assert cleaning.beyond_sheet(page, ink) is not None
    assert (cleaning.without_dirt(ink, page) == ink).all()


def test_long_strokes_in_a_deep_shadow_stay_while_they_are_no_longer_than_words() -> None:
    ink = np.zeros((600, 800), np.bool_)
    for top in range(40, 560, 40):
        for left in range(30, 740, 80):
            ink[top : top + 4, left : left + 50] = True  # words in one stroke
    shade = np.repeat(np.where(np.arange(800) < 250, 60.0, 220.0)[None], 600, axis=0)
    page = _page(ink, shade)
    assert cleaning.surroundings(page).any()
    assert (cleaning.without_dirt(ink, page) == ink).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (3, 2), (17, 400)])
def test_every_size(shape: tuple[int, int]) -> None:
    page = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    for ink in (np.zeros(shape, np.bool_), np.ones(shape, np.bool_), page[..., 0] < 100):
        assert cleaning.clean_page(page, ink, colour=True).shape == (*shape, 3)
    assert (cleaning.clean_page(page, np.zeros(shape, np.bool_)) == 255).all()


def test_what_does_not_fit_is_refused() -> None:
    page = np.zeros((20, 30), np.uint8)
    with pytest.raises(ValueError, match="one shape"):
        cleaning.clean_page(page, np.zeros((20, 31), np.bool_))
    with pytest.raises(TypeError, match="bool"):
        cleaning.clean_page(page, np.zeros((20, 30), np.uint8))
    with pytest.raises(UsageError, match="polarity"):
        docbin.clean(page, "otsu", polarity="up")


def test_one_pass_gives_the_ink_and_the_probability_of_two() -> None:
    row = catalogue.get("bitunet")
    page = _page(_strokes())
    ink, probability = row.ink_with_probability(page)
    assert probability is not None
    assert np.array_equal(ink, row.binarize(page))
    assert np.array_equal(probability, row.probability_map(page))
    assert catalogue.get("otsu").ink_with_probability(page)[1] is None


def test_white_on_black_becomes_dark_on_white() -> None:
    page = np.asarray(255 - _page(_strokes(), 250, 0.9), np.uint8)
    clean = docbin.clean(page, "otsu", polarity="light")
    assert clean[0, 0] == 255
    assert clean[30, 21] < 80


def test_red_on_black_is_red_on_white_in_colour() -> None:
    ink = _strokes()
    page = np.where(ink[..., None], np.array([255, 120, 110]), np.array([20, 30, 45])).astype(np.uint8)
    clean = docbin.clean(page, "otsu", colour=True, polarity="light")
    assert (clean[0, 0] == 255).all()
    red, green, blue = clean[30, 21].astype(int)
    assert red > green + 80
    assert red > blue + 80
    assert (docbin.clean(page, "otsu", polarity="light") == 255)[0, 0]


def test_own_hues_are_those_of_the_page_and_lightness_that_of_its_negative() -> None:
    import colorsys

    page = np.random.default_rng(0).integers(0, 256, (12, 12, 3), dtype=np.uint8)
    turned = with_own_hues(np.asarray(255 - page, np.uint8))
    for was, now in zip(page.reshape(-1, 3), turned.reshape(-1, 3), strict=True):
        before, after = colorsys.rgb_to_hls(*(was / 255)), colorsys.rgb_to_hls(*(now / 255))
        assert after[0] == pytest.approx(before[0], abs=1e-6)
        assert after[1] == pytest.approx(1 - before[1], abs=1e-6)
    grey = page[..., 0]
    assert with_own_hues(grey) is grey
    assert (with_own_hues(np.dstack([grey] * 3)) == grey[..., None]).all()


def test_the_command_writes_pictures_and_documents(tmp_path: Path) -> None:
    ink = _strokes()
    frames = [Pictures.fromarray(np.dstack([_page(ink, paper), _page(ink, paper), _page(ink, paper - 40)])) for paper in (200, 180)]
    frames[0].save(tmp_path / "page.png", dpi=(200, 200))
    frames[0].save(tmp_path / "book.tif", save_all=True, append_images=frames[1:], dpi=(200, 200))
    wanted = docbin.clean(np.asarray(frames[0]), "sauvola")
    one = str(tmp_path / "page.png")
    assert main(["clean", one, "-m", "sauvola"]) == 0
    with Pictures.open(tmp_path / "page.clean.png") as made:
        assert made.mode == "L"
        assert np.array_equal(np.asarray(made), wanted)
        assert made.info["dpi"] == pytest.approx((200, 200), abs=0.1)
    assert main(["clean", one, "-m", "sauvola", "--colour", "-o", str(tmp_path / "page.jpg")]) == 0
    with Pictures.open(tmp_path / "page.jpg") as made:
        assert made.mode == "RGB"
        assert made.info["dpi"] == pytest.approx((200, 200), abs=0.1)
    assert main(["clean", str(tmp_path / "book.tif"), "-m", "sauvola", "-o", str(tmp_path / "out")]) == 0
    with Pictures.open(tmp_path / "out/book.tif") as made:
        assert made.n_frames == 2  # type: ignore[attr-defined]
        assert np.array_equal(np.asarray(made), wanted)
    assert main(["clean", str(tmp_path / "book.tif"), "-m", "sauvola", "-o", str(tmp_path / "book.pdf")]) == 0
    pages = list(docbin.read_pages(tmp_path / "book.pdf"))
    assert [page.pixels.shape for page in pages] == [wanted.shape] * 2
    assert pages[0].dpi == pytest.approx((200, 200), abs=0.5)
    assert np.abs(pages[0].pixels.astype(int) - wanted).mean() < 2


def test_the_command_refuses_what_holds_no_greys(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Pictures.fromarray(_page(_strokes())).save(tmp_path / "page.png")
    assert main(["clean", str(tmp_path / "page.png"), "--format", "pbm"]) == 1
    assert "choose one of png, tiff, pdf, jpeg" in capsys.readouterr().err
    assert main(["binarize", str(tmp_path / "page.png"), "-o", str(tmp_path / "ink.jpg")]) == 1
    assert "does not write .jpg" in capsys.readouterr().err
