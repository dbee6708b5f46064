"""Scenes by number: sample `index` is a pure function of (seed, index), the fonts of this machine and the photographs given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from docbin.errors import UsageError
from docbin.page import Image, Mask
from docbin.synth.fonts import Font, find_fonts
from docbin.synth.lettering import Faces
from docbin.synth.scene.photo_effects import photographed
from docbin.synth.scene.places import PLACES, photograph
from docbin.synth.scene.planar_objects import PlacedWord
from docbin.synth.scene.projection import Screen
from docbin.synth.scene.scene_context import SceneContext
from docbin.synth.scene.scene_view import View
from docbin.word import Word, WordImage, WordSource

VERSION = 1
"""To be raised with every change of what is drawn: pools of scenes rendered before are then not taken for the new ones."""
SCRIPTS: Mapping[str, float] = {"latin": 0.82, "han": 0.11, "cyrillic": 0.02, "arabic": 0.02, "devanagari": 0.02, "greek": 0.01}
"""The second script of a place (Latin: it has none), and its share."""


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A rendered scene: picture and words, and the pixels of all rendered lettering, bool (H, W), whether its words can be read or not."""

    picture: WordImage
    lettering: Mask


class SceneSource:
    """Rendered scenes of `size` pixels.

    Parameters
    ----------
    size : (H, W), or the side of a square
    seed : with the index it decides everything about a scene
    fonts : to letter with; the system's if None
    photographs : pictures of the scenes' size, with or without words of their own, that part of the scenes is laid on; they keep their words
    on_photographs : the share of scenes laid on them, 0..1
    scripts : second scripts of places and their shares
    zoom : smallest and largest size against a photograph of 1280 pixels width, drawn evenly in the logarithm
    min_word_height : height in pixels below which a word is ignored, however clear

    Raises
    ------
    UsageError
        A size below 64 pixels, a zoom that is not 0 < smallest <= largest, or a share outside 0..1.
    """

    def __init__(
        self,
        size: int | tuple[int, int] = 640,
        seed: int = 0,
        fonts: Sequence[Font] | None = None,
        photographs: WordSource | None = None,
        on_photographs: float = 0.5,
        scripts: Mapping[str, float] = SCRIPTS,
        zoom: tuple[float, float] = (0.6, 2.2),
        min_word_height: float = 8.0,
    ) -> None:
        self.shape = (size, size) if isinstance(size, int) else size
        if min(self.shape) < 64:
            raise UsageError(f"size={size}: scenes of at least 64 x 64 pixels are wanted")
        if not 0 < zoom[0] <= zoom[1]:
            raise UsageError(f"zoom={zoom}: 0 < smallest <= largest is wanted")
        if not 0 <= on_photographs <= 1:
            raise UsageError(f"on_photographs={on_photographs}: a share of 0..1 is wanted")
        self.seed, self.photographs, self.on_photographs = seed, photographs, on_photographs
        self.scripts, self.zoom, self.min_word_height = dict(scripts), zoom, min_word_height
        self._faces = Faces(fonts if fonts is not None else find_fonts())
        self._limits = np.cumsum([share for _, share in PLACES.values()])

    def sample(self, index: int) -> WordImage:
        """Scene number `index` >= 0 with its words."""
        return self.scene(index).picture

    def scene(self, index: int, place: str | None = None) -> Scene:
        """Scene number `index` with the pixels of its lettering; `place` (a key of ``PLACES``) overrides the drawn one.

        Raises
        ------
        UsageError
            An unknown place.
        """
        if place is not None and place not in PLACES:
            raise UsageError(f"place {place!r}: unknown; known are {', '.join(PLACES)}")
        rng = np.random.default_rng((self.seed, index, 15485863))
        zoom = float(np.exp(rng.uniform(*np.log(self.zoom))))
        ctx = SceneContext(rng, self._faces, self.scripts)
        if self.photographs is not None and place is None and rng.random() < self.on_photographs:
            return self._on_photograph(ctx, self.photographs.sample(index), zoom)
        drawn = list(PLACES)[min(int(np.searchsorted(self._limits, rng.random() * self._limits[-1])), len(PLACES) - 1)]
        # A magnified picture shows no more than the camera saw: it is taken small and enlarged.
        enlarged = zoom if zoom > 1.05 and rng.random() < 0.75 else 1.0
        height, width = (max(48, round(side / enlarged)) for side in self.shape)
        screen = Screen(np.empty((height, width, 3), np.uint8))
        PLACES[place or drawn][0](View(ctx, screen, zoom / enlarged))
        image, finish = photographed(rng, screen.image, zoom / enlarged)
        return _finished(screen, image, finish.blur * enlarged, self.shape, self.min_word_height)

    def _on_photograph(self, ctx: SceneContext, under: WordImage, zoom: float) -> Scene:
        """Boards and letters laid on a photograph; what it shows of its own keeps its words."""
        if under.image.shape[:2] != self.shape:
            raise UsageError(f"photographs of {self.shape} (H, W) pixels are wanted, got {under.image.shape[:2]}")
        return _laid(ctx, under, zoom, self.min_word_height)


def _laid(ctx: SceneContext, under: WordImage, zoom: float, min_word_height: float) -> Scene:
    import cv2

    screen = Screen(under.image.copy())
    taken = np.zeros(screen.shape, np.uint8)
    for word in under.words:
        screen.own(PlacedWord(word.polygon, word.text, not word.ignore))
        cv2.fillPoly(taken, [np.rint(word.polygon).clip(-(2**20), 2**20).astype(np.int32)], 1)
    known = len(screen.words)
    photograph(View(ctx, screen, zoom), taken == 0)
    image, finish = photographed(ctx.rng, screen.image, zoom, lit=False)
    changed = cv2.absdiff(screen.image, under.image).max(2) > 0
    near = cv2.dilate(changed.view(np.uint8), np.ones((3, 3), np.uint8)) > 0
    return _finished(screen, np.where(near[..., None], image, under.image), finish.blur, screen.shape, min_word_height, known)


def _finished(screen: Screen, image: Image, blur: float, shape: tuple[int, int], min_word_height: float, given: int = 0) -> Scene:
    """The scene at its final size; every word judged by what is left of it, its height, and how far it stands out. The first `given` words were
    judged by somebody else and only lose what was covered.
    """
    import cv2

    contrast, left = _seen(screen, image)
    height, width = screen.shape
    factor = np.array([shape[1] / width, shape[0] / height], np.float32)
    ink = screen.ink
    if (height, width) != shape:
        image = np.asarray(cv2.resize(image, shape[::-1], interpolation=cv2.INTER_CUBIC), np.uint8)
        ink = np.asarray(cv2.resize(ink, shape[::-1], interpolation=cv2.INTER_LINEAR), np.uint8)
    words = []
    for number, word in enumerate(screen.words):
        seen = float(left[number + 1])
        share = seen / max(abs(float(cv2.contourArea(word.polygon))), 1.0)
        if seen < 4 or (share < 0.12 and seen < 0.12 * screen.room(word)):
            continue  # as good as covered; what only reaches out of the picture stays, ignored
        polygon = word.polygon * factor
        tall = height_of(polygon)
        legible = word.legible and share > 0.65
        if number >= given:
            legible = legible and tall >= max(min_word_height, 6.5 * blur) and float(contrast[number + 1]) > 16
        words.append(Word(polygon, word.text, not legible))
    return Scene(WordImage(np.ascontiguousarray(image), tuple(words)), ink > 127)


def _seen(screen: Screen, image: Image) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of every word (from number 1): the distance of its letters' mean colour from that of their ground, and how many pixels are left of it."""
    count = len(screen.words) + 1
    panel = np.flatnonzero(screen.owner)
    owner = screen.owner.reshape(-1)[panel]
    ink = screen.ink.reshape(-1)[panel]
    colours = image.reshape(-1, 3)[panel]
    letters, ground = ink > 140, ink < 50
    total = np.zeros(count)
    on, off = np.bincount(owner[letters], minlength=count), np.bincount(owner[ground], minlength=count)
    for channel, weight in enumerate((0.35, 0.4, 0.25)):
        a = np.bincount(owner[letters], colours[letters, channel], count) / np.maximum(on, 1)
        b = np.bincount(owner[ground], colours[ground, channel], count) / np.maximum(off, 1)
        total += weight * (a - b) ** 2
    contrast = np.where((on >= 6) & (off >= 6), np.sqrt(total), 0.0)
    return contrast, np.bincount(owner, minlength=count).astype(np.float64)


def height_of(polygon: NDArray[np.float32]) -> float:
    """Height of a word's outline in pixels: the mean distance between its top and its bottom (for words turned on their side, across the line)."""
    half = len(polygon) // 2
    top, bottom = polygon[:half], polygon[half : 2 * half][::-1]
    return float(np.hypot(*(top - bottom).T).mean())
