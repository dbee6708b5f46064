"""The score of held-out pages: the number by which a checkpoint is chosen.

What is wanted of a page says how it is scored. Ink (a bool mask): the F-measure, counted by :mod:`docbin.metrics`, of
its cells where the network answers for cells. A picture (uint8): the peak
signal-to-noise ratio of the page that the network makes, so that a network that repairs pages is chosen by its pages. Words (a tuple): the F of
the words found, by ICDAR 2015's rules, at the best of a few least scores: how sure a network is of its kernels drifts while it learns, and the
score is chosen again when it is done (``scripts/choose_detector.py``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from docbin import engine, export, metrics
from docbin.assessment.unread_writing import inked
from docbin.detection import find_words
from docbin.detection.rules import Rules
from docbin.errors import UsageError
from docbin.metrics.words import Counts, icdar2015, total
from docbin.nets.inference import clean_pages, probability
from docbin.page import Image, Mask, to_grey
from docbin.word import Word

HeldOut = tuple[str, Image, Mask | Image | tuple[Word, ...]]
"""Name, page uint8 (H, W, 3), and what is wanted of it: ink bool (H, W), a picture uint8 (H, W) or (H, W, 3), or words."""

PERFECT = 100.0
"""PSNR in dB of a page without any error, so that means stay finite; rounding to 8 bits alone costs 59."""

TILE = 1536  # pixels

LEAST_SCORES = (0.3, 0.4, 0.5, 0.6, 0.7)
"""Of words, one of which is taken for all pictures of a validation."""


def psnr(page: Image, wanted: Image) -> float:
    """10 log10(255^2 / mean squared error) in dB, at most PERFECT; a colour page is made grey where a grey one is wanted."""
    if page.ndim > wanted.ndim:
        page = to_grey(page)
    error = float(np.square(page.astype(np.float32) - wanted).mean(dtype=np.float64))
    return min(10 * math.log10(255**2 / error), PERFECT) if error > 0 else PERFECT


def validate(net: nn.Module, pages: Sequence[HeldOut], precision: torch.dtype | None) -> dict[str, float]:
    """The score of every page by name, and their mean as "mean" (of words, the score of all pictures together); ink is where the probability is
    above a half.
    """
    scores = {}
    words: dict[str, list[Counts]] = {}
    for name, image, wanted in pages:
        if isinstance(wanted, tuple):
            found = find_words(probability(net, image, TILE, precision=precision), Rules(score=min(LEAST_SCORES)))
            outlines, ignore = [word.polygon for word in wanted], [word.ignore for word in wanted]
            words[name] = [icdar2015([word.polygon for word in found if word.score >= least], outlines, ignore) for least in LEAST_SCORES]
        elif wanted.dtype == np.bool_:
            said, truth = probability(net, image, TILE, precision=precision) > 0.5, np.asarray(wanted, np.bool_)
            if said.shape != truth.shape:
                truth = inked(truth, said.shape).view(np.bool_)
            scores[name] = metrics.score(said, truth, pseudo=False, distances=False).fm
        else:
            scores[name] = psnr(clean_pages(net, image, TILE, precision)[-1], np.asarray(wanted, np.uint8))
    if not words:
        return {"mean": float(np.mean(list(scores.values()))), **scores}
    together = [total(counts).scores().f for counts in zip(*words.values(), strict=True)]
    best = int(np.argmax(together))
    return {"mean": together[best], **scores, **{name: counts[best].scores().f for name, counts in words.items()}}


def validate_packed(net: nn.Module, pages: Sequence[HeldOut]) -> dict[str, float]:
    """The F-measure of every page by name, and their mean as "mean", of a network of bits in the engine, one
    thread: the ink that torch computes, in a hundredth of its time.

    Raises
    ------
    UsageError
        The network cannot run in bits, or something other than ink is wanted of a page.
    """
    graph = engine.loads(export.to_packed(net))
    scores = {}
    for name, image, wanted in pages:
        if isinstance(wanted, tuple) or wanted.dtype != np.bool_:
            raise UsageError(f"{name}: of a network of bits in the engine, ink is scored, and this page wants something else")
        scores[name] = metrics.score(engine.ink(graph, image, threads=1), np.asarray(wanted, np.bool_), pseudo=False, distances=False).fm
    return {"mean": float(np.mean(list(scores.values()))), **scores}
