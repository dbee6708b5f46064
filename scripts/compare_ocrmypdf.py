"""Ten scanned PDFs through OCRmyPDF, as they are and with docbin: size, character errors of the text layer, seconds; a table for the docs.

    python scripts/compare_ocrmypdf.py --data ../shared/data/ocr --rows rows.json -o docs/ocrmypdf.md

The pages are those of the transcribed set (``items.json``, ``images/``, ``text/``), two of each kind, each as a JPEG of quality 85 in a PDF of its
own. Seconds are of the CPU, of OCRmyPDF and all it starts, so that they compare on a busy machine. Finished rows are kept in the file --rows, and a
second run goes on from there.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from docbin.zoo.cards import with_table

WAYS = {"as it is": (), "--docbin": ("--docbin",), "--docbin --docbin-final": ("--docbin", "--docbin-final")}
RUN = "import os, sys; os.nice = lambda step: 0; from ocrmypdf.__main__ import run; sys.exit(run(sys.argv[1:]))"


def chosen(data: Path, each: int) -> list[dict[str, Any]]:
    """So many pages of each kind, by name."""
    kinds: dict[str, list[dict[str, Any]]] = {}
    for item in sorted(json.loads((data / "items.json").read_text()), key=lambda item: item["id"]):
        kinds.setdefault(item["kind"], []).append(item)
    return [item for items in kinds.values() for item in items[:each]]


def scanned(picture: Path, dpi: int, to: Path) -> None:
    """A picture as a scanner's PDF."""
    import img2pdf
    from PIL import Image

    file = io.BytesIO()
    with Image.open(picture) as image:
        image.convert("RGB").save(file, "JPEG", quality=85, dpi=(dpi, dpi))
    to.write_bytes(img2pdf.convert(file.getvalue(), nodate=True))


def measured(pdf: Path, language: str, options: Sequence[str], folder: Path) -> tuple[int, str, float]:
    """Bytes of the output, its text, CPU seconds."""
    out, text = folder / "out.pdf", folder / "out.txt"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-c", RUN, "-q", "-l", language, "--jobs", "1", *options, "--sidecar", str(text), str(pdf), str(out)]
    subprocess.run(command, check=True, env={**os.environ, "OMP_THREAD_LIMIT": "1", "DOCBIN_THREADS": "1"})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return out.stat().st_size, text.read_text(encoding="utf-8"), after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def row(item: dict[str, Any], data: Path) -> dict[str, Any]:
    """One page, all ways."""
    from docbin.benchmarks.text_truth import normalized
    from docbin.metrics.text import text_errors

    dpi = round(item["dpi"][0]) if item.get("dpi") else 300
    truth = normalized((data / "text" / f"{item['id']}.txt").read_text(encoding="utf-8"))
    made: dict[str, Any] = {"id": item["id"], "kind": item["kind"], "language": item["lang"]}
    with tempfile.TemporaryDirectory() as name:
        pdf = Path(name, "scan.pdf")
        scanned(next(data.glob(f"images/{item['id']}.*")), dpi, pdf)
        made["input"] = pdf.stat().st_size
        for way, options in WAYS.items():
            size, text, seconds = measured(pdf, item["lang"], options, Path(name))
            rates = text_errors(normalized(text), truth).rates()
            made[way] = {"size": size, "cer": rates["cer"], "bag_cer": rates["bag_cer"], "seconds": seconds}
    return made


def table(rows: Sequence[dict[str, Any]]) -> str:
    """The rows in Markdown, and their means."""
    heads = ["scan", *(f"{what}, {way}" for what in ("kB", "character error %", "CPU s") for way in WAYS)]
    heads = [head for head in heads if head not in ("kB, --docbin", "character error %, --docbin --docbin-final")]
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    last = "--docbin --docbin-final"

    def cells(of: Any) -> list[str]:
        sizes = [f"{of(way, 'size') / 1000:.0f}" for way in ("as it is", last)]
        errors = [f"{of(way, 'cer'):.1f}" for way in ("as it is", "--docbin")]
        return [*sizes, *errors, *(f"{of(way, 'seconds'):.1f}" for way in WAYS)]

    for one in rows:
        lines.append("| " + " | ".join([one["id"], *cells(lambda way, what, one=one: one[way][what])]) + " |")
    mean = cells(lambda way, what: sum(one[way][what] for one in rows) / len(rows))
    lines.append("| " + " | ".join(["**mean**", *mean]) + " |")
    return "\n".join(lines) + "\n"


def versions() -> str:
    """What was measured with."""
    from importlib import metadata

    tesseract = subprocess.run(["tesseract", "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
    return f"OCRmyPDF {metadata.version('ocrmypdf')}, Tesseract {tesseract}, docbin {metadata.version('docbin')}"


def main(argv: Sequence[str] | None = None) -> int:
    """Measure what is not measured yet, write the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the transcribed pages")
    parser.add_argument("-o", "--out", type=Path, required=True, help="the page that the table stands in, Markdown")
    parser.add_argument("--each", type=int, default=2, help="pages of each kind")
    parser.add_argument("--rows", type=Path, required=True, help="finished rows, JSON")
    given = parser.parse_args(argv)
    if shutil.which("tesseract") is None:
        parser.error("the program tesseract is not on PATH")
    rows: list[dict[str, Any]] = json.loads(given.rows.read_text()) if given.rows.exists() else []
    for item in chosen(given.data, given.each):
        if item["id"] not in {one["id"] for one in rows}:
            rows.append(row(item, given.data))
            given.rows.write_text(json.dumps(rows, indent=1))
            print(json.dumps(rows[-1]), flush=True)
    made = f"\n{table(rows)}\nMeasured with {versions()}.\n"
    given.out.write_text(with_table(given.out.read_text(encoding="utf-8"), "ocrmypdf", made), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
