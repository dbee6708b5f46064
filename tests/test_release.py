"""What a release says of itself in several places is one thing: the version, the public names, the experiments' index."""

from __future__ import annotations

import json
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
    tool = json.loads((CHECKOUT / "docbin" / "integrations" / "ocrd-tool.json").read_text(encoding="utf-8"))
    assert tool["version"] == version, "run scripts/make_ocrd_tool.py with the new version installed"
    changes = (CHECKOUT / "CHANGELOG.md").read_text(encoding="utf-8")
    name, day, body = re.findall(r"^## \[([^]]+)\](?: - (\d{4}-\d\d-\d\d))?\n(.*?)(?=^## |\Z)", changes, re.MULTILINE | re.DOTALL)[0]
    if name != "Unreleased":
        assert (name, bool(day)) == (version, True)
        assert "will be" not in body


def test_every_public_name_is_there_and_typed() -> None:
    assert (Path(docbin.__file__).parent / "py.typed").is_file()
    assert sorted(docbin.__all__) == docbin.__all__
    for name in docbin.__all__:
        assert getattr(docbin, name) is not None


def test_the_index_of_experiments_is_current() -> None:
    done = subprocess.run([sys.executable, str(CHECKOUT / "scripts/index_experiments.py"), "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
