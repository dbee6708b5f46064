"""A user's own labelled pages: what is wrong with them is found before a training, and what is only another convention is read as it is meant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from docbin import benchmarks
from docbin.benchmarks import truth_mask
from docbin.cli import main
from docbin.data.own_pages import survey
from docbin.errors import FileAccessError, InputError, UsageError
from docbin.files.open_raster import read_ink_layer

Pair = tuple[np.ndarray[Any, np.dtype[np.uint8]], np.ndarray[Any, np.dtype[np.bool_]]]


def written(seed: int, light: bool = False) -> Pair:
    """A page 240 x 180 with lines of short strokes, and its truth."""
    rng = np.random.default_rng(seed)
    truth = np.zeros((240, 180), bool)
    for top in range(20, 220, 22):
        for left in range(14, 160, 9):
            if rng.random() < 0.8:
                height, width = int(rng.integers(5, 12)), int(rng.integers(2, 5))
                truth[top : top + height, left : left + width] = True
    grey = np.where(truth, 70.0, 190.0) + rng.normal(0, 6, truth.shape)
    return (255 - grey if light else grey).clip(0, 255).astype(np.uint8), truth


def folder(root: Path, pages: dict[str, Pair]) -> Path:
    for part in ("images", "gt"):
        (root / part).mkdir(parents=True, exist_ok=True)
    for name, (page, truth) in pages.items():
        Image.fromarray(page).save(root / "images" / f"{name}.png")
        Image.fromarray(~truth).save(root / "gt" / f"{name}.png")
    return root


def test_good_pages_are_taken_as_they_are(tmp_path: Path) -> None:
    pages = {f"p{number}": written(number) for number in (1, 2, 10)}
    found = survey(folder(tmp_path / "mine", pages), cache=tmp_path / "cache")
    assert [page.name for page in found.pages] == ["mine/p1", "mine/p2", "mine/p10"]
    assert found.notes == ()
    for page, (image, truth) in zip(found.pages, pages.values(), strict=True):
        assert np.array_equal(page.truth, truth)
        assert np.array_equal(page.image[..., 0], image)


def test_white_truths_and_light_writing_are_read_as_they_are_meant(tmp_path: Path) -> None:
    dark, light = written(1), written(2, light=True)
    root = folder(tmp_path / "mine", {"a": (dark[0], ~dark[1]), "b": light, "c": (light[0], ~light[1])})
    found = survey(root, cache=tmp_path / "cache")
    a, b, c = found.pages
    assert np.array_equal(a.truth, dark[1])
    assert np.array_equal(a.image[..., 0], dark[0])
    for page in (b, c):
        assert np.array_equal(page.truth, light[1])
        assert np.array_equal(page.image[..., 0], 255 - light[0])  # dark on light, as a method sees it
    assert "a: the truth is white on black; read so" in found.notes
    assert sum("light writing on dark" in note for note in found.notes) == 2


def test_every_problem_is_named_in_one_go(tmp_path: Path) -> None:
    page, truth = written(3)
    elsewhere = np.kron(np.random.default_rng(5).random((24, 18)) < 0.15, np.ones((10, 10), bool))
    pages = {"good": written(4), "moved": (page, np.roll(truth, (0, 6), (0, 1))), "swapped": (page, elsewhere)}
    root = folder(tmp_path / "mine", pages)
    Image.fromarray(page).save(root / "images" / "small.png")
    Image.fromarray(~truth[:-1]).save(root / "gt" / "small.png")
    Image.fromarray(page).save(root / "images" / "photo.png")
    Image.fromarray(page).save(root / "gt" / "photo.png")
    Image.fromarray(page).save(root / "images" / "black.png")
    Image.fromarray(np.zeros_like(truth)).save(root / "gt" / "black.png")
    Image.fromarray(page).save(root / "images" / "broken.png")
    (root / "gt" / "broken.png").write_bytes((root / "gt" / "good.png").read_bytes()[:90])
    first = Image.fromarray(page)
    first.save(root / "images" / "book.tif", save_all=True, append_images=[first])
    Image.fromarray(~truth).save(root / "gt" / "book.png")
    with pytest.raises(InputError) as caught:
        survey(root, cache=tmp_path / "cache")
    said = str(caught.value).splitlines()
    assert said[0] == "7 of 8 pages cannot be learned:"
    for name, words in {
        "moved.png": "6 pixels to the left",
        "swapped.png": "does not fit",
        "small.png": "is 180 x 239 pixels, its page",
        "photo.png": "neither black nor white",
        "black.png": "all black",
        "broken.png": "broken.png",
        "book.tif": "has 2 pages",
    }.items():
        assert any(name in line and words in line for line in said[1:]), f"{name}: {words} not in {said}"


def test_pages_without_truth_are_left_out_and_named(tmp_path: Path) -> None:
    root = folder(tmp_path / "mine", {"a": written(1), "b": written(2)})
    (root / "gt" / "b.png").unlink()
    found = survey(root, cache=tmp_path / "cache")
    assert [page.name for page in found.pages] == ["mine/a"]
    assert any("b: no truth for" in note for note in found.notes)


def test_a_folder_without_pages_says_what_it_must_hold(tmp_path: Path) -> None:
    with pytest.raises(FileAccessError, match="images/ and gt/"):
        survey(tmp_path / "none", cache=tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="images/ and gt/"):
        survey(tmp_path / "empty", cache=tmp_path)
    with pytest.raises(FileAccessError, match=r"no page with its truth.*/gt there$"):
        survey(folder(tmp_path / "bare", {}), cache=tmp_path)


def test_an_empty_page_is_a_page(tmp_path: Path) -> None:
    page = np.full((64, 80), 200, np.uint8)
    found = survey(folder(tmp_path / "mine", {"a": written(1), "blank": (page, np.zeros((64, 80), bool))}), cache=tmp_path / "cache")
    assert not found.pages[1].truth.any()
    assert found.notes == ("blank: no ink in its truth; it is learned as an empty page",)


def test_pages_are_looked_at_again_when_they_changed(tmp_path: Path) -> None:
    root = folder(tmp_path / "mine", {"a": written(1)})
    before = survey(root, cache=tmp_path / "cache").pages[0].truth
    folder(root, {"a": written(9)})
    assert not np.array_equal(survey(root, cache=tmp_path / "cache").pages[0].truth, before)


def test_ink_corrected_in_an_editor_comes_back_as_truth(tmp_path: Path) -> None:
    """The round trip: ink by a method as a layer, a stroke added by hand, and the folder is labelled pages for a training and an evaluation."""
    page, truth = written(6)
    (tmp_path / "scans").mkdir()
    Image.fromarray(page).save(tmp_path / "scans" / "one.png")
    Image.fromarray(np.vstack([page, page])).save(tmp_path / "scans" / "two.png")
    assert main(["binarize", str(tmp_path / "scans"), "--editable", "-m", "otsu", "-o", str(tmp_path / "mine")]) == 0
    assert np.array_equal(read_ink_layer(tmp_path / "mine" / "one.ora"), truth)
    found = survey(tmp_path / "mine", cache=tmp_path / "cache")
    assert [page.name for page in found.pages] == ["mine/one", "mine/two"]
    assert np.array_equal(found.pages[0].truth, truth)
    assert np.array_equal(found.pages[0].image[..., 0], page)
    assert main(["evaluate", str(tmp_path / "mine"), "-m", "otsu", "--json", str(tmp_path / "scores.json")]) == 0
    assert '"fm": 100.0' in (tmp_path / "scores.json").read_text()
    plain = folder(tmp_path / "plain", {"one": (page, truth)})
    (plain / "gt" / "one.png").unlink()
    (tmp_path / "mine" / "one.ora").rename(plain / "gt" / "one.ora")
    (pair,) = benchmarks.load(plain).pairs(plain)
    assert np.array_equal(truth_mask(pair.truth_path), truth)


def test_editable_goes_with_no_other_format(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.fromarray(written(1)[0]).save(tmp_path / "a.png")
    assert main(["binarize", str(tmp_path / "a.png"), "--editable", "--format", "pdf"]) == 1
    assert "cannot be written" in capsys.readouterr().err
    assert main(["binarize", str(tmp_path / "a.png"), "--editable", "-m", "otsu", "-o", str(tmp_path / "a.png.tif")]) == 1
    assert main(["binarize", str(tmp_path / "a.png"), "--editable", "-m", "otsu"]) == 0
    assert (tmp_path / "a.ink.ora").is_file()
