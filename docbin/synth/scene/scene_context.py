"""What the makers of one scene share: the generator, faces, words, pictures, colours, and the setting of lines into a box."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.random import Generator

from docbin.page import Image
from docbin.synth import textures
from docbin.synth.lettering import Face, Faces, Strip, resized, set_line
from docbin.synth.scene.planar_objects import PLAIN, Effects, PlacedWord, PlanarObject
from docbin.synth.sign_words import SignWriter
from docbin.synth.textures import Colour

SMALL = 7.0  # pixels of em height below which a line is drawn as small print


class SceneContext:
    """What the makers of one scene share: the generator, faces, a writer of words, photographs for posters, and the scripts of this place."""

    def __init__(
        self, rng: Generator, faces: Faces, scripts: Mapping[str, float], picture: Callable[[Generator, int, int], Image] | None = None
    ) -> None:
        self.rng = rng
        self.faces = faces
        self.writer = SignWriter(rng, faces.accented)
        self._picture = picture
        known = {script: share for script, share in scripts.items() if script in faces.scripts and share > 0} or {"latin": 1.0}
        limits = np.cumsum(list(known.values()))
        # A place has one second script, if any: a street with six of them is rare.
        self.second = list(known)[min(int(np.searchsorted(limits, rng.random() * limits[-1])), len(known) - 1)]

    def face(self) -> Face:
        """A face for the next lines: the place's second script on half of them."""
        second = self.second != "latin" and self.rng.random() < 0.5
        return self.faces.draw(self.rng, self.second if second else "latin")

    def words(self, face: Face, kind: str | None = None, most: int = 4) -> list[str]:
        """Words for a line in `face`."""
        if face.script == "latin":
            return self.writer.line(kind, most)
        return self.writer.script(face.script, int(self.rng.integers(1, min(most, 3) + 1)))

    def picture(self, height: int, width: int) -> Image:
        """What a poster shows: a photograph where there are some, else made-up art."""
        if self._picture is not None and self.rng.random() < 0.6:
            return self._picture(self.rng, height, width)
        return textures.art(self.rng, height, width)

    def chance(self, probability: float) -> bool:
        return bool(self.rng.random() < probability)

    def between(self, low: float, high: float) -> float:
        return float(self.rng.uniform(low, high))

    def pick(self, *choices: Colour) -> Colour:
        return choices[int(self.rng.integers(len(choices)))]


WHITE: Colour = (245, 245, 242)
BLACK: Colour = (22, 22, 24)


def luma(colour: Sequence[int]) -> float:
    """Brightness 0..255."""
    return 0.3 * colour[0] + 0.59 * colour[1] + 0.11 * colour[2]


def colours(ctx: SceneContext) -> tuple[Colour, Colour]:
    """Ground and letters of a sign: light on dark or vivid, dark on light, vivid on white, two vivid ones, or two that are hard to tell apart."""
    rng = ctx.rng
    draw = rng.random()
    if draw < 0.4:
        ground = textures.rgb(float(rng.random()), float(rng.uniform(0, 1)), float(rng.uniform(0.05, 0.65)))
        return ground, ctx.pick(WHITE, WHITE, (255, 220, 80), (230, 230, 235), (250, 240, 200))
    if draw < 0.65:
        ground = textures.rgb(float(rng.random()), float(rng.uniform(0, 0.3)), float(rng.uniform(0.7, 1.0)))
        return ground, ctx.pick(BLACK, BLACK, (60, 50, 45), (30, 40, 90))
    if draw < 0.78:
        return ctx.pick(WHITE, (250, 240, 90), (235, 230, 215)), textures.rgb(
            float(rng.random()), float(rng.uniform(0.6, 1)), float(rng.uniform(0.3, 0.8))
        )
    ground, letters = textures.any_colour(rng, 0.7), textures.any_colour(rng, 0.5)
    least = 60.0 if draw < 0.93 else 22.0  # the last are low in contrast
    for _ in range(6):
        if abs(luma(ground) - luma(letters)) >= least:
            return ground, letters
        letters = textures.any_colour(rng, 0.5)
    return (ground, WHITE) if luma(ground) < 128 else (ground, BLACK)


def effects(ctx: SceneContext, size: float, ground: Colour, letters: Colour, lit: float = 0.0) -> Effects:
    """How a line of em height `size` is put on; `lit` is the chance that it glows."""
    rng = ctx.rng
    if rng.random() < lit:
        tone = letters if rng.random() < 0.6 else textures.any_colour(rng, 0.8)
        return Effects(glow=(tone, size * float(rng.uniform(0.05, 0.25)), float(rng.uniform(0.3, 0.9))))
    draw = rng.random()
    dark = tuple(int(0.35 * c) for c in ground)
    far = size * float(rng.uniform(0.02, 0.09))
    if draw < 0.12:
        return Effects(shadow=((dark[0], dark[1], dark[2]), (far * float(rng.choice([-1.0, 1.0])), far), far * float(rng.uniform(0, 0.8))))
    if draw < 0.19:
        outline = BLACK if luma(letters) > 128 else WHITE
        return Effects(
            outline=(outline if rng.random() < 0.7 else textures.any_colour(rng), max(1.0, size * float(rng.uniform(0.02, 0.06))))
        )
    if draw < 0.25:
        side = tuple(int(0.5 * c) for c in letters)
        return Effects(depth=((side[0], side[1], side[2]), (int(rng.integers(-1, 2)) * max(1, round(far)), max(1, round(far)))))
    if draw < 0.29:
        foot = tuple(int(np.clip(c + rng.uniform(-90, 90), 0, 255)) for c in letters)
        return Effects(gradient=(foot[0], foot[1], foot[2]))
    return PLAIN


def fitted(words: Sequence[str], face: Face, size: float, width: float) -> Strip:
    """A line of em height `size`, made smaller where it would be wider than `width`."""
    strip = set_line(words, face, size)
    return strip if strip.ink.shape[1] <= width else resized(strip, max(width, 2.0) / strip.ink.shape[1])


def column(
    ctx: SceneContext,
    panel: PlanarObject,
    box: tuple[float, float, float, float],
    lines: Sequence[tuple[Sequence[str], float]],
    face: Face,
    letters: Colour,
    align: float,
    how: Effects = PLAIN,
    grow: bool = True,
) -> float:
    """Lines (words, relative height) one below the other in `box` (x0, y0, x1, y1); `align` 0 left, 0.5 centred, 1 right. Returns where they end.

    Line heights share the box's height; lines that come out below ``SMALL`` pixels become small print.
    """
    x0, y0, x1, y1 = box
    total = sum(height for _, height in lines)
    y = y0
    for words, height in lines:
        room = (y1 - y0) * height / max(total, 1e-6)
        size = room * 0.92
        if size < SMALL:
            wide, tall = int(max(4, (x1 - x0) * ctx.between(0.4, 1.0))), int(max(2, room))
            ink = textures.small_print(ctx.rng, tall, wide)
            x = x0 + align * (x1 - x0 - wide)
            panel.letter(Strip(ink, np.zeros((0, 4), np.float32), ()), x, y, letters, ink=False)
            panel.words.append(
                PlacedWord(np.array([[x, y], [x + wide, y], [x + wide, y + tall], [x, y + tall]], np.float32), "", legible=False)
            )
        else:
            strip = fitted(words, face, size, x1 - x0)
            low, high = (float(strip.boxes[:, 1].min()), float(strip.boxes[:, 3].max())) if len(strip.boxes) else (0.0, 1.0)
            fill = (room * 0.9) / max(high - low, 1.0)
            if grow and fill > 1.15 and strip.ink.shape[1] * fill < x1 - x0:
                strip = resized(strip, fill)
                low, high = low * fill, high * fill
            panel.letter(strip, x0 + align * (x1 - x0 - strip.ink.shape[1]), y + (room - (high - low)) / 2 - low, letters, how)
        y += room
    return y


Maker = Callable[[SceneContext, int, int], PlanarObject]
"""Makes something flat of (height, width) pixels."""
