"""The command line as a whole: help, version, the table of commands, wrong usage, speed of an answer."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import docbin
from docbin import catalogue, cli
from docbin.cli import commands, early_worker
from docbin.cli.methods import _range

HEAVY = ("cv2", "skimage", "PIL", "rich", "scipy", "torch", "pypdfium2", "pikepdf")


@pytest.mark.parametrize("words", [["--version"], ["--help"], [], ["binarize", "--help"], ["methods", "--help"]])
def test_help_and_version_answer_on_stdout_without_heavy_libraries(words: list[str]) -> None:
    code = (
        f"import sys\nfrom docbin.cli import main\ncode = main({words!r})\n"
        f"print(*[name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)\nsys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=True, text=True)
    assert done.stderr.strip() == ""
    assert done.stdout.strip()


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"docbin {docbin.__version__}\n"


@pytest.mark.parametrize("name", list(commands.COMMANDS))
def test_every_command_exists_and_every_option_says_its_default(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([name, "--help"]) == 0
    told = capsys.readouterr().out
    assert f"docbin {name}" in told
    options = told.split("Options:")[1]
    entries = [" ".join(entry.split()) for entry in options.split("\n  -")[1:]]
    for entry in entries:
        assert "-help" in entry or "completion" in entry or "default:" in entry or "required" in entry, f"{name}: -{entry}"


@pytest.mark.parametrize("name", list(commands.COMMANDS))
def test_no_help_says_a_thing_twice(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([name, "-h"]) == 0
    for entry in re.split(r"\n  (?=\S)", capsys.readouterr().out):
        words = " ".join(entry.split())
        assert words.count("[required]") <= 1, words
        assert len(re.findall(r"[\[(;]default[:)]", words)) <= 1, words


def test_short_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["-V"]) == 0
    assert capsys.readouterr().out == f"docbin {docbin.__version__}\n"
    assert cli.main(["-h"]) == 0
    assert "--install-completion" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["-q", "-v"], ["-qv"], ["-vq"], ["-vqqv"]])
def test_loudness_is_one_before_and_behind_a_command(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    for line in ([*words, "methods", "otsu"], ["methods", "otsu", *words]):
        assert cli.main(line) == 0
        assert cli.messages.loudness() == 0
    assert cli.main(["methods", "otsu", words[0], "-vv"]) == 0
    assert cli.messages.loudness() == sum(letter == "v" for letter in words[0]) - words[0].count("q") + 2
    assert cli.main(["methods", "otsu"]) == 0  # each call begins anew
    assert cli.messages.loudness() == 0


def test_one_method_and_one_model(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["methods", "wolf"]) == 0
    told = capsys.readouterr().out
    assert "wolf" in told
    assert "sauvola" not in told.lower().replace("sauvola with", "")
    assert cli.main(["methods", "wolf", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["name"] == "wolf"
    assert cli.main(["methods", "wolff"]) == 1
    assert "did you mean wolf" in capsys.readouterr().err
    assert cli.main(["models", "bitunet", "--json"]) == 0
    shown = capsys.readouterr().out
    told = json.loads(shown)
    assert told["name"] == "bitunet"
    assert told["bytes"] == (Path(told["folder"]) / "packed.safetensors").stat().st_size  # not its golden crop, card and recipe
    assert cli.main(["models", "show", "bitunet", "--json"]) == 0
    assert capsys.readouterr().out == shown
    assert cli.main(["models", "bitnet"]) == 1
    assert "did you mean bitunet" in capsys.readouterr().err


def test_training_from_a_file_that_is_not_there_answers_before_torch_is_imported(tmp_path: Path) -> None:
    code = "import sys\nsys.modules['torch'] = None\nfrom docbin.cli import main\nsys.exit(main(['train', 'no.toml']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=False, text=True, cwd=tmp_path)
    assert done.returncode == 5
    assert done.stderr == "docbin: error: no.toml: cannot read the recipe: it does not exist; check the name and the folder\n"
    assert list(tmp_path.iterdir()) == []


def test_the_list_of_commands_has_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["--help"])
    told = capsys.readouterr().out
    for name, row in commands.COMMANDS.items():
        assert any(line.split() == [name, *row.summary.split()] for line in told.splitlines())


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["binrize"], "did you mean binarize?"),
        (["--nonsense"], "No such option"),
        (["zzz"], "there are binarize"),
        (["methods", "--x"], "x"),
        (["binarize", "p.png", "--window", "25"], "A parameter of a method is given by -p: -p window=VALUE; 'docbin methods NAME'"),
        (["binarize", "p.png", "--to", "pdf"], "the suffix of -o (out.pdf), or by --format"),
        (["export", "unet", "--to", "pdf"], "Invalid value for '--to': 'pdf' is not one of 'onnx', 'packed'."),
    ],
)
def test_wrong_usage_is_code_1(words: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(words) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert says in told.err
    assert "Try 'docbin" in told.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["binarize", "p.png", "--dpi"], "--dpi: a value is wanted behind it (N), for instance --dpi 300"),
        (["-v", "evaluate", "dibco2009", "-m"], "-m: a value is wanted behind it (METHOD)"),
        (["binarize", "p.png", "--overwrite=yes"], "--overwrite: takes no value; give it by itself, or leave it out"),
    ],
)
def test_an_option_with_a_value_too_few_or_too_many_says_so(words: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(words) == 1
    assert f"docbin: error: {says}" in capsys.readouterr().err


def test_a_file_whose_name_begins_with_a_dash_is_helped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "-dash.png").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    assert cli.main(["binarize", "-dash.png"]) == 1
    assert "The file -dash.png is given as ./-dash.png, or after a --" in capsys.readouterr().err
    assert cli.main(["binarize", "--", "-dash.png"]) == 2  # read, and found empty
    assert "-dash.png: the file is empty" in capsys.readouterr().err


def test_methods_as_json_has_the_promised_shape(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["methods", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert rows == docbin.methods()
    for row in rows:
        assert row.keys() >= {"name", "family", "summary", "params", "citation", "available", "needs"}
        assert all(param.keys() >= {"name", "default", "min", "max", "help"} for param in row["params"])


def test_methods_as_text_names_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["methods"]) == 0
    told = capsys.readouterr().out
    for row in docbin.methods():
        assert f"  {row['name']}" in told
        assert row["citation"].split()[0] in told
    assert f"{catalogue.DEFAULT} (default)" in told
    assert cli.main(["binarize", "--help"]) == 0
    assert f"[default: {catalogue.DEFAULT}]" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [(None, None, ""), (3, None, "from 3: "), (None, 1, "up to 1: "), (3, 100001, "3 to 100001: "), (0, 0.5, "0 to 0.5: ")],
)
def test_ranges(low: float | None, high: float | None, text: str) -> None:
    assert _range({"min": low, "max": high}) == text


def test_bench_refuses_what_it_does_not_measure(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bench", "nothing"]) == 1
    assert "choose from methods" in capsys.readouterr().err


def test_bench_prints_a_table_and_writes_json(tmp_path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from docbin.bench import methods as bench

    whole = bench.run
    monkeypatch.setattr(bench, "run", lambda: whole(["sauvola"], repeats=1, size=(200, 300)))
    assert cli.main(["bench", "methods", "--json", str(tmp_path / "rows.json")]) == 0
    told = capsys.readouterr()
    assert "sauvola" in told.out
    assert json.loads((tmp_path / "rows.json").read_text())[0]["name"] == "sauvola"
    assert cli.main(["bench", "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["name"] == "sauvola"


def test_the_version_needs_no_parser_and_is_the_installs() -> None:
    from importlib import metadata

    assert docbin.__version__ == metadata.version("docbin")
    code = (
        "import sys\nfrom docbin.cli import main\ncode = main(['--version'])\n"
        "assert not {'typer', 'numpy', 'importlib.metadata', 'rich'} & set(sys.modules)\nsys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, f"docbin {docbin.__version__}\n"), done.stderr
    done = subprocess.run([sys.executable, "-m", "docbin.cli", "-q", "--version"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, f"docbin {docbin.__version__}\n"), done.stderr


def test_a_worker_starts_early_for_commands_that_use_one_and_never_stays() -> None:
    for words in (["methods"], ["binarize", "--help"], ["binarize", "a.png", "-j2"], ["score", "a", "b"], []):
        early_worker.start(words)
        assert early_worker.take() is None, words
    early_worker.start(["-v", "binarize", "a.png"])
    process = early_worker._worker.process  # type: ignore[union-attr]
    assert process.is_alive()
    early_worker.dismiss()
    assert not process.is_alive()
    assert early_worker.take() is None
    assert cli.main(["binarize"]) == 1  # wrong usage: the worker ends with the command
    assert early_worker.take() is None
