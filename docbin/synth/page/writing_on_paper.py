"""Writing apart from its paper: what the renderers of failing kinds of pages share.

Writing is drawn on canvases of its own, each seen as the share of light that it lets pass, so pale ink follows light and grain of its paper as real
ink does, and its mean contrast is the one asked for; then it is laid on a sheet, cut from a photograph of blank paper or rendered.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.random import Generator

from docbin.augment import paper_effects
from docbin.errors import FileAccessError
from docbin.page import FloatMap, Image, Mask
from docbin.synth.fonts import Font
from docbin.synth.page import page_layout
from docbin.synth.page.canvas import Canvas
from docbin.synth.page.page_renderer import draw_paper


@dataclass(frozen=True, slots=True)
class FailingPage:
    """A page: picture uint8 (H, W, 3), truth bool (H, W), and the part of the truth that methods lose, bool (H, W)."""

    image: Image
    truth: Mask
    weak: Mask


@dataclass(slots=True)
class Setting:
    """What a kind's function works with: its chances, size, fonts, and where paper comes from."""

    rng: Generator
    shape: tuple[int, int]
    fonts: Sequence[Font]
    papers: tuple[str, ...]

    @property
    def whole(self) -> tuple[int, int, int, int]:
        """The whole page as (left, top, right, bottom)."""
        return 0, 0, self.shape[1], self.shape[0]

    def paper(self, light: tuple[float, float], even: float = 0.06, rules: bool = False) -> Image:
        """A blank sheet: cut from a photograph if there are any (three of four times), else rendered.

        Its mean grey lies in `light`, its standard deviation is at most the share `even` of it; `rules` leaves printed rules, pale, at times.
        """
        if self.papers and self.rng.random() < 0.75:
            sheet = _photographed_paper(self.rng, self.shape, self.papers, rules)
        else:
            sheet = draw_paper(self.rng, self.shape)
        mean = sheet.reshape(-1, 3).mean(axis=0, dtype=np.float32)
        kept = min(1.0, even * grey_of(sheet) / max(float(luminance(sheet).std()), 1e-3))
        levels = (mean + (sheet - mean) * np.float32(kept)) * np.float32(float(self.rng.uniform(*light)) / max(grey_of(sheet), 1.0))
        return np.asarray(np.clip(levels + np.float32(0.5), 0, 255), dtype=np.uint8)


def paper_pictures(folder: str | os.PathLike[str]) -> tuple[str, ...]:
    """The photographs in a folder (or its ``images``), by name; FileAccessError where there are none."""
    root = Path(folder)
    root = root / "images" if (root / "images").is_dir() else root
    names = sorted(str(path) for path in root.glob("*") if path.suffix.lower() in (".webp", ".png", ".jpg", ".jpeg"))
    if not names:
        raise FileAccessError(f"{folder}: no photograph of paper is there; give a folder of pictures, or none and the paper is rendered")
    return tuple(names)


@lru_cache(maxsize=160)
def _photograph(path: str) -> Image:
    from docbin.benchmarks.ink_truth import read_picture

    pixels = read_picture(path)
    return pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)


def _photographed_paper(rng: Generator, shape: tuple[int, int], papers: tuple[str, ...], rules: bool) -> Image:
    """A piece of a photograph, turned and mirrored, with grain at full resolution.

    Its printed rules are closed; with `rules`, on three of ten sheets, pale ones are left.
    """
    import cv2

    photograph = np.rot90(_photograph(papers[int(rng.integers(len(papers)))]), int(rng.integers(4)))
    photograph = photograph[:, ::-1] if rng.random() < 0.5 else photograph
    height, width = photograph.shape[:2]
    share = float(rng.uniform(0.6, 1.0))
    ratio = min(height / shape[0], width / shape[1]) * share
    rows, columns = int(shape[0] * ratio), int(shape[1] * ratio)
    top, left = int(rng.integers(height - rows + 1)), int(rng.integers(width - columns + 1))
    piece = np.ascontiguousarray(photograph[top : top + rows, left : left + columns])
    blank = cv2.GaussianBlur(cv2.morphologyEx(piece, cv2.MORPH_CLOSE, np.ones((21, 21), np.uint8)), (0, 0), 4.0)
    kept = float(rng.uniform(0.1, 0.3)) if rules and rng.random() < 0.3 else 0.0
    mixed = cv2.addWeighted(piece, kept, blank, 1 - kept, 0)
    sheet = cv2.resize(mixed, shape[::-1], interpolation=cv2.INTER_CUBIC)
    return paper_effects.paper_texture(rng, sheet, np.zeros(shape, np.bool_), float(rng.uniform(0.05, 0.35)))[0]


def grey_of(image: Image) -> float:
    """Mean luminance, grey levels."""
    return float(image.reshape(-1, 3).mean(axis=0, dtype=np.float64) @ (0.299, 0.587, 0.114))


def luminance(image: Image) -> FloatMap:
    """Luminance, float32 (H, W)."""
    import cv2

    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), dtype=np.float32)


def scaled(image: Image, factor: float | FloatMap) -> Image:
    """The picture in `factor` times the light, one number or float32 (H, W)."""
    share = factor[..., None] if isinstance(factor, np.ndarray) else np.float32(factor)
    return np.asarray(np.clip(image * share + np.float32(0.5), 0, 255), dtype=np.uint8)


@dataclass(frozen=True, slots=True)
class Writing:
    """Ink apart from its paper: the share of light that passes, float32 (H, W, 3), and its truth, bool (H, W)."""

    passing: FloatMap
    truth: Mask

    def at_contrast(self, share: float, tone: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> Writing:
        """The writing with its strokes' middles taking `share` of the light on average, weighed by `tone` a channel (1, 1, 1 is a neutral ink)."""
        import cv2

        taken = 1 - self.passing.mean(axis=2)
        core = cv2.erode(self.truth.view(np.uint8), np.ones((3, 3), np.uint8)) > 0
        core = core if core.sum() > 50 else self.truth
        taken *= np.float32(share / max(float(taken[core].mean()), 1e-3)) if core.any() else 0
        weights = np.asarray(tone, np.float32) / np.float32(np.dot(tone, (0.299, 0.587, 0.114)))
        return Writing(np.clip(1 - taken[..., None] * weights, 0.02, 1), self.truth)

    def thinned(self, by: FloatMap) -> Writing:
        """The writing with the light that it takes multiplied by `by`, float32 (H, W), 0 and more."""
        return Writing(np.clip(1 - (1 - self.passing) * by[..., None], 0.02, 1), self.truth)


def seen(canvas: Canvas, rng: Generator, softness: float) -> Writing:
    """What is on a canvas, through a lens of Gaussian sigma `softness` pixels."""
    white = np.full((canvas.height, canvas.width, 3), 255, np.uint8)
    picture, truth = canvas.finish(rng, white, softness)
    return Writing(picture.astype(np.float32) / np.float32(255), truth)


def blackened(canvas: Canvas, colour: tuple[float, float, float] = (0.05, 0.05, 0.05)) -> Canvas:
    """The canvas itself, all of its layers in one colour, RGB 0..1."""
    for layer in canvas.layers.values():
        layer.colour = colour
    return canvas


_BODIES: tuple[tuple[Callable[[Generator, Canvas, Sequence[Font]], None], float], ...] = tuple(
    page_layout.KINDS[name] for name in ("typeset", "handwritten", "hand-font", "table")
)


def body(setting: Setting, box: tuple[int, int, int, int], softness: float) -> Writing:
    """A page of writing (print, a hand, a table), black, in `box` (left, top, right, bottom) of the whole page."""
    rng = setting.rng
    left, top, right, bottom = box
    shares = np.array([0.4, 0.4, 0.1, 0.1])
    write = _BODIES[int(rng.choice(len(_BODIES), p=shares))][0]
    canvas = Canvas(bottom - top, right - left)
    write(rng, canvas, setting.fonts)
    part = seen(blackened(canvas), rng, softness)
    page = Writing(np.ones((*setting.shape, 3), np.float32), np.zeros(setting.shape, np.bool_))
    page.passing[top:bottom, left:right] = part.passing
    page.truth[top:bottom, left:right] = part.truth
    return page


PENCIL = ((1.0, 1.0, 1.0), (1.0, 1.0, 1.05), (0.75, 1.0, 1.3), (1.2, 1.0, 0.7), (1.0, 1.0, 0.95))
"""Light taken by pale inks, a channel: pencil, graphite, browned iron gall, washed blue, grey."""


def dark_colour(rng: Generator) -> tuple[float, float, float]:
    """A colour that is nearly black, RGB 0..1."""
    red, green, blue = np.clip(float(rng.uniform(0.02, 0.16)) + rng.normal(0, 0.015, 3), 0, 0.2)
    return float(red), float(green), float(blue)


def shown_on(sheet: Image, passing: FloatMap) -> Image:
    """A sheet, uint8 (H, W, 3), under ink that lets the share `passing` of the light pass, float32 (H, W, 3)."""
    return np.asarray(np.clip(sheet * passing + np.float32(0.5), 0, 255), dtype=np.uint8)


def heading(setting: Setting, canvas: Canvas) -> tuple[int, int, int, int]:
    """One to three black lines of large type at the head (or the foot) of the page."""
    rng = setting.rng
    layer = canvas.layer("heading", (0, 0, 0), rough=float(rng.uniform(0, 0.3)))
    line = page_layout.Type(rng, canvas, layer, page_layout.draw_font(rng, setting.fonts), "latin", page_layout.draw_x_height(rng, 16, 46))
    count = int(rng.integers(1, 4))
    tall = round((count * 1.25 + 0.9) * line.em)
    tall = min(tall, canvas.height // 2)
    head = rng.random() < 0.8
    top = 0 if head else canvas.height - tall
    for row in range(max(1, int((tall - 0.5 * line.em) / (1.25 * line.em)))):
        left = float(rng.uniform(0.03, 0.25)) * canvas.width
        line.line(line.fitting(0.96 * canvas.width - left), left, canvas.width, top + (1.1 + 1.25 * row) * line.em, justified=False)
    return (0, tall, canvas.width, canvas.height) if head else (0, 0, canvas.width, top)
