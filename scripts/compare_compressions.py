"""Bytes of bilevel pages in CCITT G4 and JBIG2, folder by folder, as a Markdown table; beside jbig2enc's generic mode where its program is named.

    python scripts/compare_compressions.py FOLDER... [--jbig2enc /path/to/jbig2]

Each FOLDER holds pages of ink, dark on light (the ground truths of a DIBCO year, for instance). Speed is megapixels a second of CPU time on one core,
both ways of row prediction tried, as the writer does.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from docbin.files.write_tiff import group4
from docbin.pdf import jbig2


def by_jbig2enc(program: str, mask: np.ndarray, folder: Path) -> int:
    """Bytes of jbig2enc's generic mode for a PDF, the smaller of both of its row predictions."""
    path = folder / "page.png"
    Image.fromarray(~mask).save(path)
    made = [subprocess.run([program, *more, "-p", str(path)], check=True, capture_output=True).stdout for more in ([], ["-d"])]
    return min(map(len, made))


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--jbig2enc")
    asked = parser.parse_args(argv)
    print("| pages | number | G4, bytes | JBIG2, bytes | smaller by | jbig2enc, bytes | megapixels/s |\n|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        for folder in asked.folders:
            count, pixels, seconds, g4, ours, theirs = 0, 0, 0.0, 0, 0, 0
            for path in sorted(file for file in folder.iterdir() if file.is_file()):
                mask = np.array(Image.open(path).convert("L")) < 128
                start = time.process_time()
                code = jbig2.encode(mask)
                seconds += time.process_time() - start
                count, pixels, g4, ours = count + 1, pixels + mask.size, g4 + len(group4(mask)), ours + len(code)
                theirs += by_jbig2enc(asked.jbig2enc, mask, Path(name)) if asked.jbig2enc else 0
            label = folder.parent.name if folder.name in ("gt", "truth") else folder.name
            speed, enc = f"{pixels / 1e6 / max(1e-9, seconds):,.0f}", f"{theirs:,}" if asked.jbig2enc else ""
            print(f"| {label} | {count} | {g4:,} | {ours:,} | {1 - ours / g4:.1%} | {enc} | {speed} |")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
