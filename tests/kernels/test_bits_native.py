"""The 1-bit units outside Python (binary convolution, stem): under the sanitizers, and compiled for aarch64 and run by an emulator."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kernels import native

DRIVER = Path(__file__).with_name("bits_driver.cpp")
PLAIN, LEVELLED = ("levels.cpp", "bits_conv.cpp"), ("bits", "stem")


@pytest.mark.slow
@pytest.mark.timeout(1800)  # compilers, and an emulator, on a machine that may be busy
@native.needs_compiler
def test_no_unit_reads_or_writes_outside_its_memory(tmp_path: Path) -> None:
    assert "hash" in native.run_sanitized(tmp_path, PLAIN, LEVELLED, DRIVER)


@pytest.mark.slow
@pytest.mark.timeout(1800)  # compilers, and an emulator, on a machine that may be busy
@native.needs_arm
def test_neon_equals_scalar_and_this_machine(tmp_path: Path) -> None:
    """The driver compares NEON with aarch64's own scalar unit; the hash compares that with this machine's."""
    arm, here = native.run_on_arm(tmp_path, PLAIN, LEVELLED, DRIVER)
    assert arm.split("levels ")[1].split() == ["scalar", "neon"]
    assert arm.split(", levels")[0] == here.split(", levels")[0]
