"""What a training run is, as data: a TOML file that becomes small frozen dataclasses and refuses every key it does not know.

A recipe with one misspelt key that is silently ignored costs a night of training; so unknown sections, unknown keys and wrong types are
errors that list what is allowed. ``--set section.key=value`` overrides are written as TOML values and go through the same door.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from docbin.errors import UsageError
from docbin.typed_config import parse_toml, read_toml, typed

SCORES = ("fm", "psnr", "f")


@dataclass(frozen=True, slots=True)
class NetSection:
    """Which network: `name` in ``docbin.nets.NETS``, `variant` its config's fields, `init` a checkpoint or weights file to start from, or
    "imagenet" for an encoder that has learned from ImageNet (:mod:`docbin.nets.lite0`); "" for none.
    """

    name: str
    variant: Mapping[str, Any] = field(default_factory=dict)
    init: str = ""


@dataclass(frozen=True, slots=True)
class DataSection:
    """Which crops and which held-out pages.

    Attributes
    ----------
    weights : set -> how often a crop is cut from it; the sets of the training
    validation : sets whose held-out pages are scored; () for no validation
    score : what of the held-out pages chooses the weights, one of :data:`SCORES`: "fm", their ink, "psnr", the pages that the network makes, or
        "f", the words that it finds
    validation_share, split_seed : how ``docbin.data.pages.split`` parts training pages and held-out pages
    augment : fields of ``docbin.data.crops.Augment`` that differ from its defaults
    degrade, degrade_rendered : presets of ``docbin.augment.degrade`` for labelled pages, which are degraded already, and for rendered ones,
        which are clean; "none" for crops as they are
    degrade_changes, degrade_rendered_changes : degradation -> [probability, strongest strength] that replace or join the preset's
    rendered_pages : pages in the pool of the set "rendered" (or "rendered-no-plasma"), rendered once into the cache
    source : "module:callable" that returns the crop source, called with this section, the data root and the seed
    size : side of a crop in pixels
    sizes : sides of the crops of words: all crops of a step have one of them, drawn for each step; () for `size` throughout
    strips : share of the steps, 0..1, whose crops are cut to a strip, upright or lying, of a fifth to four fifths of their side: for a network that
        sees a whole page at once, and pages narrower than its window
    first, first_steps : weights in place of `weights` for the crops (of words) of the first so many steps
    memory_mb : decoded pictures of words that a process keeps, MiB
    validation_pictures : of each set in `validation`, score so many of the held-out pictures of words, evenly taken; 0 for all
    side : longer side in pixels that held-out pictures of words are scored at, and a detector works at; 0 for pictures as they are
    depth : crops carry the depth plane (:mod:`docbin.kernels.depth`) as a fourth channel, for networks that take it
    workers : processes that make crops ahead; 0 makes them in the training process
    """

    weights: Mapping[str, float] = field(default_factory=dict)
    validation: tuple[str, ...] = ()
    score: str = "fm"
    validation_share: float = 0.15
    split_seed: int = 0
    augment: Mapping[str, Any] = field(default_factory=dict)
    degrade: str = "none"
    degrade_changes: Mapping[str, Any] = field(default_factory=dict)
    degrade_rendered: str = "full"
    degrade_rendered_changes: Mapping[str, Any] = field(default_factory=dict)
    rendered_pages: int = 100
    source: str = "docbin.train.feed:labelled_crops"
    size: int = 256
    sizes: tuple[int, ...] = ()
    strips: float = 0.0
    first: Mapping[str, float] = field(default_factory=dict)
    first_steps: int = 0
    memory_mb: int = 2048
    validation_pictures: int = 0
    side: int = 0
    depth: bool = False
    workers: int = 1


@dataclass(frozen=True, slots=True)
class LossSection:
    """Weighted sum of losses by name (``docbin.train.losses.LOSSES``), for instance ``{bce = 1.0, dice = 1.0}``."""

    terms: Mapping[str, float] = field(default_factory=lambda: {"bce": 1.0, "dice": 1.0})


@dataclass(frozen=True, slots=True)
class OptimSection:
    """AdamW (Loshchilov and Hutter, 2017) and its schedule.

    Attributes
    ----------
    rate : peak learning rate
    final : learning rate at the end, as a share of the peak
    warmup : share of the run that the rate rises over
    decay : weight decay; norms and biases are left out of it
    clip : largest norm of the gradient; 0 for no clipping
    ema : decay of the exponential moving average of the weights a step; 0 for none. It is warmed up as (1 + step) / (10 + step).
    """

    rate: float = 2e-3
    final: float = 0.01
    warmup: float = 0.03
    decay: float = 0.02
    betas: tuple[float, float] = (0.9, 0.99)
    clip: float = 1.0
    ema: float = 0.999


@dataclass(frozen=True, slots=True)
class RunSection:
    """How long and how.

    Attributes
    ----------
    steps : optimizer steps of the whole run
    minutes : the run ends after so many minutes of training, over all its sittings, if its steps have not ended it before; 0 for steps alone
    batch : crops a step, over all devices
    seed : of the weights and of the crops
    precision : "float32", "bfloat16" (autocast; on CUDA "float16" too, with loss scaling), or "auto", bfloat16 where the device has units for it
    checkpoint_minutes, validate_minutes : how often to write a checkpoint and to score the held-out pages; both also happen at the end
    validate_steps : score every so many steps instead of by the clock; 0 for the clock
    score_first : score the held-out pages before the first step, too, so that weights worse than those of ``net.init`` are never the best
    log_steps : a line of the log every so many steps
    threads : of the training process; 0 for all cores
    compile : fuse what lies between the convolutions (torch.compile; needs a C++ compiler and half a minute): a network of bits then trains half as
        fast again
    """

    steps: int = 100_000
    minutes: float = 0.0
    batch: int = 12
    seed: int = 1
    precision: str = "auto"
    checkpoint_minutes: float = 3.0
    validate_minutes: float = 6.0
    validate_steps: int = 0
    score_first: bool = False
    log_steps: int = 20
    threads: int = 0
    compile: bool = False


@dataclass(frozen=True, slots=True)
class Recipe:
    """A whole run; `task` names the training step in ``docbin.train.task.TASKS``, `options` is what that task alone understands."""

    net: NetSection
    task: str = "supervised"
    data: DataSection = field(default_factory=DataSection)
    loss: LossSection = field(default_factory=LossSection)
    optim: OptimSection = field(default_factory=OptimSection)
    run: RunSection = field(default_factory=RunSection)
    options: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        """The recipe as JSON, keys in the order of the dataclasses."""
        return json.dumps(dataclasses.asdict(self), indent=1)


def read_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read the TOML recipe `path` and lay `overrides` ("section.key=value") over it.

    Raises
    ------
    FileAccessError
        The file cannot be read.
    UsageError
        Not TOML, an unknown key, or a value of the wrong type.
    """
    return recipe_of(with_settings(read_toml(path, "the recipe"), overrides), str(path))


def with_settings(table: dict[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """`table` with "section.key=value" laid over it, in place; UsageError for what has not that form."""
    for override in overrides:
        _override(table, override)
    return table


def recipe_of(table: Mapping[str, Any], where: str = "recipe") -> Recipe:
    """The recipe of a parsed TOML table (or of ``json.loads(recipe.to_json())``); errors as in :func:`read_recipe`, naming `where`."""
    return typed(Recipe, table, where)


def _override(table: dict[str, Any], override: str) -> None:
    """Set one "a.b.c=value" in `table`; the value is read as TOML, and as a plain word where it is none."""
    key, equals, text = override.partition("=")
    parts = [part.strip() for part in key.split(".")]
    if not equals or not all(parts):
        raise UsageError(f"--set {override!r}: section.key=value is wanted, for instance optim.rate=1e-3")
    try:
        value: Any = parse_toml(f"value = {text}", f"--set {override!r}")["value"]
    except UsageError:
        value = text.strip()
    for part in parts[:-1]:
        table = table.setdefault(part, {})
        if not isinstance(table, dict):
            raise UsageError(f"--set {override!r}: {part} is a value, not a section")
    table[parts[-1]] = value
