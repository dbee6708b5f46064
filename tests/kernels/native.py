"""Native drivers of the C++ core: built outside Python, run under sanitizers or, compiled for aarch64, by an emulator.

A driver is a program of its own in this folder that runs kernels over odd shapes at every level, compares the levels byte by byte and prints one hash
of all scalar results. Which files belong to the core, and which flags a target gets, is read from the source tree and from CMakeLists.txt.
"""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from docbin.kernels import threads

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CSRC = ROOT / "docbin" / "csrc"
DRIVERS = tuple(sorted(path.stem.removesuffix("_driver") for path in HERE.glob("*_driver.cpp")))
FLAGS = ("-std=c++20", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-pthread", f"-I{CSRC}")
SANITIZED = ("-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
FAST = ("-O3",)
X86 = platform.machine().lower() in ("x86_64", "amd64")
X86_TARGETS = ("scalar", "avx2", "avx512", "avx512vnni", "avx512vpopcntdq")
NEON_TARGETS = ("scalar", "neon")
CROSS = "aarch64-linux-gnu-g++"
EMULATOR = shutil.which("qemu-aarch64-static") or shutil.which("qemu-aarch64")

needs_compiler = pytest.mark.skipif(shutil.which("g++") is None, reason="needs g++")
needs_arm = pytest.mark.skipif(
    shutil.which("g++") is None or shutil.which(CROSS) is None or EMULATOR is None,
    reason=f"needs g++, {CROSS} and qemu-aarch64 (apt-get install g++-aarch64-linux-gnu qemu-user)",
)


def target_flags() -> dict[str, list[str]]:
    """The flags that CMakeLists.txt gives each target beyond the baseline."""
    flags: dict[str, list[str]] = {}
    for name, words in re.findall(r"^set\((avx\w+) ([^)]*)\)", (ROOT / "CMakeLists.txt").read_text(encoding="utf-8"), re.MULTILINE):
        flags[name] = [flag for word in words.split() for flag in (flags[word[2:-1]] if word.startswith("${") else [word])]
    assert set(flags) == set(X86_TARGETS) - {"scalar"}
    return flags


def core(folder: Path, compiler: str, extra: tuple[str, ...], targets: tuple[str, ...]) -> list[Path]:
    """Object files of everything but the Python bindings, with these targets."""
    folder.mkdir(parents=True, exist_ok=True)
    sources = [path for path in sorted(CSRC.rglob("*.cpp")) if path.parent.name not in ("bind", "targets")]
    flags = target_flags()
    define = ["-DDOCBIN_X86=1"] if "avx2" in targets else ["-DDOCBIN_NEON=1"] if "neon" in targets else []

    def compiled(source: Path) -> Path:
        more = flags.get(source.stem, []) if source.parent.name == "targets" else []
        made = folder / f"{source.parent.name}-{source.stem}.o"
        _run([*_cached(compiler), *FLAGS, *extra, *define, *more, "-c", str(source), "-o", str(made)])
        return made

    with ThreadPoolExecutor(threads()) as pool:
        return list(pool.map(compiled, [*sources, *(CSRC / "targets" / f"{target}.cpp" for target in targets)]))


def driver(name: str, objects: list[Path], compiler: str, extra: tuple[str, ...]) -> Path:
    """A driver linked with the core."""
    program = objects[0].parent / f"{name}_driver"
    compiled = program.with_suffix(".o")
    _run([*_cached(compiler), *FLAGS, *extra, "-c", str(HERE / f"{name}_driver.cpp"), "-o", str(compiled)])
    _run([compiler, *extra, "-pthread", str(compiled), *map(str, objects), "-o", str(program)])
    return program


def _cached(compiler: str) -> list[str]:
    return ["ccache", compiler] if shutil.which("ccache") else [compiler]


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout


def run(program: Path, *emulator: str) -> tuple[str, list[str]]:
    """(what the driver prints of the scalar results, the levels it ran); fails with its output where levels differ."""
    said = _run([*emulator, str(program)])
    results, levels = said.rsplit(", levels ", 1)
    return results, levels.split()
