"""The plan of the house, held against the imports: they run downwards only, and the serving wing never meets torch."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "docbin"

# CONTRIBUTING.md draws the same map. "docbin" is the package's own __init__: the public functions, a face like the command line.
FLOORS = {
    "docbin": 3, "__main__": 3, "cli": 3, "demo": 3, "enhancing": 3,
    "catalogue": 2, "detection": 2, "evaluate": 2, "batch": 2, "bench": 2, "train": 2, "export": 2,
    "polarity": 1, "classical": 1, "engine": 1, "zoo": 1, "files": 1, "metrics": 1, "processes": 1, "benchmarks": 1,
    "nets": 1, "quant": 1, "data": 1, "synth": 1, "augment": 1,
    "page": 0, "word": 0, "errors": 0, "kernels": 0,
}  # fmt: skip
TRAINING_WING = {"nets", "quant", "data", "synth", "augment", "train", "export"}
FACES = {room for room, floor in FLOORS.items() if floor == 3}
EXTRAS_ONLY = ["torch", "torchvision", "segmentation_models_pytorch", "albumentations", "tensorboard", "accelerate", "onnx", "onnxruntime",
               "maxflow", "gradio", "ray", "doxapy"]  # fmt: skip


def room_of(path: Path, package: Path = PACKAGE) -> str:
    first = path.relative_to(package).parts[0].removesuffix(".py")
    return "docbin" if first == "__init__" else first


def imports(path: Path, package: Path = PACKAGE) -> Iterator[tuple[str, int, bool]]:
    """Every imported module of a file as (dotted name, line, whether it is imported together with the module); names of docbin are complete."""
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    late = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
    }
    for branch in ast.walk(tree):
        if isinstance(branch, ast.If) and "TYPE_CHECKING" in ast.dump(branch.test):
            late.update(id(node) for statement in branch.body for node in ast.walk(statement))
    # `import docbin` counts as an import of what the file takes from it: docbin.binarize, docbin.__version__
    uses = sorted(
        {
            f"docbin.{n.attr}"
            for n in ast.walk(tree)
            if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name) and n.value.id == "docbin"
        }
    )
    here = ["docbin", *path.relative_to(package).with_suffix("").parts]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [name for alias in node.names for name in ([alias.name] if alias.name != "docbin" else uses)]
        elif isinstance(node, ast.ImportFrom):
            base = ".".join([*here[: len(here) - node.level], *([node.module] if node.module else [])]) if node.level else str(node.module)
            names = [f"{base}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            yield name, node.lineno, id(node) not in late


def target_room(name: str) -> str | None:
    """The room of docbin that a dotted name lies in, None for other packages and for ``docbin.__version__``, which every room may ask for."""
    parts = name.split(".")
    if parts[0] != "docbin" or parts[1:2] == ["__version__"]:
        return None
    return parts[1] if len(parts) > 1 and parts[1] in FLOORS else "docbin"


def faults(path: Path, package: Path = PACKAGE) -> Iterator[str]:
    room = room_of(path, package)
    for name, line, early in imports(path, package):
        where = f"{path.relative_to(package.parent)}:{line}"
        target = target_room(name)
        if name.split(".")[0] in {"torch", "torchvision"} and early and room not in TRAINING_WING:
            yield f"{where}: the serving wing imports {name} with the module"
        if target is None:
            continue
        if FLOORS[target] > FLOORS[room]:
            yield f"{where}: imports upwards, {room} (floor {FLOORS[room]}) -> {target} (floor {FLOORS[target]})"
        if target in TRAINING_WING and room not in TRAINING_WING and (early or room not in FACES):
            yield f"{where}: the serving wing imports the training wing ({name}); only a face may, inside a function"


MODULES = sorted(PACKAGE.rglob("*.py"))


def test_every_room_has_its_floor() -> None:
    assert {room_of(path) for path in MODULES} <= set(FLOORS)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_run_downwards_and_the_wings_stay_apart(path: Path) -> None:
    assert list(faults(path)) == []


def test_rooms_do_not_import_in_a_circle() -> None:
    graph: dict[str, set[str]] = {}
    for path in MODULES:
        room = room_of(path)
        graph.setdefault(room, set()).update(target for name, _, _ in imports(path) if (target := target_room(name)) and target != room)
    for room in graph:
        graph[room].discard("docbin")
    list(TopologicalSorter(graph).static_order())  # raises CycleError, which names the circle


@pytest.mark.parametrize(
    ("where", "source", "says"),
    [
        ("files/reading.py", "from docbin import catalogue", "imports upwards, files (floor 1) -> catalogue (floor 2)"),
        ("files/reading.py", "def f():\n    import docbin.evaluate.tables", "imports upwards"),
        ("files/reading.py", "from .. import cli", "imports upwards"),
        ("page.py", "import docbin\n\ndocbin.methods()", "imports upwards"),
        ("metrics/scores.py", "try:\n    import torch.nn\nexcept ImportError:\n    pass", "imports torch"),
        ("evaluate/tables.py", "def f():\n    from docbin.data import crops", "only a face may"),
        ("cli/train.py", "from docbin.train import loop", "only a face may"),
    ],
)
def test_the_check_sees_a_fault(tmp_path: Path, where: str, source: str, says: str) -> None:
    path = tmp_path / "docbin" / where
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source)
    assert any(says in fault for fault in faults(path, tmp_path / "docbin"))


@pytest.mark.parametrize(
    ("where", "source"),
    [
        ("cli/train.py", "def f():\n    from docbin.train import loop\n    import torch"),
        ("evaluate/tables.py", "from docbin import __version__, catalogue\nfrom docbin.files import read_pages\nfrom . import html"),
        ("batch/run.py", "import docbin\n\nprint(docbin.__version__)"),
        ("nets/unet.py", "import torch\nfrom docbin.quant import layers\nfrom docbin.page import Page"),
    ],
)
def test_the_check_lets_good_imports_pass(tmp_path: Path, where: str, source: str) -> None:
    path = tmp_path / "docbin" / where
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source)
    assert list(faults(path, tmp_path / "docbin")) == []


def test_the_serving_wing_imports_without_any_extra_and_without_its_heavy_libraries() -> None:
    names = sorted(
        ".".join(["docbin", *path.relative_to(PACKAGE).with_suffix("").parts]).removesuffix(".__init__")
        for path in MODULES
        if room_of(path) not in TRAINING_WING and path.name != "__main__.py"
    )
    program = f"""
import importlib, sys
for module in {EXTRAS_ONLY}:
    sys.modules[module] = None  # importing it raises ImportError
for name in {names}:
    importlib.import_module(name)
print([module for module in ("cv2", "skimage", "scipy", "pypdfium2", "img2pdf") if module in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_data_folders_hold_no_python() -> None:
    assert [path for folder in ("models", "datasets") for path in (PACKAGE.parent / folder).rglob("*.py")] == []
