"""Pair sources by the name that a recipe gives: ``source = "docbin.train.pairs:deblurring"`` in ``[data]``.

Each is a crop source over the sets in ``data.weights``. Degradations are those of the recipe, so clean-up takes a strong preset and the other two
a light one or none: what is degraded *before* the pair is made stays in the wanted page, except for clean-up, whose wanted page is drawn from
truth.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from docbin.data.page_pairs import Maker, PagePairs, Watermarked, blurred, cleaned
from docbin.train.feed import degradations, labelled_crops, sides
from docbin.train.recipe import DataSection
from docbin.train.validate import HeldOut

PIECE = 768
"""Largest side of a piece of a held-out page, pixels: a score of twenty pieces takes less time than of twenty pages, and tells as much."""


@dataclass(frozen=True, slots=True)
class PairSource:
    """Pairs made by `maker`, those of held-out pages by `judged` where it is another; called as every crop source of a recipe is."""

    maker: Maker
    judged: Maker | None = None

    def __call__(self, data: DataSection, root: Path, seed: int) -> PagePairs:
        """Pairs of the training side of the pages, mixed by ``data.weights``."""
        return PagePairs(labelled_crops(data, root, seed), self.maker, seed)

    def held_out(self, data: DataSection, root: Path) -> list[HeldOut]:
        """A pair of every held-out page of the sets in ``data.validation``: (name, what came, what is wanted).

        A square piece near ink, not scaled or turned, degraded as the crops are; always the same, whatever the seed of the run.
        """
        from docbin.data.crops import NO_AUGMENT
        from docbin.data.crops import CropSource as LabelledCrops

        degrade = degradations(data, data.validation)
        _, pages = sides(data, data.validation, root)
        held_out: list[HeldOut] = []
        for number, page in enumerate(pages):
            piece = LabelledCrops([page], min(PIECE, *page.shape), number, augment=NO_AUGMENT, degrade=degrade)
            held_out.append((page.name, *PagePairs(piece, self.judged or self.maker, number).crop(0)))
        return held_out


clean_up = PairSource(cleaned)
"""Degraded crops and their writing in black on white."""

deblurring = PairSource(blurred)
"""Unsharp crops and the crops as they were, in grey."""

watermarks = PairSource(Watermarked(bare=0.15), judged=Watermarked())
"""Crops under watermarks, and some without, and the crops as they were, in colour."""
