"""Truth files of words, in each format as its archive has it, and the descriptors of the sets that use them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from docbin import benchmarks
from docbin.benchmarks import word_pictures, word_truth
from docbin.errors import FileAccessError, InputError, UsageError


def put(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding=encoding)
    return path


def test_icdar_lines_with_a_mark_at_the_start_commas_and_numbers(tmp_path: Path) -> None:
    text = (
        "﻿377,117,463,117,465,130,378,130,Genaxis Theatre\r\n1,2,3,4,5,6,7,8,###\r\n1,2,3,4,5,6,7,8,1,234\r\n\r\n1,2,3,4,5,6,7,8,20029\r\n"
    )
    words = word_truth.read(put(tmp_path / "gt.txt", text), "icdar2015")
    assert [(word.text, word.ignore) for word in words] == [("Genaxis Theatre", False), ("###", True), ("1,234", False), ("20029", False)]
    assert words[0].polygon.tolist() == [[377, 117], [463, 117], [465, 130], [378, 130]]
    assert words[0].polygon.dtype == np.float32
    assert word_truth.read(put(tmp_path / "empty.txt", "﻿\n"), "icdar2015") == []


def test_total_text_lines(tmp_path: Path) -> None:
    text = (
        "x: [[206 251 386 542 620 646]], y: [[633 811 931 946 926 976]], ornt: [u'c'], transcriptions: [u'PETROSAINS']\n"
        "x: [[1 2\n 3]], y: [[4 5 6]], ornt: [u'#'], transcriptions: [u'a']\n"
        "x: [[1 2 3]], y: [[4 5 6]], ornt: [u'h'], transcriptions: [u'#']\n"
        "x: [[1 2 3]], y: [[4 5 6]], ornt: [u'm'], transcriptions: [u\"O'NEIL]\"]\n"
    )
    words = word_truth.read(put(tmp_path / "a.txt", text), "total-text")
    assert [(word.text, word.ignore) for word in words] == [("PETROSAINS", False), ("a", True), ("#", True), ("O'NEIL]", False)]
    assert words[0].polygon.shape == (6, 2)
    assert words[1].polygon.tolist() == [[1, 4], [2, 5], [3, 6]]
    with pytest.raises(InputError, match="1 of 2 words"):
        word_truth.read(put(tmp_path / "b.txt", text.splitlines()[0] + "\nx: [[1 2 3]], y: [[4 5"), "total-text")


def test_ctw1500_in_its_three_forms(tmp_path: Path) -> None:
    test = "113,110,124,113,130,150,####WOODFORD, RESERVE\n1,2,3,4,5,6,####\n1,2,3,4,5,6,7,8,####\n1,2,3,4,5,6,####\n"
    words = word_truth.read(put(tmp_path / "test.txt", test.replace("####\n", "#######\n", 1)), "ctw1500")
    assert [word.text for word in words] == ["WOODFORD, RESERVE", "###", "", ""]
    assert [word.ignore for word in words] == [False, True, False, False]
    assert [len(word.polygon) for word in words] == [3, 3, 4, 3]
    old = ",".join(map(str, [100, 200, 300, 400, *range(28)])) + "\n"
    (word,) = word_truth.read(put(tmp_path / "old.txt", old), "ctw1500")
    assert word.polygon[:2].tolist() == [[100, 201], [102, 203]]
    xml = (
        '<Annotations><image file="1001.jpg"><box height="1" left="2" top="3" width="4"><label>OLATHE</label>'
        "<segs>1,2,3,4,5,6,7,8</segs><pts>1,2</pts></box><box><label>###</label><segs>1,2,3,4,5,6</segs></box></image></Annotations>"
    )
    words = word_truth.read(put(tmp_path / "0001.xml", xml), "ctw1500")
    assert [(word.text, word.ignore, len(word.polygon)) for word in words] == [("OLATHE", False, 4), ("###", True, 3)]
    with pytest.raises(InputError, match="entities"):
        word_truth.read(put(tmp_path / "bomb.xml", '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'), "ctw1500")


def test_msra_boxes_turn_about_their_middle(tmp_path: Path) -> None:
    words = word_truth.read(put(tmp_path / "a.gt", f"0 0 10 20 40 10 0\n1 1 10 20 40 10 {np.pi / 2}\n"), "msra-td500")
    assert words[0].polygon.tolist() == [[10, 20], [50, 20], [50, 30], [10, 30]]
    assert words[1].polygon == pytest.approx(np.array([[35, 5], [35, 45], [25, 45], [25, 5]]), abs=1e-4)
    assert [word.ignore for word in words] == [False, True]


@pytest.mark.parametrize(
    ("format", "text", "says"),
    [
        ("icdar2015", "1,2,3,4,5,6,7,8,a\n1,2,3\n", "line 2: 3 parts"),
        ("icdar2015", "1,2,3,4,5,6,7,x,a\n", "could not convert"),
        ("icdar2015", "1,2,3,4,5,6,7,nan,a\n", "coordinates"),
        ("ctw1500", "1,2,3,4,5,####a\n", "line 1: 5 coordinates"),
        ("ctw1500", "<a><box>", "no element|mismatched|unclosed"),
        ("msra-td500", "1 2 3\n", "line 1: 3 numbers"),
        ("total-text", "x: [[1 2 3]], y: [[4 5]], ornt: [u'c'], transcriptions: [u'a']\n", "3 and 2 coordinates"),
    ],
)
def test_damaged_files_are_told_with_their_line(tmp_path: Path, format: str, text: str, says: str) -> None:
    path = put(tmp_path / "bad.txt", text)
    with pytest.raises(InputError, match=rf"bad\.txt: not a truth file of the format {format}: .*({says})"):
        word_truth.read(path, format)


def test_what_is_not_there_or_not_known_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileAccessError, match="cannot read the truth"):
        word_truth.read(tmp_path / "none.txt", "icdar2015")
    with pytest.raises(UsageError, match="choose one of icdar2015"):
        word_truth.read(tmp_path / "none.txt", "coco")
    latin = tmp_path / "latin.txt"
    latin.write_bytes(b"1,2,3,4,5,6,7,8,caf\xe9\n")
    assert word_truth.read(latin, "icdar2015")[0].text == "café"


def picture(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 6)).save(path)


@pytest.mark.parametrize(
    ("name", "image", "truth", "stem"),
    [
        ("icdar2015", "icdar2015/ch4_test_images/img_7.jpg", "icdar2015/Challenge4_Test_Task1_GT/gt_img_7.txt", "img_7"),
        ("icdar2015-validation", "icdar2015-train/images/img_801.webp", "icdar2015-train/gt/gt_img_801.txt", "img_801"),
        ("icdar2015-train", "ch4_training_images/img_9.jpg", "ch4_training_localization_transcription_gt/gt_img_9.txt", "img_9"),
        ("total-text", "totaltext/Images/Test/img1.jpg", "totaltext/txt_format/Test/poly_gt_img1.txt", "img1"),
        ("ctw1500", "CTW1500/test_images/1001.jpg", "CTW1500/gt_ctw1500/0001001.txt", "1001"),
        ("msra-td500", "MSRA-TD500/test/IMG_0059.JPG", "MSRA-TD500/test/IMG_0059.gt", "IMG_0059"),
    ],
)
def test_official_archives_are_found(tmp_path: Path, name: str, image: str, truth: str, stem: str) -> None:
    picture(tmp_path / image)
    put(tmp_path / truth, "1,2,3,4,5,6,7,8,a\n")
    bench = benchmarks.load(name)
    assert bench.task == "detect"
    (pair,) = bench.pairs(tmp_path)
    assert (pair.stem, pair.image_path, pair.truth_path) == (stem, tmp_path / image, tmp_path / truth)


def test_the_validation_pictures_are_a_part_of_the_training_set(tmp_path: Path) -> None:
    for number in (800, 801, 1000):
        picture(tmp_path / "scene" / "icdar2015-train" / "images" / f"img_{number}.webp")
        put(tmp_path / "scene" / "icdar2015-train" / "gt" / f"gt_img_{number}.txt", "1,2,3,4,5,6,7,8,a\n")
    assert [pair.stem for pair in benchmarks.load("icdar2015-validation").pairs(tmp_path)] == ["img_801", "img_1000"]
    assert len(benchmarks.load("icdar2015-train").pairs(tmp_path)) == 3
    assert any("997 are missing" in text for text in benchmarks.load("icdar2015-train").check(tmp_path))


def test_a_set_without_writing_needs_no_truth(tmp_path: Path) -> None:
    picture(tmp_path / "scene" / "without-text" / "images" / "sky.webp")
    bench = benchmarks.load("without-text")
    (pair,) = bench.pairs(tmp_path)
    assert (pair.stem, benchmarks.read_words(bench, pair)[1]) == ("sky", [])
    picture(tmp_path / "scene" / "without-text" / "images" / "sky.png")
    assert any("sky: found 2 times" in text for text in bench.check(tmp_path))


def test_squeezed_copies_are_stretched_back_with_their_words(tmp_path: Path) -> None:
    """960 x 640 copies of 1280 x 720 pictures: a square of the scene is a square again."""
    root = tmp_path / "icdar2015-train"
    (root / "images").mkdir(parents=True)
    shown = np.zeros((640, 960, 3), np.uint8)
    shown[320:480, 300:435] = 255  # 180 x 180 of the published picture
    Image.fromarray(shown).save(root / "images" / "img_1.png")
    put(root / "gt" / "gt_img_1.txt", "300,320,435,320,435,480,300,480,square\n")
    bench = benchmarks.load("icdar2015-train")
    image, (word,) = benchmarks.read_words(bench, bench.pairs(tmp_path)[0])
    assert image.shape == (640, 1138, 3)
    width, height = np.ptp(word.polygon, axis=0)
    assert width == pytest.approx(height, abs=0.2)
    rows, columns = np.nonzero(image[..., 0] > 127)
    assert (columns.min(), columns.max() + 1) == pytest.approx((word.polygon[:, 0].min(), word.polygon[:, 0].max()), abs=1)
    assert (rows.min(), rows.max() + 1) == (320, 480)
    tall, (same,) = word_pictures.in_aspect(np.zeros((200, 100), np.uint8), [word], 0.25)
    assert tall.shape == (400, 100)
    assert same.polygon[:, 1] == pytest.approx(2 * word.polygon[:, 1])
    exact = np.zeros((720, 1280, 3), np.uint8)
    assert word_pictures.in_aspect(exact, [word], bench.aspect)[0] is exact


def test_a_folder_with_text_files_for_truth_is_a_set_of_words(tmp_path: Path) -> None:
    picture(tmp_path / "own" / "images" / "a.png")
    put(tmp_path / "own" / "gt" / "a.txt", "1,2,3,4,5,6,7,8,a\n")
    bench = benchmarks.load(tmp_path / "own")
    assert (bench.task, bench.truth, bench.protocol) == ("detect", "icdar2015", "icdar2015")
    assert [pair.stem for pair in bench.pairs(tmp_path / "own")] == ["a"]


@pytest.mark.data
def test_kernels_of_the_real_truth_give_its_words_back(benchmark_pages: Path) -> None:
    """What training asks for, taken for what the network says: nearly every word of 50 photographs comes back, and little else."""
    pytest.importorskip("shapely")
    from docbin.data.detection_targets import draw
    from docbin.detection import find_words
    from docbin.metrics.words import icdar2015, total

    bench = benchmarks.load("icdar2015-validation")
    counts = []
    for pair in bench.pairs(benchmark_pages.parent)[:50]:
        image, truth = benchmarks.read_words(bench, pair)
        kernels = draw(truth, *image.shape[:2])[..., 0].astype(np.float32)
        counts.append(
            icdar2015([word.polygon for word in find_words(kernels)], [word.polygon for word in truth], [word.ignore for word in truth])
        )
    assert total(counts).scores().f > 93
