"""How units are dealt out to Ray's tasks; needs no Ray."""

from __future__ import annotations

from docbin.cluster.ray_engine import MOST_ROWS, rows_a_task


def test_every_actor_gets_tasks_and_an_archive_is_one() -> None:
    assert rows_a_task(5, 4) == 1
    assert rows_a_task(100, 4) == 3  # at least eight tasks an actor
    assert rows_a_task(1_000_000, 4) == MOST_ROWS
    assert rows_a_task(1_000_000, 4, archives=True) == 1
