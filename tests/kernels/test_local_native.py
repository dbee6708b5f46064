"""The local thresholds' C++ units outside Python: under the sanitizers, and compiled for aarch64 and run by an emulator."""

from __future__ import annotations

import platform
import shutil
import subprocess
from pathlib import Path

import pytest

CSRC = Path(__file__).resolve().parents[2] / "docbin" / "csrc"
DRIVER = Path(__file__).with_name("local_driver.cpp")
FLAGS = ["-std=c++20", "-ffp-contract=off", "-fno-math-errno", "-pthread", f"-I{CSRC}"]
AVX2 = ["-mavx2", "-mfma", "-mbmi", "-mbmi2", "-mpopcnt"]
AVX512 = [*AVX2, "-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mprefer-vector-width=512"]
X86 = platform.machine().lower() in ("x86_64", "amd64")


def _build(folder: Path, compiler: str, units: dict[str, list[str]], extra: list[str]) -> Path:
    """The driver with the given unit files, each compiled with its own flags."""
    objects = []
    for source, flags in {"levels.cpp": [], "local_run.cpp": [], "local_scalar.cpp": [], **units, str(DRIVER): []}.items():
        target = folder / (Path(source).stem + ".o")
        subprocess.run([compiler, *FLAGS, *extra, *flags, "-c", str(CSRC / source), "-o", str(target)], check=True)
        objects.append(str(target))
    program = folder / "driver"
    subprocess.run([compiler, *extra, "-pthread", *objects, "-o", str(program)], check=True)
    return program


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="needs g++")
def test_no_unit_reads_or_writes_outside_its_memory(tmp_path: Path) -> None:
    units = {"local_avx2.cpp": AVX2, "local_avx512.cpp": AVX512} if X86 else {}
    extra = ["-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", *(["-DDOCBIN_X86=1"] if X86 else [])]
    said = _run([str(_build(tmp_path, "g++", units, extra))])
    assert "hash" in said


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("aarch64-linux-gnu-g++") is None, reason="needs aarch64-linux-gnu-g++")
@pytest.mark.skipif(shutil.which("qemu-aarch64-static") is None, reason="needs qemu-aarch64-static")
@pytest.mark.skipif(shutil.which("g++") is None, reason="needs g++")
def test_neon_equals_scalar_and_this_machine(tmp_path: Path) -> None:
    """The driver compares NEON with aarch64's own scalar unit; the hash compares that with this machine's."""
    for folder in ("arm", "here"):
        (tmp_path / folder).mkdir()
    arm = _build(tmp_path / "arm", "aarch64-linux-gnu-g++", {"local_neon.cpp": []}, ["-O3", "-static", "-DDOCBIN_NEON=1"])
    said = _run(["qemu-aarch64-static", str(arm)])
    assert said.split("levels ")[1].split() == ["scalar", "neon"]
    here = _run([str(_build(tmp_path / "here", "g++", {}, ["-O3"]))])
    assert said.split(", levels")[0] == here.split(", levels")[0]
