"""The loop: steps, time, averages, checkpoints, validation, logs. What a step *is* belongs to the task (:mod:`docbin.train.task`).

Files of a run in its folder: ``recipe.json`` (the recipe as it ran, overrides included), ``last.safetensors`` (resumes the run),
``best.safetensors`` (the averaged network with the highest mean score of the held-out pages, as bare weights), ``final.safetensors``
(the same at the last step), ``train.csv``, ``validation.csv``, ``events/``. SIGINT and SIGTERM write a checkpoint after the step under way
and end the run in order.
"""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from docbin.engine import packed
from docbin.errors import FileAccessError, UsageError
from docbin.nets.bitunet import BitTrunk
from docbin.nets.lite0 import IMAGENET, load_imagenet
from docbin.nets.unmark import Unmark
from docbin.processes.memory import keep_freed_memory
from docbin.train import checkpoint
from docbin.train.device import Device
from docbin.train.ema import Ema
from docbin.train.feed import Batch, CropSource, batches, collate, open_source, open_validation
from docbin.train.log import Log
from docbin.train.recipe import SCORES, Recipe
from docbin.train.schedule import Clock, warmup_cosine
from docbin.train.task import Task, make_task, tensors
from docbin.train.unpack import calibrate, is_packed, unpack_bits
from docbin.train.validate import HeldOut, validate
from docbin.zoo import folders
from docbin.zoo.folders import RUN_WEIGHTS


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended: steps done, the best mean score of held-out pages (None without any), and whether the whole run is over."""

    step: int
    best: float | None
    finished: bool


MEASURED = 64
"""Crops that the norms of a packed network are measured on before it is trained further."""

MOST_LEFT_OUT = 40
"""Steps in a row without a finite gradient that end a run; float16 finds its loss scale in fewer."""


class _Run:
    """A run under way. `step` is the number of optimizer steps done."""

    def __init__(self, recipe: Recipe, out: Path, pages: Sequence[HeldOut]) -> None:
        self.recipe, self.out = recipe, out
        self.device = Device(recipe.run.precision, recipe.run.threads, recipe.run.compile)
        self.task: Task = make_task(recipe, self.device)
        self.pages = _judged(pages, recipe.data.score, self.task)
        self.step, self.progress, self.minutes = 0, 0.0, 0.0
        self.best: float | None = None
        self.scored: int | None = None  # the step at which this sitting scored last
        self.ema = Ema(self.task.net, recipe.optim.ema) if recipe.optim.ema > 0 else None

    @property
    def net(self) -> nn.Module:
        """The network that is validated and shipped."""
        return self.ema.net if self.ema else self.task.net

    def start_from(self, path: Path, source: CropSource) -> None:
        """Start from the weights in `path`: a model folder (or the name of one that came with docbin), a run, one of its checkpoints (its average
        where it has one), a file of weights, or a packed 1-bit network, whose norms are measured on crops of `source`; "imagenet" starts the
        encoder alone from what it learned of ImageNet, which an eye that the weights lack does, too.

        Raises
        ------
        UsageError
            The weights are those of another network or variant.
        """
        net = self.task.net
        if str(path) in folders.shipped() or folders.is_folder(path):
            config = folders.load_config(str(path))
            entry = config.weights or config.packed
            assert entry is not None
            path = config.verified(entry)
        if str(path) == IMAGENET:
            load_imagenet(net)
        elif isinstance(net, BitTrunk) and is_packed(path):
            unpack_bits(net, packed.read(path))
            batch = self.recipe.run.batch
            crops = [Batch(*collate(source, range(at, at + batch))) for at in range(0, MEASURED, batch)]
            calibrate(net, [tensors(crop, self.device)[0] for crop in crops])
        else:
            try:
                weights = checkpoint.load_weights(path)
                odd = net.load_state_dict(net.adapted(weights) if isinstance(net, Unmark) else weights, strict=False)
            except RuntimeError as error:
                raise UsageError(
                    f"net.init = {str(path)!r}: the weights are of another network or variant than the recipe's ({error})"
                ) from None
            lacking = [name for name in odd.missing_keys if not name.endswith("num_batches_tracked")]  # which do not ship
            if getattr(net, "eye", None) is not None and lacking and all(name.startswith("eye.") for name in lacking):
                load_imagenet(net)
                lacking = []
            if lacking or odd.unexpected_keys:
                names = ", ".join([*lacking, *odd.unexpected_keys][:4])
                raise UsageError(
                    f"net.init = {str(path)!r}: the weights are of another network or variant than the recipe's (tensors {names})"
                )
        if self.ema:
            self.ema = Ema(net, self.recipe.optim.ema)

    def save(self) -> None:
        """Write ``last.safetensors``."""
        if self.device.rank:
            return
        state = {
            "recipe": json.loads(self.recipe.to_json()),
            "step": self.step,
            "progress": self.progress,
            "minutes": self.minutes,
            "best": self.best,
            "task": self.task.state(),
            "ema": self.ema.net.state_dict() if self.ema else None,
            "random": torch.get_rng_state(),
        }
        checkpoint.save(self.out / "last.safetensors", state)

    def load(self) -> list[str]:
        """Take up ``last.safetensors``; returns what this recipe says otherwise than the one that it was trained with.

        Raises
        ------
        UsageError
            Network or task are others.
        """
        path = self.out / "last.safetensors"
        state = checkpoint.load(path)
        now = json.loads(self.recipe.to_json())
        changed = list(_changes(state["recipe"], now))
        for part in ("net", "task"):
            if state["recipe"][part] != now[part]:
                what = "; ".join(change for change in changed if change.startswith(part))
                raise UsageError(f"{path}: was trained with another {part} than this recipe's ({what}); train it into another --out folder")
        self.task.load_state(state["task"])
        if self.ema:
            self.ema.net.load_state_dict(state["ema"] or state["task"]["net"])
        torch.set_rng_state(state["random"])
        self.step, self.progress, self.minutes, self.best = state["step"], state["progress"], state["minutes"], state["best"]
        return changed

    def write_weights(self, name: str) -> None:
        """Write the averaged network as bare weights with what is known of them."""
        about = {"step": self.step, "minutes": self.minutes, "recipe": json.loads(self.recipe.to_json())}
        checkpoint.save(self.out / name, {"about": about, "net": self.net.state_dict()})

    def score(self, log: Log) -> None:
        """Score the held-out pages, once a step; keep the weights if they are the best so far."""
        if not self.pages or self.device.rank or self.scored == self.step:
            return
        self.scored = self.step
        was_training = self.net.training
        self.net.eval()
        scores = validate(self.net, self.pages, self.device.dtype)
        self.net.train(was_training)
        log.row("validation", self.step, scores)
        worst = min((name for name in scores if name != "mean"), key=lambda name: scores[name])
        kind = self.recipe.data.score.upper()
        log.say(f"step {self.step}: {kind} {scores['mean']:.2f} on {len(self.pages)} held-out pages, worst {worst} {scores[worst]:.2f}")
        if self.best is None or scores["mean"] > self.best:
            self.best = scores["mean"]
            self.write_weights("best.safetensors")


def _judged(pages: Sequence[HeldOut], score: str, task: Task) -> list[HeldOut]:
    """The held-out pages with what the score compares: ink, or the picture that the task wants of a page with this ink."""
    if score not in SCORES:
        raise UsageError(f"data.score = {score!r}: choose one of {', '.join(SCORES)}")
    judged: list[HeldOut] = []
    for name, page, want in pages:
        if isinstance(want, tuple) != (score == "f"):
            raise UsageError(f"data.score = {score!r}: of pictures with words, and of no others, it is 'f'")
        if not isinstance(want, tuple) and score == "psnr":
            want = task.wanted(page, want > 0) if want.dtype == np.bool_ else want
        elif not isinstance(want, tuple) and want.dtype != np.bool_:
            raise UsageError(f"data.score = 'fm': of {name} a picture is wanted, not ink; say data.score = 'psnr'")
        judged.append((name, page, want))
    return judged


@contextmanager
def _stop_on_signal() -> Iterator[list[int]]:
    """A list that is not empty once SIGINT or SIGTERM came; a second signal acts as always."""
    came: list[int] = []
    before: dict[int, Any] = {}

    def handler(number: int, _: FrameType | None) -> None:
        came.append(number)
        signal.signal(number, before[number])

    try:
        for number in (int(signal.SIGINT), int(signal.SIGTERM)):
            before[number] = signal.signal(number, handler)
    except ValueError:  # not in the main thread: the caller handles signals
        before.clear()
    try:
        yield came
    finally:
        for number, old in before.items():
            signal.signal(number, old)


def train(
    recipe: Recipe,
    out: Path,
    root: Path | None = None,
    resume: bool = False,
    max_minutes: float | None = None,
    source: CropSource | None = None,
    pages: Sequence[HeldOut] | None = None,
    stop_at: int | None = None,
) -> Outcome:
    """Run `recipe`, or go on with it.

    Parameters
    ----------
    recipe : what to train
    out : folder of the run's files; made if it is not there
    root : folder of the benchmark data, for the recipe's crop source and held-out pages
    resume : go on from ``last.safetensors`` in `out`, if it is there
    max_minutes : end after so many minutes of this sitting, the learning rate annealed to that end; None for what is left of ``run.minutes``
    source, pages : crops and held-out pages to use in place of the recipe's
    stop_at : leave off after this step as if interrupted (the schedule does not change)

    Raises
    ------
    UsageError
        The folder holds a run, or files of its names, and `resume` is False; or the recipe does not fit the checkpoint.
    FileAccessError
        The folder cannot be written.
    """
    last = out / "last.safetensors"
    _refuse_others(out, resume)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileAccessError(f"{out}: cannot make the folder ({error.strerror})") from None
    keep_freed_memory(None)
    root = root or Path()
    source = source or open_source(recipe, root)
    run = _Run(recipe, out, open_validation(recipe, root) if pages is None else pages)
    changed: list[str] = []
    if resume and last.exists():
        changed = run.load()
    elif recipe.net.init:
        run.start_from(Path(recipe.net.init), source)
    if run.device.rank == 0:
        (out / "recipe.json").write_text(recipe.to_json() + "\n", encoding="utf-8")
    if max_minutes is None and recipe.run.minutes > 0:
        max_minutes = max(recipe.run.minutes - run.minutes, 0.01)
    clock = Clock(recipe.run.steps, max_minutes, run.progress)
    with Log(out, run.step, silent=run.device.rank > 0) as log, _stop_on_signal() as signals:
        log.say(f"{_count(run.task.net):,} weights on {run.device.torch_device}, from step {run.step}, {len(run.pages)} held-out pages")
        if changed:
            log.say(f"the recipe is another than before: {'; '.join(changed)}")
        if recipe.run.score_first and run.step == 0:
            run.score(log)
        finished = _steps(run, source, clock, log, signals, stop_at)
        if finished:
            run.score(log)
            if run.device.rank == 0:
                run.write_weights("final.safetensors")
        run.save()
        best = "" if run.best is None else f"; best {recipe.data.score.upper()} {run.best:.2f}"
        log.say(f"{'done' if finished else 'stopped'} after step {run.step}, {run.minutes:.1f} min{best}")
    return Outcome(run.step, run.best, finished)


def _changes(before: Any, now: Any, name: str = "") -> Iterator[str]:
    """Where two recipes as plain data differ, a "key: before, now" each."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in {**before, **now}:
            yield from _changes(before.get(key), now.get(key), f"{name}.{key}" if name else key)
    elif before != now:
        yield f"{name}: {json.dumps(before)}, now {json.dumps(now)}"


RUN_FILES = ("last.safetensors", *RUN_WEIGHTS, "recipe.json", "train.csv", "validation.csv")
"""What a run writes into its folder."""


def _refuse_others(out: Path, resume: bool) -> None:
    """UsageError where files of a run, or others of their names, would be replaced or cut unasked: many call a table of their own ``train.csv``."""
    found = [name for name in RUN_FILES if (out / name).exists()]
    if not found or (resume and ("last.safetensors" in found or "recipe.json" in found)):
        return
    if resume:
        raise UsageError(f"{out}: holds {found[0]}, but no run to go on with; choose another --out, or move that file")
    raise UsageError(f"{out}: holds a run already ({found[0]}); go on with --resume, or choose another --out")


def _steps(run: _Run, source: CropSource, clock: Clock, log: Log, signals: list[int], stop_at: int | None) -> bool:
    """Step until the run is over (True) or interrupted (False)."""
    recipe, task, device = run.recipe, run.task, run.device
    began, minutes_before, start = time.monotonic(), run.minutes, run.progress
    saved = scored = began
    first_step = run.step
    skipped = _SkippedSteps(device)
    run.progress, _ = device.synchronize(clock.progress(run.step, 0.0), False)
    for batch in batches(source, recipe, run.step, device.rank, device.world):
        if run.progress >= 1.0:
            return True
        rate = warmup_cosine(run.progress, recipe.optim.warmup, recipe.optim.final)
        values = task.step(batch, rate, run.progress)
        run.step += 1
        skipped.after(run.step, log)
        if run.ema:
            run.ema.update(task.net, run.step)
        now = time.monotonic()
        run.minutes = minutes_before + (now - began) / 60
        if run.step % recipe.run.log_steps == 0:
            numbers = {key: float(value) for key, value in values.items()}
            speed = (run.step - first_step) * recipe.run.batch / (now - began)
            log.row("train", run.step, {**numbers, "crops_per_second": speed, "minutes": run.minutes})
            log.progress(run.step, run.progress, start, f"loss {numbers['loss']:.4f}, {speed:.1f} crops/s")
        by_step = recipe.run.validate_steps
        if (run.step % by_step == 0) if by_step else (now - scored > 60 * recipe.run.validate_minutes):
            run.score(log)
            scored = time.monotonic()
        run.progress, stop = device.synchronize(clock.progress(run.step, (time.monotonic() - began) / 60), bool(signals))
        if stop or run.step == stop_at:
            return False
        if now - saved > 60 * recipe.run.checkpoint_minutes and not skipped.length:
            run.save()
            saved = time.monotonic()
    run.progress = 1.0
    return True


class _SkippedSteps:
    """Tells of optimizer steps that were not taken, and ends a run that takes none any more. `length` is how many steps in a row had one."""

    def __init__(self, device: Device) -> None:
        self.device, self.before, self.length = device, device.skipped_steps, 0

    def after(self, step: int, log: Log) -> None:
        """To be called after every step; UsageError after MOST_LEFT_OUT in a row."""
        if self.device.skipped_steps == self.before:
            self.length = 0
            return
        self.before = self.device.skipped_steps
        self.length += 1
        log.say(f"step {step}: the gradient is not finite, the weights stay as they are ({self.before} times in this sitting)")
        if self.length == MOST_LEFT_OUT:
            raise UsageError(
                f"step {step}: the gradient was not finite {MOST_LEFT_OUT} steps in a row, so nothing is learned any more; "
                "lower optim.rate or set optim.clip, and go on from the last checkpoint with --resume"
            )


def _count(net: nn.Module) -> int:
    parameters: list[Tensor] = list(net.parameters())
    return sum(parameter.numel() for parameter in parameters)
