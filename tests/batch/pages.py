"""Small pages for the batch tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from docbin import batch
from docbin.files import PageWriter, open_pages


def grey(seed: int = 0, mark: int = 230, shape: tuple[int, int] = (60, 80)) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """A light page with dark strokes that differ by seed; `mark` is the top left pixel."""
    page = np.full(shape, 230, np.uint8)
    random = np.random.default_rng(seed)
    for row in range(8, shape[0] - 4, 8):
        start, stop = sorted(random.integers(6, shape[1] - 6, 2))
        page[row : row + 3, start : stop + 4] = 30
    page[0, 0] = mark
    return page


def save(path: Path, seed: int = 0, mark: int = 230) -> Path:
    """Write a page; the suffix says the format (JPEG may move a mark)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(grey(seed, mark)).save(path, dpi=(300, 300))
    return path


def save_many(path: Path, marks: Sequence[int], kind: str = "TIFF") -> Path:
    """Write a TIFF with a page a mark."""
    frames = [Image.fromarray(grey(seed, mark)) for seed, mark in enumerate(marks)]
    frames[0].save(path, kind, save_all=True, append_images=frames[1:], dpi=(300, 300))
    return path


def save_pdf(path: Path, count: int) -> Path:
    """Write a PDF of `count` scanned pages."""
    with PageWriter(path) as writer:
        for seed in range(count):
            writer.add(grey(seed) < 128, 300)
    return path


def ink_of(path: Path, page: int = 1) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """The ink in a written file."""
    with open_pages(path) as file:
        pixels = file.page(page).pixels
    assert set(np.unique(pixels)) <= {0, 255}
    return pixels == 0


def make_job(method: str = "half", params: dict[str, Any] | None = None, **more: Any) -> batch.Binarize:
    """A job with a row of the tests' own methods."""
    from tests.batch.faults import ROWS

    return batch.Binarize.create(ROWS[method], params, **more)


class Records(batch.Listener):
    """Keeps what it hears."""

    def __init__(self) -> None:
        self.all: list[batch.PageRecord] = []
        self.expected = 0
        self.steps = 0

    def expect(self, pages: int) -> None:
        self.expected += pages

    def step(self) -> None:
        self.steps += 1

    def page(self, record: batch.PageRecord) -> None:
        self.all.append(record)


def binarize(
    words: Sequence[str | Path],
    out: str | Path | None,
    spool: Path,
    job: batch.Job | None = None,
    *,
    overwrite: bool = False,
    resume: bool = False,
    **run: Any,
) -> tuple[batch.Summary, list[batch.PageRecord]]:
    """Plan and run; the summary and the records."""
    records = Records()
    plan = batch.plan(
        [str(word) for word in words],
        None if out is None else str(out),
        job or make_job(),
        spool=spool,
        overwrite=overwrite,
        resume=resume,
    )
    run.setdefault("jobs", 0)  # in this process, where nothing else is asked for: a process takes a second to start
    summary = batch.run(plan, listener=records, **run)
    worked = sum(record.status != "kept" for record in records.all)
    assert records.expected == records.steps == worked  # a bar that ends where the batch ends
    return summary, records.all


def files(folder: Path) -> set[str]:
    """Every file below a folder but docbin's own, by relative path."""
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and ".docbin" not in path.relative_to(folder).parts
    }


def leftovers(folder: Path) -> list[str]:
    """Unfinished files anywhere below a folder."""
    return [str(path) for path in folder.rglob("*") if path.name.startswith("run-") or path.name.endswith(".part")]
