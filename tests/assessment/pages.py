"""Pages with truth for the tests of verdicts: rendered words on paper, not drawn by any rule that features look for."""

from __future__ import annotations

import cv2
import numpy as np

Mask = np.ndarray
WORDS = ("quality", "of a", "page", "without", "truth:", "lines", "strokes", "and", "holes", "42", "Binary", "ink")


def text_page(seed: int = 0, shape: tuple[int, int] = (600, 800), noise: float = 3.0, size: float = 0.8) -> tuple[np.ndarray, Mask]:
    """(page uint8 (H, W), truth bool (H, W)): dark text on light paper, a little blurred, with noise and a shade from side to side."""
    rng = np.random.default_rng(seed)
    drawn = np.full(shape, 255, np.uint8)
    for baseline in range(50, shape[0] - 20, 42):
        x = 30
        while x < shape[1] - 160:
            word = str(rng.choice(WORDS))
            cv2.putText(drawn, word, (x, baseline), cv2.FONT_HERSHEY_COMPLEX, size, 0, 2, cv2.LINE_AA)
            x += cv2.getTextSize(word, cv2.FONT_HERSHEY_COMPLEX, size, 2)[0][0] + 16
    cover = cv2.GaussianBlur(255 - drawn, (0, 0), 0.7).astype(np.float32) / 255
    paper = np.linspace(225, 200, shape[1], dtype=np.float32)[None, :] + rng.normal(0, noise, shape).astype(np.float32)
    page = paper * (1 - cover) + 55 * cover
    return np.clip(page, 0, 255).astype(np.uint8), drawn < 128
