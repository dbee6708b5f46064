"""Degradations composed by chance into a pipeline: a clean or real crop in, a crop as time and a scanner would have left it out, truth exact.

The single degradations are plain functions in :mod:`~docbin.augment.ink_effects`, :mod:`~docbin.augment.bleed_through`,
:mod:`~docbin.augment.paper_effects` and :mod:`~docbin.augment.capture_effects`, all of one form, (rng, image, truth, strength) -> (image, truth);
:data:`DEGRADATIONS` names them. A :class:`Recipe` says which happen, how often and how hard, and is data: a small frozen table, with four presets
(:data:`PRESETS`).

Two things are decided here rather than in the functions. The order is that of the world: ink is written and fades, paper ages around it, light
falls on both, a scanner looks. And any degradation that leaves truth alone can be made *local*, TorMentor's idea (see :mod:`~docbin.augment.plasma`):
its result is blended with the crop before it by a plasma field, so that a crop is blurred here and sharp there. Truth does not move, so the
blend is exact.

Because the ablation must be honest, ``no-plasma`` is ``full`` without everything that draws a plasma field: neither the degradations made of one
nor local strength.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.random import Generator

from docbin.augment import capture_effects, ink_effects, paper_effects, second_hand
from docbin.augment.bleed_through import Verso, bleed_through, verso_only
from docbin.augment.plasma import plasma
from docbin.errors import UsageError
from docbin.page import Image, Mask

Degradation = Callable[[Generator, Image, Mask, float], tuple[Image, Mask]]


@dataclass(frozen=True, slots=True)
class Kind:
    """One degradation: its function, and what the pipeline must know of it.

    Attributes
    ----------
    function : (rng, image, truth, strength 0..1) -> (image, truth)
    needs_verso : it takes, as a fifth argument, what gives the page's back
    plasma : it draws a plasma field itself
    moves_truth : truth may change, so it cannot be made local
    adds_ink : truth may gain ink
    """

    function: Callable[..., tuple[Image, Mask]]
    needs_verso: bool = False
    plasma: bool = False
    moves_truth: bool = False
    adds_ink: bool = False


DEGRADATIONS: dict[str, Kind] = {
    # ink
    "uneven_density": Kind(ink_effects.uneven_density),
    "spread": Kind(ink_effects.spread),
    "flake": Kind(ink_effects.flake),
    "fade": Kind(ink_effects.fade),
    "fade_in_places": Kind(ink_effects.fade_in_places, plasma=True),
    "pale_hand": Kind(second_hand.pale_hand),
    "recolour": Kind(ink_effects.recolour),
    "dark_hand": Kind(second_hand.dark_hand, needs_verso=True, moves_truth=True, adds_ink=True),
    # paper
    "verso_only": Kind(verso_only, needs_verso=True, moves_truth=True),
    "bleed_through": Kind(bleed_through, needs_verso=True),
    "paper_texture": Kind(paper_effects.paper_texture),
    "ruled_lines": Kind(paper_effects.ruled_lines),
    "mottling": Kind(paper_effects.mottling, plasma=True),
    "stains": Kind(paper_effects.stains, plasma=True),
    "specks": Kind(paper_effects.specks),
    "fold": Kind(paper_effects.fold),
    # light
    "uneven_light": Kind(paper_effects.uneven_light, plasma=True),
    "shadow": Kind(paper_effects.shadow),
    # capture
    "downscale": Kind(capture_effects.downscale),
    "gaussian_blur": Kind(capture_effects.gaussian_blur),
    "motion_blur": Kind(capture_effects.motion_blur),
    "defocus": Kind(capture_effects.defocus),
    "contrast_loss": Kind(capture_effects.contrast_loss),
    "gaussian_noise": Kind(capture_effects.gaussian_noise),
    "noise_in_places": Kind(capture_effects.noise_in_places, plasma=True),
    "speckle": Kind(capture_effects.speckle),
    "salt_and_pepper": Kind(capture_effects.salt_and_pepper),
    "camera_noise": Kind(capture_effects.camera_noise),
    "shot_noise": Kind(capture_effects.shot_noise),
    "sharpen": Kind(capture_effects.sharpen),
    "black_margin": Kind(paper_effects.black_margin, moves_truth=True),
    "compress": Kind(capture_effects.compress),
}
"""Every degradation by name, in the order in which a pipeline applies them."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """Which degradations happen, how often, how hard.

    Attributes
    ----------
    chances : (name, probability 0..1, strongest strength 0..1) a degradation; the strength is drawn evenly between 0.05 and the strongest
    at_most : degradations in one crop; if more are drawn, a random choice of them is applied
    untouched : share of crops that are left as they are
    local : share of the degradations (that leave truth alone) made local by a plasma field
    """

    chances: tuple[tuple[str, float, float], ...] = ()
    at_most: int = 6
    untouched: float = 0.2
    local: float = 0.3

    def without_plasma(self) -> Recipe:
        """The same without anything that draws a plasma field."""
        return replace(self, local=0.0, chances=tuple(row for row in self.chances if not DEGRADATIONS[row[0]].plasma))


_LIGHT = Recipe(
    chances=(
        ("fade", 0.06, 0.5),
        ("fade_in_places", 0.06, 0.6),
        ("pale_hand", 0.14, 1.0),
        ("recolour", 0.1, 0.9),
        ("dark_hand", 0.08, 1.0),
        ("paper_texture", 0.12, 0.5),
        ("ruled_lines", 0.03, 0.8),
        ("verso_only", 0.15, 1.0),
        ("bleed_through", 0.2, 1.0),
        ("mottling", 0.1, 0.6),
        ("stains", 0.12, 0.7),
        ("specks", 0.05, 0.4),
        ("fold", 0.05, 0.6),
        ("uneven_light", 0.15, 0.6),
        ("shadow", 0.1, 0.6),
        ("downscale", 0.04, 0.5),
        ("gaussian_blur", 0.1, 0.5),
        ("contrast_loss", 0.1, 0.7),
        ("gaussian_noise", 0.1, 0.5),
        ("noise_in_places", 0.05, 0.5),
        ("speckle", 0.04, 0.5),
        ("black_margin", 0.03, 0.6),
        ("compress", 0.12, 0.7),
    ),
    at_most=3,
    untouched=0.4,
    local=0.25,
)

_FULL = Recipe(
    chances=(
        ("uneven_density", 0.35, 1.0),
        ("spread", 0.25, 0.9),
        ("flake", 0.15, 0.8),
        ("fade", 0.15, 0.9),
        ("fade_in_places", 0.15, 0.9),
        ("pale_hand", 0.22, 1.0),
        ("recolour", 0.25, 1.0),
        ("dark_hand", 0.12, 1.0),
        ("paper_texture", 0.4, 0.9),
        ("ruled_lines", 0.07, 1.0),
        ("verso_only", 0.1, 1.0),
        ("bleed_through", 0.35, 1.0),
        ("mottling", 0.25, 0.9),
        ("stains", 0.25, 1.0),
        ("specks", 0.12, 0.7),
        ("fold", 0.1, 0.9),
        ("uneven_light", 0.25, 1.0),
        ("shadow", 0.2, 1.0),
        ("downscale", 0.1, 0.8),
        ("gaussian_blur", 0.3, 0.7),
        ("motion_blur", 0.04, 0.5),
        ("defocus", 0.04, 0.5),
        ("contrast_loss", 0.2, 0.9),
        ("gaussian_noise", 0.2, 0.8),
        ("noise_in_places", 0.1, 0.9),
        ("speckle", 0.1, 0.8),
        ("salt_and_pepper", 0.04, 0.6),
        ("camera_noise", 0.06, 0.8),
        ("shot_noise", 0.06, 0.8),
        ("sharpen", 0.1, 0.8),
        ("black_margin", 0.05, 1.0),
        ("compress", 0.3, 0.9),
    ),
    at_most=7,
    untouched=0.03,
    local=0.3,
)

PRESETS: dict[str, Recipe] = {
    "none": Recipe(untouched=1.0),
    "light": _LIGHT,
    "gentle": replace(_LIGHT, untouched=0.75),
    "full": _FULL,
    "no-plasma": _FULL.without_plasma(),
    "light-no-plasma": _LIGHT.without_plasma(),
}
"""``light`` for crops of real pages, which are degraded already; ``gentle`` for the last part of a training, which learns where the truth of real
pages sets a stroke's edge (a degraded crop says nothing of that); ``full`` for rendered pages; the others for ablations."""


class Pipeline:
    """Applies a recipe: ``pipeline(rng, image, truth, verso) -> (image, truth)``, a pure function of its arguments.

    Parameters
    ----------
    recipe : a :class:`Recipe`, or the name of a preset

    Raises
    ------
    UsageError
        An unknown preset or degradation, or a probability, strength or share outside 0..1.
    """

    def __init__(self, recipe: Recipe | str) -> None:
        if isinstance(recipe, str):
            if recipe not in PRESETS:
                raise UsageError(f"degradations {recipe!r}: unknown preset; known are {', '.join(PRESETS)}")
            recipe = PRESETS[recipe]
        unknown = sorted({name for name, _, _ in recipe.chances} - set(DEGRADATIONS))
        if unknown:
            raise UsageError(f"unknown degradation {', '.join(unknown)}; known are {', '.join(DEGRADATIONS)}")
        shares = [("untouched", recipe.untouched), ("local", recipe.local)]
        for name, chance, strongest in recipe.chances:
            shares += [(f"probability of {name}", chance), (f"strength of {name}", strongest)]
        for name, share in shares:
            if not 0.0 <= share <= 1.0:
                raise UsageError(f"{name} is {share}; 0..1 is wanted")
        order = {name: place for place, name in enumerate(DEGRADATIONS)}
        self.recipe = replace(recipe, chances=tuple(sorted(recipe.chances, key=lambda row: order[row[0]])))

    def __call__(self, rng: Generator, image: Image, truth: Mask, verso: Verso) -> tuple[Image, Mask]:
        recipe = self.recipe
        if rng.random() < recipe.untouched or not recipe.chances:
            return image, truth
        draws = rng.random(len(recipe.chances))
        chosen = [place for place, (_, chance, _) in enumerate(recipe.chances) if draws[place] < chance]
        if len(chosen) > recipe.at_most:
            chosen = sorted(int(place) for place in rng.permutation(chosen)[: recipe.at_most])
        for place in chosen:
            name, _, strongest = recipe.chances[place]
            image, truth = apply(
                name, rng, image, truth, float(rng.uniform(0.05, max(strongest, 0.05))), verso, local=rng.random() < recipe.local
            )
        return image, truth

    def __repr__(self) -> str:
        return f"Pipeline({self.recipe!r})"


def by_set(real: Recipe | str, rendered: Recipe | str, sets: Iterable[str]) -> dict[str, Pipeline]:
    """A pipeline a set, as :class:`~docbin.data.crops.CropSource` takes them: `rendered` for sets of rendered pages, which are clean, `real` for all
    others, which are degraded already. The usual pair is ("light", "full"); for the ablation without plasma ("light-no-plasma", "no-plasma")."""
    return {name: Pipeline(rendered if name.startswith("rendered") else real) for name in sets}


def apply(
    name: str, rng: Generator, image: Image, truth: Mask, strength: float, verso: Verso | None = None, local: bool = False
) -> tuple[Image, Mask]:
    """One degradation by name, over the whole picture or, where `local`, by the strength of a plasma field.

    Parameters
    ----------
    name : a key of :data:`DEGRADATIONS`
    image, truth : uint8 (H, W, 3) and bool (H, W); neither is changed
    strength : 0..1
    verso : gives the page's back; without one nothing shines through
    local : blend by a plasma field; ignored by degradations that change truth

    Returns
    -------
    (image, truth) : new picture; truth is the same array unless the degradation defines another
    """
    kind = DEGRADATIONS[name]
    extra: tuple[Any, ...] = ()
    if kind.needs_verso:
        if verso is None:
            return image, truth
        extra = (verso,)
    changed, new_truth = kind.function(rng, image, truth, strength, *extra)
    if local and not kind.moves_truth:
        field = plasma(rng, truth.shape, roughness=float(rng.uniform(0.3, 0.6)), clouds=int(rng.integers(1, 4)))
        share = np.clip(field * 2 - 0.5, 0, 1)[..., None]
        changed = np.asarray(changed * share + image * (1 - share) + np.float32(0.5), dtype=np.uint8)
    return changed, new_truth
