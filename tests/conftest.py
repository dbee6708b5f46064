"""Fixtures that several rooms' tests share."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent


def pytest_collection_finish() -> None:
    """One thread for torch, where a test imports it: with networks as small as the tests' a second one only waits, on a busy machine for long."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


@pytest.fixture(scope="session")
def benchmark_pages() -> Path:
    """The folder ``pages`` of the benchmark data (DOCBIN_DATA, else ../shared/data beside the checkout); skips where it is absent."""
    root = Path(os.environ.get("DOCBIN_DATA", CHECKOUT.parent / "shared" / "data"))
    if not (root / "pages").is_dir():
        pytest.skip(f"needs the benchmark pages; {root}/pages is not there (set DOCBIN_DATA)")
    return root / "pages"


@pytest.fixture(scope="session")
def load_script() -> Callable[[str], Any]:
    """A function that gives a program of the folder ``scripts`` as a module, by its name; loaded once."""

    @cache
    def load(name: str) -> Any:
        spec = importlib.util.spec_from_file_location(name, CHECKOUT / "scripts" / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module  # dataclasses look themselves up
        spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture
def files_of_at_most() -> Callable[[int], AbstractContextManager[None]]:
    """``with files_of_at_most(2000):`` no file grows beyond so many bytes, as on a disk that is full."""
    resource = pytest.importorskip("resource", reason="needs limits of a POSIX system")

    @contextmanager
    def limited(size: int) -> Iterator[None]:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return limited


@pytest.fixture(scope="session")
def oracle() -> Path:
    """The folder of outside truth (../shared/oracle beside the checkout); skips where it is absent."""
    folder = CHECKOUT.parent / "shared" / "oracle"
    if not folder.is_dir():
        pytest.skip(f"needs the oracle pictures; {folder} is not there")
    return folder


@pytest.fixture(scope="session")
def tiny_detector(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder of a detector that finds the bars of ``tests/detection/boxes.py``, trained and packaged here."""
    pytest.importorskip("torch")
    pytest.importorskip("shapely")
    pytest.importorskip("onnx")
    from docbin.train.loop import train
    from tests.detection import boxes

    root = tmp_path_factory.mktemp("detector")
    train(boxes.recipe(run={"steps": 600, "batch": 6, "threads": 1}), root / "run", source=boxes.Source(), pages=[])
    return boxes.package(root / "run", root / "tiny")
