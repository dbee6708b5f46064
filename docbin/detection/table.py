"""The detectors that there are: a row a model of the zoo whose task is to find words, as :mod:`docbin.catalogue` has one a binarizer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from docbin.detection.rules import SHAPES
from docbin.errors import MissingExtra, UsageError
from docbin.page import Image, check_image
from docbin.registry import Param, Row
from docbin.word import Word
from docbin.zoo import folders, runtimes
from docbin.zoo.folders import Config

DEFAULT = "dbnet"
"""The model where none is named."""
TASK = "detect"


@dataclass(frozen=True, slots=True)
class DetectorRow(Row):
    """One detector; `find` is ``"module:function"``, called with a picture, the row's model and every parameter."""

    find: str = "docbin.detection.detector:find"

    def prepare(self) -> None:
        """As :meth:`docbin.registry.Row.prepare`."""
        assert self.model is not None
        self.function(self.find)
        runtimes.load(self.model, task=TASK)

    def words(self, image: Image, **params: Any) -> list[Word]:
        """The words of a picture; see :func:`docbin.detect`."""
        parsed = self.parse(params)
        return self.function(self.find)(check_image(image), **parsed)  # type: ignore[no-any-return]


def row_of(config: Config) -> DetectorRow:
    """The row of a model: what it needs is what the best runtime for it needs here."""
    runtime = runtimes.choose(config)
    settings = config.detect
    return DetectorRow(
        config.name,
        "detector",
        config.summary or f"a trained {config.net}",
        config.citation or "unpublished",
        params=(
            Param(
                "threshold", config.output.threshold, "a pixel belongs to a word's kernel where its probability is at least this", 0.0, 1.0
            ),
            Param("score", settings.score, "a kernel is a word where its mean probability is at least this", min=0.0, max=1.0),
            Param(
                "unclip",
                settings.unclip,
                "growth of a kernel, area * unclip / perimeter; 0 undoes the shrinking of training",
                min=0.0,
                max=100.0,
            ),
            Param("shape", settings.shape, "quadrilaterals, or outlines of any form", choices=SHAPES),
            Param("least", settings.least, "shortest side of a kernel, pixels of what the network sees", min=0.0, max=1000.0),
            Param("side", settings.side, "longer side of what the network sees, pixels; 0: the picture as it is", min=0, max=16384),
            Param("accurate", False, "look at the picture at two sizes, the second half as large again, and average: three times the time"),
            runtimes.parameter(config),
        ),
        needs=(runtime.module,) if runtime.module else (),
        extra=runtime.extra,
        model=config.name,
        sha256=config.sha256,
    )


def names() -> list[str]:
    """Detectors that came with docbin."""
    return [config.name for config in folders.readable() if config.task == TASK]


def get(name: str) -> DetectorRow:
    """The row of a detector, or of the model folder at a path.

    Raises
    ------
    UsageError
        No such model, or one that does not find words.
    MissingExtra
        The default, where this install brings no detector.
    InputError, FileAccessError
        A model folder that cannot be used.
    """
    if name == DEFAULT and name not in folders.names():
        raise MissingExtra(
            f"model {name}: this install brings no weights of it; name another model folder with -m, or train it with 'docbin train'"
        )
    config = folders.load_config(name)
    if config.task != TASK:
        have = ", ".join(names()) or "none in this install"
        raise UsageError(f"model {name}: its task is {config.task}, it does not find words; detectors are: {have}")
    return row_of(config)
