"""The sample pages that docbin ships, and the scripts that make and preview data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pictures

from docbin import benchmarks
from docbin.synth.fonts import BUILT_IN

NAMES = ["faded-letter", "form-stamp-margin", "handwritten-bleedthrough", "typeset-stained", "uneven-light-table"]


def test_samples_are_found_without_a_data_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCBIN_DATA", raising=False)
    samples = benchmarks.load("samples")
    root = benchmarks.data_root_of("samples", None)
    assert [pair.stem for pair in samples.pairs(root)] == NAMES
    assert samples.check(root) == []


@pytest.mark.parametrize("name", NAMES)
def test_sample_is_a_small_page_with_resolution_and_true_truth(name: str) -> None:
    root = benchmarks.data_root_of("samples", None)
    pair = next(pair for pair in benchmarks.load("samples").pairs(root) if pair.stem == name)
    assert pair.image_path.stat().st_size < 600 * 1024
    assert pair.truth_path.stat().st_size < 100 * 1024
    with Pictures.open(pair.image_path) as picture, Pictures.open(pair.truth_path) as truth_picture:
        assert truth_picture.mode == "1"
        for opened in (picture, truth_picture):
            assert opened.info["dpi"] == pytest.approx((200, 200), abs=0.1)
    image, truth = benchmarks.read_picture(pair.image_path), benchmarks.truth_mask(pair.truth_path)
    assert image.shape[:2] == truth.shape
    assert 0.03 < truth.mean() < 0.15
    grey = image if image.ndim == 2 else image.mean(axis=2)
    near = np.zeros_like(truth)
    near[2:-2, 2:-2] = truth[4:, 2:-2] | truth[:-4, 2:-2] | truth[2:-2, 4:] | truth[2:-2, :-4]
    near &= ~truth
    assert grey[truth].mean() < grey[near].mean() - 8, "the truth must lie on the darker strokes"


def test_a_sample_is_drawn_and_saved_whatever_the_fonts(load_script: Callable[[str], Any], tmp_path: Path) -> None:
    pytest.importorskip("albumentations", reason="docbin[train] is not installed")
    maker = load_script("make_samples")
    for sample in maker.SAMPLES:
        small = replace(sample, shape=(220, 200))
        assert maker.chosen_fonts(small, [BUILT_IN]) == [BUILT_IN]
        image, truth = maker.draw(small, [BUILT_IN])
        again, _ = maker.draw(small, [BUILT_IN])
        np.testing.assert_array_equal(image, again)
        maker.save(small, image, truth, tmp_path)
        np.testing.assert_array_equal(benchmarks.truth_mask(tmp_path / "gt" / f"{sample.name}.png"), truth)
    assert [sample.name for sample in maker.SAMPLES if sample.name not in NAMES] == []


@pytest.mark.slow
def test_preview_writes_its_sheets(load_script: Callable[[str], Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("albumentations", reason="docbin[train] is not installed")
    preview = load_script("preview_data")
    assert preview.main(["--out", str(tmp_path), "--cache", str(tmp_path / "cache"), "--rendered", "2"]) == 0
    written = capsys.readouterr().out.split()
    assert len(written) == 8
    for path in written:
        with Pictures.open(path) as picture:
            assert min(picture.size) > 200
