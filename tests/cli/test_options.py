"""Words read without typer: the same values, the same answers, and nothing imported that the command does not need."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from docbin.cli import commands, main
from docbin.cli.options import REQUIRED, Option, Parameter, is_number, number, parameters_of, plain_values
from docbin.cli.parser import app, for_typer

NEEDLESS = ("typer", "click", "pydantic", "rich", "importlib.metadata", "numpy", "cv2", "PIL", "multiprocessing.spawn")
"""What the command's own process has no use for, when it binarizes the picture of a file."""
NEEDLESS_TO_WORK = (
    *("typer", "pydantic", "rich", "importlib.metadata", "numpy.ma", "torch", "onnxruntime", "pypdfium2", "pikepdf", "fsspec", "msgspec"),
    *("docbin.batch.batch_plan", "docbin.batch.outputs", "docbin.files.object_store", "docbin.files.write_tiff", "docbin.zoo.runtimes"),
)
"""What its worker has no use for, where the method is a threshold."""
WORDS = (
    *("a.png", "-", "1", "0.5", "007", "1e3", "-5", "", "--", "k=1", "x y", "ä", "\udcff"),
    *("--nonsense", "-h", "--out=b.png", "--layers=1", "-ob.png"),
)
BATCHES = ("binarize", "clean", "detect", "enhance")
OTHERS = ("bench", "evaluate", "export", "list", "methods", "models", "package", "report", "score", "train")


def by_typer(name: str, words: list[str]) -> dict[str, Any] | None:
    """What typer makes of the words behind a command's name; None where it refuses them."""
    group = typer.main.get_command(app)
    context = group.make_context("docbin", [], resilient_parsing=True)
    received: dict[str, Any] = {}
    command = group.get_command(context, name)
    try:
        made = command.make_context(name, list(words), parent=context)
        received.update(made.params)
        for one in parameters_of(commands.function_of(name)):  # what is handed over as words, as for_typer reads it
            if is_number(one) and received[one.name] != one.default:
                received[one.name] = number(one, received[one.name])
    except Exception:
        return None
    return received


def comparable(values: dict[str, Any]) -> dict[str, Any]:
    """Lists that are empty, and none, are one to every command; the type of a number counts; of paths typer is handed the words."""
    plain = {name: str(value) if isinstance(value, Path) else value for name, value in values.items()}
    return {name: None if value in (None, (), []) else (type(value), value) for name, value in plain.items()}


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_plain_words_mean_what_typer_makes_of_them(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([*BATCHES, *OTHERS]))
    parameters = parameters_of(commands.function_of(name))
    names = [option for one in parameters if isinstance(one.declared, Option) for option in one.declared.names]
    single = st.sampled_from([*names, *WORDS]).map(lambda word: [word])
    pairs = st.tuples(st.sampled_from(names), st.sampled_from(WORDS)).map(list)
    parts = data.draw(st.lists(pairs | single, max_size=5))
    words = [*data.draw(st.sampled_from([["page.png"], [], ["a", "b"]])), *(word for part in parts for word in part)]
    plain = plain_values(parameters, words)
    if plain is not None:
        theirs = by_typer(name, words)
        assert theirs is not None, words
        assert comparable(plain) == comparable(theirs), words


@pytest.mark.parametrize("name", BATCHES)
def test_every_option_of_a_batch_is_read_plainly(name: str) -> None:
    parameters = parameters_of(commands.function_of(name))
    good = {"int": "3", "float": "0.5"}
    for one in parameters:
        if not isinstance(one.declared, Option):
            continue
        kind = next((word for word in good if word in str(one.type)), "")
        for option in one.declared.names:
            words = ["page.png", option, *([] if one.type is bool else [good.get(kind, "word")])]
            plain = plain_values(parameters, words)
            assert plain is not None, words
            assert comparable(plain) == comparable(by_typer(name, words) or {}), words
            assert plain[one.name] != one.default or one.type is str


@pytest.mark.parametrize(
    ("words", "methods"),
    [(["samples", "-m", "otsu"], ["otsu"]), (["samples", "--method=otsu", "-m", "su", "--json", "-"], ["otsu", "su"])],
)
def test_an_option_that_is_wanted_and_repeats_is_a_list(words: list[str], methods: list[str]) -> None:
    plain = plain_values(parameters_of(commands.function_of("evaluate")), words)
    assert plain is not None
    assert plain["methods"] == methods
    assert comparable(plain) == comparable(by_typer("evaluate", words) or {})


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("score a b", {"prediction": Path("a"), "truth": Path("b"), "as_json": False}),
        ("score - b --json", {"prediction": Path("-"), "truth": Path("b"), "as_json": True}),
        ("methods", {"name": None, "as_json": False}),
        ("methods su", {"name": "su", "as_json": False}),
        ("models show unet", {"words": ["show", "unet"], "as_json": False}),
        ("export unet --to onnx -o u.onnx", {"model": "unet", "to": "onnx", "out": Path("u.onnx")}),
        ("bench", {"what": "methods", "models": None, "json_file": None}),
        ("bench engine a b", {"what": "engine", "models": ["a", "b"], "json_file": None}),
    ],
)
def test_words_without_an_option_go_to_the_arguments_in_order(line: str, values: dict[str, Any]) -> None:
    name, *words = line.split()
    plain = plain_values(parameters_of(commands.function_of(name)), words)
    assert plain == values
    assert comparable(plain) == comparable(by_typer(name, words) or {})


@pytest.mark.parametrize(
    "line",
    [
        *(
            "",
            "--version",
            "-h",
            "binarize",
            "binarize -h",
            "binarize a -obc",
            "binarize a -j two",
            "binarize a -o",
            "binarize a --layers=1",
            "evaluate samples",
        ),
        *(
            "binarize -- -a",
            "nothing a",
            "-vv binarize a",
            "score a",
            "score a b c",
            "score",
            "methods a b",
            "export unet",
            "export unet --to png",
        ),
    ],
)
def test_what_is_not_plain_is_left_to_typer(line: str) -> None:
    assert commands.plain_call(line.split()) is None


def test_completion_is_left_to_typer(monkeypatch: pytest.MonkeyPatch) -> None:
    assert commands.plain_call(["binarize", "a"]) is not None
    monkeypatch.setenv("_DOCBIN_COMPLETE", "complete_bash")
    assert commands.plain_call(["binarize", "a"]) is None


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (["binarize", ""], "a word of the command line is empty"),
        (["binarize", "page.png", "-o", ""], "--out: its value is empty"),
        (["binarize", "page.png", "-m", ""], "--method: its value is empty"),
        (["evaluate", "page", "-m", "otsu", "-m", ""], "-m: its value is empty"),
        (["evaluate", "page", "-m", "otsu", "--data-root", ""], "--data-root: its value is empty"),
        (["score", "page.png", ""], "a word of the command line is empty"),
        (["binarize", "page.png", "-o=x.png"], "-o=x.png: between -o and its value there is a space: -o x.png"),
        (["binarize", "page.png", "-p=window=51"], "-p=window=51: between -p and its value there is a space"),
    ],
)
def test_values_that_are_none_are_refused(
    picture: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], line: list[str], says: str
) -> None:
    """An unset shell variable is not the current folder with all below it, nor the default method."""
    monkeypatch.chdir(picture.parent)
    assert main(line) == 1
    assert says in capsys.readouterr().err
    assert [path.name for path in picture.parent.iterdir()] == ["page.png"]


def test_an_empty_default_is_no_empty_word() -> None:
    def command(summary: Annotated[str, Option("--summary")] = "") -> str:
        return f"<{summary}>"

    command.__annotations__ = {
        "summary": Annotated[str, Option("--summary")],
        "return": str,
    }  # as text they would be looked up in the module
    assert for_typer(command)(summary="") == "<>"


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    page = np.full((60, 80), 230, np.uint8)
    page[20:24, 10:70] = 40
    Image.fromarray(page).save(tmp_path / "page.png")
    return tmp_path / "page.png"


def test_both_ways_write_the_same(picture: Path) -> None:
    plain, other = picture.parent / "plain.png", picture.parent / "other.png"
    assert main(["binarize", str(picture), "-o", str(plain), "-m", "sauvola", "-p", "window=15"]) == 0
    assert main(["binarize", str(picture), f"-o{other}", "-m", "sauvola", "-p", "window=15"]) == 0
    assert plain.read_bytes() == other.read_bytes()


def test_a_picture_is_binarized_without_what_the_command_does_not_need(picture: Path) -> None:
    code = f"import sys\nfrom docbin.cli import main\ncode = main(['-q', 'binarize', {str(picture)!r}, '-m', 'otsu'])\n"
    code += f"print(*[name for name in {NEEDLESS!r} if name in sys.modules])\nsys.exit(code)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "", "")
    assert picture.with_name("page.ink.png").exists()


def test_a_threshold_is_worked_out_without_what_it_does_not_need(picture: Path) -> None:
    code = f"""
import importlib, sys
from pathlib import Path
from docbin.cli.early_worker import PRELOAD
for module in PRELOAD.split():
    importlib.import_module(module)
from docbin.batch.binarize_job import Binarize
from docbin.batch.worker import Done, PageWorker, Task
job = Binarize.create("otsu", {{}})
answer = PageWorker.prepared(job).answer(Task(0, Path({str(picture)!r}), "page", "page", 1, Path({str(picture)!r} + ".ink"), "png"))
assert isinstance(answer, Done), answer
print(*[name for name in {NEEDLESS_TO_WORK!r} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "", "")


def every_option() -> list[tuple[str, Parameter]]:
    """(command, option) of all commands."""
    return [
        (name, one) for name in commands.COMMANDS for one in parameters_of(commands.function_of(name)) if isinstance(one.declared, Option)
    ]


def test_a_number_that_is_none_is_answered_by_option_value_and_example(capsys: pytest.CaptureFixture[str]) -> None:
    seen = 0
    for command, one in every_option():
        if not is_number(one):
            continue
        seen += 1
        option = next(name for name in one.declared.names if name.startswith("--"))
        needed = {"evaluate": ["set/", "-m", "otsu"], "demo": []}.get(command, ["page.png"])
        for word in ("abc", "1,5", "nan", "9" * 5000 + "x"):
            assert main([command, *needed, option, word]) == 1
            said = capsys.readouterr().err
            whole = " whole" if "int" in str(one.type) else ""
            assert re.fullmatch(f"docbin: error: {option} {word}: a{whole} number.* is wanted, for instance {option} [0-9.]+\n", said), said
        assert number(one, str(one.declared.keywords["example"])) == one.declared.keywords["example"]
    assert seen > 20


@pytest.mark.parametrize(("option", "word", "least"), [("--limit", "0", 1), ("--limit", "-3", 1), ("--jobs", "0", 1)])
def test_a_number_below_the_least_names_it(option: str, word: str, least: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "set/", "-m", "otsu", option, word]) == 1
    assert f"{option} {word}: a whole number from {least} on is wanted, for instance {option} " in capsys.readouterr().err


def test_help_tells_defaults_in_one_form() -> None:
    """Every option that may be left out says its default, in brackets at its end, and none in another way."""
    for command, one in every_option():
        said = one.declared.keywords["help"]
        ends = re.search(r"(^|\. |\) |'|\.\.\. )\[default: [^][]+\]$", said) is not None
        assert ends == (one.default is not REQUIRED), (command, one.name, said)
        assert "default:" not in said.removesuffix(said[said.rfind("[default: ") :] if ends else ""), (command, one.name, said)
        assert one.default in (None, False, REQUIRED) or one.declared.keywords["show_default"] is False, (command, one.name)
