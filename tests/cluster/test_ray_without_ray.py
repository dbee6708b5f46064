"""What of the Ray engine needs no Ray: how units are dealt out to tasks, and how docbin connects."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any

import pytest

from docbin.cluster import ray_engine
from docbin.cluster.ray_engine import MOST_ROWS, rows_a_task

NAMES = ("RAY_worker_niceness", "RAY_BACKEND_LOG_LEVEL")


def test_every_actor_gets_tasks_and_an_archive_is_one() -> None:
    assert rows_a_task(5, 4) == 1
    assert rows_a_task(100, 4) == 3  # at least eight tasks an actor
    assert rows_a_task(1_000_000, 4) == MOST_ROWS
    assert rows_a_task(1_000_000, 4, archives=True) == 1


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
