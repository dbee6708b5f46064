"""Several hands and inks of very different darkness on one page: pencil below a printed heading, a faded letter with a black note in its margin.

What is pale beside something dark is ink all the same. A network that knows how dark the page's ink is reads it as the writing of the back, unless
it has seen both. What tells them apart is the edge: writing of the back is blurred by the paper (:mod:`docbin.augment.bleed_through`), pale ink is
as sharp as the rest.

Both functions return a new (image, truth): image uint8 (H, W, 3) RGB, truth bool (H, W), strength 0..1.
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from docbin.augment.bleed_through import Verso, strokes_in
from docbin.augment.ink_effects import paper_under_ink
from docbin.augment.paper_effects import darken, fadable
from docbin.page import Image, Mask


def pale_hand(rng: Generator, image: Image, truth: Mask, strength: float) -> tuple[Image, Mask]:
    """Strokes on one side of the piece, whole ones, lose a quarter to nine tenths of their contrast, with the grain of a pencil at times."""
    import cv2

    pale = strokes_in(rng, truth)
    if not pale.any():
        return image, truth
    lost = min(float(rng.uniform(0.25, 0.3 + 0.6 * strength)), fadable(image, pale))
    amount = np.full(truth.shape, lost, np.float32)
    if rng.random() < 0.4:
        grain = cv2.GaussianBlur(rng.standard_normal(truth.shape, dtype=np.float32), (0, 0), float(rng.uniform(0.5, 1.2)))
        amount = np.clip(amount + grain * np.float32(0.15 * rng.random() / max(float(grain.std()), 1e-6)), 0, 0.97)
    left = cv2.dilate((truth & ~pale).view(np.uint8), np.ones((3, 3), np.uint8)) > 0
    near = cv2.GaussianBlur(cv2.dilate(pale.view(np.uint8), np.ones((7, 7), np.uint8)).astype(np.float32), (0, 0), 1.0)
    near[left] = 0
    share = (amount * near)[..., None]
    mixed = image * (1 - share) + paper_under_ink(image, truth) * share
    return np.asarray(np.clip(mixed + np.float32(0.5), 0, 255), dtype=np.uint8), truth


def dark_hand(rng: Generator, image: Image, truth: Mask, strength: float, verso: Verso) -> tuple[Image, Mask]:
    """Writing of another page, at times larger, is laid over in nearly black ink, on one side of the piece or here and there; it is ink."""
    import cv2

    zoom = float(np.exp(rng.uniform(np.log(0.8), np.log(2.5))))
    _, ink = verso(rng, (max(1, round(truth.shape[0] / zoom)), max(1, round(truth.shape[1] / zoom))))
    cover = cv2.GaussianBlur(ink.astype(np.float32), (0, 0), 0.5) if zoom < 1.2 else ink.astype(np.float32)
    cover = cv2.resize(cover, truth.shape[::-1], interpolation=cv2.INTER_AREA if zoom < 1 else cv2.INTER_CUBIC)
    cover = np.clip(cv2.GaussianBlur(cover, (0, 0), float(rng.uniform(0.4, 0.4 + 0.3 * zoom))), 0, 1)
    drawn = strokes_in(rng, cover >= 0.5)
    if not drawn.any():
        return image, truth
    cover *= cv2.dilate(drawn.view(np.uint8), np.ones((5, 5), np.uint8))
    black = rng.uniform(0.55 + 0.2 * strength, 0.97)
    red, green, blue = (float(v) for v in rng.uniform(0, 0.3, 3) * (rng.random() < 0.3))
    return darken(image, cover * np.float32(black), (red, green, blue)), truth | drawn
