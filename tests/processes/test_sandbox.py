"""The sandbox: whatever a task does, the caller gets an answer or an error in time, and the next task is done."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from docbin.errors import DocbinError, InputError, PageFailed, PageTimeout, RefusedInput, WorkerDied
from docbin.processes.sandbox import Sandbox

TASKS = "tests.processes.sandbox_tasks:TASKS"
linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux holds a process to a limit of its address space")


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    box = Sandbox(TASKS, 1 << 30)
    box.start()
    yield box
    box.close()


def works(box: Sandbox) -> bool:
    return bool(box.call("echo", {"page": 3, "name": "Bär.tif"}, 10) == {"page": 3, "name": "Bär.tif"})


def test_a_task_is_done_in_another_process_which_stays(box: Sandbox) -> None:
    first = box.call("process", {}, 10)
    assert first not in (os.getpid(), None)
    assert first == box.process_id == box.call("process", {}, 10)
    assert works(box)


@pytest.mark.parametrize(
    ("task", "error", "says"),
    [
        ("hang", PageTimeout, "no result after 0.5 s"),
        ("hang_in_c", PageTimeout, "no result after 0.5 s"),
        ("crash", WorkerDied, "SIGSEGV"),
        ("leave", WorkerDied, "exit code 7"),
        ("too_much", WorkerDied, "worker process died"),
        ("run_out", InputError, "no memory"),
    ],
)
def test_the_child_is_killed_or_dead_and_replaced(box: Sandbox, task: str, error: type[DocbinError], says: str) -> None:
    before = box.call("process", {}, 10)
    start = time.monotonic()
    with pytest.raises(error, match=says):
        box.call(task, {}, 0.5 if "hang" in task else 20)
    assert time.monotonic() - start < 20
    assert works(box)
    assert box.call("process", {}, 10) != before
    with pytest.raises(ProcessLookupError):
        os.kill(before, 0)


@linux
def test_a_child_that_stops_within_an_answer_is_killed_too(box: Sandbox) -> None:
    with pytest.raises(PageTimeout):
        box.call("half_an_answer", {}, 0.5)
    assert works(box)


@linux
@pytest.mark.parametrize("task", ["bomb", "bomb_in_numpy"])
def test_a_bomb_meets_the_limit_of_memory(box: Sandbox, task: str) -> None:
    assert box.call(task, {"megabytes": 50}, 20)
    before = box.process_id
    with pytest.raises(PageFailed, match="not enough memory"):
        box.call(task, {"megabytes": 4000}, 20)
    assert works(box)
    assert box.process_id != before


@linux
def test_a_file_has_its_limit(box: Sandbox, tmp_path: Path) -> None:
    with pytest.raises(DocbinError):
        box.call("file_too_long", {"path": str(tmp_path / "long")}, 20)
    assert works(box)


def test_errors_arrive_as_what_they_were(box: Sandbox) -> None:
    with pytest.raises(RefusedInput, match=r"^scan\.png: too large; make it smaller$"):
        box.call("refuse", {}, 10)
    with pytest.raises(PageFailed, match="ValueError: seven; this is a bug") as caught:
        box.call("mistake", {}, 10)
    assert "in mistake" in "".join(caught.value.__notes__)
    with pytest.raises(PageFailed, match="KeyError"):
        box.call("nothing of the kind", {}, 10)


def test_what_a_task_prints_is_no_answer(box: Sandbox) -> None:
    assert box.call("chatter", {}, 10) == "heard"


def test_calls_of_many_threads_wait_for_each_other(box: Sandbox) -> None:
    heard: list[object] = []
    threads = [threading.Thread(target=lambda n=n: heard.append(box.call("echo", {"n": n}, 10)["n"])) for n in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(heard, key=str) == list(range(10))


def test_a_child_whose_table_cannot_be_imported_is_an_error_not_a_wait() -> None:
    box = Sandbox("tests.processes.sandbox_tasks:NOTHING", 1 << 30)
    with pytest.raises(WorkerDied):
        box.call("echo", {}, 5)
    box.close()


def test_the_child_dies_with_its_parent() -> None:
    program = (
        "import os, sys\n"
        "from docbin.processes.sandbox import Sandbox\n"
        "if __name__ == '__main__':\n"
        f"    box = Sandbox('{TASKS}', 1 << 30)\n"
        "    print(box.call('process', {}, 60), flush=True)\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    checkout = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=checkout)
    child = int(done.stdout)
    for _ in range(100):
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    pytest.fail("the child outlived its parent by ten seconds")
