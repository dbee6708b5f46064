"""Kernel levels: which there are, that one can be forced, and that the forced one is what really runs."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from docbin import engine, kernels
from docbin.errors import UsageError
from docbin.kernels import document, local, stem
from tests.engine import graphs

COMPILED = [level for level in kernels.levels() if level != "numpy"]
GREY = np.random.default_rng(0).integers(0, 256, (40, 70), dtype=np.uint8)


def codes() -> object:
    theta = np.linspace(-1, 1, 15, dtype=np.float32)[None]
    return stem.threshold_codes(GREY, np.array([3], np.int32), theta, np.array([90.5], np.float32), 7.65)


RUNS: dict[str, Callable[[], object]] = {
    "local ink": lambda: local.ink(GREY, 15, "sauvola", 0.2, threads=1),
    "local map": lambda: local.threshold(GREY, 15, "wan", 0.2, threads=1),
    "local moments": lambda: local.local_moments(GREY, 15, 1),
    "local least": lambda: local.local_min(GREY, 15, 1),
    "local spread": lambda: local.page_spread(GREY, 15, 1),
    "document contrast": lambda: document.contrast(GREY),
    "stem": codes,
    "engine": lambda: engine.ink(graphs.graph(), GREY, threads=1),
    "engine with an edge step": lambda: engine.logits(graphs.graph(edge=8), GREY, threads=1),
}


@pytest.mark.parametrize("level", COMPILED)
@pytest.mark.parametrize("run", RUNS)
def test_the_forced_level_really_runs(level: str, run: str) -> None:
    """The name is the one that the target's own file gives itself; another target runs in between."""
    core = kernels._core
    assert core is not None
    for other in COMPILED:
        with kernels.use(other):
            document.contrast(GREY)
        with kernels.use(level):
            RUNS[run]()
        assert core.last_target() == level


@pytest.mark.skipif(not COMPILED, reason="this install has no compiled kernels")
def test_the_environment_forces_a_level() -> None:
    code = "from docbin import kernels; from docbin.kernels import local; import numpy as np; "
    code += "local.ink(np.zeros((9, 9), np.uint8), 3, 'sauvola', 0.2, threads=1); print(kernels._core.last_target())"
    for level in COMPILED:
        done = subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "DOCBIN_KERNELS": level}, capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == level


@pytest.mark.skipif(
    not COMPILED or not Path("/proc/cpuinfo").exists() or platform.machine() != "x86_64", reason="needs compiled kernels on x86-64 Linux"
)
def test_a_level_asks_for_no_more_than_it_uses() -> None:
    """AVX-512 without VNNI, VPOPCNTDQ or BITALG is enough for "avx512"."""
    line = next(line for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if line.startswith("flags"))
    has = set(line.split(":")[1].split())
    avx2 = {"avx2", "bmi1", "bmi2", "popcnt"}
    avx512 = avx2 | {"avx512f", "avx512bw", "avx512dq", "avx512vl"}
    wanted = {"scalar": set(), "avx2": avx2, "avx512": avx512, "avx512vnni": avx512 | {"avx512_vnni"}}
    can_run = [level for level, needs in wanted.items() if needs <= has]
    assert can_run == COMPILED


def test_a_level_that_is_not_there_is_refused() -> None:
    absent = next(level for level in kernels.KNOWN if level not in kernels.levels())
    with pytest.raises(UsageError, match="cannot run it"), kernels.use(absent):
        pass
    with pytest.raises(UsageError, match="no such kernel level"), kernels.use("sse9"):
        pass


@pytest.mark.parametrize(
    "line", ["binarize page.png -o x.png", "binarize page.png -o x.png -m otsu -v", "score page.png page.png", "models"]
)
def test_a_core_of_other_sources_is_one_error_with_the_way_out(tmp_path: Path, line: str) -> None:
    """Else a call with its arguments in another order would end in a TypeError deep inside, or in a wrong page."""
    Image.new("L", (40, 30), 255).save(tmp_path / "page.png")
    code = "import sys, types; old = types.ModuleType('docbin.kernels._core'); old.__file__ = 'old_core.so'; old.interface = 1; "
    code += f"sys.modules['docbin.kernels._core'] = old; from docbin.cli import main; sys.exit(main({line.split()!r}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 3
    assert done.stderr.startswith("docbin: error: old_core.so was built from other C++ sources")
    assert "build it again: pip install" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "x.png").exists()
