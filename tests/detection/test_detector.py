"""A trained detector as a user meets it in Python: exact coordinates at any size, every runtime alike, clear refusals."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

import docbin
from docbin import catalogue, detection
from docbin.detection import table
from docbin.detection.detector import inner_size, resized
from docbin.errors import MissingExtra, UsageError
from docbin.metrics.words import icdar2015
from docbin.zoo import folders, runtimes
from tests.detection.boxes import bars


def overlap(found: list[detection.Word], outlines: list[np.ndarray]) -> float:
    counts = icdar2015([word.polygon for word in found], outlines, [False] * len(outlines))
    return counts.scores().f


def test_words_are_found_where_they_are(tiny_detector: Path) -> None:
    image, outlines = bars(5, 96, 128, 3)
    words = docbin.detect(image, tiny_detector)
    assert overlap(words, outlines) == 100
    assert [round(float(word.polygon[0, 1])) for word in words] == sorted(round(float(word.polygon[0, 1])) for word in words)
    assert all(0.6 <= word.score <= 1 and word.polygon.dtype == np.float32 for word in words)


@pytest.mark.parametrize("scale", [(3.0, 3.0), (1.7, 2.3), (0.9, 1.0)])
def test_coordinates_are_the_pictures_whatever_the_inner_size(tiny_detector: Path, scale: tuple[float, float]) -> None:
    """The same scene in pictures of other sizes, all handed to the network at 128 pixels: corners agree to a few hundredths of the side."""
    image, outlines = bars(5, 96, 128, 3)
    size = round(128 * scale[0]), round(96 * scale[1])
    picture = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_CUBIC), np.uint8)
    words = docbin.detect(picture, tiny_detector, side=128)
    assert overlap(words, [outline * (size[0] / 128, size[1] / 96) for outline in outlines]) == 100
    corners = np.concatenate([word.polygon for word in words])
    assert corners.min() >= 0
    assert (corners.max(0) <= size).all()
    wanted = np.concatenate(outlines).mean(0) * (size[0] / 128, size[1] / 96)
    assert corners.mean(0) == pytest.approx(wanted, rel=0.05)


def test_every_runtime_finds_the_same_words(tiny_detector: Path) -> None:
    image, _ = bars(7, 80, 100, 2)
    rows = [
        runtime.name
        for runtime in runtimes.RUNTIMES
        if runtime.installed and runtime.suits and runtime.runs(folders.load_config(tiny_detector))
    ]
    assert "torch" in rows
    found = [docbin.load(tiny_detector, name)(image) for name in rows]
    for words in found[1:]:
        assert len(words) == len(found[0]) > 0
        for one, other in zip(words, found[0], strict=True):
            assert one.polygon == pytest.approx(other.polygon, abs=0.5)
            assert one.score == pytest.approx(other.score, abs=1e-3)


def test_a_loaded_detector_is_kept_and_takes_its_own_rules(tiny_detector: Path) -> None:
    find = docbin.load(tiny_detector)
    assert isinstance(find, detection.Detector)
    image, _ = bars(7)
    assert find(image, detection.Rules(score=1.0)) == []
    assert find.probability(image).shape == image.shape[:2]
    assert find.probability(image, 32).shape == (32, 32)
    assert np.array_equal(find.probability(image[..., 0]), find.probability(np.repeat(image[..., :1], 3, 2)))
    assert "tiny" in repr(find)


def test_accurate_averages_two_sizes(tiny_detector: Path) -> None:
    image, outlines = bars(5, 96, 128, 3)
    find = docbin.load(tiny_detector)
    assert isinstance(find, detection.Detector)
    large = find.probability(image, 192)
    small = cv2.resize(find.probability(image, 128), (192, 144), interpolation=cv2.INTER_LINEAR)
    assert np.allclose(find.averaged(image, 128), (large + small) / 2, atol=1e-6)
    assert np.array_equal(find.averaged(image), find.averaged(image, 128))  # side 0: the picture as it is
    words = docbin.detect(image, tiny_detector, accurate=True)
    assert overlap(words, outlines) == 100
    corners = np.concatenate([word.polygon for word in words])
    assert corners.mean(0) == pytest.approx(np.concatenate(outlines).mean(0), rel=0.05)
    plain = docbin.detect(image, tiny_detector)
    assert [word.score for word in words] != [word.score for word in plain]


def test_inner_sizes_are_bounded() -> None:
    assert inner_size(720, 1280, 640) == (360, 640)
    assert inner_size(100, 50, 1280) == (200, 100)  # enlarged twice at most
    assert inner_size(100, 50, 0) == (100, 50)
    assert inner_size(10_000, 3, 640) == (640, 1)
    image = bars(0)[0]
    assert resized(image, 64, 64) is image
    assert resized(image, 32, 20).shape == (32, 20, 3)


def test_tiny_and_empty_pictures_have_no_words(tiny_detector: Path) -> None:
    for image in (np.full((1, 1), 200, np.uint8), np.zeros((40, 3, 3), np.uint8)):
        assert docbin.detect(image, tiny_detector) == []
    with pytest.raises(TypeError, match="uint8"):
        docbin.detect(np.zeros((4, 4)), tiny_detector)


def test_parameters_are_checked_as_methods_are(tiny_detector: Path) -> None:
    row = table.get(str(tiny_detector))
    assert [param.name for param in row.params] == ["threshold", "score", "unclip", "shape", "least", "side", "accurate", "runtime"]
    assert row.available
    for params, says in (
        ({"score": 2}, "0 to 1"),
        ({"shape": "circle"}, "quad, polygon"),
        ({"sides": 1}, "no parameter"),
        ({"side": -1}, "side=-1"),
    ):
        with pytest.raises(UsageError, match=says):
            docbin.detect(bars(0)[0], tiny_detector, **params)


def test_a_detector_is_no_method_and_a_method_no_detector(tiny_detector: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="its task is detect"):
        catalogue.get(str(tiny_detector))
    if "unet" in folders.names():
        with pytest.raises(UsageError, match="does not find words"):
            docbin.detect(bars(0)[0], "unet")
    monkeypatch.setattr(folders, "shipped", dict)
    with pytest.raises(MissingExtra, match="brings no weights"):
        docbin.detect(bars(0)[0])
    assert table.names() == []


def test_a_config_may_say_how_words_are_made(tiny_detector: Path, tmp_path: Path) -> None:
    import shutil

    folder = Path(shutil.copytree(tiny_detector, tmp_path / "own"))
    config = (folder / "config.toml").read_text(encoding="utf-8")
    (folder / "config.toml").write_text(config.replace("side = 0", "side = 96").replace("score = 0.6", "score = 0.45"), encoding="utf-8")
    find = detection.load(folder)
    assert (find.side, find.rules.score, find.rules.threshold) == (96, 0.45, 0.3)
    (folder / "config.toml").write_text(config.replace('shape = "quad"', 'shape = "star"'), encoding="utf-8")
    with pytest.raises(UsageError, match=r"detect\.shape is 'star'"):
        detection.load(folder)
