"""Descriptors of benchmarks, and finding their pages in the layouts people really have."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from docbin import benchmarks
from docbin.benchmarks.descriptors import natural_key
from docbin.errors import FileAccessError, InputError, UsageError

HEAD = 'name = "x"\ntitle = "X"\nyear = 2000\nrole = "test"\nhomepage = "h"\nlicence = "l"\ncitation = "c"\nexpected = 2\n'


def put(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (3, 2), 255).save(path)


@pytest.mark.parametrize("name", benchmarks.names())
def test_every_descriptor_reads_and_tells_what_it_is(name: str) -> None:
    bench = benchmarks.load(name)
    assert bench.name == name
    assert name == "samples" or bench.truth == "none" or bench.homepage.startswith("https://")
    assert bench.citation
    assert bench.licence
    assert bench.layouts or bench.role == "other"  # our own sample pages lie in the plain layout
    if bench.stems and bench.expected:
        assert len(bench.stems) == bench.expected
        assert len(set(bench.stems)) == bench.expected


def test_the_contests_and_other_sets_are_all_there() -> None:
    years = {f"dibco{year}" for year in (2009, 2010, 2011, 2012, 2013, 2014, 2016, 2017, 2018, 2019)}
    assert years | {"phibd2012", "bickley", "smadi", "nabuco", "monk"} <= set(benchmarks.names())


def test_train_and_test_roles_follow_the_protocol() -> None:
    role = {name: benchmarks.load(name).role for name in benchmarks.names()}
    assert {name for name, part in role.items() if part == "train"} == {
        "dibco2009",
        "dibco2010",
        "dibco2012",
        "bickley",
        "noisyoffice",
        "phibd2012",
        "smadi",
    }
    assert {"dibco2011", "dibco2013", "dibco2014", "dibco2016", "dibco2017"} <= {name for name, part in role.items() if part == "test"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (HEAD + 'polarty = "black"\n', "unknown key polarty"),
        (HEAD.replace("year = 2000\n", ""), "missing year"),
        (HEAD.replace('"test"', '"exam"'), "role='exam'"),
        (HEAD + '[[layouts]]\nimages = ["a.*"]\ntruths = ["{stem}.*"]\n', "must hold {stem} once"),
        (HEAD + 'stems = ["H01..P02"]\n', "not of the form H01..H10"),
        (HEAD + "oops\n", "not a TOML file"),
        (HEAD.replace("year = 2000", 'year = "soon"'), "year = 'soon': a whole number is wanted"),
        (HEAD.replace('name = "', 'name = [1, "a"] #"'), "name = [1, 'a']: text is wanted"),
        (HEAD + '[[layouts]]\nimages = [1, "a"]\ntruths = ["{stem}.*"]\n', "layouts[0].images[0] = 1: text is wanted"),
        (HEAD + '[[layouts]]\nimage = ["a"]\n', "unknown key layouts[0].image; did you mean images"),
    ],
)
def test_a_wrong_descriptor_is_refused_by_name(text: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        benchmarks.parse(text, "x.toml")
    assert "x.toml" in str(caught.value)
    assert says in str(caught.value)


ARCHIVES = {
    "dibco2009": (
        "DIBC02009_Test_images-handwritten/H01.bmp",
        "DIBCO2009_Test_images-printed/P01.bmp",
        "DIBCO2009-GT-Test-images_handwritten/H01.tiff",
        "DIBCO2009-GT-Test-images_printed/P01.tiff",
    ),
    "dibco2010": (
        "dibco2010/H01.tif",
        "dibco2010/H01_estGT.tiff",
        "dibco2010/H01_skelGT.tiff",
        "dibco2010/H02.jpg",
        "dibco2010/H02_estGT.tiff",
    ),
    "dibco2011": (
        "DIBCO11/DIBCO11-handwritten/HW1.png",
        "DIBCO11/DIBCO11-handwritten/HW1_GT.tiff",
        "DIBCO11/PR1.png",
        "DIBCO11/PR1_GT.tiff",
    ),
    "dibco2013": ("OriginalImages/HW01.bmp", "OriginalImages/PR02.bmp", "GTimages/HW01_estGT.tiff", "GTimages/PR02_estGT.tiff"),
    "dibco2016": ("DIPCO2016_dataset/1.bmp", "DIPCO2016_dataset/10.bmp", "DIPCO2016_Dataset_GT/1_gt.bmp", "DIPCO2016_Dataset_GT/10_gt.bmp"),
    "dibco2018": ("dataset/1.bmp", "dataset/2.bmp", "gt/1_gt.bmp", "gt/2_gt.bmp"),
    "dibco2019": ("Dataset/1.bmp", "Dataset/11.bmp", "GT/1.bmp", "GT/11.bmp"),
    "smadi": ("MSI/z97/F1s.png", "MSI/z97/F2s.png", "GT/z97GT.png", "MSI/z9/F2s.png", "GT/z9GT.png"),
    "monk": ("MCS/a.png", "MCS/GT-a.png", "MCS/b.png", "MCS/GT-b.png"),
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_pages_of_an_unpacked_archive_are_found(name: str, tmp_path: Path) -> None:
    put(tmp_path, *ARCHIVES[name])
    pairs = benchmarks.load(name).pairs(tmp_path)
    assert len(pairs) == 2
    for pair in pairs:
        assert pair.image_path != pair.truth_path
        assert "skel" not in pair.truth_path.name
    assert [pair.stem for pair in pairs] == sorted((pair.stem for pair in pairs), key=natural_key)


@pytest.mark.parametrize("below", ["pages/dibco2011", "dibco2011", "."])
def test_the_plain_layout_is_found_in_any_format_and_order(below: str, tmp_path: Path) -> None:
    put(tmp_path / below, "images/HW10.webp", "images/HW2.png", "gt/HW2.tif", "gt/HW10.png")
    assert [pair.stem for pair in benchmarks.load("dibco2011").pairs(tmp_path)] == ["HW2", "HW10"]


def test_sets_of_equal_page_names_in_one_root_are_not_mixed(tmp_path: Path) -> None:
    for name in ("dibco2010", "dibco2012"):
        put(tmp_path / name, "images/H01.png", "gt/H01.png")
    for name in ("dibco2010", "dibco2012"):
        (pair,) = benchmarks.load(name).pairs(tmp_path)
        assert name in pair.image_path.parts
    with pytest.raises(FileAccessError, match=r"H_DIBCO|original_images"):
        benchmarks.load("dibco2014").pairs(tmp_path)


def test_the_checker_names_what_is_missing(tmp_path: Path) -> None:
    put(tmp_path / "dibco2016", *(f"images/{n}.png" for n in range(1, 10)), *(f"gt/{n}.png" for n in range(2, 10)))
    problems = benchmarks.load("dibco2016").check(tmp_path)
    assert any(text.startswith("1: no truth for") for text in problems)
    assert any(text.startswith("10: missing") for text in problems)
    assert "dibco2016: 8 complete pages, the published set has 10" in problems


def test_twins_are_dropped_and_named(tmp_path: Path) -> None:
    put(tmp_path / "DIBCO2011", "a/HW1.png", "a/HW1_GT.tiff", "b/HW1.png", "PR1.png", "PR1_GT.tiff")
    bench = benchmarks.load("dibco2011")
    assert [pair.stem for pair in bench.pairs(tmp_path)] == ["PR1"]
    assert any("HW1: found 2 times" in text for text in bench.check(tmp_path))


def test_a_folder_of_ones_own_is_a_benchmark(tmp_path: Path) -> None:
    put(tmp_path / "mine", "images/a.png", "gt/a.png")
    bench = benchmarks.load(tmp_path / "mine")
    assert bench.name == "mine"
    assert [pair.stem for pair in bench.pairs(benchmarks.data_root_of(tmp_path / "mine", None))] == ["a"]
    with pytest.raises(UsageError, match="images/ and gt/"):
        benchmarks.load(tmp_path)


def test_a_folder_without_a_pair_says_what_nearly_is_one(tmp_path: Path) -> None:
    for kind, name in (("images", "A.png"), ("gt", "a.png"), ("images", "b.png"), ("gt", "b.png"), ("gt", "b.bmp")):
        (tmp_path / "mine" / kind).mkdir(parents=True, exist_ok=True)
        (tmp_path / "mine" / kind / name).write_bytes(b"")
    with pytest.raises(FileAccessError) as caught:
        benchmarks.load(tmp_path / "mine").pairs(tmp_path / "mine")
    lines = str(caught.value).split("\n  ")
    assert sum("A: no truth for" in line or "a: no picture for the truth" in line for line in lines) == 2
    assert sum("b: found 2 times (gt/b.bmp, gt/b.png" in line for line in lines) == 1


def test_an_unknown_name_suggests_near_ones_and_a_missing_root_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="did you mean dibco"):
        benchmarks.load("dibco209")
    with pytest.raises(FileAccessError, match="not a folder"):
        benchmarks.load("dibco2009").pairs(tmp_path / "nowhere")
    monkeypatch.delenv("DOCBIN_DATA", raising=False)
    with pytest.raises(UsageError, match="--data-root"):
        benchmarks.data_root_of("dibco2009", None)
    monkeypatch.setenv("DOCBIN_DATA", str(tmp_path))
    assert benchmarks.data_root_of("dibco2009", None) == tmp_path


GREY = np.pad(np.array([[0, 127], [128, 255]], np.uint8), 1, constant_values=255)  # with two greys of many: no photograph
INK = GREY < 128


def test_truths_of_every_kind_read_as_the_same_ink(tmp_path: Path) -> None:
    rgb = np.stack([GREY] * 3, axis=-1)
    pictures = {
        "grey.png": Image.fromarray(GREY),
        "colour.bmp": Image.fromarray(rgb),
        "zero_one.png": Image.fromarray((GREY >= 128).astype(np.uint8)),
        "bits.tif": Image.fromarray(GREY >= 128),
        "alpha.png": Image.fromarray(np.dstack([rgb * 0, np.where(INK, 255, 0).astype(np.uint8)])),
        "deep.tif": Image.fromarray(GREY.astype(np.uint16) * 257),
        "palette.png": Image.fromarray(rgb).quantize(4),
    }
    for name, picture in pictures.items():
        picture.save(tmp_path / name)
        np.testing.assert_array_equal(benchmarks.truth_mask(tmp_path / name), INK, err_msg=name)
        np.testing.assert_array_equal(benchmarks.truth_mask(tmp_path / name, "white"), ~INK, err_msg=name)


def test_a_file_that_is_no_picture_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(b"not a picture")
    with pytest.raises(InputError, match=r"bad\.png"):
        benchmarks.truth_mask(tmp_path / "bad.png")
    with pytest.raises(FileAccessError, match=r"none\.png"):
        benchmarks.truth_mask(tmp_path / "none.png")


@pytest.mark.data
def test_the_sets_of_the_data_root_are_complete_up_to_what_its_readme_says(benchmark_pages: Path) -> None:
    missing = {"dibco2013": 1, "dibco2017": 2, "phibd2012": 1}
    for name in sorted(folder.name for folder in benchmark_pages.iterdir()):
        bench = benchmarks.load(name)
        pairs = bench.pairs(benchmark_pages.parent)
        if bench.expected:  # 0: nobody says how many the published set has
            assert len(pairs) == bench.expected - missing.get(name, 0), name
        assert bool(bench.check(benchmark_pages.parent)) == (name in missing)
