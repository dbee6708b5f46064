"""``docbin binarize`` as a user and a pipe meet it: exit codes, what goes to stdout and what to stderr."""

from __future__ import annotations

import functools
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import docbin
from docbin import cli
from tests.batch.pages import files, grey, ink_of, leftovers, save, save_many, save_pdf

PARAMETERS = ["-m", "sauvola", "-p", "window=15"]


def docbin_process(*words: str | Path, stdin: bytes | None = None, **more: object) -> subprocess.CompletedProcess[bytes]:
    """The command as a process."""
    return subprocess.run(
        [sys.executable, "-m", "docbin.cli", *map(str, words)], input=stdin, capture_output=True, timeout=120, check=False, **more
    )


def expected(seed: int, mark: int = 230) -> np.ndarray:
    return docbin.binarize(grey(seed, mark), "sauvola", window=15)


@pytest.fixture
def page(tmp_path: Path) -> Path:
    return save(tmp_path / "page.png", 5)


def test_one_page_into_a_file(tmp_path: Path, page: Path) -> None:
    done = docbin_process("binarize", page, "-o", tmp_path / "out.png", *PARAMETERS)
    assert (done.returncode, done.stdout) == (0, b"")
    assert (ink_of(tmp_path / "out.png") == expected(5)).all()
    assert done.stderr.decode().startswith(f"docbin: {tmp_path}/out.png (")
    assert files(tmp_path) == {"page.png", "out.png"}
    assert leftovers(tmp_path) == []
    assert not (tmp_path / ".docbin").exists()


def test_without_out_the_user_is_told_where_it_went(tmp_path: Path, page: Path) -> None:
    done = docbin_process("binarize", page)
    assert done.returncode == 0
    assert f"{tmp_path}/page.ink.png" in done.stderr.decode()


def test_a_pipe_from_stdin_to_stdout(tmp_path: Path, page: Path) -> None:
    for words in (["-"], ["-", "-o", "-"]):
        done = docbin_process("binarize", *words, *PARAMETERS, stdin=page.read_bytes(), cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        with Image.open(io.BytesIO(done.stdout)) as written:
            assert written.mode == "1"
            assert (~np.asarray(written) == expected(5)).all()
    assert files(tmp_path) == {"page.png"}


def test_a_document_through_a_pipe(tmp_path: Path) -> None:
    book = save_pdf(tmp_path / "book.pdf", 3)
    done = docbin_process("binarize", "-", "--jobs", "2", stdin=book.read_bytes())
    assert done.returncode == 0
    (tmp_path / "got.pdf").write_bytes(done.stdout)
    assert (ink_of(tmp_path / "got.pdf", 3) == docbin.binarize(np.where(grey(2) < 128, 0, 255).astype(np.uint8))).all()


def test_bad_input_through_a_pipe_gives_no_bytes(tmp_path: Path) -> None:
    for data in (b"", b"no page", save(tmp_path / "p.png").read_bytes()[:100]):
        done = docbin_process("binarize", "-", stdin=data)
        assert (done.returncode, done.stdout) == (2, b"")
        assert done.stderr.startswith(b"docbin: error: -: ")


def test_a_reader_that_goes_away_is_an_error_without_a_traceback(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 2, (1500, 1500), np.uint8) * 255
    Image.fromarray(noise).save(tmp_path / "noise.png")
    words = [sys.executable, "-m", "docbin.cli", "binarize", str(tmp_path / "noise.png"), "-o", "-"]
    running = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert running.stdout is not None
    running.stdout.read(1)
    running.stdout.close()
    assert running.stderr is not None
    told = running.stderr.read().decode()
    assert running.wait(60) == 5
    assert "has gone" in told
    assert "Traceback" not in told
    assert "Exception ignored" not in told


def test_head_of_a_listing_is_quiet() -> None:
    words = [sys.executable, "-m", "docbin.cli", "methods", "--json"]
    running = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert running.stdout is not None
    running.stdout.close()
    assert running.stderr is not None
    assert running.stderr.read() == b""
    assert running.wait(60) == 5


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["missing.png"], 5, "missing.png: cannot read: it does not exist"),
        (["empty.png"], 2, "the file is empty"),
        (["page.png", "-m", "sauvolla"], 1, "did you mean sauvola"),
        (["page.png", "-m", "sauvola", "-p", "window=4"], 1, "an odd number is wanted"),
        (
            ["page.png", "-m", "sauvola", "-p", "window"],
            1,
            "-p window: KEY=VALUE is wanted, for instance -p window=25; sauvola has window, k, r",
        ),
        (["page.png", "-m", "otsu", "-p", "window"], 1, "-p window: KEY=VALUE is wanted, and otsu has no parameters; leave it out"),
        (["page.png", "-m", "sauvolla", "-p", "window"], 1, "did you mean sauvola"),
        (["page.png", "-m", "sauvola", "-p", "k=1", "-p", "k=2"], 1, "k was given before"),
        (["page.png", "--jobs", "0"], 1, "--jobs 0: a number above 0"),
        (["page.png", "--jobs", "many"], 1, "--jobs"),
        (["page.png", "--no-such-option"], 1, "No such option"),
        (["page.png", "--max-megapixels", "0.001"], 2, "--max-megapixels"),
        (["page.png", "--pages", "2"], 1, "page 2 was asked for"),
        (["page.png", "--probability", "-m", "sauvola"], 1, "no probability map"),
        (["page.png", "-o", "x.jpg"], 1, "does not write .jpg"),
        (["page.png", "-o", "page.png"], 1, "one of the inputs"),
        (["page.png", "-o", "page.png", "--overwrite"], 1, "one of the inputs"),
        (["page.png", "empty.png", "-o", "out"], 6, "the file is empty"),
        (["empty.png", "missing.png", "-o", "out"], 6, "the file is empty"),
        ([], 1, "Missing argument"),
    ],
)
def test_errors_are_a_line_and_their_code(
    tmp_path: Path, page: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str], code: int, says: str
) -> None:
    (tmp_path / "empty.png").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    before = page.read_bytes()
    assert cli.main(["binarize", *words]) == code
    told = capsys.readouterr()
    assert told.out == ""
    assert any(line.startswith("docbin: error: ") and says in line for line in told.err.splitlines()), told.err
    assert "Traceback" not in told.err
    assert page.read_bytes() == before


def test_a_batch_with_report_and_summary(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for seed in range(3):
        save(tmp_path / f"scans/p{seed}.png", seed)
    save_many(tmp_path / "scans/book.tif", [9, 9])
    Image.new("L", (50, 50), 255).save(tmp_path / "scans/blank.png")
    (tmp_path / "scans/bad.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    words = ["binarize", str(tmp_path / "scans"), "-o", str(tmp_path / "out"), "--report", str(tmp_path / "r.jsonl"), "--jobs", "2"]
    words += PARAMETERS  # a method that suspects none of the good pages
    assert cli.main(words) == 6
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.splitlines()[-1].startswith(f"docbin: 6 pages into {tmp_path}/out/ in ")
    assert "1 suspect, 1 page failed" in told.err.splitlines()[-1]
    assert f"docbin: warning: {tmp_path}/scans/blank.png: suspect: hardly any ink" in told.err
    lines = {Path(line["input"]).name: line for line in map(json.loads, (tmp_path / "r.jsonl").read_text().splitlines())}
    assert lines["blank.png"]["suspect"] is True
    assert Path(lines["blank.png"]["output"]).is_file()
    assert lines["bad.png"]["error"]["type"] == "InputError"
    assert lines["p0.png"]["suspect"] is False
    assert cli.main([*words, "--resume", "-q"]) == 6
    told = capsys.readouterr()
    assert told.err.count("\n") == 1  # with -q only the error
    assert cli.main([*words, "--resume", "-v"]) == 6
    told = capsys.readouterr()
    assert f"{tmp_path}/scans/p0.png: done before, {tmp_path}/out/p0.png" in told.err
    assert told.err.splitlines()[-1] == "docbin: 6 pages done before, 1 page failed"


def test_a_dry_run_prints_the_plan_as_data(tmp_path: Path, page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["binarize", str(page), "-o", str(tmp_path / "out"), "--dry-run"]) == 0
    assert capsys.readouterr().out == f"{page} -> {tmp_path}/out/page.png\n"
    assert not (tmp_path / "out").exists()


def test_loudness_may_stand_before_or_behind(tmp_path: Path, page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["-v", "binarize", str(page), "-o", str(tmp_path / "a/")]) == 0
    before = capsys.readouterr().err
    assert cli.main(["binarize", str(page), "-o", str(tmp_path / "b/"), "-v"]) == 0
    behind = capsys.readouterr().err
    assert "% ink" in before
    assert "% ink" in behind
    assert cli.main(["binarize", str(page), "-o", str(tmp_path / "c/"), "-q"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("kind", "code"), [(signal.SIGINT, 130), pytest.param(signal.SIGTERM, 130, marks=pytest.mark.slow)])
def test_ctrl_c_keeps_what_is_finished(tmp_path: Path, kind: int, code: int) -> None:
    for seed in range(150):
        save(tmp_path / f"scans/p{seed}.png", seed)
    words = [
        sys.executable,
        "-m",
        "docbin.cli",
        "binarize",
        str(tmp_path / "scans"),
        "-o",
        str(tmp_path / "out"),
        "--jobs",
        "2",
        *PARAMETERS,
    ]
    # A shell's background job starts with SIGINT ignored, and so would everything it starts; a terminal's job does not.
    heard = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    running = subprocess.Popen(words, stderr=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True, preexec_fn=heard)
    deadline = time.monotonic() + 60
    while not (tmp_path / "out/p3.png").exists() and time.monotonic() < deadline:
        time.sleep(0.005)
    if kind == signal.SIGINT:
        os.killpg(running.pid, kind)  # as a terminal does it: every process of the group hears it
    else:
        running.send_signal(kind)
    _, told = running.communicate(timeout=60)
    assert running.returncode == code, told
    assert told.decode().count("\n") == 1
    assert "interrupted; " in told.decode()
    done = files(tmp_path / "out")
    assert 1 <= len(done) < 150
    for name in done:
        ink_of(tmp_path / "out" / name)
    assert leftovers(tmp_path) == []
    assert cli.main(["-q", "binarize", str(tmp_path / "scans"), "-o", str(tmp_path / "out"), "--resume", *PARAMETERS]) == 0
    assert len(files(tmp_path / "out")) == 150


NO_NETWORK = """
import socket, sys
def refuse(*args, **more):
    raise AssertionError("the network was asked for")
class Local(socket.socket):  # a pipe to a worker process is a pair of sockets within the machine
    def __init__(self, family=socket.AF_INET, *args, **more):
        if family != socket.AF_UNIX:
            refuse()
        super().__init__(family, *args, **more)
socket.socket, socket.create_connection, socket.getaddrinfo = Local, refuse, refuse
from docbin.cli import main
sys.exit(main())
"""


def test_the_network_is_never_asked_for(tmp_path: Path, page: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", NO_NETWORK, "binarize", str(page), "-o", str(tmp_path / "out.png")],
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out.png").is_file()


def test_a_bug_asks_for_a_report_and_shows_its_traceback_with_v(
    tmp_path: Path, page: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("docbin.batch.plan", lambda *words, **more: 1 / 0)
    assert cli.main(["binarize", str(page)]) == 1
    told = capsys.readouterr().err
    assert "docbin: error: ZeroDivisionError: division by zero" in told
    assert "Please report it" in told
    assert "Traceback" not in told
    assert cli.main(["-v", "binarize", str(page)]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_a_name_that_looks_like_markup_is_printed_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    odd = tmp_path / "[red]page[bold] \u00e9.png"
    odd.write_bytes(b"")
    assert cli.main(["binarize", str(odd)]) == 2
    assert "[red]page[bold] \u00e9.png" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--compression", "jbig2"], "compression 'jbig2': png does not have it; pdf does"),
        (["--compression", "jbig2", "--format", "tiff"], "compression 'jbig2': tiff does not have it; pdf does"),
        (["--compression", "zip", "--format", "pdf"], "compression 'zip' does not exist; choose one of g4, jbig2"),
        (["--compression", "g4", "--probability", "-m", "bitunet"], "compression 'g4' is for 1-bit pages"),
    ],
)
def test_a_compression_that_cannot_be(tmp_path: Path, page: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str) -> None:
    assert cli.main(["binarize", str(page), "-o", str(tmp_path / "out") + "/", *words]) == 1
    assert said in capsys.readouterr().err
    assert list((tmp_path / "out").glob("*")) == []


@pytest.mark.parametrize("compression", ["g4", "jbig2", None])
def test_compressions_of_a_pdf_show_the_same_page(tmp_path: Path, page: Path, compression: str | None) -> None:
    import pikepdf

    out = tmp_path / "out.pdf"
    words = [] if compression is None else ["--compression", compression]
    assert cli.main(["binarize", str(page), "-o", str(out), *PARAMETERS, *words]) == 0
    assert (ink_of(out) == expected(5)).all()
    with pikepdf.open(out) as pdf:
        names = {"g4": "/CCITTFaxDecode", "jbig2": "/JBIG2Decode"}
        assert pdf.pages[0].Resources.XObject.Page.Filter in ([names[compression]] if compression else names.values())
