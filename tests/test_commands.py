"""The front: `make` and `.ci/run` do what they say when something is wrong."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
pytestmark = pytest.mark.skipif(shutil.which("make") is None or os.name == "nt", reason="needs make and a POSIX shell")


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def run(*command: str | Path, **env: str) -> subprocess.CompletedProcess[str]:
    # A make that runs these tests hands its options down in MAKEFLAGS; they are not meant for the make under test.
    clean = {name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES", "MAKELEVEL"}}
    return subprocess.run([*map(str, command)], cwd=CHECKOUT, capture_output=True, text=True, check=False, env=clean | env)


def test_a_python_that_is_too_old_is_named_together_with_the_way_out(tmp_path: Path) -> None:
    old = program(tmp_path / "python3", 'case "$1" in --version) echo Python 3.9.2;; *) exit 1;; esac')
    done = run("make", "page", "PAGE=page.png", f"PYTHON={old}", f"VENV={tmp_path / 'env'}")
    assert done.returncode != 0
    assert "needs Python 3.11 or newer; here is: Python 3.9.2" in done.stderr
    assert "make PYTHON=/path/to/python3.12 page" in done.stderr


def test_a_python_without_venv_is_named_together_with_the_way_out(tmp_path: Path) -> None:
    bare = program(tmp_path / "python3", 'case "$1" in --version) echo Python 3.11.2;; -m) exit 1;; *) exit 0;; esac')
    done = run("make", "page", "PAGE=page.png", f"PYTHON={bare}", f"VENV={tmp_path / 'env'}")
    assert done.returncode != 0
    assert "apt install python3-venv" in done.stderr


@pytest.mark.parametrize(("fails", "status"), [("lint", 1), ("page", 1), ("test", 1), ("fuzz", 1), ("test-browser", 1), ("nothing", 0)])
def test_continuous_integration_fails_when_a_part_fails(tmp_path: Path, fails: str, status: int) -> None:
    program(tmp_path / "bin" / "make", f'echo "ran $1"; [ "$1" != {fails} ]')
    program(tmp_path / "bin" / "chromium", "exit 0")  # nothing is to be installed
    done = run("bash", ".ci/run", PATH=f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    assert done.returncode == status
    ran = [line for line in done.stdout.splitlines() if line.startswith("ran ")]
    always = [f"ran {target}" for target in ("lint", "page", "test", "docs", "test-integrations", "test-browser")]
    assert [line for line in ran if line not in ("ran test-native", "ran fuzz")] == always
    assert ran.index("ran test") < ran.index("ran fuzz") < ran.index("ran test-integrations"), "beside the documentation"
    assert ("ran test-native" in ran) != ("native drivers do not run" in done.stdout)
