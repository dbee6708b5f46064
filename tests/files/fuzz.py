"""A mutation fuzzer for the readers: ``python -m tests.files.fuzz SECONDS [SEED]``.

Damaged files give pages or typed errors; anything else ends it with code 1.
"""

from __future__ import annotations

import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np

from .corpus import build_all
from .test_damage import _damaged, _survives


def fuzz(seconds: float, seed: int = 0) -> int:
    """Damage files of the corpus, one after the other, until `seconds` are over; the number tried. The failing bytes are kept in a file."""
    rng, tried = np.random.default_rng(seed), 0
    with tempfile.TemporaryDirectory(prefix="docbin-fuzz-") as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cases = [(case.path.name, case.path.read_bytes()[:200_000]) for case in build_all(Path(folder))]
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            name, data = cases[int(rng.integers(len(cases)))]
            damaged, start = _damaged(data, rng), time.process_time()
            try:
                _survives(damaged, name)
            except Exception as error:
                kept = Path(tempfile.gettempdir()) / f"docbin-fuzz-{seed}-{tried}-{name}"
                kept.write_bytes(damaged)
                raise AssertionError(f"{name}, try {tried} of seed {seed}, kept as {kept}: {error!r}") from error
            spent = time.process_time() - start
            assert spent < 20, f"{name}, try {tried} of seed {seed}: {spent:.0f} s of CPU for one file"
            tried += 1
    return tried


if __name__ == "__main__":
    print(fuzz(float(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0), "damaged files read")
