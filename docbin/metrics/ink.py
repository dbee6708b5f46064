"""Pixel metrics of document binarization: FM, pseudo-FM, PSNR, DRD, NRM, MPM.

All are pure functions of two masks of one size, split into *update* (:func:`statistics`: masks -> integers) and *compute*
(:meth:`Statistics.scores`: integers -> values). Ink is the positive class. With TP, FP, FN, TN the four pixel counts:

FM : 2 precision recall / (precision + recall), in percent; precision = TP / (TP + FP), recall = TP / (TP + FN).
pseudo-FM : the same of the weighted precision and recall of Ntirogiannis, Gatos and Pratikakis, "Performance evaluation methodology for
    historical document image binarization", IEEE TIP 22(2), 2013 (:mod:`docbin.metrics.pseudo`); reported by the contests since 2013.
pfm2010 : the older pseudo-FM of H-DIBCO 2010: ordinary precision with the recall of the truth's skeleton. Published tables mix the two; several
    papers print this one under the name Fps. The contest drew its skeletons half by hand, here they are computed.
PSNR : 10 log10(1 / MSE), MSE the share of wrong pixels; in dB.
DRD : distance reciprocal distortion (Lu, Kot, Shi, IEEE SPL 11(2), 2004): every wrong pixel costs the share of its 5 x 5 neighbourhood,
    weighted by inverse distance, whose truth differs from the prediction; the sum is divided by the number of 8 x 8 blocks of the truth that
    are not uniform. As in the contest tool only whole blocks from the top left corner count, and neighbours outside the page cost nothing.
NRM : (FN / (FN + TP) + FP / (FP + TN)) / 2, 0 to 1.
MPM : (sum of distances of missed ink + of false ink to the truth's contour) / (2 D), D the sum of the distances of all pixels of the page (Young
    and Ferryman, PETS 2005; DIBCO 2009); Euclidean. Tables print it times 1000.

Where a definition divides by nothing:

* prediction equal to truth (both empty included): FM, pseudo-FM, precision, recall 100, DRD, NRM, MPM 0, PSNR infinite (in JSON: null);
* truth without ink, or prediction without ink, and not equal: FM and pseudo-FM 0; a precision or recall whose denominator is 0 is 0;
* a rate of NRM whose denominator is 0 is 0; DRD and MPM divide by at least 1.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, fields

import numpy as np

from docbin.kernels import metrics as kernel
from docbin.page import Mask, check_mask


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores of one page; how each is computed, and after which paper, is in the docstring of :mod:`docbin.metrics.ink`.

    Attributes
    ----------
    fm : F-measure, percent
    pfm : pseudo-F-measure, with weights for the distance from strokes, percent
    psnr : peak signal-to-noise ratio, dB; infinite where nothing differs
    drd : distance-reciprocal distortion; lower is better
    nrm : negative rate metric, 0..1; lower is better
    mpm : misclassification penalty metric; lower is better
    precision : share of the ink found that is ink, percent
    recall : share of the ink that was found, percent
    pprecision : precision, weighted as in `pfm`, percent
    precall : recall, weighted as in `pfm`, percent
    pfm2010 : pseudo-F-measure as the contest of 2010 had it, by the strokes' skeletons, percent
    """

    fm: float
    pfm: float
    psnr: float
    drd: float
    nrm: float
    mpm: float
    precision: float
    recall: float
    pprecision: float = math.nan
    precall: float = math.nan
    pfm2010: float = math.nan

    def as_dict(self) -> dict[str, float | None]:
        """The fields as plain data that is valid JSON: an infinite PSNR (and what was not computed) is None."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value if math.isfinite(value) else None for name, value in values.items()}


FIELDS: tuple[str, ...] = tuple(field.name for field in fields(Scores))
"""Names of the scores, in the order of tables."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """Sufficient statistics of one page: pixel counts, distortion counts, weighted sums (None where not asked for), distances."""

    true_ink: int
    false_ink: int
    missed_ink: int
    pixels: int
    distortion: tuple[int, ...]
    mixed_blocks: int
    penalty: float
    penalty_scale: float
    weighted: tuple[int, ...] | None

    def scores(self) -> Scores:
        """Compute the scores."""
        right, false, missed = self.true_ink, self.false_ink, self.missed_ink
        perfect = false == 0 and missed == 0
        wrong = (false + missed) / self.pixels
        precision, recall = _share(right, right + false, perfect), _share(right, right + missed, perfect)
        pprecision = precall = pfm = pfm2010 = math.nan
        if self.weighted is not None:
            recall_found, recall_all, precision_right, precision_all, skeleton_found, skeleton_all = self.weighted
            precall = _share(recall_found, recall_all, perfect)
            pprecision = _share(precision_right, precision_all, perfect)
            pfm = _harmonic(pprecision, precall)
            pfm2010 = _harmonic(precision, _share(skeleton_found, skeleton_all, perfect))
        return Scores(
            fm=_harmonic(precision, recall),
            pfm=pfm,
            psnr=math.inf if perfect else -10 * math.log10(wrong),
            drd=sum(count * weight for count, weight in zip(self.distortion, _DRD_WEIGHTS, strict=True)) / max(self.mixed_blocks, 1),
            nrm=(missed / max(missed + right, 1) + false / max(self.pixels - right - missed, 1)) / 2,
            mpm=self.penalty / (2 * max(self.penalty_scale, 1.0)),
            precision=precision,
            recall=recall,
            pprecision=pprecision,
            precall=precall,
            pfm2010=pfm2010,
        )


_NEIGHBOURS = {1: 4, 2: 4, 4: 4, 5: 8, 8: 4}  # how many of the 24 lie at each squared distance
_DRD_TOTAL = sum(count / math.sqrt(distance) for distance, count in _NEIGHBOURS.items())
_DRD_WEIGHTS = tuple(1 / math.sqrt(distance) / _DRD_TOTAL for distance in kernel.DISTANCES)


def _share(part: int, whole: int, perfect: bool) -> float:
    if perfect:
        return 100.0
    return 100.0 * (part / whole) if whole else 0.0


def _harmonic(one: float, other: float) -> float:
    return 2 * one * other / (one + other) if one + other > 0 else 0.0


def statistics(prediction: Mask, truth: Mask, *, pseudo: bool = True, distances: bool = True) -> Statistics:
    """Sufficient statistics of a prediction against its truth.

    Parameters
    ----------
    prediction, truth : bool (H, W), True = ink, equal sizes
    pseudo : also the weighted sums behind pseudo-FM and pfm2010 (most of the time goes there)
    distances : also the distances behind MPM; without them MPM is reported as 0

    Raises
    ------
    TypeError, ValueError
        Not two bool masks of one size; the message names both sizes.
    """
    check_mask(prediction, "prediction")
    check_mask(truth, "truth")
    if prediction.shape != truth.shape:
        (ph, pw), (th, tw) = prediction.shape, truth.shape
        raise ValueError(f"prediction is {pw} x {ph} pixels, truth is {tw} x {th}: a page and its truth must have the same size")
    true_ink, false_ink, missed_ink, *distortion, mixed_blocks = kernel.counts(prediction, truth)
    penalty, scale = _penalties(prediction, truth) if distances else (0.0, 1.0)
    weighted = tuple(kernel.pseudo_counts(prediction, truth)) if pseudo else None
    return Statistics(true_ink, false_ink, missed_ink, truth.size, tuple(distortion), mixed_blocks, penalty, scale, weighted)


def _penalties(prediction: Mask, truth: Mask) -> tuple[float, float]:
    """Sum of the wrong pixels' distances to the truth's contour, and of all pixels'."""
    import cv2

    from docbin.kernels.reference_weights import contour_of

    wrong = prediction ^ truth
    if not truth.any() or not wrong.any():
        return 0.0, 1.0
    contour = contour_of(truth)
    distance = np.asarray(cv2.distanceTransform((~contour).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE))
    return float(distance[wrong].sum(dtype=np.float64)), float(distance.sum(dtype=np.float64))


def score(prediction: Mask, truth: Mask, *, pseudo: bool = True, distances: bool = True) -> Scores:
    """Scores of an ink mask against the truth.

    Parameters, errors and the answers for empty and perfect masks: :func:`statistics` and the module docstring.
    """
    return statistics(prediction, truth, pseudo=pseudo, distances=distances).scores()


def mean(scores: Iterable[Scores]) -> Scores:
    """Mean of each score over pages, the contests' way of scoring a year (not the score of the pooled pixels); ValueError for no pages."""
    rows = [[getattr(one, name) for name in FIELDS] for one in scores]
    if not rows:
        raise ValueError("mean of no pages")
    return Scores(
        *(math.fsum(column) / len(rows) if all(map(math.isfinite, column)) else sum(column) for column in zip(*rows, strict=True))
    )
