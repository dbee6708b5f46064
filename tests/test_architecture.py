"""The plan of the house, held against the imports: import-linter's contracts in pyproject.toml, and a serving wing that never meets torch."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("importlinter")

PACKAGE = Path(__file__).resolve().parent.parent / "docbin"
TRAINING_WING = {"nets", "quant", "data", "synth", "augment", "train", "export"}
HOSTED = ("ocrmypdf_plugin.py", "ocrd_processor.py")
"""Modules that only the program whose plugin they are imports."""
EXTRAS_ONLY = ["torch", "torchvision", "segmentation_models_pytorch", "albumentations", "tensorboard", "accelerate", "onnx", "onnxruntime",
               "maxflow", "gradio", "ray", "fsspec", "s3fs", "doxapy"]  # fmt: skip


def check(root: Path) -> tuple[bool, str]:
    """Whether the checkout `root` keeps the contracts of its ``pyproject.toml``, and what import-linter says."""
    command = [sys.executable, str(PACKAGE.parent / "scripts" / "check_imports.py"), str(root)]
    done = subprocess.run(command, cwd=root, env=dict(os.environ, COLUMNS="200"), capture_output=True, text=True, check=False)
    return done.returncode == 0, done.stdout + done.stderr


def test_the_contracts_are_kept() -> None:
    kept, said = check(PACKAGE.parent)
    assert kept, said


@pytest.mark.parametrize(
    ("where", "source", "broken"),
    [
        ("files/limits.py", "def f():\n    from docbin import catalogue", "Rooms import downwards BROKEN"),
        ("page.py", "from docbin import cli", "Rooms import downwards BROKEN"),
        ("evaluate/tables.py", "def f():\n    from docbin.data import crops", "Rooms import downwards BROKEN"),
        ("loft.py", "", "Rooms import downwards BROKEN"),
        ("files/limits.py", "from docbin.files import read_tiff", "No circle of rooms or files BROKEN"),
        ("metrics/pseudo.py", "try:\n    import torch.nn\nexcept ImportError:\n    pass", "The serving wing has no torch BROKEN"),
    ],
)
def test_the_check_sees_a_fault(tmp_path: Path, where: str, source: str, broken: str) -> None:
    for path in [*PACKAGE.rglob("*.py"), PACKAGE.parent / "pyproject.toml"]:
        copy = tmp_path / path.relative_to(PACKAGE.parent)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    faulty = tmp_path / "docbin" / where
    before = faulty.read_text(encoding="utf-8") if faulty.exists() else ""
    faulty.write_text(f"{before}\n{source}\n", encoding="utf-8")
    kept, said = check(tmp_path)
    assert not kept
    assert broken in said, said


def test_the_serving_wing_imports_without_any_extra_and_without_its_heavy_libraries() -> None:
    names = sorted(
        ".".join(["docbin", *path.relative_to(PACKAGE).with_suffix("").parts]).removesuffix(".__init__")
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.relative_to(PACKAGE).parts[0].removesuffix(".py") not in TRAINING_WING and path.name not in ("__main__.py", *HOSTED)
    )
    program = f"""
import importlib, sys
for module in {EXTRAS_ONLY}:
    sys.modules[module] = None  # importing it raises ImportError
for name in {names}:
    importlib.import_module(name)
print([module for module in ("cv2", "skimage", "scipy", "pypdfium2", "pikepdf") if module in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_data_folders_hold_no_python() -> None:
    assert [path for folder in ("models", "datasets") for path in (PACKAGE.parent / folder).rglob("*.py")] == []
