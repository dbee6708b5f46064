"""Two processes train one network (gloo, on the CPU): they end alike although their clocks run apart and a signal reaches one of them."""

from __future__ import annotations

import csv
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("accelerate")

PROGRAM = """
import hashlib, json, os, sys, time
from pathlib import Path
import numpy as np
import torch

sys.path.insert(0, sys.argv[3])
from test_loop import Strokes, recipe
from docbin.train import loop

torch.set_num_threads(1)

class Fast:
    monotonic = staticmethod(lambda: 40 * time.monotonic())

if os.environ["RANK"] == "1":
    loop.time = Fast  # a clock that is far ahead of the first one's
runs = []
made = loop._Run
loop._Run = lambda *given: runs.append(made(*given)) or runs[0]
outcome = loop.train(recipe(steps=10**6), Path(sys.argv[1]), source=Strokes(), pages=[], max_minutes=float(sys.argv[2]), resume=True)
weights = runs[0].task.net.parameters()  # the norms' running statistics are each process's own until the next step
digest = hashlib.sha256(b"".join(weight.detach().contiguous().numpy().tobytes() for weight in weights)).hexdigest()
print(json.dumps({"step": outcome.step, "finished": outcome.finished, "progress": runs[0].progress, "weights": digest}))
"""


class Pair:
    """Two processes of one run, started; `wait` gives what each printed."""

    def __init__(self, out: Path, minutes: float) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = str(free.getsockname()[1])
        words = [sys.executable, "-c", PROGRAM, str(out), str(minutes), str(Path(__file__).parent)]
        shared = {**os.environ, "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "ACCELERATE_USE_CPU": "true"}
        self.processes = [
            subprocess.Popen(
                words, env={**shared, "RANK": rank, "LOCAL_RANK": rank}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
            for rank in ("0", "1")
        ]

    def wait(self) -> list[dict[str, Any]]:
        try:
            said = [process.communicate(timeout=120) for process in self.processes]
        finally:
            for process in self.processes:
                process.kill()
        assert [process.returncode for process in self.processes] == [0, 0], "\n".join(error for _, error in said)
        assert not said[1][1].strip().endswith("crops/s"), "only the first process tells of its steps"
        return [json.loads(out.strip().splitlines()[-1]) for out, _ in said]


def steps(path: Path) -> list[int]:
    with path.open(encoding="utf-8") as handle:
        return [int(row["step"]) for row in csv.DictReader(handle)]


@pytest.mark.slow
def test_two_processes_end_together_and_go_on_together(tmp_path: Path) -> None:
    """The second's clock alone would end it forty times sooner, and the first would wait for its gradients for ever."""
    pair = Pair(tmp_path, 10.0)
    log = tmp_path / "train.csv"
    deadline = time.monotonic() + 60
    while not (log.is_file() and len(log.read_text(encoding="utf-8").splitlines()) > 5) and time.monotonic() < deadline:
        time.sleep(0.2)
    pair.processes[1].send_signal(signal.SIGTERM)
    first, second = pair.wait()
    assert first == second
    assert not first["finished"]
    assert first["step"] >= 5
    assert 0 < first["progress"] < 0.5
    assert steps(log) == list(range(1, first["step"] + 1))

    one, other = Pair(tmp_path, 0.02).wait()
    assert one == other
    assert one["finished"]
    assert one["progress"] == 1.0
    assert one["step"] > first["step"]
    assert steps(log) == list(range(1, one["step"] + 1))
