"""What a batch on many machines does when pages differ, actors stall and machines are lost: a simulation, to choose block sizes and numbers of tries.

It is simple on purpose. Actors take blocks of units from one queue, blocks with whole documents first (a work list can be sorted by its ``pages``).
A page takes a time drawn from a log-normal distribution. A machine is lost at exponentially distributed times; the blocks in work on its actors are
queued again, from their start, and the machine is back after a while.
What is printed: the time of the batch beside that of perfect sharing, the work that was done twice, and how many pages ran out of tries.

Nothing of this is a measurement of a cluster. Measured are the inputs, given by options: the cost of a page (docs/scale.md says of which machine).

    python scripts/simulate_cluster.py --into docs/scale.md            the tables there
    python scripts/simulate_cluster.py --nodes 100 --block 16 --pages 1000000
"""

from __future__ import annotations

import argparse
import heapq
import math
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path


@dataclass(frozen=True)
class Cluster:
    """What is simulated.

    Attributes
    ----------
    nodes, cores : machines, and actors on each
    pages : units of the batch
    block : units that an actor takes at a time
    seconds : mean seconds of a page
    spread : standard deviation of the logarithm of a page's seconds
    giants, giant_seconds : share of units that are whole documents, and their seconds
    node_hours : mean hours between losses of one machine
    back_seconds : until a lost machine is replaced
    overhead : seconds that a block costs beside its pages (scheduling, the records' way)
    """

    nodes: int = 1
    cores: int = 64
    pages: int = 100_000
    block: int = 16
    seconds: float = 1.1
    spread: float = 0.5
    giants: float = 1e-5
    giant_seconds: float = 300.0
    node_hours: float = 200.0
    back_seconds: float = 300.0
    overhead: float = 0.05


@dataclass(frozen=True)
class Outcome:
    """seconds : of the batch; ideal : of perfect sharing without losses; twice : share of work done again; tail : share of the time at the end in
    which not all actors had work; most_tries : of any block"""

    seconds: float
    ideal: float
    twice: float
    tail: float
    most_tries: int

    @property
    def efficiency(self) -> float:
        """Ideal time as a share of the time."""
        return self.ideal / self.seconds


def simulate(cluster: Cluster, seed: int = 0) -> Outcome:
    """One run of a batch."""
    rng = random.Random(seed)
    mean = math.log(cluster.seconds) - cluster.spread**2 / 2

    deviation = cluster.seconds * math.sqrt(math.exp(cluster.spread**2) - 1)

    def block_seconds(units: int) -> float:
        if units < 4:
            total = sum(rng.lognormvariate(mean, cluster.spread) for _ in range(units))
        else:  # the sum of many
            total = max(0.2 * units * cluster.seconds, rng.gauss(units * cluster.seconds, deviation * math.sqrt(units)))
        return total + (cluster.giant_seconds if rng.random() < units * cluster.giants else 0.0)

    whole, rest = divmod(cluster.pages, cluster.block)
    work = [block_seconds(cluster.block) for _ in range(whole)] + ([block_seconds(rest)] if rest else [])
    tries = [0] * len(work)
    queue = sorted(range(len(work)), key=lambda number: work[number] >= cluster.giant_seconds)  # taken from the end
    loss = [rng.expovariate(1 / (cluster.node_hours * 3600)) for _ in range(cluster.nodes)]
    free = [(0.0, node, core) for node in range(cluster.nodes) for core in range(cluster.cores)]
    heapq.heapify(free)
    running: list[tuple[float, int, float, int, int]] = []  # end, block, start, node, core
    twice, end, first_idle = 0.0, 0.0, None
    while queue or running:
        if queue and free and (not running or free[0][0] <= running[0][0]):
            at, node, core = heapq.heappop(free)
            number = queue.pop()
            tries[number] += 1
            done = at + cluster.overhead + work[number]
            while loss[node] < at:
                loss[node] += rng.expovariate(1 / (cluster.node_hours * 3600))
            heapq.heappush(running, (min(done, loss[node]) if loss[node] < done else done, number, at, node, core))
            continue
        at, number, start, node, core = heapq.heappop(running)
        if at < start + cluster.overhead + work[number] - 1e-9:  # its machine was lost
            twice += at - start
            queue.append(number)
            heapq.heappush(free, (at + cluster.back_seconds, node, core))
        else:
            end = max(end, at)
            heapq.heappush(free, (at, node, core))
        if not queue and first_idle is None:
            first_idle = at
    total = sum(work)
    ideal = total / (cluster.nodes * cluster.cores)
    return Outcome(end, ideal, twice / total, 1 - (first_idle or end) / end, max(tries))


def tries_run_out(tries: int, failure: float) -> float:
    """Chance that a call fails `tries` times in a row, where one call fails with probability `failure`, each for itself."""
    return failure**tries


def requests_a_second(nodes: int, cores: int, seconds: float, requests: float = 2.0) -> float:
    """Requests of a whole cluster to its store: one GET and one PUT a page, where `requests` is 2."""
    return nodes * cores * requests / seconds


def _row(cells: Sequence[object]) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def tables(base: Cluster, runs: int) -> str:
    """The tables of docs/scale.md."""
    lines = ["| nodes | hours a loss | units a block | time / ideal | work done again | idle at the end | most tries of a block |"]
    lines.append("|---|---|---|---|---|---|---|")
    for nodes, pages, hours in ((1, 200_000, 200.0), (10, 2_000_000, 200.0), (10, 2_000_000, 1.0)):
        for block in (1, 4, 16, 64, 256) if nodes == 1 else (4, 16, 64, 256):
            found = [simulate(replace(base, nodes=nodes, block=block, pages=pages, node_hours=hours), seed) for seed in range(runs)]
            worst = max(1 / outcome.efficiency for outcome in found)
            again = sum(outcome.twice for outcome in found) / runs
            tail = sum(outcome.tail for outcome in found) / runs
            tries = max(outcome.most_tries for outcome in found)
            lines.append(_row([nodes, f"{hours:g}", block, f"{worst:.3f}", f"{again:.3%}", f"{tail:.1%}", tries]))
    lines += ["", "| share of calls that fail | given up of a million: 3 tries | 5 tries | 7 tries |", "|---|---|---|---|"]
    for failure in (0.01, 0.05, 0.2):
        lines.append(_row([f"{failure:.0%}", *(f"{tries_run_out(tries, failure) * 1e6:,.6f}" for tries in (3, 5, 7))]))
    lines += ["", "| nodes of 64 cores (computed) | pages a second | requests a second | pages a day |", "|---|---|---|---|"]
    for nodes in (1, 10, 100):
        pages = nodes * base.cores / base.seconds
        rate = requests_a_second(nodes, base.cores, base.seconds)
        lines.append(_row([nodes, f"{pages:,.0f}", f"{rate:,.0f}", f"{pages * 86400:,.0f}"]))
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Print the tables, or one outcome where nodes or a block are named."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    base = Cluster()
    for name in ("nodes", "cores", "pages", "block"):
        parser.add_argument(f"--{name}", type=int, default=None)
    for name in ("seconds", "spread", "giants", "giant-seconds", "node-hours", "back-seconds", "overhead"):
        parser.add_argument(f"--{name}", type=float, default=None)
    parser.add_argument("--runs", type=int, default=1, help="runs with other random numbers")
    parser.add_argument("--into", type=Path, default=None, help="a file with the markers of the table 'simulation'")
    given = {name: value for name, value in vars(parser.parse_args(argv)).items() if value is not None}
    runs, into = given.pop("runs"), given.pop("into", None)
    cluster = replace(base, **given)
    if {"nodes", "block", "pages"} & set(given):
        for seed in range(runs):
            outcome = simulate(cluster, seed)
            print(
                f"{outcome.seconds:,.0f} s, ideal {outcome.ideal:,.0f} s ({outcome.efficiency:.1%}), done again {outcome.twice:.3%}, "
                f"idle at the end {outcome.tail:.1%}, most tries of a block {outcome.most_tries}"
            )
        return 0
    made = tables(cluster, runs)
    print(made)
    if into is not None:
        from docbin.zoo.cards import with_table

        into.write_text(with_table(into.read_text(encoding="utf-8"), "simulation", made), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
