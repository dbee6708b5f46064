"""The local threshold methods: outside truth to the pixel, scikit-image, and what each method promises of its map."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

import docbin
from docbin import catalogue
from docbin.errors import UsageError
from docbin.kernels import local
from docbin.page import Image, Mask

LOCAL = [name for name, row in catalogue.METHODS.items() if row.family == "local threshold"]


def test_the_family_is_complete() -> None:
    assert set(LOCAL) == {"niblack", "sauvola", "multiscale-sauvola", "wolf", "nick", "singh", "phansalkar", "bradley", "wan", "bernsen"}


@pytest.fixture(scope="module")
def writing() -> Image:
    """A small page: strokes of several widths on unevenly lit, noisy paper."""
    random = np.random.default_rng(11)
    y, x = np.mgrid[0:240, 0:320]
    paper = 190 + 40 * np.sin(x / 160) + 10 * np.cos(y / 90) + random.normal(0, 4, (240, 320))
    for line in range(20, 220, 25):
        for start in range(10, 300, 17):
            paper[line : line + 12, start : start + random.integers(2, 5)] -= 110
            paper[line + 5 : line + 8, start : start + 9] -= 90
    return np.clip(paper, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("name", LOCAL)
def test_the_ink_is_where_the_grey_is_at_most_the_threshold(name: str, writing: Image) -> None:
    for page in (writing, writing[:1, :1], writing[:3, :130], writing[:1], writing[:, :1], np.full((20, 31), 255, np.uint8)):
        ink, threshold = docbin.binarize(page, name), docbin.threshold(page, name)
        assert threshold.dtype == np.float32
        assert threshold.shape == page.shape
        assert np.array_equal(ink, page <= threshold)


@pytest.mark.parametrize("name", LOCAL)
def test_strokes_are_found_and_colour_pages_are_taken_by_their_grey(name: str, writing: Image) -> None:
    ink = docbin.binarize(writing, name)
    assert ink[22:30, 11].all()
    assert ink[:, :320].mean() < 0.5
    colour = np.repeat(writing[:, :, None], 3, axis=2)
    assert np.array_equal(docbin.binarize(colour, name), ink)


@pytest.mark.parametrize("name", [name for name in LOCAL if any(p.name == "window" for p in catalogue.METHODS[name].params)])
def test_windows_larger_than_the_page_work(name: str, writing: Image) -> None:
    ink = docbin.binarize(writing, name, window=9_999)
    assert np.array_equal(ink, docbin.binarize(writing, name, window=100_001)) or name == "multiscale-sauvola"


def _oracle_grey(oracle: Path) -> Image:
    rgb = np.asarray(Pillow.open(oracle / "page" / "2JohnC1V3.ppm")).astype(np.int64)
    return ((11 * rgb[..., 0] + 16 * rgb[..., 1] + 5 * rgb[..., 2]) // 32).astype(np.uint8)


def _oracle_ink(oracle: Path, name: str) -> Mask:
    return np.asarray(Pillow.open(oracle / "page" / f"2JohnC1V3-{name}.pbm")) == 0


@pytest.mark.data
@pytest.mark.parametrize(
    ("picture", "method", "parameters"),
    [
        ("Sauvola", "sauvola", {"window": 27, "k": 0.10}),
        ("Niblack", "niblack", {"window": 223, "k": -0.61}),
        ("Wolf", "wolf", {"window": 21, "k": 0.18}),
        ("NICK", "nick", {"window": 45, "k": -0.10}),
        ("TRSingh", "singh", {"window": 27, "k": 0.1}),
        ("WAN", "wan", {"window": 75, "k": 0.2}),
    ],
)
def test_oracle_pictures_agree_to_the_pixel(oracle: Path, picture: str, method: str, parameters: dict[str, float]) -> None:
    grey = _oracle_grey(oracle)
    assert np.array_equal(docbin.binarize(grey, method, **parameters), _oracle_ink(oracle, picture))


@pytest.mark.data
def test_the_bernsen_picture_agrees_once_its_contrast_limit_is_known(oracle: Path) -> None:
    """The picture is said to be made with contrast limit 15. It was made with the program's default, 25, and agrees to the pixel with that.

    By Bernsen's rule, limit 15 gives a pixel another class only in a window that spans 16 to 25 grey levels: there 15 takes the middle of the window
    and 25 the fixed threshold (150). All pixels that differ are of that kind, and every one shows the fixed threshold's decision in the picture:
    brighter than 150 and not ink, but at most the middle.
    """
    grey, truth = _oracle_grey(oracle), _oracle_ink(oracle, "Bernsen")
    assert np.array_equal(docbin.binarize(grey, "bernsen", window=61, contrast=25, threshold=150), truth)
    fifteen = docbin.binarize(grey, "bernsen", window=61, contrast=15, threshold=150)
    differs = fifteen != truth
    least, largest = local.local_min(grey, 61).astype(int), local.local_max(grey, 61).astype(int)
    span, middle = largest - least, (largest + least) // 2
    assert differs.sum() == 589
    assert span[differs].min() > 15
    assert span[differs].max() <= 25
    assert (grey[differs] > 150).all()
    assert (grey[differs] <= middle[differs]).all()
    assert not truth[differs].any()


@pytest.mark.data
def test_nick_as_printed_differs_from_the_picture_where_it_must(oracle: Path) -> None:
    """The printed formula, sqrt((sum p^2 - m^2) / n), is off by m^2 / n under the root: 5 pixels of this page, each within 0.01 of its threshold."""
    grey = _oracle_grey(oracle)
    from docbin.kernels import reference_local as reference

    sums, squares, count = reference.window_sums(grey, 45)
    mean = sums / count
    printed = mean - 0.1 * np.sqrt((squares - mean**2) / count)
    differs = (grey <= printed) != _oracle_ink(oracle, "NICK")
    assert differs.sum() == 5
    assert np.abs(printed - grey)[differs].max() < 0.02


def test_sauvola_agrees_with_scikit_image_inside_the_border(writing: Image) -> None:
    """scikit-image mirrors the page at its edge where we cut the window, so the maps are compared half a window away from the edge: there
    both have the same m and s, theirs from a float integral image, equal but for the float32 of our map (2^-16 below 256). Its R for bytes is
    127.5 unless told."""
    from skimage.filters import threshold_niblack, threshold_sauvola

    for window, k in ((15, 0.2), (25, 0.34)):
        r = window // 2
        inside = np.s_[r:-r, r:-r]
        theirs = threshold_sauvola(writing, window_size=window, k=k, r=128)
        assert np.abs(docbin.threshold(writing, "sauvola", window=window, k=k) - theirs)[inside].max() < 2e-5
        assert np.array_equal(docbin.binarize(writing, "sauvola", window=window, k=k)[inside], (writing <= theirs)[inside])
        # m - k s: their k has the opposite sign.
        theirs = threshold_niblack(writing, window_size=window, k=k)
        assert np.abs(docbin.threshold(writing, "niblack", window=window, k=-k) - theirs)[inside].max() < 2e-5


def test_sauvola_differs_from_scikit_image_at_the_border_by_the_mirror_alone(writing: Image) -> None:
    """Mirror the page ourselves, threshold the larger page, cut the border off: scikit-image's map everywhere."""
    from skimage.filters import threshold_sauvola

    mirrored = np.pad(writing, 12, mode="reflect")
    ours = docbin.threshold(mirrored, "sauvola", window=25)[12:-12, 12:-12]
    assert np.abs(ours - threshold_sauvola(writing, window_size=25, k=0.2, r=128)).max() < 2e-5


def test_a_page_of_one_grey_has_no_ink_by_wolf() -> None:
    assert not docbin.binarize(np.full((30, 40), 137, np.uint8), "wolf").any()


def test_bradley_takes_an_eighth_of_the_width_unless_told() -> None:
    page = np.random.default_rng(2).integers(0, 256, (50, 330), np.uint8)
    assert np.array_equal(docbin.binarize(page, "bradley"), docbin.binarize(page, "bradley", window=41))
    assert not np.array_equal(docbin.binarize(page, "bradley"), docbin.binarize(page, "bradley", window=43))
    with pytest.raises(UsageError, match="window=40"):
        docbin.binarize(page, "bradley", window=40)


def test_bernsen_decides_windows_of_one_class_by_the_fixed_threshold() -> None:
    page = np.full((40, 40), 100, np.uint8)
    page[:, 20:] = 110
    assert docbin.binarize(page, "bernsen", contrast=15).all()
    assert not docbin.binarize(page, "bernsen", contrast=15, threshold=90).any()
    threshold = docbin.threshold(page, "bernsen", window=3, contrast=9, threshold=90)
    assert set(np.unique(threshold)) == {np.float32(90), np.float32(105)}


def test_multiscale_sauvola_fills_what_one_window_hollows_out() -> None:
    page = np.full((600, 800), 220, np.uint8)
    page[100:260, 100:260] = 40  # a headline's stroke: wider than the window, narrower than four windows, what the coarsest scale spans
    page[450:454, 100:700] = 60  # a fine line
    many, one = docbin.binarize(page, "multiscale-sauvola", window=51), docbin.binarize(page, "sauvola", window=51, k=0.34)
    assert many[102:258, 102:258].all()
    assert not one[140:220, 140:220].any()
    assert many[450:454, 110:690].all()
    assert not many[500:].any()
