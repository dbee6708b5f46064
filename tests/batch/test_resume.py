"""A batch that was stopped and is resumed: whole pages, none twice."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from docbin.batch.output_folder import MANIFEST, OutputFolder
from docbin.errors import UsageError
from tests.batch.pages import binarize, files, grey, ink_of, leftovers, make_job, save, save_many, save_pdf

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    folder = tmp_path / "spool"
    folder.mkdir()
    return folder


def stamps(folder: Path) -> dict[str, tuple[int, int]]:
    """(mtime_ns, inode) of every output: a file made again has others."""
    return {name: ((folder / name).stat().st_mtime_ns, (folder / name).stat().st_ino) for name in files(folder)}


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """Six single pages, one document, one folder below."""
    for seed in range(5):
        save(tmp_path / f"scans/p{seed}.png", seed)
    save(tmp_path / "scans/deep/p5.png", 5)
    save_many(tmp_path / "scans/book.tif", [9] * 6)
    return tmp_path / "scans"


def check_whole(out: Path, format: str | None = None) -> None:
    """Every page is there and right."""
    if format is None:
        assert files(out) == {*(f"p{seed}.png" for seed in range(5)), "deep/p5.png", "book.tif"}
        for seed in range(6):
            assert (ink_of(out / "book.tif", seed + 1) == (grey(seed, 9) < 128)).all()
    for seed in range(6):
        assert (ink_of(out / ("deep/p5.png" if seed == 5 else f"p{seed}.png")) == (grey(seed) < 128)).all()


def test_a_finished_batch_is_not_done_again(tmp_path: Path, spool: Path, scans: Path) -> None:
    binarize([scans], tmp_path / "out", spool)
    before = stamps(tmp_path / "out")
    report = tmp_path / "report.jsonl"
    summary, _records = binarize([scans], tmp_path / "out", spool, resume=True, report=report)
    assert summary.counts == {"kept": 12}
    assert stamps(tmp_path / "out") == before
    lines = [json.loads(line) for line in report.read_text().splitlines()]
    assert len(lines) == 12  # the report of a resumed batch is a report of the whole batch
    assert all(line["status"] == "kept" and line["ink"] > 0 and line["size"] == [80, 60] for line in lines)
    assert summary.exit_code == 0


def test_an_input_that_changed_is_made_again(tmp_path: Path, spool: Path) -> None:
    page = save(tmp_path / "p.png", 1)
    binarize([page], tmp_path / "out", spool)
    save(page, 2)
    assert binarize([page], tmp_path / "out", spool, resume=True)[0].counts == {"done": 1}
    assert (ink_of(tmp_path / "out/p.png") == (grey(2) < 128)).all()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"method": "first_slow"}, "made with half, not first_slow"),
        ({"params": {"unused": 2}}, "made with unused=1, not unused=2"),
        ({"dpi": 200}, "made with --dpi (none), not --dpi 200"),
        ({"format": "tiff"}, "made with --format (none), not --format tiff"),
        ({"weights": "0" * 64}, "made with other weights of half"),
        ({"version": "99"}, "not docbin 99"),
    ],
)
def test_resume_with_other_settings_is_refused_and_overwrite_makes_again(
    tmp_path: Path, spool: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], says: str
) -> None:
    pages = [save(tmp_path / f"p{seed}.png", seed) for seed in range(3)]
    binarize(pages[:2], tmp_path / "out", spool)
    before = stamps(tmp_path / "out")
    job = make_job(**{name: value for name, value in change.items() if name not in ("weights", "version")})
    if "weights" in change:
        job = replace(job, row=replace(job.row, sha256=change["weights"]))
    if "version" in change:
        monkeypatch.setattr("docbin.__version__", change["version"])
    with pytest.raises(UsageError, match=re.escape(says)) as caught:
        binarize(pages, tmp_path / "out", spool, job, resume=True)
    assert "--overwrite" in str(caught.value)
    assert stamps(tmp_path / "out") == before  # nothing half and half
    summary, _ = binarize(pages, tmp_path / "out", spool, job, resume=True, overwrite=True)
    assert summary.counts == {"done": 3}


def test_other_pages_of_a_split_document_are_no_other_settings(tmp_path: Path, spool: Path) -> None:
    book = save_many(tmp_path / "book.tif", [9] * 4)
    binarize([book], tmp_path / "out", spool, make_job(format="png", pages="1-2"))
    summary, _ = binarize([book], tmp_path / "out", spool, make_job(format="png", pages="3-4"), resume=True)
    assert summary.counts == {"done": 2}
    assert len(files(tmp_path / "out")) == 4


@pytest.mark.parametrize("kinds", [("a.bmp", "a.png"), ("book.tif", "book.pdf")])
@pytest.mark.parametrize("first", [0, 1])
def test_resume_gives_the_names_of_an_uninterrupted_run(tmp_path: Path, spool: Path, kinds: tuple[str, str], first: int) -> None:
    inputs = []
    for name in kinds:
        path = tmp_path / "scans" / name
        path.parent.mkdir(exist_ok=True)
        inputs.append(save_pdf(path, 2) if name.endswith("pdf") else save_many(path, [9, 9]) if name.endswith("tif") else save(path))
    binarize(inputs, tmp_path / "whole", spool)
    binarize(inputs, tmp_path / "out", spool)
    lost = sorted(files(tmp_path / "out"))[first]
    (tmp_path / "out" / lost).unlink()  # as after an interruption
    manifest = tmp_path / "out/.docbin" / MANIFEST
    manifest.write_text("".join(line for line in manifest.read_text().splitlines(keepends=True) if json.loads(line)["output"] != lost))
    summary, _ = binarize(inputs, tmp_path / "out", spool, resume=True)
    assert summary.counts["failed"] == 0
    assert files(tmp_path / "out") == files(tmp_path / "whole")


def test_two_runs_into_one_folder_keep_each_other_s_pages(tmp_path: Path, spool: Path) -> None:
    """Started together without --overwrite: every name is written once, and one run says of it that it exists."""
    for name in ("one", "two"):
        for seed in range(8):
            save(tmp_path / name / f"p{seed}.png", seed + (100 if name == "two" else 0))
    program = (
        "import sys\nfrom pathlib import Path\n"
        f"sys.path.insert(0, {str(CHECKOUT)!r})\n"
        "from tests.batch.pages import binarize, make_job\n"
        "inputs = sorted(Path(sys.argv[1]).iterdir())\n"
        "_, records = binarize(inputs, sys.argv[2], Path(sys.argv[3]), make_job('slow', {'seconds': 0.02}))\n"
        "print(*[int(record.status == 'done') for record in records])\n"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", program, tmp_path / name, tmp_path / "out", spool], stdout=subprocess.PIPE, text=True)
        for name in ("one", "two")
    ]
    done = [[word == "1" for word in process.communicate(timeout=120)[0].split()] for process in running]
    for seed in range(8):
        assert done[0][seed] != done[1][seed]
        whose = seed if done[0][seed] else seed + 100
        assert (ink_of(tmp_path / f"out/p{seed}.png") == (grey(whose) < 128)).all()


def test_a_page_that_failed_is_tried_again(tmp_path: Path, spool: Path) -> None:
    good, bad = save(tmp_path / "good.png"), tmp_path / "bad.png"
    bad.write_bytes(b"")
    assert binarize([good, bad], tmp_path / "out", spool)[0].exit_code == 6
    save(bad, 4)
    summary, _ = binarize([good, bad], tmp_path / "out", spool, resume=True)
    assert summary.counts == {"kept": 1, "done": 1}
    assert summary.exit_code == 0


def test_an_output_that_vanished_is_made_again_and_one_that_was_edited_is_left(tmp_path: Path, spool: Path, scans: Path) -> None:
    binarize([scans], tmp_path / "out", spool)
    (tmp_path / "out/p1.png").unlink()
    (tmp_path / "out/p2.png").write_text("edited")
    summary, records = binarize([scans], tmp_path / "out", spool, resume=True)
    assert summary.counts == {"kept": 10, "done": 1, "failed": 1}
    assert (tmp_path / "out/p2.png").read_text() == "edited"
    assert "was changed since" in next(record.error.message for record in records if record.error is not None)


def test_a_split_document_is_resumed_by_page(tmp_path: Path, spool: Path) -> None:
    book = save_many(tmp_path / "book.tif", [9] * 5)
    binarize([book], tmp_path / "out", spool, make_job(format="png"))
    (tmp_path / "out/book.p0003.png").unlink()
    before = stamps(tmp_path / "out")
    summary, records = binarize([book], tmp_path / "out", spool, make_job(format="png"), resume=True)
    assert summary.counts == {"kept": 4, "done": 1}
    assert [record.page for record in records if record.status == "done"] == [3]
    assert before.items() <= stamps(tmp_path / "out").items()


def test_names_stay_when_inputs_are_added(tmp_path: Path, spool: Path) -> None:
    first = save(tmp_path / "scans/a.png", 1)
    binarize([tmp_path / "scans"], tmp_path / "out", spool)
    before = stamps(tmp_path / "out")
    save(first.with_suffix(".tif"), 2)
    binarize([tmp_path / "scans"], tmp_path / "out", spool, resume=True)
    assert files(tmp_path / "out") == {"a.png", "a.tif.png"}
    assert stamps(tmp_path / "out")["a.png"] == before["a.png"]


def test_the_moved_output_folder_can_be_resumed(tmp_path: Path, spool: Path, scans: Path) -> None:
    binarize([scans], tmp_path / "out", spool)
    shutil.copytree(tmp_path / "out", tmp_path / "moved")
    assert binarize([scans], tmp_path / "moved", spool, resume=True)[0].counts == {"kept": 12}


def test_results_beside_the_inputs_and_named_files_can_be_resumed(tmp_path: Path, spool: Path) -> None:
    pages = [save(tmp_path / f"p{seed}.png", seed) for seed in range(3)]
    binarize(pages, None, spool)
    assert binarize(pages, None, spool, resume=True)[0].counts == {"kept": 3}
    binarize(pages[:1], tmp_path / "x.png", spool, resume=True)
    assert binarize(pages[:1], tmp_path / "x.png", spool, resume=True)[0].counts == {"kept": 1}
    assert binarize(pages[:1], tmp_path / "y.png", spool, resume=True)[0].counts == {"done": 1}


@pytest.mark.parametrize("torn", [b'{"key": "12', b"\xff\xfe garbage \n", b'{"key": "abc"}\n', b"[]\n\n"])
def test_a_torn_or_foreign_manifest_line_is_no_line(tmp_path: Path, spool: Path, scans: Path, torn: bytes) -> None:
    binarize([scans], tmp_path / "out", spool)
    manifest = tmp_path / "out/.docbin" / MANIFEST
    with manifest.open("ab") as file:
        file.write(torn)
    save(scans / "p9.png", 9)
    assert binarize([scans], tmp_path / "out", spool, resume=True)[0].counts == {"kept": 12, "done": 1}
    assert binarize([scans], tmp_path / "out", spool, resume=True)[0].counts == {"kept": 13}


def test_two_batches_at_a_time_leave_each_other_alone(tmp_path: Path, spool: Path) -> None:
    one = OutputFolder(tmp_path, keep=True, remember=False)
    one.open()
    staged = one.staged(".png")
    staged.write_bytes(b"in work")
    two = OutputFolder(tmp_path, keep=True, remember=True)
    two.open()
    assert staged.read_bytes() == b"in work"
    two.close()
    one.commit(
        staged,
        tmp_path / "x.png",
        {"key": "k", "input": "", "stem": "x", "page": None, "wanted": 1, "records": []},
        overwrite=False,
        resume=False,
    )
    one.close()
    assert files(tmp_path) == {"x.png"}
    assert leftovers(tmp_path) == []


BATCH = """
import os, signal, sys
sys.path.insert(0, {checkout!r})
from pathlib import Path
from docbin import batch
from tests.batch.pages import make_job
from docbin.batch import output_folder

calls = 0

def kill_at(count):
    global calls
    calls += 1
    if calls == count:
        os.kill(os.getpid(), signal.SIGKILL)

def watch(module, name, count, before):
    real = getattr(module, name)
    def watched(*args, **more):
        if before == "torn":
            descriptor, data = args
            global calls
            calls += 1
            if calls == count:
                real(descriptor, data[: len(data) // 2])
                os.kill(os.getpid(), signal.SIGKILL)
            return real(descriptor, data)
        if before == "before":
            kill_at(count)
        value = real(*args, **more)
        if before == "after":
            kill_at(count)
        return value
    setattr(module, name, watched)

if __name__ == "__main__":
    words, out, spool, jobs, seconds, where, count, how = sys.argv[1:]
    if where == "line":
        watch(os, "write", int(count), how)
    elif where == "sync":
        watch(os, "fsync", int(count), how)
    elif where == "rename":
        watch(Path, "replace", int(count), how)
    elif where == "lock":
        watch(output_folder, "_lock", int(count), how)
    elif where == "staged":
        watch(output_folder.OutputFolder, "staged", int(count), how)
    what = make_job("slow", {{"seconds": float(seconds)}})
    plan = batch.plan([words], out, what, spool=Path(spool), resume=True)
    batch.run(plan, jobs=int(jobs), report=Path(out).parent / "report.jsonl")
"""


def start(
    tmp_path: Path, scans: Path, jobs: int, seconds: float, where: str = "", count: int = 0, how: str = ""
) -> subprocess.Popen[bytes]:
    """The batch as a process of its own, in a process group of its own."""
    program = tmp_path / "batch_to_kill.py"
    program.write_text(BATCH.format(checkout=str(CHECKOUT)))
    words = [str(scans), str(tmp_path / "out"), str(tmp_path / "spool"), str(jobs), str(seconds), where, str(count), how]
    return subprocess.Popen([sys.executable, str(program), *words], start_new_session=True, stderr=subprocess.PIPE)


def check_resumed(tmp_path: Path, scans: Path) -> None:
    """After a kill: what stands under a final name is whole; resuming makes only the rest and leaves no unfinished file."""
    out = tmp_path / "out"
    before = stamps(out) if out.exists() else {}
    for name in before:
        ink_of(out / name)
    made = {json.loads(line)["output"] for line in _manifest_lines(out)}
    assert set(before) <= made  # nothing has a final name without a line: so nothing finished can be made twice
    summary, records = binarize([scans], out, tmp_path / "spool", make_job("slow", {"seconds": 0.0}), resume=True)
    again = [record.output for record in records if record.status == "done"]
    kept = [record.output for record in records if record.status == "kept"]
    assert summary.counts.total() == 12
    assert {str(out / name) for name in before} <= {*kept}
    assert not {str(out / name) for name in made} & {*again}
    assert before.items() <= stamps(out).items()
    assert leftovers(out) == []
    check_whole(out)


def _manifest_lines(out: Path) -> list[str]:
    manifest = out / ".docbin" / MANIFEST
    if not manifest.exists():
        return []
    return [line for line in manifest.read_text().split("\n")[:-1] if line]


@pytest.mark.parametrize(
    ("where", "count", "how"),
    [
        ("staged", 1, "before"),
        ("staged", 4, "after"),
        ("line", 1, "before"),
        ("line", 3, "torn"),
        ("line", 3, "after"),
        ("sync", 9, "after"),
        ("lock", 1, "before"),
        ("rename", 1, "before"),
        ("rename", 2, "before"),
        ("rename", 3, "before"),
        ("rename", 5, "after"),
        ("rename", 7, "before"),
    ],
)
def test_killed_at_each_step_of_finishing_a_page(tmp_path: Path, spool: Path, scans: Path, where: str, count: int, how: str) -> None:
    killed = start(tmp_path, scans, 0, 0.0, where, count, how)
    killed.communicate(timeout=60)
    assert killed.returncode == -signal.SIGKILL
    check_resumed(tmp_path, scans)


@pytest.mark.parametrize("jobs", [1, 2])
def test_killed_with_its_workers_at_any_moment(tmp_path: Path, spool: Path, scans: Path, jobs: int) -> None:
    running = start(tmp_path, scans, jobs, 0.05)
    deadline = time.monotonic() + 30
    while not _manifest_lines(tmp_path / "out") and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(random.Random(jobs).uniform(0, 0.3))
    os.killpg(running.pid, signal.SIGKILL)
    running.communicate(timeout=60)
    check_resumed_with(tmp_path, scans, 0.05)


def check_resumed_with(tmp_path: Path, scans: Path, seconds: float) -> None:
    """As `check_resumed`, where the settings of the killed batch had a pause."""
    out = tmp_path / "out"
    before = stamps(out) if out.exists() else {}
    summary, _ = binarize([scans], out, tmp_path / "spool", make_job("slow", {"seconds": seconds}), resume=True)
    assert summary.counts.total() == 12
    assert summary.counts["kept"] >= len(before)
    assert before.items() <= stamps(out).items()
    assert leftovers(out) == []
    check_whole(out)


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 3])
def test_killed_again_and_again_until_done(tmp_path: Path, spool: Path, scans: Path, jobs: int) -> None:
    chance = random.Random(7)
    before: dict[str, tuple[int, int]] = {}
    for attempt in range(40):
        running = start(tmp_path, scans, jobs, 0.05)
        try:
            running.communicate(timeout=min(60.0, chance.uniform(0.3, 1.6) * 1.15**attempt))  # a slow machine gets there, too
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)
            running.communicate()
        now = stamps(tmp_path / "out") if (tmp_path / "out").exists() else {}
        assert before.items() <= now.items()  # what was finished has not been touched again
        before = now
        if running.returncode == 0:
            break
    assert running.returncode == 0, running.stderr
    check_resumed_with(tmp_path, scans, 0.05)
    assert stamps(tmp_path / "out") == before


def test_only_the_parent_killed_takes_its_workers_along(tmp_path: Path, spool: Path, scans: Path) -> None:
    running = start(tmp_path, scans, 2, 5.0)
    deadline = time.monotonic() + 30
    workers: list[int] = []
    while len(workers) < 2 and time.monotonic() < deadline:
        workers = [pid for pid in _children(running.pid) if "spawn_main" in _command(pid)]
        time.sleep(0.05)
    assert workers
    time.sleep(1.0)
    os.kill(running.pid, signal.SIGKILL)
    running.communicate(timeout=60)
    deadline = time.monotonic() + 10
    while any("spawn_main" in _command(pid) for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any("spawn_main" in _command(pid) for pid in workers)


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""
