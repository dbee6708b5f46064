"""The functions of ``import docbin``: what they take as a page, what they refuse, and what ``help()`` tells of their options."""

from __future__ import annotations

import doctest
import inspect
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import docbin
from docbin import catalogue
from docbin.detection import table
from docbin.enhancing import REPAIRS
from docbin.errors import FileAccessError, UsageError
from docbin.files import DEFAULT_MEGAPIXELS


def sheet(seed: int = 3) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """A grey page with dark strokes on noisy paper."""
    random = np.random.default_rng(seed)
    page = random.normal(205, 6, (120, 160))
    for row in range(12, 110, 14):
        page[row : row + 3, 8 : 150 - row % 5] = random.normal(60, 10, (3, 142 - row % 5))
    return page.clip(0, 255).astype(np.uint8)


def coloured(page: np.ndarray[Any, np.dtype[np.uint8]]) -> np.ndarray[Any, np.dtype[np.uint8]]:
    tint = np.array([1.0, 0.95, 0.8])
    return (page[..., None] * tint).astype(np.uint8)


@pytest.mark.parametrize("method", ["otsu", "bitunet"])
def test_a_page_a_pillow_image_and_a_path_are_what_their_pixels_are(method: str, tmp_path: Path) -> None:
    for pixels in (sheet(), coloured(sheet())):
        wanted = docbin.binarize(pixels, method)
        assert wanted.any()
        Image.fromarray(pixels).save(tmp_path / "one.png")
        for given in (docbin.Page(pixels), Image.fromarray(pixels), tmp_path / "one.png"):
            assert np.array_equal(docbin.binarize(given, method), wanted)


def test_threshold_and_models_take_a_page_too() -> None:
    pixels = sheet()
    assert np.array_equal(docbin.threshold(docbin.Page(pixels), "sauvola"), docbin.threshold(pixels, "sauvola"))
    model = docbin.load("bitunet")
    assert np.array_equal(model(docbin.Page(pixels)), model(pixels))
    assert np.array_equal(model.probability(docbin.Page(pixels)), model.probability(pixels))


def test_pillow_modes_follow_the_rules_of_files(tmp_path: Path) -> None:
    grey = Image.fromarray(sheet())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow deprecates some ways of making these
        deep = Image.fromarray(sheet().astype(np.uint16) * 257)
    transparent = grey.convert("RGBA")
    transparent.putalpha(Image.fromarray(np.where(np.arange(160) < 80, 255, 0).astype(np.uint8)[None].repeat(120, 0)))
    for number, image in enumerate((grey, grey.convert("1"), grey.convert("P"), deep, transparent, grey.convert("LA"))):
        path = tmp_path / f"{number}.png"
        image.save(path)
        assert np.array_equal(docbin.binarize(image, "sauvola"), docbin.binarize(path, "sauvola")), image.mode


def test_ink_fits_the_pillow_image_whatever_exif_says(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(sheet()).save(tmp_path / "turned.jpg", exif=exif)
    with Image.open(tmp_path / "turned.jpg") as image:
        assert docbin.binarize(image, "otsu").shape == (image.height, image.width)
    assert docbin.binarize(tmp_path / "turned.jpg", "otsu").shape == (160, 120)  # a file is read as a viewer shows it


@pytest.mark.parametrize(
    ("given", "kind", "says"),
    [
        ("page.png", TypeError, "got str"),
        ([[1, 2]], TypeError, "got list"),
        (None, TypeError, "got NoneType"),
        (np.zeros((4, 4)), TypeError, "float64"),
        (np.zeros((4, 4), bool), TypeError, "bool"),
        (np.zeros((4, 4, 4), np.uint8), ValueError, r"\(4, 4, 4\)"),
        (np.zeros((0, 4), np.uint8), ValueError, r"\(0, 4\)"),
        (docbin.Page(np.zeros((4, 4), np.float32)), TypeError, "float32"),  # type: ignore[arg-type]
        (Path("no-such.png"), FileAccessError, "no-such.png"),
    ],
)
def test_anything_else_is_refused_with_what_came_and_what_is_wanted(given: Any, kind: type[Exception], says: str) -> None:
    for call in (docbin.binarize, lambda image: docbin.threshold(image, "sauvola"), docbin.detect, docbin.enhance):
        if call in (docbin.detect, docbin.enhance) and not _works(call):
            continue
        with pytest.raises(kind, match=says):
            call(given)


def _works(call: Any) -> bool:
    row = table.get(table.DEFAULT) if call is docbin.detect else REPAIRS["uniform"]
    return row.available


def test_a_path_of_a_book_is_refused_with_the_way_to_its_pages(tmp_path: Path) -> None:
    first, second = (Image.fromarray(sheet(seed)) for seed in (1, 2))
    first.save(tmp_path / "book.tif", save_all=True, append_images=[second])
    with pytest.raises(UsageError, match=r"has 2 pages; .*docbin\.read_pages"):
        docbin.binarize(tmp_path / "book.tif", "otsu")


def test_methods_tells_one_or_all() -> None:
    everything = docbin.methods()
    for row in everything:
        assert docbin.methods(row["name"]) == row
    assert docbin.methods("howe")["params"][0]["choices"] == ["both", "c", "none"]
    with pytest.raises(UsageError, match="did you mean sauvola"):
        docbin.methods("sauvolla")


def test_help_shows_options_and_their_true_defaults() -> None:
    """No option hides in a ``**``, but for those of methods, which ``methods()`` tells, and names that are refused."""
    signatures = {name: inspect.signature(getattr(docbin, name)) for name in docbin.__all__ if inspect.isfunction(getattr(docbin, name))}
    swallowing = {
        name: [part.name for part in told.parameters.values() if part.kind is part.VAR_KEYWORD] for name, told in signatures.items()
    }
    assert {name: hidden for name, hidden in swallowing.items() if hidden and hidden != ["unknown"]} == {
        "binarize": ["params"],
        "clean": ["params"],
        "threshold": ["params"],
    }
    assert signatures["binarize"].parameters["method"].default == catalogue.DEFAULT
    assert signatures["read_pages"].parameters["max_megapixels"].default == DEFAULT_MEGAPIXELS
    for name, told in signatures.items():
        text = inspect.getdoc(getattr(docbin, name)) or ""
        if name in ("threshold", "score", "methods", "quality"):
            continue
        for part in told.parameters:
            assert f"\n{part} : " in text or f"\n**{part} : " in text, f"docbin.{name}: {part} is not told"
    rules = {param.name for param in table.row_of(_detector()).params}
    assert rules == set(signatures["detect"].parameters) - {"image", "model", "unknown"}
    assert {param.name for param in REPAIRS["uniform"].params} == set(signatures["enhance"].parameters) - {
        "image",
        "task",
        "model",
        "unknown",
    }
    with pytest.raises(UsageError, match="no parameter 'blur'"):
        docbin.enhance(sheet(), blur=1)  # type: ignore[arg-type]


def _detector() -> Any:
    from docbin.zoo import folders

    return folders.load_config(table.DEFAULT)


def test_the_docstrings_examples_run() -> None:
    result = doctest.testmod(docbin)
    assert result.attempted > 5
    assert result.failed == 0
