"""The committed types of the compiled core are those of the core."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from docbin import kernels

STUBS = Path(__file__).resolve().parents[2] / "docbin" / "kernels" / "_core.pyi"


def signatures(source: str) -> dict[str, str]:
    """Every function and method of a stub file with its arguments, their types and its result; docstrings and layout do not count."""
    found: dict[str, str] = {}

    def collect(body: list[ast.stmt], prefix: str) -> None:
        for node in body:
            if isinstance(node, ast.ClassDef):
                collect(node.body, f"{prefix}{node.name}.")
            elif isinstance(node, ast.FunctionDef):
                found[prefix + node.name] = f"{ast.unparse(node.args)} -> {ast.unparse(node.returns) if node.returns else None}"

    collect(ast.parse(source).body, "")
    return found


@pytest.mark.skipif(kernels._core is None, reason="this install has no compiled kernels")
def test_the_stubs_are_those_of_the_core(tmp_path: Path) -> None:
    pytest.importorskip("nanobind", reason="the stub generator comes with nanobind, of docbin[dev]")
    made = tmp_path / "_core.pyi"
    command = [sys.executable, "-m", "nanobind.stubgen", "-q", "-m", "docbin.kernels._core", "-o", str(made)]
    subprocess.run(command, check=True, capture_output=True)
    want, have = signatures(made.read_text(encoding="utf-8")), signatures(STUBS.read_text(encoding="utf-8"))
    assert "Network.run" in want
    assert have == want, "docbin/kernels/_core.pyi is not what the core offers: run 'make stubs'"
