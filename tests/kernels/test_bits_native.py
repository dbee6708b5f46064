"""The 1-bit units outside Python (convolutions, and whole networks): under the sanitizers, and compiled for aarch64 and run by an emulator."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kernels import native

HERE = Path(__file__).parent
ENGINE = ("levels.cpp", "edge.cpp", "engine_network.cpp", "engine_worker.cpp", "lines_map.cpp", "lines_program.cpp", "stem.cpp")
DRIVERS = {
    "bits": (("levels.cpp", "bits_conv.cpp", "pixels_conv.cpp"), ("bits", "pixels"), HERE / "bits_driver.cpp"),
    "engine": (ENGINE, ("lines", "head", "stem", "edge"), HERE / "engine_driver.cpp"),
}


@pytest.mark.slow
@pytest.mark.timeout(1800)  # compilers, and an emulator, on a machine that may be busy
@pytest.mark.parametrize("name", DRIVERS)
@native.needs_compiler
def test_no_unit_reads_or_writes_outside_its_memory(name: str, tmp_path: Path) -> None:
    assert "hash" in native.run_sanitized(tmp_path, *DRIVERS[name])


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", DRIVERS)
@native.needs_arm
def test_neon_equals_scalar_and_this_machine(name: str, tmp_path: Path) -> None:
    """The driver compares NEON with aarch64's own scalar unit; the hash compares that with this machine's."""
    arm, here = native.run_on_arm(tmp_path, *DRIVERS[name])
    assert arm.split("levels ")[1].split() == ["scalar", "neon"]
    assert arm.split(", levels")[0] == here.split(", levels")[0]
