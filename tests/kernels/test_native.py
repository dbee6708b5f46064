"""The C++ core outside Python: under the sanitizers, compiled for aarch64 and run by an emulator, and what its targets leave to the linker."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from docbin import kernels
from tests.kernels import native

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]  # compilers, and an emulator, on a machine that may be busy


@pytest.fixture(scope="module")
def sanitized(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    targets = native.X86_TARGETS if native.X86 else ("scalar",)
    return native.core(tmp_path_factory.mktemp("sanitized"), "g++", native.SANITIZED, targets)


@pytest.fixture(scope="module")
def fast(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    targets = native.X86_TARGETS if native.X86 else ("scalar",)
    return native.core(tmp_path_factory.mktemp("fast"), "g++", native.FAST, targets)


@pytest.fixture(scope="module")
def arm(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return native.core(tmp_path_factory.mktemp("arm"), native.CROSS, (*native.FAST, "-static"), native.NEON_TARGETS)


@native.needs_compiler
@pytest.mark.parametrize("name", native.DRIVERS)
def test_no_kernel_reads_or_writes_outside_its_memory(name: str, sanitized: list[Path]) -> None:
    """Every level of this machine under AddressSanitizer and UndefinedBehaviorSanitizer, and all equal."""
    _, levels = native.run(native.driver(name, sanitized, "g++", native.SANITIZED))
    compiled = [level for level in kernels.levels() if level != "numpy"]
    assert levels == (compiled or levels)


@native.needs_arm
@pytest.mark.parametrize("name", native.DRIVERS)
def test_neon_equals_scalar_and_this_machine(name: str, arm: list[Path], fast: list[Path]) -> None:
    """The driver compares NEON with aarch64's own scalar target; the hash compares that with this machine's."""
    there, levels = native.run(native.driver(name, arm, native.CROSS, (*native.FAST, "-static")), str(native.EMULATOR))
    assert levels == ["scalar", "neon"]
    here, _ = native.run(native.driver(name, fast, "g++", native.FAST))
    assert there == here


@native.needs_compiler
def test_targets_leave_the_linker_no_choice(fast: list[Path]) -> None:
    """A weak symbol of a target (an inline function of the standard library) could be the one that the whole program gets, made for AVX-512."""
    targets = [path for path in fast if path.name.startswith("targets-")]
    assert targets
    for path in targets:
        symbols = subprocess.run(["nm", "-C", str(path)], capture_output=True, text=True, check=True).stdout.splitlines()
        assert [line for line in symbols if line[17:18] in ("W", "V", "u")] == [], path.name
