"""A page of a comic: panels, what is drawn in them, balloons, noises, and the exact pixels of all lettering.

Drawn at twice its size and averaged down, so that lines and letters are soft as printed ones and a pixel is lettering where at least half of it is
(:func:`docbin.synth.page.canvas.half_covered`). What counts as lettering: the letters, and their dark outline where they are light inside; not the
light halo that keeps dark letters off the art. Balloons, tails and everything else are art.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from docbin.page import Image, Mask
from docbin.synth.comics import comic_drawing
from docbin.synth.comics.comic_drawing import BLACK, WHITE, Region, Style
from docbin.synth.comics.comic_speech import Ink, Voices
from docbin.synth.page.canvas import half_covered
from docbin.synth.textures import Colour

OVER = 2  # points of the drawing for one pixel of the page

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in points."""


@dataclass(slots=True, eq=False)
class Sheet:
    """The page under way: `paint` uint8 (H, W, 3), lettering bool (H, W), and where balloons and noises stand already."""

    paint: Image
    text: Mask
    taken: Mask

    @property
    def shape(self) -> tuple[int, int]:
        height, width = self.text.shape
        return height, width


def draw_page(rng: Generator, voices: Voices, height: int, width: int) -> tuple[Image, Mask]:
    """A page of `height` x `width` pixels: picture uint8 (H, W, 3) and lettering bool (H, W)."""
    import cv2

    tall, wide = height * OVER, width * OVER
    colour = rng.random() < (0.08 if voices.script == "japanese" else 0.5)
    scale = width / 800
    style = Style(
        bool(colour), max(1.0, float(rng.uniform(1.2, 2.4)) * scale * OVER / 2), float(rng.uniform(3.2, 6.0)) * max(scale, 0.7) * OVER
    )
    gutter: Colour = WHITE if rng.random() < 0.9 else BLACK
    sheet = Sheet(np.full((tall, wide, 3), gutter, np.uint8), np.zeros((tall, wide), np.bool_), np.zeros((tall, wide), np.bool_))
    size = float(rng.uniform(0.011, 0.019)) * tall  # em height of speech
    panels = _panels(rng, tall, wide)
    for corners in panels:
        region = np.zeros((tall, wide), np.uint8)
        cv2.fillPoly(region, [corners], 255)
        _panel(rng, sheet, region, corners, style, frame=rng.random() < 0.88)
    for corners in panels:
        _speech(rng, sheet, voices, corners, style, size)
    for corners in panels:
        if rng.random() < 0.38:
            _noise(rng, sheet, voices, corners, size)
    if rng.random() < 0.4:
        _page_number(rng, sheet, voices, size)
    image = np.asarray(cv2.resize(sheet.paint, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    return _printed(rng, image, style), half_covered(sheet.text, OVER)


def _panels(rng: Generator, tall: int, wide: int) -> list[NDArray[np.int32]]:
    """Corners (4, 2) of the panels: the page cut across, the strips cut down, some cuts slanted."""
    margin, gap = int(wide * rng.uniform(0.0, 0.05)), int(wide * rng.uniform(0.008, 0.022))
    panels = []
    rows = np.cumsum(rng.uniform(0.6, 1.6, int(rng.integers(2, 5))))
    edges = np.concatenate([[0], rows / rows[-1]]) * (tall - 2 * margin) + margin
    slants = np.concatenate([[0], rng.normal(0, 0.02, len(rows) - 1) * (rng.random(len(rows) - 1) < 0.3) * tall, [0]])
    for top, bottom, lift, drop in zip(edges[:-1], edges[1:], slants[:-1], slants[1:], strict=True):
        columns = np.cumsum(rng.uniform(0.6, 1.6, int(rng.integers(1, 4))))
        cuts = np.concatenate([[0], columns / columns[-1]]) * (wide - 2 * margin) + margin
        leans = np.concatenate([[0], rng.normal(0, 0.03, len(columns) - 1) * (rng.random(len(columns) - 1) < 0.35) * wide, [0]])
        for left, right, lean, tilt in zip(cuts[:-1], cuts[1:], leans[:-1], leans[1:], strict=True):

            def edge(x: float, level: float, slant: float) -> float:
                return level + slant * (x / wide - 0.5) * 2

            a, b = left + lean + gap, right + tilt - gap
            c, d = right - tilt - gap, left - lean + gap
            corners = [
                (a, edge(a, top, lift) + gap),
                (b, edge(b, top, lift) + gap),
                (c, edge(c, bottom, drop) - gap),
                (d, edge(d, bottom, drop) - gap),
            ]
            panels.append(np.rint(np.array(corners)).astype(np.int32))
    return panels


def _bounds(corners: NDArray[np.int32], shape: tuple[int, int]) -> Box:
    low, high = corners.min(0), corners.max(0)
    return max(int(low[0]), 0), max(int(low[1]), 0), min(int(high[0]), shape[1]), min(int(high[1]), shape[0])


def _panel(rng: Generator, sheet: Sheet, region: Region, corners: NDArray[np.int32], style: Style, frame: bool) -> None:
    """One panel's art and frame."""
    import cv2

    left, top, right, bottom = _bounds(corners, sheet.shape)
    if right - left < 20 or bottom - top < 20:
        return
    page, inside = sheet.paint[top:bottom, left:right], region[top:bottom, left:right]
    page[inside > 127] = comic_drawing.flat_colour(rng) if style.colour and rng.random() < 0.7 else WHITE
    comic_drawing.background(rng, page, inside, style)
    if rng.random() < 0.45:
        comic_drawing.props(rng, page, inside, style)
    for _ in range(int(rng.choice([0, 1, 1, 1, 2]))):
        comic_drawing.figure(rng, page, inside, style)
    if rng.random() < 0.15:
        comic_drawing.leaves(rng, page, inside, style, int(rng.integers(20, 120)))
    if frame:
        cv2.polylines(sheet.paint, [corners], True, BLACK, max(1, round(style.line * rng.uniform(1.5, 3.0))), cv2.LINE_AA)


def _free(sheet: Sheet, rng: Generator, box: Box, wide: int, tall: int) -> tuple[int, int] | None:
    """Upper left corner of a free place of that size in (or a little out of) a panel; the top is tried first."""
    left, top, right, bottom = box
    for attempt in range(12):
        x = int(rng.uniform(left - 0.1 * wide, max(right - 0.9 * wide, left)))
        y = int(top + (bottom - top - tall) * min(1.0, rng.random() * (0.5 + attempt / 12)))
        x, y = int(np.clip(x, 0, sheet.shape[1] - wide - 1)), int(np.clip(y, 0, sheet.shape[0] - tall - 1))
        if x >= 0 and y >= 0 and not sheet.taken[y : y + tall, x : x + wide].any():
            return x, y
    return None


def _put(sheet: Sheet, ink: Ink, x: int, y: int, colour: Colour, letters: bool = True) -> None:
    """Ink at (x, y); where it is more than half it is lettering."""
    height, width = sheet.shape
    top, left, bottom, right = max(y, 0), max(x, 0), min(y + ink.shape[0], height), min(x + ink.shape[1], width)
    if bottom <= top or right <= left:
        return
    piece = ink[top - y : bottom - y, left - x : right - x]
    target = sheet.paint[top:bottom, left:right]
    share = piece.astype(np.float32)[..., None] / 255
    target[:] = (target + (np.array(colour, np.float32) - target) * share + 0.5).astype(np.uint8)
    sheet.text[top:bottom, left:right][piece > 127] = letters


def _speech(rng: Generator, sheet: Sheet, voices: Voices, corners: NDArray[np.int32], style: Style, size: float) -> None:
    """The balloons, captions and asides of a panel."""
    box = _bounds(corners, sheet.shape)
    room = (box[2] - box[0], box[3] - box[1])
    for _ in range(int(rng.choice([0, 1, 1, 2, 2, 3]))):
        draw = rng.random()
        length = int(rng.integers(3, 26))
        em = size * float(rng.choice([0.8, 1.0, 1.0, 1.0, 1.3, 1.7]))
        wide, tall = room[0] * float(rng.uniform(0.25, 0.6)), room[1] * float(rng.uniform(0.25, 0.6))
        if min(wide, tall) < 2 * em:
            continue
        if draw < 0.1:  # an aside in a small hand, on the art itself
            ink = voices.set(voices.sentence(max(2, length // 3)), em * 0.75, wide, tall, voices.aside)
            place = _free(sheet, rng, box, ink.shape[1], ink.shape[0])
            if place is not None:
                letters, rim = (WHITE, BLACK) if rng.random() < 0.7 else (BLACK, WHITE)
                _outlined(sheet, ink, *place, letters, 2, rim, style)
                sheet.taken[place[1] : place[1] + ink.shape[0], place[0] : place[0] + ink.shape[1]] = True
            continue
        ink = voices.set(voices.sentence(length), em, wide, tall)
        _balloon(rng, sheet, ink, box, style, caption=draw < 0.25)


def _balloon(rng: Generator, sheet: Sheet, ink: Ink, box: Box, style: Style, caption: bool) -> None:
    """A balloon around `ink`: oval, square, jagged, cloud, or none at all; white, sometimes black or toned."""
    import cv2

    height, width = ink.shape
    pad = float(rng.uniform(1.12, 1.35)) if caption else float(rng.uniform(1.3, 1.6))
    wide, tall = int(width * pad) + 12, int(height * pad) + 12
    place = _free(sheet, rng, box, wide, tall)
    if place is None:
        return
    centre = np.array([place[0] + wide / 2, place[1] + tall / 2])
    angle = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    kind = "square" if caption else str(rng.choice(["oval", "oval", "oval", "round", "burst", "cloud", "bare"]))
    radius = np.ones_like(angle)
    if kind in ("square", "round"):
        power = 12.0 if kind == "square" else 4.0
        radius = (np.abs(np.cos(angle)) ** power + np.abs(np.sin(angle)) ** power) ** (-1 / power)
    elif kind == "burst":
        radius = np.where(np.arange(72) % 2, rng.uniform(1.05, 1.3, 72), 0.97)
    elif kind == "cloud":
        radius = 1 + 0.06 * np.abs(np.sin(angle * float(rng.integers(5, 9))))
    else:
        radius = 1 + 0.02 * np.sin(angle * 2 + rng.uniform(0, 6)) + 0.01 * np.sin(angle * 3 + rng.uniform(0, 6))
    outline = centre + np.stack([np.cos(angle) * radius * wide / 2, np.sin(angle) * radius * tall / 2], 1)
    dark = rng.random() < 0.06
    fill: Colour = BLACK if dark else (comic_drawing.flat_colour(rng) if style.colour and rng.random() < 0.2 else WHITE)
    letters: Colour = WHITE if dark else BLACK
    if kind != "bare":
        shapes = [np.rint(outline).astype(np.int32)]
        if not caption and rng.random() < 0.7:
            toward = float(rng.uniform(0.2, 0.8)) * np.pi if rng.random() < 0.7 else float(rng.uniform(0, 2 * np.pi))
            tip = centre + np.array([np.cos(toward) * wide, np.sin(toward) * tall]) * float(rng.uniform(0.6, 0.9))
            foot = [centre + np.array([np.cos(toward + d) * wide, np.sin(toward + d) * tall]) * 0.42 for d in (-0.18, 0.18)]
            shapes.append(np.rint(np.stack([foot[0], tip, foot[1]])).astype(np.int32))
        rim = max(1, round(style.line * float(rng.uniform(0.8, 1.6))))
        for shape in shapes:
            cv2.polylines(sheet.paint, [shape], True, letters, 2 * rim, cv2.LINE_AA)
        cover = np.zeros(sheet.shape, np.uint8)
        cv2.fillPoly(cover, shapes, 255)
        sheet.paint[cover > 0] = fill
        sheet.text[cover > 0] = False
        sheet.taken |= cover > 0
    x, y = int(centre[0] - width / 2), int(centre[1] - height / 2)
    if kind == "bare":
        _outlined(sheet, ink, x, y, BLACK, 3, WHITE, style)
        sheet.taken[y : y + height, x : x + width] = True
    else:
        _put(sheet, ink, x, y, letters)


def _outlined(sheet: Sheet, ink: Ink, x: int, y: int, colour: Colour, reach: float, rim: Colour, style: Style) -> None:
    """Letters with a rim, so that they stand off the art. A dark rim belongs to the letters, a light one does not."""
    import cv2

    grown = max(1, round(reach * style.line * 0.7))
    wide = np.pad(ink, grown)
    around = np.asarray(cv2.dilate(wide, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * grown + 1, 2 * grown + 1))), np.uint8)
    _put(sheet, around, x - grown, y - grown, rim, letters=sum(rim) < 380)
    _put(sheet, ink, x, y, colour)


def _noise(rng: Generator, sheet: Sheet, voices: Voices, corners: NDArray[np.int32], size: float) -> None:
    """A noise across a panel, over the art, where no balloon is."""
    left, top, right, bottom = _bounds(corners, sheet.shape)
    across = not voices.upright or rng.random() < 0.4
    em = float(np.exp(rng.uniform(np.log(1.6 * size), np.log(max(0.35 * min(right - left, bottom - top), 2 * size)))))
    ink = voices.drawn_noise(em, bool(across))
    most = min((right - left) * 1.1 / ink.shape[1], (bottom - top) * 1.0 / ink.shape[0], 1.0)
    if most < 1.0:
        import cv2

        ink = np.asarray(
            cv2.resize(ink, (max(1, int(ink.shape[1] * most)), max(1, int(ink.shape[0] * most))), interpolation=cv2.INTER_AREA), np.uint8
        )
    place = _free(sheet, rng, (left, top, right, bottom), ink.shape[1], ink.shape[0])
    if place is None or min(ink.shape) < 6:
        return
    sheet.taken[place[1] : place[1] + ink.shape[0], place[0] : place[0] + ink.shape[1]] = True
    thin = Style(False, max(1.0, em * float(rng.uniform(0.015, 0.05))), 1.0)
    draw = rng.random()
    colour = comic_drawing.flat_colour(rng)
    vivid = sheet.paint[place[1], place[0]].std() > 12 or rng.random() < 0.1
    if draw < 0.4:
        _outlined(sheet, ink, *place, BLACK, 2, WHITE, thin)
    elif draw < 0.75:
        _outlined(sheet, ink, *place, colour if vivid else WHITE, 2, BLACK, thin)
    elif draw < 0.85:
        _outlined(sheet, ink, *place, WHITE, 2, BLACK, thin)
        _hollow(sheet, ink, place, (235, 235, 235))
    else:
        _put(sheet, ink, *place, BLACK if sheet.paint[place[1], place[0]].mean() > 100 else WHITE)


def _hollow(sheet: Sheet, ink: Ink, place: tuple[int, int], colour: Colour) -> None:
    """The letters' insides once more, thinner and in another colour."""
    import cv2

    inner = np.asarray(cv2.erode(ink, np.ones((3, 3), np.uint8)), np.uint8)
    _put(sheet, inner, *place, colour)


def _page_number(rng: Generator, sheet: Sheet, voices: Voices, size: float) -> None:
    from docbin.synth.lettering import set_line

    strip = set_line([str(int(rng.integers(1, 250)))], voices.speech, max(8.0, size * 0.8))
    height, width = sheet.shape
    x = int(rng.choice([0.04, 0.5, 0.93]) * width)
    _outlined(
        sheet, strip.ink, min(x, width - strip.ink.shape[1] - 2), height - strip.ink.shape[0] - 4, BLACK, 2, WHITE, Style(False, 2.0, 1.0)
    )


def _printed(rng: Generator, image: Image, style: Style) -> Image:
    """Paper, ink that spread, scan, JPEG."""
    import cv2

    if rng.random() < 0.5:
        paper, ink = float(rng.uniform(215, 255)), float(rng.uniform(0, 45))
        tint = np.array([1.0, 1.0, 1.0]) if rng.random() < 0.6 else np.array([1.0, rng.uniform(0.94, 1.0), rng.uniform(0.82, 0.97)])
        levels = ink + np.arange(256)[:, None] / 255 * (paper * tint - ink)
        image = np.asarray(cv2.LUT(image, np.rint(np.clip(levels, 0, 255)).astype(np.uint8)[None]), np.uint8)
    if rng.random() < 0.6:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.3, 0.9))), np.uint8)
    if rng.random() < 0.3:
        noise = cv2.randn(np.empty(image.shape[:2], np.int8), 0, float(rng.uniform(1, 7)))
        image = np.asarray(cv2.add(image, cv2.merge([noise] * 3), dtype=cv2.CV_8U), np.uint8)
    if rng.random() < 0.7:
        done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(45, 97))])
        image = np.asarray(cv2.imdecode(data, cv2.IMREAD_UNCHANGED), np.uint8) if done else image
    return image if style.colour else np.ascontiguousarray(np.repeat(image[..., 1:2], 3, 2)) if rng.random() < 0.8 else image
