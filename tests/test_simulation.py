"""The simulation behind docs/scale.md does what its words say."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def simulation(load_script: Callable[[str], ModuleType]) -> ModuleType:
    return load_script("simulate_cluster")


def test_equal_pages_without_losses_are_shared_perfectly(simulation: ModuleType) -> None:
    cluster = simulation.Cluster(cores=10, pages=1000, block=1, seconds=2.0, spread=0.0, giants=0.0, node_hours=1e9, overhead=0.0)
    found = simulation.simulate(cluster)
    assert found.seconds == pytest.approx(200.0)
    assert (found.twice, found.most_tries) == (0.0, 1)


def test_a_block_more_than_actors_doubles_the_time(simulation: ModuleType) -> None:
    cluster = simulation.Cluster(cores=10, pages=11, block=1, seconds=2.0, spread=0.0, giants=0.0, node_hours=1e9, overhead=0.0)
    assert simulation.simulate(cluster).seconds == pytest.approx(4.0)


def test_lost_machines_cost_what_they_had_begun(simulation: ModuleType) -> None:
    calm = simulation.Cluster(nodes=4, cores=4, pages=4000, block=16, node_hours=1e9)
    stormy = simulation.Cluster(nodes=4, cores=4, pages=4000, block=16, node_hours=0.02, back_seconds=10.0)
    quiet, loud = simulation.simulate(calm), simulation.simulate(stormy)
    assert quiet.twice == 0.0
    assert loud.twice > 0.0
    assert loud.seconds > quiet.seconds
    assert loud.most_tries > 1


def test_the_command_prints(simulation: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert simulation.main(["--nodes", "2", "--pages", "2000", "--runs", "1"]) == 0
    assert "ideal" in capsys.readouterr().out
