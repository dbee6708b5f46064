"""A detector of the zoo: a picture to words, whatever the picture's size.

A network finds writing of the sizes that it learned from, so a picture is handed to it at a bounded size: its longer side as long as the model's
config says (``[detect] side``), a smaller picture enlarged at most twice. Words are found in the map that comes back, and only then are their
coordinates taken to the picture, each axis by its own exact ratio.
"""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np

from docbin.detection.regions import find_words
from docbin.detection.rules import Rules
from docbin.errors import UsageError
from docbin.page import FloatMap, Image, Page, check_image
from docbin.word import Word
from docbin.zoo import runtimes
from docbin.zoo.folders import Config

ENLARGED = 2.0
"""By how much a small picture is enlarged at most."""
LARGER = 1.5
"""The second size of ``accurate``, against the first."""


class Detector:
    """A loaded model that finds words: call it with a picture.

    Attributes
    ----------
    config : what the model's folder says
    runtime : the row of what runs it
    rules : how its map becomes words, unless a call says otherwise
    side : longer side in pixels of what the network is handed; 0 for the picture as it is
    """

    def __init__(self, model: runtimes.Model) -> None:
        self._model = model
        self.config, self.runtime = model.config, model.runtime
        self.rules, self.side = rules_of(model.config), model.config.detect.side

    def __repr__(self) -> str:
        return f"<docbin detector {self.config.name} ({self.config.net}, {self.runtime.name})>"

    def __call__(self, image: Image | Page, rules: Rules | None = None, side: int | None = None, accurate: bool = False) -> list[Word]:
        """The words of a picture uint8 (H, W) or (H, W, 3), in reading order; coordinates are those of the picture.

        With `accurate`, the network looks at the picture at two sizes (:meth:`averaged`); it takes about three times as long.
        """
        height, width = check_image(image).shape[:2]
        probability = self.averaged(image, side) if accurate else self.probability(image, side)
        return find_words(probability, rules or self.rules, (width, height))

    def averaged(self, image: Image | Page, side: int | None = None) -> FloatMap:
        """The mean of the probabilities at the usual size and at :data:`LARGER` times that, at the larger size.

        Small writing is found at the larger size, large writing at the smaller one; what only one of them sees has half its probability.
        """
        import cv2

        image = check_image(image)
        side = (self.side if side is None else side) or max(image.shape[:2])
        large = self.probability(image, round(LARGER * side))
        small = cv2.resize(self.probability(image, side), (large.shape[1], large.shape[0]), interpolation=cv2.INTER_LINEAR)
        return np.asarray((large + small) / 2, np.float32)

    def probability(self, image: Image | Page, side: int | None = None) -> FloatMap:
        """The probability of lying in the kernel of a word, float32 in 0..1, at the size that the network is handed."""
        image = check_image(image)
        height, width = inner_size(image.shape[0], image.shape[1], self.side if side is None else side)
        return self._model.probability(resized(image, height, width))


def rules_of(config: Config) -> Rules:
    """The rules that a model's config asks for."""
    settings = config.detect
    return Rules(config.output.threshold, settings.score, settings.unclip, settings.shrink, settings.least, shape=settings.shape)


def inner_size(height: int, width: int, side: int) -> tuple[int, int]:
    """(height, width) that a picture is handed to the network at; see the module's docstring."""
    if side == 0:
        return height, width
    scale = min(side / max(height, width), ENLARGED)
    return max(1, round(height * scale)), max(1, round(width * scale))


def resized(image: Image, height: int, width: int) -> Image:
    """The picture at another size: averaged over areas where it shrinks, interpolated where it grows."""
    import cv2

    if image.shape[:2] == (height, width):
        return image
    shrinks = height * width < image.shape[0] * image.shape[1]
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR), np.uint8)


def load(name: str | os.PathLike[str], runtime: str = runtimes.AUTO) -> Detector:
    """The detector of that name (or folder), loaded once a process and kept; errors as in :func:`docbin.zoo.runtimes.load`."""
    return Detector(runtimes.load(name, runtime, "detect"))


def find(
    image: Image,
    *,
    model: str,
    threshold: float,
    score: float,
    unclip: float,
    shape: str,
    least: float,
    side: int,
    accurate: bool,
    runtime: str,
) -> list[Word]:
    """Words by a model of the zoo; the detector table's door."""
    detector = load(model, runtime)
    rules = replace(detector.rules, threshold=threshold, score=score, unclip=unclip, shape=shape, least=least)
    if side < 0:
        raise UsageError(f"{model}: side={side}: 0 or more pixels are wanted")
    return detector(image, rules, side, accurate)
