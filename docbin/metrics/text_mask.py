"""Scores of text masks in comics: which pixels are lettering, counted by pixel and by piece of lettering.

Del Gobbo and Matuk Herrera, "Unconstrained text detection in manga: a new dataset and baseline", ECCV 2020 workshops, arXiv 2009.04042. Pixel scores
favour large letters: a noise drawn across a panel weighs more than a page of speech. So a second family counts *components*, the connected pieces
of the truth (8 neighbours):

* every pixel of the prediction that hangs together with a touched component of the truth is given to one of them by a watershed on the
  prediction's distance to its own edge; what touches no truth makes false components;
* *quantity*: recall is the share of the truth's components that are touched, precision the share of touched components among them and the false ones;
* *quality*, the mean over touched components: recall is the share of the component that was found, precision the share of the prediction given to
  it that lies on it;
* global precision is the product of the two precisions, global recall of the two recalls, global F1 their harmonic mean.

The *relaxed* form forgives what people who draw masks disagree on. It leaves out a band of 3 pixels at either side of the truth's edge, but never a
component's skeleton: found pixels within the outer band count as right, missed pixels within the inner band do not count.

Like the DIBCO metrics this is split into counts (:func:`statistics`), which add up over pages, and scores (:meth:`Statistics.scores`). The published
tables add counts over all pages of a fold first. Empty denominators give 0, except that an empty truth and an empty prediction agree perfectly.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from docbin.errors import MissingExtra
from docbin.page import Mask, check_mask

NEEDS = "the scores of lettering need scikit-image, which is not installed; run: pip install 'docbin[masks]'"
BAND = 3  # pixels at either side of the truth's edge that the relaxed form leaves out


@dataclass(frozen=True, slots=True)
class TextScores:
    """Scores in percent; see the module's docstring."""

    pixel_f1: float
    pixel_precision: float
    pixel_recall: float
    global_f1: float
    global_precision: float
    global_recall: float
    quantity_precision: float
    quantity_recall: float
    quality_precision: float
    quality_recall: float
    relaxed_pixel_f1: float
    relaxed_global_f1: float
    relaxed_quality_precision: float
    relaxed_quality_recall: float


FIELDS: tuple[str, ...] = tuple(field.name for field in fields(TextScores))
"""Names of the scores, in the order of tables."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """Counts of one page, or of several added up.

    Attributes
    ----------
    truths, touched, false : components of the truth, those that the prediction touches, and components of the prediction that touch none
    right, missed, wrong : pixels of the truth that were found and that were not, and predicted pixels outside it
    accuracy, coverage : sums over touched components of found pixels over pixels given to it, and over its own pixels
    kept, lost, forgiven, blamed : the relaxed pixel counts: inner pixels found and missed, predicted pixels within reach of the truth and beyond
    relaxed_accuracy, relaxed_coverage : the sums of the relaxed form
    """

    truths: int = 0
    touched: int = 0
    false: int = 0
    right: int = 0
    missed: int = 0
    wrong: int = 0
    accuracy: float = 0.0
    coverage: float = 0.0
    kept: int = 0
    lost: int = 0
    forgiven: int = 0
    blamed: int = 0
    relaxed_accuracy: float = 0.0
    relaxed_coverage: float = 0.0

    def __add__(self, other: Statistics) -> Statistics:
        return Statistics(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))

    def scores(self) -> TextScores:
        """Compute the scores."""
        nothing = self.truths == 0 and self.false == 0
        quantity = _share(self.touched, self.touched + self.false, nothing), _share(self.touched, self.truths, nothing)
        quality = _share(self.accuracy, self.touched, nothing), _share(self.coverage, self.touched, nothing)
        relaxed = _share(self.relaxed_accuracy, self.touched, nothing), _share(self.relaxed_coverage, self.touched, nothing)
        pixels = _share(self.right, self.right + self.wrong, nothing), _share(self.right, self.right + self.missed, nothing)
        loose = _share(self.forgiven, self.forgiven + self.blamed, nothing), _share(self.kept, self.kept + self.lost, nothing)
        whole = quantity[0] * quality[0] / 100, quantity[1] * quality[1] / 100
        return TextScores(
            pixel_f1=_harmonic(*pixels),
            pixel_precision=pixels[0],
            pixel_recall=pixels[1],
            global_f1=_harmonic(*whole),
            global_precision=whole[0],
            global_recall=whole[1],
            quantity_precision=quantity[0],
            quantity_recall=quantity[1],
            quality_precision=quality[0],
            quality_recall=quality[1],
            relaxed_pixel_f1=_harmonic(*loose),
            relaxed_global_f1=_harmonic(quantity[0] * relaxed[0] / 100, quantity[1] * relaxed[1] / 100),
            relaxed_quality_precision=relaxed[0],
            relaxed_quality_recall=relaxed[1],
        )


def _share(part: float, whole: float, nothing: bool) -> float:
    if nothing:
        return 100.0
    return 100.0 * part / whole if whole else 0.0


def _harmonic(one: float, other: float) -> float:
    return 2 * one * other / (one + other) if one + other > 0 else 0.0


def statistics(prediction: Mask, truth: Mask, hard: Mask | None = None) -> Statistics:
    """Counts of a predicted text mask against the truth.

    Parameters
    ----------
    prediction, truth : bool (H, W), True = lettering, equal sizes
    hard : the part of the truth that its annotators called hard, bool (H, W): a hard and an easy component that touch are two; None where unknown

    Raises
    ------
    TypeError, ValueError
        Not bool masks of one size; the message names both sizes.
    """
    for name, mask in (("prediction", prediction), ("truth", truth), ("hard", truth if hard is None else hard)):
        check_mask(mask, name)
        if mask.shape != truth.shape:
            (ph, pw), (th, tw) = mask.shape, truth.shape
            raise ValueError(f"{name} is {pw} x {ph} pixels, truth is {tw} x {th}: a page and its truth must have the same size")
    kinds = [truth] if hard is None else [truth & ~hard, truth & hard]
    labels, count = _components(kinds)
    inner, outer = _band(truth, kinds)
    given = _shared_out(prediction, labels)
    reach = _shared_out(outer, labels)
    area = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    found = np.bincount(labels[prediction], minlength=count + 1)[1:]
    own = np.bincount(given.ravel(), minlength=count + 1)[1:]
    within = np.bincount(given[(given == reach) & (given > 0)], minlength=count + 1)[1:]
    core = np.bincount(labels[inner], minlength=count + 1)[1:]
    core_found = np.bincount(labels[inner & prediction], minlength=count + 1)[1:]
    touched = found > 0
    strays = prediction & (given == 0)
    false = _components([strays])[1]
    stray = int(strays.sum())
    return Statistics(
        truths=count,
        touched=int(touched.sum()),
        false=false,
        right=int(found.sum()),
        missed=int((area - found).sum()),
        wrong=int((own - found)[touched].sum()) + stray,
        accuracy=float((found[touched] / own[touched]).sum()),
        coverage=float((found[touched] / area[touched]).sum()),
        kept=int(core_found.sum()),
        lost=int((core - core_found).sum()),
        forgiven=int(within.sum()),
        blamed=int((own - within)[touched].sum()) + stray,
        relaxed_accuracy=float((within[touched] / own[touched]).sum()),
        relaxed_coverage=float((core_found[touched] / core[touched]).sum()),
    )


def _components(kinds: list[Mask]) -> tuple[NDArray[np.int32], int]:
    """Components (8 neighbours) of one or several masks: labels from 1, int32 (H, W), and how many."""
    import cv2

    labels, count = np.zeros(kinds[0].shape, np.int32), 0
    for kind in kinds:
        number, found = cv2.connectedComponents(kind.view(np.uint8), connectivity=8)
        labels[kind] = found[kind] + count
        count += number - 1
    return labels, count


def _band(truth: Mask, kinds: list[Mask]) -> tuple[Mask, Mask]:
    """The truth without the band inside its edge but with its skeleton, and the truth with the band outside."""
    import cv2

    try:
        from skimage.morphology import skeletonize
    except ImportError:
        raise MissingExtra(NEEDS) from None

    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    inner = cv2.erode(truth.view(np.uint8), cross, iterations=BAND) > 0
    for kind in kinds:
        inner |= np.asarray(skeletonize(kind))
    return np.asarray(inner & truth), np.asarray(cv2.dilate(truth.view(np.uint8), cross, iterations=BAND) > 0)


def _shared_out(mask: Mask, labels: NDArray[np.int32]) -> NDArray[Any]:
    """Every pixel of `mask` to one component: flooded from the components along the ridges of the mask's distance map; 0 where none is reached."""
    import cv2

    try:
        from skimage.segmentation import watershed
    except ImportError:
        raise MissingExtra(NEEDS) from None

    if not mask.any():
        return np.zeros(mask.shape, np.int32)
    distance = cv2.distanceTransform(mask.view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)  # the page's edge is no edge of the lettering
    return np.asarray(watershed(-distance, np.where(mask, labels, 0), mask=mask, connectivity=np.ones((3, 3))))


def total(pages: Iterable[Statistics]) -> Statistics:
    """The counts of several pages added up, as the published tables do."""
    return sum(pages, Statistics())


def score(prediction: Mask, truth: Mask, hard: Mask | None = None) -> TextScores:
    """Scores of one page; parameters and errors as :func:`statistics`."""
    return statistics(prediction, truth, hard).scores()
