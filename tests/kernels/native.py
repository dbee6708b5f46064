"""Native drivers of the C++ units: built outside Python, run under sanitizers or, compiled for aarch64, by an emulator."""

from __future__ import annotations

import platform
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

CSRC = Path(__file__).resolve().parents[2] / "docbin" / "csrc"
FLAGS = ["-std=c++20", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-pthread", f"-I{CSRC}"]
AVX2 = ["-mavx2", "-mfma", "-mbmi", "-mbmi2", "-mpopcnt"]
AVX512 = [*AVX2, *(f"-mavx512{part}" for part in ("f", "bw", "dq", "vl", "vpopcntdq", "bitalg", "vnni")), "-mprefer-vector-width=512"]
X86 = platform.machine().lower() in ("x86_64", "amd64")
CROSS = "aarch64-linux-gnu-g++"
EMULATOR = shutil.which("qemu-aarch64-static") or shutil.which("qemu-aarch64")
SANITIZED = ["-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]

needs_compiler = pytest.mark.skipif(shutil.which("g++") is None, reason="needs g++")
needs_arm = pytest.mark.skipif(
    shutil.which("g++") is None or shutil.which(CROSS) is None or EMULATOR is None,
    reason=f"needs g++, {CROSS} and qemu-aarch64 (qemu-user)",
)


def _flags(source: str) -> list[str]:
    return AVX512 if source.endswith("_avx512.cpp") else AVX2 if source.endswith("_avx2.cpp") else []


def build(folder: Path, compiler: str, sources: Iterable[str], driver: Path, extra: list[str]) -> Path:
    """The driver with the given units of csrc/, each compiled with its level's flags."""
    folder.mkdir(parents=True, exist_ok=True)
    objects = []
    for source in (*sources, str(driver)):
        target = folder / (Path(source).stem + ".o")
        subprocess.run([compiler, *FLAGS, *extra, *_flags(source), "-c", str(CSRC / source), "-o", str(target)], check=True)
        objects.append(str(target))
    program = folder / "driver"
    subprocess.run([compiler, *extra, "-pthread", *objects, "-o", str(program)], check=True)
    return program


def run(command: list[str]) -> str:
    """What a driver prints; fails with its output where it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def run_sanitized(folder: Path, plain: Iterable[str], levelled: Iterable[str], driver: Path) -> str:
    """Build with this machine's units under AddressSanitizer and UndefinedBehaviorSanitizer, and run."""
    units = [f"{name}_{level}.cpp" for name in levelled for level in ("scalar", *(("avx2", "avx512") if X86 else ()))]
    return run([str(build(folder, "g++", [*plain, *units], driver, [*SANITIZED, *(["-DDOCBIN_X86=1"] if X86 else [])]))])


def run_on_arm(folder: Path, plain: Iterable[str], levelled: Iterable[str], driver: Path) -> tuple[str, str]:
    """(what the driver prints on emulated aarch64 with NEON, what it prints here with the scalar unit alone)."""
    plain, scalar = list(plain), [f"{name}_scalar.cpp" for name in levelled]
    neon = [f"{name}_neon.cpp" for name in levelled]
    arm = build(folder / "arm", CROSS, [*plain, *scalar, *neon], driver, ["-O3", "-static", "-DDOCBIN_NEON=1"])
    here = build(folder / "here", "g++", [*plain, *scalar], driver, ["-O3"])
    return run([str(EMULATOR), str(arm)]), run([str(here)])
