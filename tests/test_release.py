"""What a release says of itself in several places is one thing: the version, the public names, the experiments' index."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import docbin

CHECKOUT = Path(__file__).resolve().parent.parent


def test_the_version_is_the_same_wherever_it_stands() -> None:
    version = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    cited = re.search(r"^version: (.*)$", (CHECKOUT / "CITATION.cff").read_text(encoding="utf-8"), re.MULTILINE)
    assert cited is not None
    assert cited[1] == version
    changes = (CHECKOUT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## \[(Unreleased|{re.escape(version)})\]", changes, re.MULTILINE)


def test_every_public_name_is_there_and_typed() -> None:
    assert (Path(docbin.__file__).parent / "py.typed").is_file()
    assert sorted(docbin.__all__) == docbin.__all__
    for name in docbin.__all__:
        assert getattr(docbin, name) is not None


def test_the_index_of_experiments_is_current() -> None:
    done = subprocess.run([sys.executable, str(CHECKOUT / "scripts/index_experiments.py"), "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
