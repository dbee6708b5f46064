"""Training crops for text detection from pictures with words; crop number `index` is a pure function of (seed, index), as page crops are.

A crop is drawn in this order:

1. a source by weight, a picture of it;
2. geometry in one resampling: scale (evenly in the logarithm), a change of aspect, a small rotation, about a place that is a word in most crops.
   What lies beyond the picture is one grey: its mirror image would be text that no outline tells of;
3. colour, as for pages, then now and then blur, noise or JPEG;
4. truth (:mod:`docbin.data.detection_targets`) from the outlines that took the same way.

Pictures are mirrored only if asked for: mirrored writing is in hardly any photograph, and a detector that must accept it can ask less of letters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from docbin.data.crops import Augment, recolour
from docbin.data.detection_targets import PAPER, TargetRules, Truth, draw
from docbin.errors import UsageError
from docbin.page import Image
from docbin.word import Polygon, Word, WordImage, WordSource

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class WordAugment:
    """How far a crop may differ from its picture.

    Attributes
    ----------
    near_word : share of crops that are placed about a word, 0..1
    scale : smallest and largest size of the text against the picture
    aspect : largest factor by which width and height may change against each other
    rotation : standard deviation of the rotation in degrees
    turned : share of crops that are rotated at all
    mirrored : share of crops that are mirrored
    colour : strength of the colour jitter, 0 = none, 1 = strong
    grey : share of crops made grey
    spoilt : share of crops that are blurred, noisy or compressed
    """

    near_word: float = 0.8
    scale: tuple[float, float] = (0.6, 2.0)
    aspect: float = 1.2
    rotation: float = 5.0
    turned: float = 0.6
    mirrored: float = 0.0
    colour: float = 0.5
    grey: float = 0.1
    spoilt: float = 0.3


NO_AUGMENT = WordAugment(near_word=1.0, scale=(1.0, 1.0), aspect=1.0, turned=0.0, colour=0.0, grey=0.0, spoilt=0.0)


class Listed(Protocol):
    """A set of pictures, such as a benchmark's training side."""

    def __len__(self) -> int: ...

    def __getitem__(self, number: int) -> WordImage: ...


@dataclass(frozen=True, slots=True)
class Drawn:
    """A set of pictures as a source: number `index` is any of them, a pure function of (seed, index)."""

    pictures: Sequence[WordImage] | Listed
    seed: int = 0

    def sample(self, index: int) -> WordImage:
        """See :class:`docbin.word.WordSource`."""
        return self.pictures[int(np.random.default_rng((self.seed, index, 7919)).integers(len(self.pictures)))]


class WordCrops:
    """Crops of `size` x `size` pixels with their truth, mixed by weight over `sources`.

    Parameters
    ----------
    sources : name -> pictures with words
    weights : name -> weight; a source that is not named gets none
    size : side of a crop in pixels
    seed : with the index it decides everything about a crop
    augment : see :class:`WordAugment`
    rules : how truth is drawn

    Raises
    ------
    UsageError
        A weight for an unknown source, a negative one, or none above 0; a size below 1.
    """

    def __init__(
        self,
        sources: Mapping[str, WordSource],
        weights: Mapping[str, float],
        size: int = 640,
        seed: int = 0,
        augment: WordAugment | None = None,
        rules: TargetRules = PAPER,
    ) -> None:
        self.sources = dict(sources)
        self._check(weights)
        if size < 1:
            raise UsageError(f"size={size}: a crop of at least one pixel is wanted")
        self._mixtures = (_mixture(weights), _mixture(weights))
        self._batch, self._first_steps = 1, 0
        self._sizes: tuple[int, ...] = (size,)
        self.size, self.seed, self.rules = size, seed, rules
        self.augment = augment or WordAugment()

    def crop(self, index: int) -> tuple[Image, Truth]:
        """Crop number `index` >= 0: picture uint8 (size, size, 3) RGB and truth uint8 (size, size, 3); a pure function of (seed, index)."""
        picture = self.sample(index)
        height, width = picture.image.shape[:2]
        return picture.image, draw(picture.words, height, width, self.rules)

    def plan(self, batch: int, sizes: Sequence[int] = (), first_steps: int = 0, first: Mapping[str, float] | None = None) -> None:
        """Let the crops of a step, `batch` by their numbers, have one of `sizes`, drawn for each step, and those of the first `first_steps` steps
        come by the weights `first`.

        Raises
        ------
        UsageError
            No batch, a size below 1, or weights that name an unknown source or leave nothing.
        """
        if batch < 1 or min(sizes, default=1) < 1 or first_steps < 0:
            raise UsageError(f"crops: batch={batch}, sizes={list(sizes)}, first_steps={first_steps}: positive numbers are wanted")
        self._batch, self._first_steps, self._sizes = batch, first_steps, tuple(sizes) or (self.size,)
        if first_steps:
            self._check(first or {})
            self._mixtures = (_mixture(first or {}), self._mixtures[1])

    def size_of(self, index: int) -> int:
        """The side of crop number `index`, pixels."""
        if len(self._sizes) == 1:
            return self._sizes[0]
        return self._sizes[int(np.random.default_rng((self.seed, index // self._batch, 52_711)).integers(len(self._sizes)))]

    def _check(self, weights: Mapping[str, float]) -> None:
        unknown = sorted(set(weights) - set(self.sources))
        if unknown:
            raise UsageError(
                f"weights name {', '.join(unknown)}, of which there are no pictures; there are {', '.join(sorted(self.sources))}"
            )
        if min(weights.values(), default=0.0) < 0 or sum(weights.values()) <= 0:
            raise UsageError(f"weights {dict(weights)}: none below 0 and at least one above 0 are wanted")

    def sample(self, index: int) -> WordImage:
        """The crop with its words, before truth is drawn; words that lie outside are left out."""
        rng = np.random.default_rng((self.seed, index, 104_743))
        names, limits = self._mixtures[index >= self._first_steps * self._batch]
        name, size = names[int(np.searchsorted(limits, rng.random(), side="right"))], self.size_of(index)
        picture = self.sources[name].sample(index)
        matrix = place(rng, picture, size, self.augment)
        image = warp(picture.image, matrix, size)
        words = []
        for word in picture.words:
            outline = moved(word.polygon, matrix)
            if (outline.max(0) > 0).all() and (outline.min(0) < size).all():
                words.append(Word(outline, word.text, word.ignore))
        colour = Augment(colour=self.augment.colour, grey=self.augment.grey)
        image = recolour(rng, image, colour)
        if rng.random() < self.augment.spoilt:
            image = spoil(rng, image)
        return WordImage(image, tuple(words))


def _mixture(weights: Mapping[str, float]) -> tuple[list[str], NDArray[np.float64]]:
    """Names of the sources that have a weight, and the upper ends of their shares of 0..1."""
    names = [name for name, weight in weights.items() if weight > 0]
    limits = np.cumsum([weights[name] for name in names], dtype=np.float64)
    limits /= limits[-1]
    limits[-1] = 2.0  # above any draw
    return names, limits


def place(rng: Generator, picture: WordImage, size: int, augment: WordAugment) -> Matrix:
    """The way from the picture to the crop, float64 (2, 3): x, y of the crop = matrix (x, y, 1)."""
    height, width = picture.image.shape[:2]
    scale = float(np.exp(rng.uniform(np.log(augment.scale[0]), np.log(augment.scale[1]))))
    stretch = float(np.exp(rng.uniform(-1, 1) * np.log(augment.aspect) / 2))
    angle = float(np.clip(rng.normal(0, augment.rotation), -30, 30)) if rng.random() < augment.turned else 0.0
    wanted = [word for word in picture.words if not word.ignore] or picture.words
    if wanted and rng.random() < augment.near_word:
        centre = wanted[int(rng.integers(len(wanted)))].polygon.mean(0).astype(np.float64)
        centre += rng.uniform(-0.35, 0.35, 2) * size / scale
    else:
        centre = rng.uniform(0, 1, 2) * (width, height)
    # A crop that would reach beyond the picture is moved inside, as far as the picture is large enough.
    half = np.array([size / (scale * stretch), size * stretch / scale]) / 2
    limits = np.array([width, height], np.float64)
    centre = np.where(2 * half < limits, np.clip(centre, half, limits - half), limits / 2)
    cosine, sine = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
    side = -1 if rng.random() < augment.mirrored else 1
    turn = np.array([[cosine, -sine], [sine, cosine]]) @ np.diag([side * scale * stretch, scale / stretch])
    offset = size / 2 - turn @ centre
    if (turn == np.eye(2)).all():
        offset = np.rint(offset)  # a plain cut keeps its pixels
    return np.concatenate([turn, offset[:, None]], 1)


def moved(polygon: Polygon, matrix: Matrix) -> Polygon:
    """An outline after the way of :func:`place`."""
    return np.asarray(polygon.astype(np.float64) @ matrix[:, :2].T + matrix[:, 2], np.float32)


def warp(image: Image, matrix: Matrix, size: int) -> Image:
    """The crop's pixels, uint8 (size, size, 3); a picture that shrinks is first averaged over areas."""
    import cv2

    scale = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    if scale < 0.8:
        height, width = image.shape[:2]
        target = max(1, round(width * scale)), max(1, round(height * scale))
        image = np.asarray(cv2.resize(image, target, interpolation=cv2.INTER_AREA), np.uint8)
        matrix = matrix @ np.diag([width / target[0], height / target[1], 1.0])
    # OpenCV counts from the middle of the first pixel, outlines from its corner.
    centred = matrix.copy()
    centred[:, 2] += matrix[:, :2].sum(1) / 2 - 0.5
    grey = tuple(int(level) for level in image[:: max(1, image.shape[0] // 16), :: max(1, image.shape[1] // 16)].mean((0, 1)))
    out = cv2.warpAffine(image, centred, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=grey)
    return np.asarray(out, np.uint8)


def spoil(rng: Generator, image: Image) -> Image:
    """Blur, noise or JPEG, one of them."""
    import cv2

    kind = int(rng.integers(3))
    if kind == 0:
        return np.asarray(cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.4, 1.5))), np.uint8)
    if kind == 1:
        noise = rng.standard_normal(image.shape, np.float32) * np.float32(rng.uniform(2, 14))
        return (image + noise).clip(0, 255).astype(np.uint8)
    _, coded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 80))])
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)  # the order of the channels goes in and comes out alike
