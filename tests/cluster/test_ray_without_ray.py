"""What of the Ray engine needs no Ray: how units are dealt out to tasks, and how docbin connects."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from docbin.cluster import ray_engine
from docbin.cluster.ray_engine import MOST_ROWS, rows_a_task
from tests.batch.pages import files, make_job, save

NAMES = ("RAY_worker_niceness", "RAY_BACKEND_LOG_LEVEL")


def test_every_actor_gets_tasks_and_an_archive_is_one() -> None:
    assert rows_a_task(5, 4) == 1
    assert rows_a_task(100, 4) == 3  # at least eight tasks an actor
    assert rows_a_task(1_000_000, 4) == MOST_ROWS
    assert rows_a_task(1_000_000, 4, archives=True) == 1


def test_a_broken_row_of_a_dataset_costs_itself_alone(tmp_path: Path) -> None:
    """Rows come from anybody: a name that climbs out of the output folder, a uri that is none, a size that is no number."""
    page = save(tmp_path / "scans/a.png")
    size = float(page.stat().st_size)
    rows: list[tuple[Any, Any, Any]] = [
        (str(page), "good", size), (str(page), "../out-of-it", math.nan), (str(page), "/tmp/out-of-it", size), (None, "none", math.nan),
        (b"bytes", "b", math.nan), ("", "empty", size), ("a\0b", "zero", size), (str(page), "half", 1.5), (str(tmp_path / "gone.png"), "gone", size),
        ("[odd] <b>.png", None, math.nan),
    ]  # fmt: skip
    batch = {name: np.array(column, object) for name, column in zip(("uri", "name", "size"), zip(*rows, strict=True), strict=True)}
    actor = ray_engine.RecordsActor(make_job(), "run", str(tmp_path / "out"))
    try:
        made = actor(batch)
        without = actor({"path": np.array([str(page)], object)})
    finally:
        actor._pool.close()
    assert sorted(made["status"]) == ["done"] + ["failed"] * 9
    said = [json.loads(error)["message"] for error in made["error"] if error is not None]
    assert sum("does not stay below the output folder" in text for text in said) == 2
    assert sum("`$.size`" in text for text in said) == 1
    assert files(tmp_path / "out") == {"good.png"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "scans"]
    assert without["status"] == ["failed"]
    assert "a row has a column uri" in without["error"][0]


def test_connecting_leaves_the_terminal_and_the_environment_as_they_were(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    seen: dict[str, Any] = {}

    def init(**options: Any) -> None:
        os.write(2, b"Ray says much\n")
        seen.update(options, **{name: os.environ.get(name) for name in NAMES})

    context = SimpleNamespace(enable_progress_bars=True, max_errored_blocks=3)
    data = SimpleNamespace(DataContext=SimpleNamespace(get_current=lambda: context))
    monkeypatch.setattr(ray_engine, "_ray", lambda: SimpleNamespace(is_initialized=lambda: False, init=init, data=data))
    for name in (*NAMES, "RAY_ADDRESS"):
        monkeypatch.setenv(name, "")  # so that it is put back
        monkeypatch.delenv(name)
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.1:6379")
    ray_engine._connected()
    assert (seen["address"], seen["RAY_worker_niceness"]) == ("10.0.0.1:6379", None)  # a cluster of the user's is as the user made it
    monkeypatch.delenv("RAY_ADDRESS")
    ray_engine._connected()
    assert (seen["address"], seen["RAY_worker_niceness"], seen["RAY_BACKEND_LOG_LEVEL"]) == (None, "0", "fatal")
    assert (context.enable_progress_bars, context.max_errored_blocks) == (False, 0)
    assert "RAY_BACKEND_LOG_LEVEL" not in os.environ
    os.write(2, b"and docbin a word\n")
    assert capfd.readouterr().err == "and docbin a word\n"
