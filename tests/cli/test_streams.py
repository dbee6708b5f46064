"""Closed or full standard streams, a deleted folder, stray signals: exit codes in words, never "This is a bug" (../shared/faults, Commands)."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.batch.pages import files, leftovers, save, save_many

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs a POSIX shell and /dev/full")
DOCBIN = f"{shlex.quote(sys.executable)} -m docbin.cli"
CHECKOUT = Path(__file__).resolve().parents[2]


def shell(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"PYTHONPATH": str(CHECKOUT)}
    return subprocess.run(["sh", "-c", line], cwd=folder, capture_output=True, text=True, timeout=120, check=False, env=env)


@pytest.mark.parametrize(
    ("line", "code", "says", "written"),
    [
        ("binarize - -o x.png <&-", 5, "-: cannot read: it is closed", False),
        ("binarize a.png -o x.png -m otsu 2>&-", 0, "", True),
        ("binarize a.png -o x.png -m otsu >&-", 0, "x.png", True),
        ("binarize a.png -o x.png -m otsu <&- >&- 2>&-", 0, "", True),
        ("binarize a.png -o x.png -m otsu 2>/dev/full", 0, "", True),
        ("binarize a.png -o - -m otsu >/dev/full", 5, "stdout: cannot write: the disk is full", False),
        ("binarize a.png -o - -m otsu >&-", 5, "stdout: cannot write: it is closed", False),
        ("methods >/dev/full", 5, "stdout: cannot write: the disk is full", False),
        ("evaluate . -m otsu --json - >&-", 5, "stdout: cannot write: it is closed", False),
        ("score images gt >/dev/full", 5, "stdout: cannot write: the disk is full", False),
        ("binarize a.png b.png -o out -m otsu --report /dev/full", 5, "/dev/full: cannot write the report: the disk is full", False),
    ],
)
def test_closed_and_full_streams(tmp_path: Path, line: str, code: int, says: str, written: bool) -> None:
    save(tmp_path / "a.png")
    save(tmp_path / "b.png", 1)
    for name in ("images/page", "gt/page", "images/lost"):  # a set of which a page has a broken truth
        save(tmp_path / f"{name}.png")
    (tmp_path / "gt/lost.png").write_bytes(b"")
    done = shell(f"{DOCBIN} {line}", tmp_path)
    assert (done.returncode, "This is a bug" in done.stderr, "Traceback" in done.stderr) == (code, False, False), done.stderr
    assert says in done.stderr
    assert (tmp_path / "x.png").exists() == written
    if "--report" in line:
        assert done.stderr.count("error") == 1
        assert files(tmp_path / "out") == {"a.png", "b.png"}  # the batch goes on


@pytest.mark.parametrize("command", ["binarize a.tif -o x.png", "package run"])
def test_a_deleted_folder_is_named(tmp_path: Path, command: str) -> None:
    (tmp_path / "gone").mkdir()
    done = shell(f"cd gone && rmdir ../gone && {DOCBIN} {command}", tmp_path)
    assert done.returncode == 5
    assert "the current folder was deleted" in done.stderr


def test_a_second_ctrl_c_and_a_lost_terminal_leave_nothing_unfinished(tmp_path: Path) -> None:
    for seed in range(60):
        save(tmp_path / f"scans/p{seed}.png", seed)
    env = os.environ | {"TMPDIR": str(tmp_path / "tmp")}
    for number, kinds in ((1, [signal.SIGINT, signal.SIGINT]), (2, [signal.SIGHUP])):
        (tmp_path / "tmp").mkdir(exist_ok=True)
        out = tmp_path / f"out{number}"
        words = [sys.executable, "-m", "docbin.cli", "binarize", str(tmp_path / "scans"), "-o", str(out), "-m", "otsu", "--jobs", "1"]

        def hear() -> None:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            signal.signal(signal.SIGHUP, signal.SIG_DFL)

        running = subprocess.Popen(words, start_new_session=True, preexec_fn=hear, env=env, stderr=subprocess.PIPE)
        deadline = time.monotonic() + 60
        while not (out / "p2.png").exists() and time.monotonic() < deadline:
            time.sleep(0.005)
        for kind in kinds:
            os.killpg(running.pid, kind)
            time.sleep(0.02)
        _, told = running.communicate(timeout=60)
        # A second signal that comes while the interpreter is about to end is what ends it: a shell calls that 130, too.
        assert running.returncode in (130, -signal.SIGINT), told
        assert leftovers(out) == []
        assert list((tmp_path / "tmp").iterdir()) == []


def test_what_a_killed_run_left_is_removed_by_the_next(tmp_path: Path) -> None:
    env = os.environ | {"TMPDIR": str(tmp_path / "tmp")}
    (tmp_path / "tmp").mkdir()
    save_many(tmp_path / "book.tif", [9] * 40)
    words = [sys.executable, "-m", "docbin.cli", "binarize", str(tmp_path / "book.tif"), "-o", f"{tmp_path / 'out'}/", "-m", "otsu"]
    running = subprocess.Popen([*words, "--jobs", "1"], start_new_session=True, env=env, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while not leftovers(tmp_path / "out") and time.monotonic() < deadline:
        time.sleep(0.005)
    os.killpg(running.pid, signal.SIGKILL)
    running.communicate(timeout=60)
    left = list((tmp_path / "tmp").iterdir())
    assert left
    for folder in left:  # a run that has only just begun is left alone; this one is old
        os.utime(folder, (time.time() - 3600, time.time() - 3600))
    done = subprocess.run([*words, "--resume"], env=env, capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert list((tmp_path / "tmp").iterdir()) == []
    assert leftovers(tmp_path / "out") == []
