"""The drawn part of comics: screen tone, hatching, speed lines, scenery, figures. Strokes and patterns that a text mask must leave alone.

Every function draws into `page`, uint8 (h, w, 3), within a region given by a mask uint8 (h, w), 255 = may be drawn on, and takes lengths in pixels of
that page. Colours are RGB; a black-and-white page is drawn in greys and stays three-channelled, so that there is one way for both.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from docbin.page import FloatMap, Image
from docbin.synth import textures
from docbin.synth.textures import Colour

Region = NDArray[np.uint8]
BLACK: Colour = (12, 12, 12)
WHITE: Colour = (255, 255, 255)


@dataclass(frozen=True, slots=True)
class Style:
    """How a page is drawn.

    Attributes
    ----------
    colour : in colours, else in black, white and screen tone
    line : thickness of an ordinary stroke, pixels
    dot : distance of the dots of screen tone, pixels
    """

    colour: bool
    line: float
    dot: float


def _lay(page: Image, region: Region, paint: NDArray[np.uint8] | Colour, share: NDArray[np.bool_] | None = None) -> None:
    """Paint where the region (and `share` of it) says."""
    where = region > 127 if share is None else (region > 127) & share
    page[where] = paint[where] if isinstance(paint, np.ndarray) else paint


def flat_colour(rng: Generator) -> Colour:
    """A printed colour: fairly clean, not too dark."""
    return textures.rgb(float(rng.random()), float(rng.uniform(0.05, 0.75)), float(rng.uniform(0.45, 1.0)))


def tone(rng: Generator, page: Image, region: Region, style: Style, dark: float | FloatMap) -> None:
    """Screen tone: a grid of dots (or lines) at 45 degrees or so whose size gives the darkness 0..1; in colour pages a plain colour."""
    height, width = region.shape
    if style.colour:
        colour = np.array(flat_colour(rng), np.float32)
        shade = np.clip(1.25 - np.asarray(dark, np.float32), 0.2, 1.0)
        paint = np.broadcast_to((colour * (shade[..., None] if shade.ndim else shade)).astype(np.uint8), page.shape)
        _lay(page, region, paint)
        return
    angle, pitch = float(rng.choice([0.785, 0.785, 0.52, 1.05, 0.0])), style.dot * float(rng.uniform(0.8, 1.5))
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    c, s = np.float32(np.cos(angle) / pitch * 2 * np.pi), np.float32(np.sin(angle) / pitch * 2 * np.pi)
    u, v = np.cos(c * xs + s * ys), np.cos(c * ys - s * xs)
    field = (u + v) / 4 + np.float32(0.5) if rng.random() < 0.85 else u / 2 + np.float32(0.5)
    # The dots of a printed screen grow with the darkness: the field's ranks are near enough uniform after this bend.
    level = np.asarray(dark, np.float32)
    _lay(page, region, BLACK, field > 1 - np.clip(level, 0, 1) ** np.float32(0.8))


def gradient(rng: Generator, height: int, width: int, low: float = 0.0, high: float = 0.7) -> FloatMap:
    """Darkness that changes across a panel, float32 (height, width)."""
    angle = float(rng.uniform(0, 2 * np.pi))
    xs, ys = np.linspace(-0.5, 0.5, width, dtype=np.float32)[None], np.linspace(-0.5, 0.5, height, dtype=np.float32)[:, None]
    along = np.clip(
        (np.float32(np.cos(angle)) * xs + np.float32(np.sin(angle)) * ys) * np.float32(rng.uniform(0.8, 2.0)) + np.float32(0.5), 0, 1
    )
    return np.asarray(np.float32(low) + along * np.float32(high - low), np.float32)


def strokes(rng: Generator, page: Image, region: Region, lines: list[tuple[NDArray[np.float64], float]], colour: Colour) -> None:
    """Strokes along points (n, 2), each swelling to its thickness in the middle and thin at its ends."""
    import cv2

    ink = np.zeros(region.shape, np.uint8)
    for points, thick in lines:
        count = len(points) - 1
        for number in range(count):
            swell = np.sin(np.pi * (number + 0.5) / count) if count > 2 else 0.8
            a, b = np.rint(points[number] * 8).astype(int).tolist(), np.rint(points[number + 1] * 8).astype(int).tolist()
            cv2.line(ink, a, b, 255, max(1, round(thick * (0.35 + 0.65 * swell))), cv2.LINE_8, 3)
    _lay(page, region, colour, ink > 0)


def curve(start: NDArray[np.float64], end: NDArray[np.float64], bow: float, steps: int = 8) -> NDArray[np.float64]:
    """Points of an arc from `start` to `end` that bows sideways by `bow` of its length."""
    t = np.linspace(0, 1, steps + 1)[:, None]
    across = np.array([-(end - start)[1], (end - start)[0]])
    return np.asarray(start + (end - start) * t + across * (4 * bow * t * (1 - t)))


def speed_lines(rng: Generator, page: Image, region: Region, style: Style) -> None:
    """Lines that run to one point, or side by side: speed, shock, stress."""
    height, width = region.shape
    count = int(rng.integers(30, 140))
    lines = []
    if rng.random() < 0.6:
        centre = np.array([rng.uniform(0.2, 0.8) * width, rng.uniform(0.2, 0.8) * height])
        reach, hollow = float(np.hypot(height, width)), float(rng.uniform(0.15, 0.45)) * min(height, width)
        for angle in rng.uniform(0, 2 * np.pi, count):
            way = np.array([np.cos(angle), np.sin(angle)])
            inner = hollow * float(rng.uniform(0.8, 1.6))
            lines.append((np.stack([centre + way * inner, centre + way * reach]), style.line * float(rng.uniform(0.4, 2.0))))
    else:
        angle = float(rng.choice([0.0, 0.0, np.pi / 2, 0.6, -0.6]) + rng.normal(0, 0.05))
        way, across = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
        middle, reach = np.array([width, height]) / 2, float(np.hypot(height, width))
        for offset in rng.uniform(-0.5, 0.5, count):
            start = middle + across * offset * reach - way * reach * float(rng.uniform(0.1, 0.6))
            lines.append((np.stack([start, start + way * reach * float(rng.uniform(0.1, 0.9))]), style.line * float(rng.uniform(0.4, 1.6))))
    strokes(rng, page, region, lines, BLACK if rng.random() < 0.85 else WHITE)


def hatching(rng: Generator, page: Image, region: Region, style: Style) -> None:
    """Parallel strokes, sometimes crossed: shadow drawn with a pen."""
    height, width = region.shape
    pitch = style.line * float(rng.uniform(2.5, 6))
    for angle in rng.uniform(0, np.pi, 1 + int(rng.random() < 0.4)):
        way, across = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
        reach = float(np.hypot(height, width))
        lines = []
        for offset in np.arange(-reach / 2, reach / 2, pitch):
            start = np.array([width, height]) / 2 + across * offset - way * reach / 2 * float(rng.uniform(0.6, 1.0))
            lines.append((curve(start, start + way * reach * float(rng.uniform(0.5, 1.0)), float(rng.normal(0, 0.01)), 4), style.line))
        strokes(rng, page, region, lines, BLACK)


def scenery(rng: Generator, page: Image, region: Region, style: Style) -> None:
    """A room or a street in lines: a horizon, houses with windows, a floor running to a point, leaves."""
    import cv2

    height, width = region.shape
    horizon = int(height * rng.uniform(0.3, 0.7))
    lines = [(np.array([[0.0, horizon], [width, horizon]]), style.line)]
    vanish = np.array([rng.uniform(0.1, 0.9) * width, horizon])
    for foot in np.linspace(-1, 2, int(rng.integers(6, 20))):
        lines.append((np.stack([vanish, np.array([foot * width, height])]), style.line * 0.7))
    x = -rng.uniform(0, 0.2) * width
    while x < width:
        wide, tall = rng.uniform(0.12, 0.4) * width, rng.uniform(0.2, 0.95) * horizon
        house = np.zeros_like(region)
        cv2.rectangle(house, (int(x), int(horizon - tall)), (int(x + wide), horizon), 255, -1)
        house &= region
        draw = rng.random()
        if draw < 0.5:
            tone(rng, page, house, style, float(rng.uniform(0.05, 0.5)))
        elif draw < 0.8:
            _lay(page, house, WHITE)
        edge = np.array([[x, horizon - tall], [x + wide, horizon - tall], [x + wide, horizon], [x, horizon], [x, horizon - tall]])
        lines.append((edge.astype(np.float64), style.line))
        pitch = rng.uniform(0.15, 0.4) * wide
        for top in np.arange(horizon - tall + pitch * 0.4, horizon - pitch * 0.6, pitch):
            for left in np.arange(x + pitch * 0.3, x + wide - pitch * 0.6, pitch):
                pane = np.array(
                    [
                        [left, top],
                        [left + pitch * 0.5, top],
                        [left + pitch * 0.5, top + pitch * 0.6],
                        [left, top + pitch * 0.6],
                        [left, top],
                    ]
                )
                lines.append((pane, style.line * 0.8))
        x += wide + rng.uniform(0, 0.2) * width
    strokes(rng, page, region, lines, BLACK)
    if rng.random() < 0.5:
        leaves(rng, page, region, style, int(rng.integers(40, 200)))


def leaves(rng: Generator, page: Image, region: Region, style: Style, count: int) -> None:
    """Clumps of short curls: leaves, grass, rubble, fur."""
    height, width = region.shape
    centre = rng.uniform(0, 1, 2) * (width, height)
    lines = []
    for _ in range(count):
        start = centre + rng.normal(0, 0.15, 2) * (width, height)
        angle, long = rng.uniform(0, 2 * np.pi), style.line * rng.uniform(3, 10)
        lines.append((curve(start, start + long * np.array([np.cos(angle), np.sin(angle)]), float(rng.normal(0, 0.3)), 4), style.line))
    strokes(rng, page, region, lines, BLACK)


def pattern(rng: Generator, page: Image, region: Region, style: Style) -> None:
    """A mood behind a figure: stars, flowers, rings, bubbles, checks."""
    import cv2

    height, width = region.shape
    ink = np.zeros_like(region)
    kind = int(rng.integers(4))
    if kind == 3:
        pitch = max(4, int(style.dot * rng.uniform(2, 6)))
        ys, xs = np.mgrid[0:height, 0:width] // pitch
        _lay(page, region, BLACK if rng.random() < 0.3 else (170, 170, 170), (xs + ys) % 2 == 0)
        return
    for _ in range(int(rng.integers(8, 50))):
        centre = (int(rng.uniform(0, width)), int(rng.uniform(0, height)))
        radius = max(2, int(style.line * np.exp(rng.uniform(0.5, 2.8))))
        thick = max(1, round(style.line * 0.8))
        if kind == 0:
            cv2.circle(ink, centre, radius, 255, thick if rng.random() < 0.6 else -1)
        elif kind == 1:
            for angle in np.arange(0, np.pi, np.pi / int(rng.integers(2, 5))):
                way = radius * np.array([np.cos(angle), np.sin(angle)])
                cv2.line(ink, tuple((centre - way).astype(int).tolist()), tuple((centre + way).astype(int).tolist()), 255, thick)
        else:
            for angle in np.arange(0, 2 * np.pi, 2 * np.pi / 5):
                petal = (centre + radius * 0.6 * np.array([np.cos(angle), np.sin(angle)])).astype(int).tolist()
                cv2.circle(ink, tuple(petal), max(1, radius // 2), 255, thick)
    _lay(page, region, BLACK, ink > 0)


def props(rng: Generator, page: Image, region: Region, style: Style) -> None:
    """Things of no particular kind: closed outlines, plain, toned, hatched or black, with some lines on them."""
    import cv2

    height, width = region.shape
    for _ in range(int(rng.integers(1, 6))):
        centre, size = rng.uniform(0, 1, 2) * (width, height), float(rng.uniform(0.05, 0.3)) * min(height, width)
        angle = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(4, 11))))
        outline = centre + np.stack([np.cos(angle), np.sin(angle)], 1) * size * rng.uniform(0.5, 1.2, (len(angle), 1))
        shape = np.zeros_like(region)
        cv2.fillPoly(shape, [np.rint(outline).astype(np.int32)], 255)
        shape &= region
        _lay(page, shape, flat_colour(rng) if style.colour else WHITE)
        draw = rng.random()
        if draw < 0.4:
            tone(rng, page, shape, style, float(rng.uniform(0.1, 0.7)))
        elif draw < 0.55:
            hatching(rng, page, shape, style)
        elif draw < 0.65:
            _lay(page, shape, BLACK)
        lines = [(np.concatenate([outline, outline[:1]]), style.line * float(rng.uniform(0.8, 1.8)))]
        for _ in range(int(rng.integers(0, 9))):
            start = centre + rng.normal(0, 0.4, 2) * size
            lines.append((curve(start, start + rng.normal(0, 0.5, 2) * size, float(rng.normal(0, 0.2)), 5), style.line))
        strokes(rng, page, region, lines, BLACK)


def background(rng: Generator, page: Image, region: Region, style: Style) -> None:
    """What fills a panel behind its figures."""
    draw = rng.random()
    height, width = region.shape
    if draw < 0.12:
        pass
    elif draw < 0.22:
        _lay(page, region, BLACK if not style.colour or rng.random() < 0.4 else flat_colour(rng))
    elif draw < 0.45:
        tone(rng, page, region, style, gradient(rng, height, width, 0.0, float(rng.uniform(0.2, 0.8))))
    elif draw < 0.55:
        tone(rng, page, region, style, float(rng.uniform(0.08, 0.5)))
    elif draw < 0.72:
        speed_lines(rng, page, region, style)
    elif draw < 0.9:
        if style.colour:
            _lay(page, region, flat_colour(rng))
        scenery(rng, page, region, style)
    else:
        pattern(rng, page, region, style)
    if rng.random() < 0.12:
        part = region.copy()
        edge = int(width * rng.uniform(0.2, 0.8))
        part[:, edge:] = 0
        hatching(rng, page, part, style)


def figure(rng: Generator, page: Image, region: Region, style: Style) -> None:
    """Somebody: shoulders, a head with hair, a face. Crude, but of the strokes that figures are made of."""
    import cv2

    height, width = region.shape
    size = float(rng.uniform(0.25, 0.75)) * min(height, width * 1.3)  # height of the head
    x, y = float(rng.uniform(0.15, 0.85)) * width, float(rng.uniform(0.3, 0.75)) * height
    middle = np.array([x, y])
    wide, lean = size * float(rng.uniform(0.36, 0.44)), float(rng.normal(0, 8))
    skin: Colour = textures.rgb(0.07, float(rng.uniform(0.1, 0.4)), float(rng.uniform(0.7, 1.0))) if style.colour else WHITE
    dark_hair = rng.random() < 0.4
    hair: Colour = (flat_colour(rng) if style.colour else BLACK) if dark_hair else WHITE

    def fill(corners: NDArray[np.float64], paint: Colour | float) -> None:
        shape = np.zeros_like(region)
        cv2.fillPoly(shape, [np.rint(corners).astype(np.int32)], 255)
        shape &= region
        if isinstance(paint, float):
            _lay(page, shape, WHITE)
            tone(rng, page, shape, style, paint)
        else:
            _lay(page, shape, paint)
        strokes(rng, page, region, [(np.concatenate([corners, corners[:1]]), style.line * 1.3)], BLACK)

    shoulders = np.array([[-1.7, 2.4], [-1.5, 0.95], [-0.5, 0.62], [-0.35, 0.3], [0.35, 0.3], [0.5, 0.62], [1.5, 0.95], [1.7, 2.4]])
    cloth: Colour | float = float(rng.uniform(0.1, 0.6)) if rng.random() < 0.5 else (BLACK if rng.random() < 0.3 else WHITE)
    fill(shoulders * (wide, size * 0.55) + (x, y), cloth if not style.colour else flat_colour(rng))
    angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    jaw = 1 - 0.25 * np.clip(np.sin(angle), 0, 1) * np.abs(np.cos(angle)) * 2
    turn = np.deg2rad(lean)
    around = np.stack([np.cos(angle) * wide * jaw, np.sin(angle) * size / 2], 1)
    face = around @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]) + (x, y)
    fill(face, skin)
    locks = int(rng.integers(7, 18))
    spikes = []
    for number in range(locks + 1):
        a = np.pi * (1.05 + 0.95 * number / locks - (0.0 if number % 2 else 0.02))
        out = 1.0 + float(rng.uniform(0.1, 0.6)) if number % 2 else 1.02
        spikes.append((np.cos(a) * wide * out, np.sin(a) * size / 2 * out))
    fringe = [(wide * (0.95 - 1.9 * k / 6), -size * (0.05 + 0.25 * float(rng.random())) if k % 2 else -size * 0.3) for k in range(7)]
    fill(np.array([*spikes, *fringe]) + middle, hair)
    lines = []
    for _ in range(int(rng.integers(4, 40))):  # strands of hair
        root, tip = np.array([x, y - size * 0.45]), np.array([x, y - size * 0.15])
        strand = curve(
            root + rng.normal(0, wide * 0.35, 2), tip + rng.normal(0, 1, 2) * (wide * 0.7, size * 0.12), float(rng.normal(0, 0.12)), 5
        )
        lines.append((strand, style.line * float(rng.uniform(0.5, 1.2))))
    for _ in range(int(rng.integers(2, 16))):  # folds of the cloth
        start = middle + np.array([rng.uniform(-1.3, 1.3) * wide, rng.uniform(0.6, 1.2) * size])
        lines.append(
            (curve(start, start + rng.normal(0, 0.25, 2) * size, float(rng.normal(0, 0.2)), 5), style.line * float(rng.uniform(0.6, 1.4)))
        )
    for side in (-1, 1):
        eye = np.array([x + side * wide * 0.45, y + size * 0.05])
        big = size * float(rng.uniform(0.05, 0.11))
        lines.append((curve(eye - np.array([big, big * 0.6]), eye + np.array([big, -big * 0.6]), -0.2, 6), style.line * 2.2))
        if rng.random() < 0.85:
            ball = np.zeros_like(region)
            cv2.ellipse(ball, tuple(eye.astype(int).tolist()), (max(1, int(big * 0.55)), max(1, int(big))), 0, 0, 360, 255, -1)
            _lay(page, ball & region, BLACK)
            cv2.circle(ball, tuple((eye - big * 0.3).astype(int).tolist()), max(1, int(big * 0.3)), 128, -1)
            _lay(page, region, WHITE, ball == 128)
        lines.append((curve(eye - np.array([1.2, 2]) * big, eye + np.array([1.2, -2]) * big, -0.1, 5), style.line * 1.5))
    lines.append((curve(np.array([x, y + size * 0.15]), np.array([x - wide * 0.1, y + size * 0.22]), 0.1, 3), style.line))
    mouth = np.array([x, y + size * 0.32])
    span = wide * float(rng.uniform(0.12, 0.4))
    lines.append((curve(mouth - np.array([span, 0]), mouth + np.array([span, 0]), float(rng.uniform(-0.3, 0.4)), 6), style.line * 1.3))
    strokes(rng, page, region, lines, BLACK if not (dark_hair and rng.random() < 0.1) else WHITE)
