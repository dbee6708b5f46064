"""Batches on a Ray cluster of this machine: the bytes of the local engine, whatever dies meanwhile."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ray", reason="needs docbin[cluster]")
pytest.importorskip("ray.data", reason="needs docbin[cluster]")

import ray

from docbin import batch
from docbin.cluster import ray_engine
from tests.batch.faults import HANGS, KILLED, NO_MEMORY, RAISES, SEGFAULT
from tests.batch.pages import Records, binarize, files, make_job, save, save_many
from tests.files.test_tar import archive

pytestmark = pytest.mark.slow
CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A head that does nothing, and two nodes of one CPU."""
    from ray.cluster_utils import Cluster

    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = str(CHECKOUT)
    os.environ["RAY_worker_niceness"] = "0"  # noqa: SIM112 - else the actors wait for whatever else this machine does
    try:
        made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "object_store_memory": 80 << 20, "include_dashboard": False})
        nodes = [made.add_node(num_cpus=1, object_store_memory=80 << 20) for _ in range(2)]
        made.wait_for_nodes()
    except Exception as error:  # Ray gives a node 30 s to start, which a very busy machine may need more than
        pytest.skip(f"no Ray cluster starts on this machine: {error}")
    ray.init(address=made.address, log_to_driver=False, logging_level="ERROR")
    made.workers = nodes
    yield made
    ray.shutdown()
    made.shutdown()
    os.environ.pop("PYTHONPATH")
    if before is not None:
        os.environ["PYTHONPATH"] = before


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    folder = tmp_path / "spool"
    folder.mkdir()
    return folder


def on_ray(
    words: list[Path | str], out: Path | str, spool: Path, job: batch.Job | None = None, *, jobs: int = 2, **more: Any
) -> tuple[Any, Any]:
    """As tests.batch.pages.binarize, on the cluster."""
    records = Records()
    plan = batch.plan([str(word) for word in words], str(out), job or make_job(), spool=spool, **more)
    return ray_engine.run(plan, jobs=jobs, listener=records, page_seconds=20.0), records.all


def same(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in files(folder)}


def units_of(records: list[batch.PageRecord]) -> list[tuple[str, int | None]]:
    return sorted((record.input, record.page or 0) for record in records)


def spilled() -> int:
    """Bytes that object stores of the cluster have written to the disk."""
    from ray._private.internal_api import memory_summary

    text = memory_summary(stats_only=True)
    found = [line for line in text.splitlines() if "Spilled" in line]
    return 0 if not found else int(found[0].split("Spilled")[1].split()[0])


class Watch(threading.Thread):
    """Looks at an output folder while it is filled: whatever can be seen there must be a whole output of the local engine's, at any moment."""

    def __init__(self, folder: Path, expected: dict[str, bytes], act: Callable[[int], bool]) -> None:
        """`act` is called with the number of outputs so far, until it returns False."""
        super().__init__(daemon=True)
        self.folder, self.expected, self.act = folder, expected, act
        self.wrong: list[str] = []
        self.seen: set[str] = set()
        self.end = threading.Event()
        self.start()

    def run(self) -> None:
        acting = True
        while not self.end.wait(0.1):
            now = files(self.folder) if self.folder.exists() else set()
            for name in now - self.seen:
                if (self.folder / name).read_bytes() != self.expected.get(name):
                    self.wrong.append(name)
            self.seen |= now
            acting = acting and self.act(len(now))

    def stop(self) -> None:
        self.end.set()
        self.join()
        assert self.wrong == []
        assert self.seen


def actor_pids() -> list[int]:
    """Processes of this test's actors."""
    found = subprocess.run(["pgrep", "-f", "^ray::.*(UnitActor|MapWorker|MapBatches)"], capture_output=True, text=True, check=False)
    return [int(word) for word in found.stdout.split()]


@pytest.mark.parametrize(
    "marks",
    [
        pytest.param([230, RAISES, KILLED, 230], id="quick"),
        pytest.param([230, RAISES, KILLED, HANGS, NO_MEMORY, SEGFAULT, 230, 230], id="every-fault"),
    ],
)
def test_a_batch_is_as_on_this_machine(cluster: Any, tmp_path: Path, spool: Path, marks: list[int]) -> None:
    for seed, mark in enumerate(marks):
        save(tmp_path / f"scans/p{seed}.png", seed, mark)
    save_many(tmp_path / "scans/book.tif", [230] * 4)
    (tmp_path / "scans/broken.jpg").write_bytes(b"\xff\xd8\xff")
    job = make_job("marked")
    records = Records()
    plan = batch.plan([str(tmp_path / "scans")], str(tmp_path / "ray"), job, spool=spool)
    summary = ray_engine.run(plan, jobs=2, listener=records, page_seconds=6.0)
    local, expected = binarize([tmp_path / "scans"], tmp_path / "local", spool, job, jobs=1, page_seconds=6.0)
    assert same(tmp_path / "ray") == same(tmp_path / "local")
    good = marks.count(230) + 4
    assert summary.counts == local.counts == {"done": good, "failed": len(marks) + 5 - good}
    assert units_of(records.all) == units_of(expected)
    assert {r.input: r.error.type for r in records.all if r.error} == {r.input: r.error.type for r in expected if r.error}
    assert records.expected == records.steps
    again, kept = on_ray([tmp_path / "scans"], tmp_path / "ray", spool, job, resume=True)
    assert again.counts["kept"] == good
    assert sum(record.status == "kept" for record in kept) == good


def test_two_thousand_small_files(cluster: Any, tmp_path: Path, spool: Path) -> None:
    first = save(tmp_path / "scans/p0.png", 0)
    for number in range(1, 2000):
        (tmp_path / f"scans/p{number}.png").write_bytes(first.read_bytes())
    summary, records = on_ray([tmp_path / "scans"], tmp_path / "ray", spool)
    assert summary.counts == {"done": 2000}
    assert len({record.input for record in records}) == 2000
    assert len(files(tmp_path / "ray")) == 2000
    assert spilled() == 0


def test_an_actor_that_is_killed_is_replaced(cluster: Any, tmp_path: Path, spool: Path) -> None:
    for seed in range(60):
        save(tmp_path / f"scans/p{seed}.png", seed)
    binarize([tmp_path / "scans"], tmp_path / "local", spool, make_job("slow", {"seconds": 0.0}))
    killed: list[int] = []

    def kill(outputs: int) -> bool:
        if outputs >= 10 * (1 + len(killed)):
            for pid in [pid for pid in actor_pids() if pid not in killed][:1]:
                os.kill(pid, signal.SIGKILL)
                killed.append(pid)
        return len(killed) < 2

    watch = Watch(tmp_path / "ray", same(tmp_path / "local"), kill)
    summary, records = on_ray([tmp_path / "scans"], tmp_path / "ray", spool, make_job("slow", {"seconds": 0.4}))
    watch.stop()
    assert len(killed) == 2
    assert summary.counts == {"done": 60}
    assert len({record.input for record in records}) == len(records) == 60
    assert same(tmp_path / "ray") == same(tmp_path / "local")
    assert spilled() == 0


def test_a_node_that_is_lost_costs_time(cluster: Any, tmp_path: Path, spool: Path) -> None:
    for seed in range(40):
        save(tmp_path / f"scans/p{seed}.png", seed)
    binarize([tmp_path / "scans"], tmp_path / "local", spool, make_job("slow", {"seconds": 0.0}))
    lost: list[Any] = []

    def lose(outputs: int) -> bool:
        if outputs >= 10:
            lost.append(cluster.workers.pop())
            cluster.remove_node(lost[0], allow_graceful=False)
        return not lost

    watch = Watch(tmp_path / "ray", same(tmp_path / "local"), lose)
    summary, records = on_ray([tmp_path / "scans"], tmp_path / "ray", spool, make_job("slow", {"seconds": 0.4}))
    watch.stop()
    cluster.workers.append(cluster.add_node(num_cpus=1, object_store_memory=80 << 20))  # for the tests that follow
    cluster.wait_for_nodes()
    assert lost
    assert summary.counts == {"done": 40}
    assert len({record.input for record in records}) == len(records) == 40
    assert same(tmp_path / "ray") == same(tmp_path / "local")
    assert spilled() == 0


DRIVER = """
import sys
from docbin.cli import main
sys.exit(main(["binarize", sys.argv[1], "-o", sys.argv[2], "-m", "otsu", "--engine", "ray", "-j", "2", "--resume", "--report", sys.argv[3]]))
"""


def test_a_driver_that_is_killed_is_resumed(cluster: Any, tmp_path: Path, spool: Path) -> None:
    import numpy as np
    from PIL import Image

    rng = np.random.default_rng(0)
    (tmp_path / "scans").mkdir()
    for seed in range(40):
        Image.fromarray(rng.integers(0, 255, (1200, 1000), dtype=np.uint8)).save(tmp_path / f"scans/p{seed}.png", compress_level=1)
    environment = os.environ | {"RAY_ADDRESS": cluster.address, "PYTHONPATH": str(CHECKOUT)}
    words = [sys.executable, "-c", DRIVER, str(tmp_path / "scans"), str(tmp_path / "ray"), str(tmp_path / "r.jsonl")]
    driver = subprocess.Popen(words, env=environment, stderr=subprocess.DEVNULL)
    while not (tmp_path / "ray").exists() or len(files(tmp_path / "ray")) < 5:
        assert driver.poll() is None
        time.sleep(0.1)
    driver.kill()
    driver.wait()
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in (tmp_path / "r.jsonl").read_text().splitlines()]
    assert len({line["input"] for line in lines}) == len(lines) == 40
    assert {line["status"] for line in lines} == {"done", "kept"}
    binarize([tmp_path / "scans"], tmp_path / "local", spool, batch.Binarize.create("otsu"))
    assert same(tmp_path / "ray") == same(tmp_path / "local")
    assert spilled() == 0


def test_one_giant_tiff(cluster: Any, tmp_path: Path, spool: Path) -> None:
    import numpy as np
    from PIL import Image

    frames = [Image.fromarray(np.random.default_rng(n).integers(0, 255, (1500, 1200), dtype=np.uint8)) for n in range(60)]
    frames[0].save(tmp_path / "book.tif", save_all=True, append_images=frames[1:])
    summary, records = on_ray([tmp_path / "book.tif"], tmp_path / "ray", spool)
    assert summary.counts == {"done": 60}
    assert [record.page for record in records] == list(range(1, 61))
    binarize([tmp_path / "book.tif"], tmp_path / "local", spool)
    assert same(tmp_path / "ray") == same(tmp_path / "local")
    assert spilled() == 0


def test_from_store_to_store_with_failures(cluster: Any, tmp_path: Path, spool: Path) -> None:
    pytest.importorskip("moto")
    from docbin.files import object_store
    from docbin.files.remote_path import RemotePath
    from tests.files.s3_server import archive_server, emptied

    for seed in range(12):
        save(tmp_path / f"scans/p{seed}.png", seed)
    binarize([tmp_path / "scans"], tmp_path / "local", spool)
    with archive_server() as server, emptied(server) as faults:
        for name in files(tmp_path / "scans"):
            object_store.put(RemotePath(f"s3://archive/scans/{name}"), (tmp_path / "scans" / name).read_bytes(), replace=True)
        faults.choose = lambda method, path, number: "503" if number == 1 and path.startswith("/archive/") else None
        names = ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION")
        (tmp_path / "env.json").write_text(json.dumps({name: os.environ[name] for name in names}))
        words = ["binarize", "s3://archive/scans", "-o", "s3://archive/ink", "-m", "otsu", "--engine", "ray", "-j", "2"]
        code = "import sys, docbin.cli, ray, json; variables = json.load(open(sys.argv[2]));"
        code += "ray.init(address=sys.argv[1], log_to_driver=False, runtime_env={'env_vars': variables});"
        code += "sys.exit(docbin.cli.main(sys.argv[3:]))"
        call = [sys.executable, "-c", code, cluster.address, str(tmp_path / "env.json"), *words]
        done = subprocess.run(
            call, capture_output=True, text=True, timeout=300, check=False, env=os.environ | {"PYTHONPATH": str(CHECKOUT)}
        )
        assert done.returncode == 0, done.stderr
        binarize([tmp_path / "scans"], tmp_path / "otsu", spool, batch.Binarize.create("otsu"))
        found = {
            e.path.name: object_store.read(e.path)
            for e in object_store.listing(RemotePath("s3://archive/ink"))
            if ".docbin" not in e.path.url
        }
        assert found == same(tmp_path / "otsu")
        resumed = subprocess.run(
            [*call, "--resume"], capture_output=True, text=True, timeout=300, check=False, env=os.environ | {"PYTHONPATH": str(CHECKOUT)}
        )
        assert "12 pages done before" in resumed.stderr


def test_a_dataset_in_a_program(cluster: Any, tmp_path: Path, spool: Path) -> None:
    import docbin.cluster

    for seed in range(4):
        save(tmp_path / f"scans/p{seed}.png", seed)
    (tmp_path / "scans/broken.jpg").write_bytes(b"\xff\xd8\xff")
    uris = [{"uri": str(path), "name": path.stem} for path in sorted((tmp_path / "scans").iterdir())]
    rows = docbin.cluster.map(ray.data.from_items(uris), str(tmp_path / "ray"), make_job(), actors=2).take_all()
    assert sorted(row["status"] for row in rows) == ["done"] * 4 + ["failed"]
    assert all(row["ink"] > 0 for row in rows if row["status"] == "done")
    binarize([tmp_path / "scans"], tmp_path / "local", spool)
    assert same(tmp_path / "ray") == same(tmp_path / "local")
    rows = docbin.cluster.map(ray.data.from_items(uris), str(tmp_path / "ray"), make_job(), actors=1, resume=True).take_all()
    assert sorted(row["status"] for row in rows) == ["failed"] + ["kept"] * 4
    assert spilled() == 0


def test_archives_are_units(cluster: Any, tmp_path: Path, spool: Path) -> None:
    for number in range(3):
        pages = [(f"{seed}.png", save(tmp_path / "page.png", seed).read_bytes()) for seed in range(4)]
        (tmp_path / f"s-{number}.tar").write_bytes(archive(pages))
    words: list[Path | str] = [tmp_path / f"s-{number}.tar" for number in range(3)]
    summary, records = on_ray(words, tmp_path / "ray", spool)
    assert summary.counts == {"done": 12}
    assert {(Path(record.input).name, record.member) for record in records} == {
        (f"s-{n}.tar", f"{seed}.png") for n in range(3) for seed in range(4)
    }
    binarize(words, tmp_path / "local", spool)
    assert same(tmp_path / "ray") == same(tmp_path / "local")
