"""Pairs for training from page to page: what came, and the page that is wanted; pair `index` is a pure function of (seed, index).

The four repairs of DE-GAN (Souibgui and Kessentini, 2020, arXiv 2010.08764) differ in nothing but their pairs; docbin's own way with watermarks
(:mod:`docbin.nets.unmark`) takes the last of them:

* *binarization* needs none: crops with truth are pairs already;
* *clean-up*: a degraded crop, and the same writing in black on white, its edges as soft as a clean scan's (:func:`clean_page`);
* *deblurring*: a crop out of focus, moved or resampled, often with the noise and compression of such pictures, and the crop as it was;
* *watermarks*: a crop under a watermark (:mod:`docbin.synth.watermark`), and the crop as it was.

Nothing is assumed of where crops come from: cuts from labelled pages, from rendered ones, or both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.random import Generator

from docbin.augment.degrade import apply
from docbin.page import Image, Mask, to_grey
from docbin.synth.fonts import Font, find_fonts
from docbin.synth.watermark import watermark

Maker = Callable[[Generator, Image, Mask], tuple[Image, Image]]
"""(rng, picture uint8 (S, S, 3), truth bool (S, S)) -> (what came uint8 (S, S, 3), what is wanted uint8 (S, S) or (S, S, 3))."""


class Crops(Protocol):
    """What crops are asked for; :class:`docbin.data.crops.CropSource` is one."""

    def crop(self, index: int) -> tuple[Image, Mask]:
        """Picture uint8 (S, S, 3) and truth bool (S, S) number `index`."""
        ...


@dataclass(frozen=True, slots=True)
class PagePairs:
    """Pairs made from `crops` by `maker`; `seed` decides, with the index, what the maker draws."""

    crops: Crops
    maker: Maker
    seed: int = 0

    def crop(self, index: int) -> tuple[Image, Image]:
        """Pair number `index`: what came, uint8 (S, S, 3), and what is wanted, uint8 (S, S) grey or (S, S, 3), 255 = white."""
        image, truth = self.crops.crop(index)
        return self.maker(np.random.default_rng((self.seed, index, 104729)), image, truth)


def clean_page(truth: Mask, softness: float = 0.5) -> Image:
    """Writing as a clean scan has it: black on white, edges drawn out by a Gaussian of `softness` pixels (0 for none); uint8 (H, W).

    "Grey below 128" gives truth back but for corners and single pixels that the softness takes.
    """
    ink = truth.astype(np.float32)
    if softness > 0:
        import cv2

        ink = np.asarray(cv2.GaussianBlur(ink, (0, 0), softness), dtype=np.float32)
    return np.rint(255 * (1 - np.clip(ink, 0, 1))).astype(np.uint8)


def cleaned(rng: Generator, image: Image, truth: Mask) -> tuple[Image, Image]:
    """Clean-up: the crop as it came (degraded by its source), and its writing in black on white."""
    return image, clean_page(truth)


BLURS: Sequence[tuple[str, float]] = (("gaussian_blur", 0.4), ("motion_blur", 0.25), ("defocus", 0.25), ("downscale", 0.1))
"""What unsharpens, and its share."""


def blurred(rng: Generator, image: Image, truth: Mask) -> tuple[Image, Image]:
    """Deblurring: the crop made unsharp (then, half of the time each, noisy and compressed), and the crop in grey as it was."""
    sharp = to_grey(image)
    name = BLURS[int(np.searchsorted(np.cumsum([share for _, share in BLURS])[:-1], rng.random(), side="right"))][0]
    came, _ = apply(name, rng, image, truth, float(rng.uniform(0.2, 1.0)))
    for name, strongest in (("gaussian_noise", 0.3), ("compress", 0.6)):
        if rng.random() < 0.5:
            came, _ = apply(name, rng, came, truth, float(rng.uniform(0.05, strongest)))
    return came, sharp


@dataclass(frozen=True, slots=True)
class Watermarked:
    """Watermark removal: the crop under a watermark, and the crop as it was, in colour.

    Attributes
    ----------
    fonts : to write it in; the system's where none is given
    bare : share of crops that stay without one: most of a page is bare, and must come out as it was
    """

    fonts: tuple[Font, ...] = ()
    bare: float = 0.0

    def __call__(self, rng: Generator, image: Image, truth: Mask) -> tuple[Image, Image]:
        if self.bare and rng.random() < self.bare:
            return image, image
        return watermark(rng, image, self.fonts or find_fonts()), image
