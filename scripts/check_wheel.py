"""Check an installed docbin as a user gets it: run in the environment that a wheel was installed into, from any folder.

    python scripts/check_wheel.py             # the compiled core, every model's checksum, the default method on the samples
    python scripts/check_wheel.py --pure      # the same of a build without the core

cibuildwheel runs it for every wheel ([tool.cibuildwheel] in pyproject.toml), and so does whoever makes a release.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

LEAST = 85.0
"""Mean F-measure of the default method on the five samples; with any weights that were fit to ship it has more."""


def problems(pure: bool) -> list[str]:
    """What is wrong with this install, a sentence each."""
    import docbin
    from docbin import benchmarks, kernels
    from docbin.zoo import folders

    found = []
    levels = kernels.levels()
    if pure != (levels == ("numpy",)):
        found.append(f"kernels: {', '.join(levels)}; {'none but numpy is' if pure else 'the compiled core is'} wanted")
    if not folders.names():
        found.append("no model is installed")
    for name in folders.names():
        config = folders.load_config(name)
        for entry in (config.weights, config.onnx, config.packed):
            if entry is not None:
                config.verified(entry)
    scores = []
    for pair in benchmarks.load("samples").pairs(benchmarks.data_root_of("samples", None)):
        ink = docbin.binarize(pair.image_path)
        scores.append(docbin.score(ink, benchmarks.truth_mask(pair.truth_path)).fm)
    mean = sum(scores) / max(len(scores), 1)
    if len(scores) != 5 or mean < LEAST:
        found.append(f"the default method has F-measure {mean:.1f} on {len(scores)} samples, at least {LEAST:g} on 5 is wanted")
    files = [str(file) for file in metadata.files("docbin") or ()]
    if not pure and not any("/sboms/" in file.replace("\\", "/") for file in files):
        found.append("no bill of materials (dist-info/sboms)")
    with tempfile.TemporaryDirectory() as folder:
        page = next(iter(benchmarks.load("samples").pairs(benchmarks.data_root_of("samples", None)))).image_path
        out = Path(folder) / "ink.tif"
        done = subprocess.run(
            [sys.executable, "-m", "docbin.cli", "binarize", str(page), "-o", str(out)], capture_output=True, text=True, cwd=folder
        )
        if done.returncode or not out.is_file():
            found.append(f"docbin binarize: exit code {done.returncode}, {done.stderr.strip()}")
    print(f"docbin {docbin.__version__}, Python {sys.version.split()[0]}, kernels {levels}, F-measure {mean:.1f}", file=sys.stderr)
    return found


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pure", action="store_true", help="a build without the compiled core is wanted")
    found = problems(parser.parse_args(argv).pure)
    for problem in found:
        print(problem, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
