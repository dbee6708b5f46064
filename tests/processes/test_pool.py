"""The pool: answers in order, a death or a silence costs one task, a limit of memory holds, a start in advance."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from docbin.errors import DocbinError, PageTimeout, WorkerDied
from docbin.processes.child import Child
from docbin.processes.memory import machine_memory
from docbin.processes.pool import Pool, in_order

WORKER = "tests.processes.pool_worker:Worker"


def test_answers_come_in_the_order_of_the_tasks() -> None:
    tasks = [("sleep", 0.3), *(("number", n) for n in range(6))]
    assert [answer for _, answer in in_order(Pool(WORKER, (10,), 2), tasks)] == [3.0, 0, 10, 20, 30, 40, 50]


def test_a_death_and_a_silence_cost_their_tasks() -> None:
    tasks = [("number", 1), ("kill", 0), ("number", 2), ("sleep", 60), ("number", 3)]
    answers = [answer for _, answer in in_order(Pool(WORKER, (1,), 1, seconds=1.0), tasks)]
    assert [answers[0], answers[2], answers[4]] == [1, 2, 3]
    assert isinstance(answers[1], WorkerDied)
    assert "SIGKILL" in str(answers[1])
    assert isinstance(answers[3], PageTimeout)
    assert "no result after 1 s" in str(answers[3])


def test_tasks_of_the_queue_are_done_each_once_whatever_dies() -> None:
    tasks = [("number", 1), ("kill", 0), ("number", 2), ("number", 3), ("kill", 1), ("number", 4), ("sleep", 60), ("number", 5)]
    pool = Pool(WORKER, (1,), 1, seconds=1.0, ahead=3)
    answers = [answer for _, answer in in_order(pool, tasks)]
    assert [answer for answer in answers if isinstance(answer, int)] == [1, 2, 3, 4, 5]
    assert [type(answers[at]) for at in (1, 4, 6)] == [WorkerDied, WorkerDied, PageTimeout]


def test_a_process_begins_the_next_task_before_its_answer_is_taken() -> None:
    pool = Pool(WORKER, (1,), 1, ahead=1)
    try:
        pool.submit(("number", 1))
        pool.submit(("number", 2))
        assert not pool.free
        assert pool.wait()[1] == 1
        assert pool.free
        assert pool.busy  # the second is at work, nobody had to say so
        assert pool.wait()[1] == 2
        assert not pool.busy
    finally:
        pool.close()


def test_a_task_with_a_next_step_keeps_its_process() -> None:
    pool = Pool(WORKER, (1,), 1, ahead=1, ends=lambda task: task[1] != 1)
    try:
        pool.submit(("number", 1))
        pool.submit(("number", 7))
        assert pool.wait()[1] == 1
        pool.submit(("number", 2))  # the step that belongs to the first
        assert [pool.wait()[1], pool.wait()[1]] == [2, 7]
    finally:
        pool.close()


def test_the_first_part_of_a_task_has_a_limit_of_its_own() -> None:
    tasks = [("read and sleep", 2.0), ("sleep", 60), ("number", 3)]
    answers = [answer for _, answer in in_order(Pool(WORKER, (1,), 1, seconds=60.0, first_seconds=1.0), tasks)]
    assert (answers[0], answers[2]) == (2.0, 3)
    assert isinstance(answers[1], PageTimeout)
    assert "no result after 1 s" in str(answers[1])


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the memory that a process may write")
def test_a_worker_is_held_to_its_memory() -> None:
    answers = [
        answer for _, answer in in_order(Pool(WORKER, (1,), 1, memory=400 << 20), [("memory", 1 << 20), ("memory", 1 << 30), ("n", 5)])
    ]
    assert answers[0] == 1 << 20
    assert isinstance(answers[1], WorkerDied)  # a worker that does not handle MemoryError ends
    assert answers[2] == 5
    assert machine_memory() > 100 << 20


def test_a_child_that_was_started_before_is_used() -> None:
    child = Child(preload="decimal")
    pool = Pool(WORKER, (2,), 1, first=child)
    pool.submit(("number", 4))
    assert pool.wait() == (("number", 4), 8)
    assert child.ready
    pool.close()


FORKED = """
import multiprocessing.resource_tracker, os, signal, sys
from docbin.processes.child import Child, may_fork
from docbin.processes.pool import Pool
assert may_fork()
held = open(sys.argv[1])
child = Child(fork=True, preload="docbin.kernels")
"""
"""A program that has just started, and forks its child."""


@pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux alone")
def test_the_child_of_a_fresh_process_is_a_copy_without_its_files(tmp_path: Path) -> None:
    (tmp_path / "held").write_text("")
    program = f"""{FORKED}
pool = Pool({WORKER!r}, (10,), 1, first=child)
pool.submit(("number", 3))
print(pool.wait()[1])
links = [os.readlink(f"/proc/{{child.process.pid}}/fd/{{name}}") for name in os.listdir(f"/proc/{{child.process.pid}}/fd")]
print(sys.argv[1] in links, sum("socket" in link for link in links), multiprocessing.resource_tracker._resource_tracker._fd)
pool.close()
"""
    words = [sys.executable, "-c", program, str(tmp_path / "held")]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False, cwd=Path(__file__).parents[2])
    assert (done.returncode, done.stdout.splitlines(), done.stderr) == (0, ["30", "False 1 None"], "")


@pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux alone")
def test_a_copy_dies_with_its_parent(tmp_path: Path) -> None:
    (tmp_path / "held").write_text("")
    program = f"{FORKED}\nprint(child.process.pid, flush=True)\nos.kill(os.getpid(), signal.SIGKILL)"
    words = [sys.executable, "-c", program, str(tmp_path / "held")]
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True, timeout=120, check=False)
    status = Path("/proc", done.stdout.strip(), "stat")
    deadline = time.monotonic() + 60
    while status.exists() and status.read_text().rpartition(") ")[2][0] != "Z":
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize(
    "state", ["import numpy", "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()"]
)
def test_a_process_with_threads_or_libraries_is_not_copied(state: str) -> None:
    program = f"{state}\nfrom docbin.processes.child import may_fork\nprint(may_fork())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.strip() == "False"


def test_a_worker_that_cannot_be_made_is_an_error() -> None:
    with pytest.raises(DocbinError, match="do not start"):
        list(in_order(Pool("tests.processes.pool_worker:Nothing"), [1]))


def test_a_script_without_a_main_guard_is_not_run_again(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\nprint('once', flush=True)\n"
        f"sys.path.insert(0, {str(Path(__file__).resolve().parents[2])!r})\n"
        "from docbin.processes.pool import Pool, in_order\n"
        f"print([answer for _, answer in in_order(Pool({WORKER!r}, (1,), 1), [('main', 0), ('n', 7)])])\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False, timeout=120)
    assert done.stdout == "once\n[None, 7]\n", done.stderr


FAULTS = """
import resource
from docbin.processes.memory import give_back_freed_memory, keep_freed_memory, memory_in_use
def faults(rounds):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(rounds):
        b"x" * (20 << 20)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
kept = keep_freed_memory()
first, held = faults(1), memory_in_use()
later = faults(4)
give_back_freed_memory()
print(int(kept), first, later, int(memory_in_use() < held))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator")
def test_freed_memory_is_kept_for_the_next_page_and_given_back_on_demand() -> None:
    out = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, text=True, check=True).stdout
    kept, first, later, given_back = map(int, out.split())
    if not kept:
        pytest.skip("another allocator than glibc's")
    assert first > 1000  # 20 MiB, 4 KiB at a time
    assert later < first / 10  # 20,000 without it
    assert given_back
