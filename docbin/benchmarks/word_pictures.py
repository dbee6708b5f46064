"""A picture of a benchmark together with its words, in the aspect that the set was published in."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from docbin.benchmarks import word_truth
from docbin.benchmarks.descriptors import Benchmark, PagePair
from docbin.benchmarks.ink_truth import read_picture
from docbin.page import Image
from docbin.word import Word

SAME_ASPECT = 0.01
"""A picture whose aspect is off by less than this share stays as it is."""


def read_words(bench: Benchmark, pair: PagePair) -> tuple[Image, list[Word]]:
    """The picture, uint8 (H, W) or (H, W, 3), and its words in the picture's pixels.

    Where the descriptor tells an aspect and the file has another, the picture is stretched to it, and the outlines with it: the side that is too
    short for that aspect grows, so that no pixel is lost.

    Raises
    ------
    FileAccessError, InputError
        The picture or its truth cannot be read.
    """
    return in_aspect(read_picture(pair.image_path), word_truth.read(pair.truth_path, bench.truth), bench.aspect)


def in_aspect(image: Image, words: list[Word], aspect: float) -> tuple[Image, list[Word]]:
    """The picture and its words stretched to `aspect`, width over height; as they are where it is 0 or theirs."""
    import cv2

    height, width = image.shape[:2]
    if not aspect or abs(width / height / aspect - 1) < SAME_ASPECT:
        return image, words
    wide, high = (round(height * aspect), height) if width < height * aspect else (width, round(width / aspect))
    ratio = np.array([wide / width, high / height], np.float32)
    stretched = np.asarray(cv2.resize(image, (wide, high), interpolation=cv2.INTER_LINEAR), np.uint8)
    return stretched, [replace(word, polygon=word.polygon * ratio) for word in words]
