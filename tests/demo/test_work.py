"""What the child process does: every kind of file, the CLI's own bytes as downloads, and nothing that the table does not allow."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import docbin
from docbin import catalogue
from docbin.cli import main
from docbin.demo import choices, pictures, work
from docbin.demo.tabs.events import page_arguments
from docbin.errors import DocbinError, UsageError
from tests.demo import pages


def binarize(folder: Path, path: Path, page: int = 1, method: str = "sauvola", **params: Any) -> dict[str, Any]:
    home = folder / f"job-{len(list(folder.iterdir()))}"
    home.mkdir()
    answer = work.binarize(str(home), str(path), path.name, page, method, params)
    json.dumps(answer)  # it must cross the pipe
    return answer


@pytest.mark.parametrize("name", ["good.png", "photo.jpg", "print.jpg", "deep.png", "book.tif", "scan.pdf"])
def test_every_kind_of_page_becomes_the_files_that_the_command_line_writes(tmp_path: Path, name: str) -> None:
    path, count = pages.good(tmp_path)[name]
    answer = binarize(tmp_path, path, page=count)
    assert (answer["count"], answer["number"], answer["size"]) == (count, count, [320, 240])
    assert 0.02 < answer["ink"] < 0.3
    for format, made in answer["downloads"].items():
        suffix = Path(made).suffix
        out = tmp_path / f"cli{suffix}"
        assert (
            main(
                [
                    "-q",
                    "binarize",
                    str(path),
                    "-o",
                    str(out),
                    "--pages",
                    str(count),
                    "--format",
                    format,
                    "--jobs",
                    "1",
                    "-m",
                    "sauvola",
                    "--pdf",
                    "rebuild",
                ]
            )
            == 0
        )
        assert Path(made).read_bytes() == out.read_bytes(), format
        assert Path(made).name == (f"{path.stem}.ink{suffix}" if count == 1 else f"{path.stem}.ink.p{count:04d}{suffix}")
    words = ["-q", "clean", str(path), "-o", str(tmp_path / "clean.png"), "--pages", str(count), "--jobs", "1", "-m", "sauvola"]
    assert main(words) == 0
    assert Path(answer["clean"]).read_bytes() == (tmp_path / "clean.png").read_bytes()
    assert Path(answer["clean"]).name == (f"{path.stem}.clean.png" if count == 1 else f"{path.stem}.clean.p{count:04d}.png")


def test_downloads_are_one_bit_with_the_resolution_of_the_page(tmp_path: Path) -> None:
    answer = binarize(tmp_path, pages.good(tmp_path)["good.png"][0])
    for format in ("png", "tiff"):
        with Image.open(answer["downloads"][format]) as picture:
            assert picture.mode == "1"
            assert picture.info["dpi"] == pytest.approx((300, 300), abs=0.01)


def test_previews_show_the_very_pixels(tmp_path: Path) -> None:
    path = pages.good(tmp_path)["good.png"][0]
    answer = binarize(tmp_path, path, window=31)
    ink = docbin.binarize(pages.page(), "sauvola", window=31)
    with Image.open(answer["page"]) as before, Image.open(answer["result"]) as after:
        assert np.array_equal(np.asarray(before), pages.page())
        assert after.mode == "1"
        assert np.array_equal(~np.asarray(after), ink)


def test_a_large_page_is_shown_reduced_and_downloaded_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert pictures.shown_size(3508, 2480) == (2060, 1456)
    assert pictures.shown_size(1, 10**9)[0] == 1
    path = tmp_path / "large.png"
    Image.fromarray(pages.page(2200, 2600)).save(path)
    answer = binarize(tmp_path, path)
    width, height = answer["shown"]
    assert width * height <= 3_010_000
    assert answer["size"] == [2600, 2200]
    for preview in ("page", "result"):
        with Image.open(answer[preview]) as picture:
            assert picture.size == (width, height)
    with Image.open(answer["downloads"]["png"]) as picture:
        assert picture.size == (2600, 2200)


@pytest.mark.parametrize("name", ["bomb.png", "letter.png", "nothing.png", "half.jpg", "secret.pdf"])
def test_a_bad_file_is_a_sentence_that_names_it_and_no_option_of_the_command_line(tmp_path: Path, name: str) -> None:
    path, says = pages.bad(tmp_path)[name]
    with pytest.raises(DocbinError) as caught:
        binarize(tmp_path, path)
    said = str(caught.value)
    assert says in said
    assert said.startswith(name)
    assert "--max" not in said
    assert str(tmp_path) not in said


def test_a_page_that_is_gone_is_said(tmp_path: Path) -> None:
    with pytest.raises(DocbinError, match="no longer here"):
        binarize(tmp_path, tmp_path / "old.png")


@pytest.mark.parametrize("page", [0, 2, -1])
def test_a_page_number_beyond_the_file_is_said(tmp_path: Path, page: int) -> None:
    with pytest.raises(UsageError, match=f"page {page} does not exist"):
        binarize(tmp_path, pages.good(tmp_path)["good.png"][0], page=page)


def test_a_method_is_a_name_of_the_table_never_a_path(tmp_path: Path) -> None:
    """catalogue.get takes the path of a model folder; a stranger must not be able to have one read."""
    path = pages.good(tmp_path)["good.png"][0]
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.toml").write_text("net = 'unet'\n[weights]\nfile = 'w'\nsha256 = '0'\n")
    for name in (str(tmp_path / "model"), "../sauvola", "", "otsu\0"):
        with pytest.raises(UsageError, match="does not exist; choose one from the list"):
            binarize(tmp_path, path, method=name)
        with pytest.raises(UsageError, match="choose one from the list"):
            work.compare(str(tmp_path), str(path), "good.png", 1, [name])


@pytest.mark.parametrize(
    ("params", "says"), [({"window": 4}, "an odd number"), ({"window": "x"}, "a whole number"), ({"w": 3}, "no parameter")]
)
def test_settings_pass_the_tables_own_ranges(tmp_path: Path, params: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        binarize(tmp_path, pages.good(tmp_path)["good.png"][0], **params)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"method": None}, "method 'None' does not exist"),
        ({"method": ["otsu"]}, "does not exist; choose one from the list"),
        ({"params": [1]}, "sauvola: settings are an object"),
        ({"params": {"image": 1}}, "no parameter 'image'"),
        ({"params": {"self": 1}}, "no parameter 'self'"),
    ],
)
def test_what_a_program_sends_in_place_of_a_method_or_settings_is_told(tmp_path: Path, asked: dict[str, Any], says: str) -> None:
    page = pages.good(tmp_path)["good.png"][0]
    sent = {"folder": str(tmp_path), "path": str(page), "name": "a.png", "page": 1, "method": "sauvola", "params": {}} | asked
    with pytest.raises(UsageError, match=re.escape(says)):
        work.binarize(**sent)
    with pytest.raises(UsageError, match=r"does not find text|settings are an object|no parameter"):
        work.find(
            **{name: value for name, value in sent.items() if name != "method"}, model=sent["method"] if "method" in asked else "bitdbnet"
        )


def test_a_page_number_that_is_none_is_told() -> None:
    for number in ("x", None, float("nan"), float("inf")):
        with pytest.raises(UsageError, match="the whole number of a page is wanted"):
            page_arguments({"path": "a", "name": "a", "truth": None}, number)  # type: ignore[arg-type]


def test_white_on_black_is_turned_over_as_by_the_command_line(tmp_path: Path) -> None:
    path = tmp_path / "negative.png"
    Image.fromarray(255 - pages.page(480, 640)).save(path)
    answer = binarize(tmp_path, path)
    assert main(["-q", "binarize", str(path), "-o", str(tmp_path / "cli.png"), "-m", "sauvola"]) == 0
    assert Path(answer["downloads"]["png"]).read_bytes() == (tmp_path / "cli.png").read_bytes()
    assert any("white on black" in note for note in answer["notes"])
    assert answer["ink"] < 0.3


@pytest.mark.parametrize("task", ["compare", "threshold", "probability"])
def test_other_tabs_turn_white_on_black_over_as_well(tmp_path: Path, task: str) -> None:
    """Compared methods and the maps inside see the page that "Binarize" sees; of a page that is turned over already, they give the same."""
    image = pages.page(480, 640)
    answers = []
    for name, pixels in (("page.png", image), ("negative.png", 255 - image)):
        path, folder = tmp_path / name, tmp_path / f"{task}-{name}"
        folder.mkdir()
        Image.fromarray(pixels).save(path)
        if task == "compare":
            answers.append(work.compare(str(folder), str(path), name, 1, ["sauvola"]))
            shown = Path(answers[-1]["panels"][0]["result"])
        else:
            view = {"threshold": "threshold:sauvola", "probability": f"probability:{catalogue.DEFAULT}"}[task]
            answers.append(work.inside(str(folder), str(path), name, 1, view, {}))
            shown = Path(answers[-1]["pictures"][1]["path"])
        answers[-1]["bytes"] = shown.read_bytes()
    assert answers[0]["bytes"] == answers[1]["bytes"]
    assert [any("white on black" in note for note in answer["notes"]) for answer in answers] == [False, True]


def test_a_suspect_result_is_told(tmp_path: Path) -> None:
    path = tmp_path / "dark.png"
    Image.fromarray(np.full((100, 100), 30, np.uint8)).save(path)
    assert any("low contrast" in reason for reason in binarize(tmp_path, path)["reasons"])


def compare(folder: Path, methods: list[str], truth: Path | None = None) -> dict[str, Any]:
    path = pages.good(folder)["good.png"][0]
    home = folder / "compare"
    home.mkdir(exist_ok=True)
    return work.compare(str(home), str(path), path.name, 1, methods, str(truth) if truth else None, truth.name if truth else "")


def test_methods_are_compared_with_scores_and_errors_where_there_is_a_truth(tmp_path: Path) -> None:
    truth = tmp_path / "truth.png"
    Image.fromarray(~pages.truth_of()).save(truth)
    answer = compare(tmp_path, ["otsu", "sauvola"], truth)
    json.dumps(answer)
    assert [panel["method"] for panel in answer["panels"]] == ["otsu", "sauvola"]
    for panel in answer["panels"]:
        ink = docbin.binarize(pages.page(), panel["method"])
        assert panel["scores"] == docbin.score(ink, pages.truth_of()).as_dict()
        with Image.open(panel["errors"]) as picture:
            wrong = np.asarray(picture.convert("RGB"))
        assert np.array_equal((wrong == (0, 90, 181)).all(2), pages.truth_of() & ~ink)
        assert np.array_equal((wrong == (213, 94, 0)).all(2), ink & ~pages.truth_of())
    assert [name for _, name in answer["legend"]["keys"]] == ["missed ink", "false ink", "right ink"]


def test_without_a_truth_nothing_is_scored(tmp_path: Path) -> None:
    answer = compare(tmp_path, ["otsu"])
    assert answer["legend"] is None
    assert "scores" not in answer["panels"][0]


def test_a_truth_of_another_size_is_refused(tmp_path: Path) -> None:
    truth = tmp_path / "truth.png"
    Image.fromarray(pages.page(100, 90)).save(truth)
    with pytest.raises(UsageError, match=r"truth\.png: the truth has 90 x 100 pixels, the page 320 x 240"):
        compare(tmp_path, ["otsu"], truth)


def test_a_method_that_fails_fails_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = catalogue.Method("lame", "x", "never works", "", ink="nowhere:ink", needs=("a_module_that_is_not",), extra="lame")
    monkeypatch.setattr(catalogue, "METHODS", {"otsu": catalogue.METHODS["otsu"], "lame": row})
    good, lame = compare(tmp_path, ["otsu", "lame"])["panels"]
    assert "result" in good
    assert lame["error"] == "lame needs a_module_that_is_not, which is not installed; run: pip install 'docbin[lame]'"


@pytest.mark.parametrize("count", [0, 5])
def test_one_to_four_methods_are_compared(tmp_path: Path, count: int) -> None:
    with pytest.raises(UsageError, match="choose 1 to 4"):
        compare(tmp_path, ["otsu"] * count)


def test_found_words_are_the_file_that_docbin_detect_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a detector of our own in the place of a trained one."""
    from docbin.detection import output, table

    row = table.DetectorRow(
        "spotter", "detector", "", "", params=(catalogue.Param("score", 0.5, "", 0.0, 1.0),), find="tests.demo.test_work:spot"
    )
    monkeypatch.setattr(table, "names", lambda: ["spotter"])
    monkeypatch.setattr(table, "get", lambda name: row)
    path = pages.good(tmp_path)["photo.jpg"][0]
    answer = work.find(str(tmp_path), str(path), path.name, 1, "spotter", {"score": 0.25})
    image = next(docbin.read_pages(path)).pixels
    output.write(tmp_path / "cli.json", "json", image, spot(image, score=0.25), "photo.jpg")
    assert Path(answer["list"]).read_bytes() == (tmp_path / "cli.json").read_bytes()
    assert Path(answer["list"]).name == "photo.words.json"
    assert answer["words"] == [{"polygon": [[10.0, 20.0], [60.0, 20.0], [60.0, 40.0], [10.0, 40.0]], "score": 0.25}]
    with Image.open(answer["picture"]) as picture:
        assert np.array_equal(np.asarray(picture), output.drawn(image, spot(image, score=0.25)))
    assert [row["name"] for row in choices.detectors()] == ["spotter"]
    with pytest.raises(UsageError, match="does not find text"):
        work.find(str(tmp_path), str(path), path.name, 1, "/etc/passwd", {})


def spot(image: Any, *, score: float) -> list[Any]:
    """One word, as sure as was asked."""
    from docbin.detection import Word

    return [Word(np.array([[10, 20], [60, 20], [60, 40], [10, 40]], np.float32), score=score)]


def test_thumbnails_are_data_urls(tmp_path: Path) -> None:
    drawn = work.thumbnails({"good": str(pages.good(tmp_path)["good.png"][0])}, 60)
    assert drawn["good"].startswith("data:image/jpeg;base64,")


def test_the_child_that_only_binarizes_never_loads_torch_or_gradio() -> None:
    import subprocess

    program = "import sys, docbin.demo.work; print([name for name in ('torch', 'gradio', 'onnxruntime', 'cv2') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
