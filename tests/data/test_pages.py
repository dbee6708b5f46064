"""Pages decoded once, and split by page."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pictures

from docbin.data.pages import load_pages, split
from docbin.data.store import LabelledPage, save_layers
from docbin.errors import FileAccessError, InputError, UsageError


def _write_set(folder: Path, shapes: dict[str, tuple[int, int]]) -> Path:
    rng = np.random.default_rng(3)
    for kind in ("images", "gt"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    for stem, shape in shapes.items():
        Pictures.fromarray(rng.integers(0, 256, (*shape, 3), dtype=np.uint8)).save(folder / "images" / f"{stem}.png")
        Pictures.fromarray(rng.random(shape) < 0.8).save(folder / "gt" / f"{stem}.png")
    return folder


def _page(name: str, group: str = "") -> LabelledPage:
    return LabelledPage(name, name.split("/")[0], Path(f"{name}.npy"), group or name)


def test_loaded_page_equals_its_files(tmp_path: Path) -> None:
    folder = _write_set(tmp_path / "own", {"a": (13, 17), "b": (5, 3)})
    pages = load_pages([os.fspath(folder)], tmp_path, tmp_path / "cache")
    assert [page.name for page in pages] == ["own/a", "own/b"]
    for page in pages:
        stem = page.name.split("/")[1]
        np.testing.assert_array_equal(page.image, np.asarray(Pictures.open(folder / "images" / f"{stem}.png")))
        np.testing.assert_array_equal(page.truth, ~np.asarray(Pictures.open(folder / "gt" / f"{stem}.png")))
        assert page.shape == page.truth.shape


def test_cache_is_used_and_follows_the_file(tmp_path: Path) -> None:
    folder = _write_set(tmp_path / "own", {"a": (13, 17)})
    first = load_pages([os.fspath(folder)], tmp_path, tmp_path / "cache")[0]
    stamp = first.array_path.stat().st_mtime_ns
    assert load_pages([os.fspath(folder)], tmp_path, tmp_path / "cache")[0].array_path.stat().st_mtime_ns == stamp
    Pictures.fromarray(np.zeros((13, 17, 3), np.uint8)).save(folder / "images" / "a.png")
    changed = load_pages([os.fspath(folder)], tmp_path, tmp_path / "cache")[0]
    assert changed.array_path != first.array_path
    assert not changed.image.any()
    assert not list((tmp_path / "cache").rglob("*.part"))


def test_a_page_travels_by_name(tmp_path: Path) -> None:
    save_layers(tmp_path / "p.npy", np.full((400, 300, 3), 7, np.uint8), np.ones((400, 300), bool))
    page = LabelledPage("s/p", "s", tmp_path / "p.npy", "s/p")
    assert page.image[0, 0, 0] == 7
    assert len(pickle.dumps(page)) < 1000
    assert pickle.loads(pickle.dumps(page)).truth.all()


def test_unequal_sizes_are_refused(tmp_path: Path) -> None:
    folder = _write_set(tmp_path / "own", {"a": (13, 17)})
    Pictures.fromarray(np.zeros((13, 18), bool)).save(folder / "gt" / "a.png")
    with pytest.raises(InputError, match=r"a\.png"):
        load_pages([os.fspath(folder)], tmp_path, tmp_path / "cache")


def test_missing_set_and_missing_cache_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        load_pages(["no-such-set"], tmp_path, tmp_path / "cache")
    with pytest.raises(FileAccessError, match="decode"):
        LabelledPage("s/p", "s", tmp_path / "gone.npy").layers()
    (tmp_path / "bad.npy").write_bytes(b"not an array")
    with pytest.raises(InputError, match="damaged"):
        LabelledPage("s/p", "s", tmp_path / "bad.npy").layers()


@pytest.mark.parametrize("seed", range(5))
def test_split_is_by_page_stratified_and_steady(seed: int) -> None:
    pages = [_page(f"{name}/{number}") for name, count in (("a", 10), ("b", 30), ("c", 2)) for number in range(count)]
    training, validation = split(pages, 0.2, seed)
    names = {page.name for page in training}, {page.name for page in validation}
    assert not names[0] & names[1]
    assert names[0] | names[1] == {page.name for page in pages}
    assert [sum(page.dataset == name for page in validation) for name in "abc"] == [2, 6, 0]
    assert split(list(reversed(pages)), 0.2, seed)[1] == list(reversed(validation))
    alone = split([page for page in pages if page.dataset == "b"], 0.2, seed)[1]
    assert {page.name for page in alone} == {name for name in names[1] if name.startswith("b/")}


def test_split_differs_by_seed_and_keeps_groups_together() -> None:
    pages = [_page(f"a/{number}", f"a/sheet{number // 3}") for number in range(60)]
    sides = [frozenset(page.name for page in split(pages, 0.25, seed)[1]) for seed in range(8)]
    assert len(set(sides)) > 1
    for seed in range(8):
        training, validation = split(pages, 0.25, seed)
        assert not {page.group for page in training} & {page.group for page in validation}
        assert len(validation) == 15


def test_split_of_nothing_and_bad_share() -> None:
    pages = [_page("a/1"), _page("a/2")]
    assert split(pages, 0.0, 0) == (pages, [])
    with pytest.raises(UsageError, match="validation_share"):
        split(pages, 1.0)


def test_a_page_that_does_not_fit_on_the_disk_is_named_and_leaves_nothing(
    tmp_path: Path, files_of_at_most: Callable[[int], AbstractContextManager[None]]
) -> None:
    page, truth = np.zeros((200, 300), np.uint8), np.zeros((200, 300), bool)
    with files_of_at_most(20_000), pytest.raises(FileAccessError, match=r"a\.npy: cannot write the decoded page"):
        save_layers(tmp_path / "own" / "a.npy", page, truth)
    assert list((tmp_path / "own").iterdir()) == []
