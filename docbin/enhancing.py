"""Repairs: a name to a network and a clean page, in grey or colour, without deciding what is ink.

The rows of :data:`REPAIRS` are data, as the methods' are: a repair, the model that does it unless another is named, and where it comes from. A model
is a folder (:mod:`docbin.zoo.folders`), one of those that came with docbin or any other by its path; a repair whose model this install does not bring
is not listed. The networks run in torch, which is imported when the first page is repaired; without it the error says what to install.

(The module is not called ``enhance`` for the same reason that the method table is not called ``methods``: the name is the public function's.)
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from docbin.errors import MissingExtra, UsageError
from docbin.page import Image, check_image
from docbin.registry import Param, Row
from docbin.zoo import folders
from docbin.zoo.folders import Config

DE_GAN = "Souibgui and Kessentini, IEEE TPAMI 44(3), 2022, doi:10.1109/TPAMI.2020.3022406"
UNMARK = "mask, mark and picture: Cun and Pun, AAAI 2021, arXiv 2012.07007; the network is docbin's own"
DEEP_OTSU = "He and Schomaker, Pattern Recognition 91, 2019, doi:10.1016/j.patcog.2019.01.025"

_PARAMS = (
    Param("grey", False, "give a grey page also where the page is in colour"),
    Param(
        "tile", 1024, "side of the tiles that a page is worked on in, pixels; changes memory and time, not the result", min=64, max=16_384
    ),
)


@dataclass(frozen=True, slots=True)
class Repair(Row):
    """One repair; `run` is ``"module:function"``, called with a page, the row's model and every parameter. `experimental`: see its summary."""

    run: str = "docbin.nets.pretrained:repaired"
    experimental: bool = False

    def prepare(self) -> None:
        """As :meth:`docbin.registry.Row.prepare`."""
        self.function("docbin.nets.pretrained:opened")()

    def enhance(self, image: Image, **params: Any) -> Image:
        """The page repaired; see :func:`docbin.enhance`."""
        parsed = self.parse(params)
        return self.function(self.run)(check_image(image), **parsed)  # type: ignore[no-any-return]


def _repair(name: str, model: str, summary: str, citation: str, *, experimental: bool = False) -> Repair:
    return Repair(
        name, "repair", summary, citation, params=_PARAMS, needs=("torch",), extra="train", model=model, experimental=experimental
    )


_UNIFORM = "all ink in one colour, all paper in another; changes little on a page that is clean"

REPAIRS: Mapping[str, Repair] = {
    row.name: row
    for row in (
        _repair("uniform", "deepotsu", _UNIFORM, DEEP_OTSU, experimental=True),
        _repair("clean-up", "degan-clean-up", "the writing in black on white, as a clean scan has it", DE_GAN, experimental=True),
        _repair("deblur", "degan-deblur", "a sharp page from an unsharp one, in grey", DE_GAN, experimental=True),
        _repair("watermark", "unmark", "the page without the watermark laid over it, in its colours", UNMARK, experimental=True),
        _repair("binarize", "degan", "the probability of paper as a grey page, before the threshold", DE_GAN),
    )
}  # fmt: skip

DEFAULT = "uniform"


def available() -> list[str]:
    """Names of the repairs whose model is in this install."""
    there = folders.names()
    return [name for name, row in REPAIRS.items() if row.model in there]


def get(repair: str, model: str | os.PathLike[str] | None = None) -> Repair:
    """The row of a repair, done by `model` (a name in the zoo, or a folder) where that is named; its weights are checked.

    Raises
    ------
    UsageError
        Unknown repair or model, or a model that does not clean pages.
    MissingExtra
        This install does not bring the repair's model; the message says how to get one.
    InputError, FileAccessError
        The model's files are damaged or missing.
    """
    if repair not in REPAIRS:
        import difflib

        near = difflib.get_close_matches(repair, REPAIRS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"choose one of {', '.join(available() or REPAIRS)}"
        raise UsageError(f"task {repair!r} does not exist; {hint}")
    row = REPAIRS[repair]
    if model is None and row.model not in folders.names():
        there = ", ".join(available())
        raise MissingExtra(
            f"task {repair}: its model {row.model} did not come with this docbin; "
            + (f"this install can do {there}; " if there else "")
            + "train it with 'docbin train' and 'docbin package', or name another with --model FOLDER"
        )
    config = _checked(row.model if model is None else model)
    return replace(row, model=config.name, sha256=config.sha256)


def _checked(model: str | os.PathLike[str] | None) -> Config:
    assert model is not None
    config = folders.load_config(model)
    if config.weights is None:
        raise UsageError(f"model {config.name}: a network of bits only says where ink is; clean pages come from deepotsu, degan and unmark")
    config.verified(config.weights)
    return config
