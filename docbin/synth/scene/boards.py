"""Things made to be read: shop signs, direction boards, posters, notices, menus, price tags, labels, bare letters.

Each maker takes (ctx, height, width) in pixels, drawn at about the size at which the scene will show it, and returns a :class:`PlanarObject` with
its words. Lines too small to read are mostly drawn as small print, which the truth ignores; lines that might be read are set as words and judged
at the end by how large and how clear they came out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from docbin.synth import textures
from docbin.synth.lettering import resized, set_line
from docbin.synth.scene.planar_objects import PlacedWord, PlanarObject, blank
from docbin.synth.scene.projection import bent
from docbin.synth.scene.scene_context import BLACK, SMALL, WHITE, Maker, SceneContext, colours, column, effects, luma
from docbin.synth.textures import Colour


def _rim(ctx: SceneContext, panel: PlanarObject, colour: Colour | None = None) -> None:
    """A frame around a board."""
    import cv2

    height, width = panel.shape
    thick = max(1, round(min(height, width) * ctx.between(0.01, 0.05)))
    inset = thick // 2 if ctx.chance(0.6) else thick * 2
    tone = colour if colour is not None else textures.any_colour(ctx.rng, 0.3)
    cv2.rectangle(panel.paint, (inset, inset), (width - 1 - inset, height - 1 - inset), tone, thick)


def _logo(ctx: SceneContext, panel: PlanarObject, x: float, y: float, size: float, colour: Colour) -> None:
    """A mark that is no letter: disc, arrow, star, bars, drop."""
    import cv2

    c, r = (round(x + size / 2), round(y + size / 2)), max(2, round(size / 2))
    draw = int(ctx.rng.integers(6))
    if draw == 0:
        cv2.circle(panel.paint, c, r, colour, -1, cv2.LINE_AA)
        cv2.circle(panel.paint, c, max(1, r // 2), textures.any_colour(ctx.rng), -1, cv2.LINE_AA)
    elif draw == 1:
        heading = ctx.rng.integers(4) * np.pi / 2
        tip = np.array([[0, -1], [0.7, -0.1], [0.25, -0.1], [0.25, 1], [-0.25, 1], [-0.25, -0.1], [-0.7, -0.1]]) * r
        turn = np.array([[np.cos(heading), -np.sin(heading)], [np.sin(heading), np.cos(heading)]])
        cv2.fillPoly(panel.paint, [(tip @ turn.T + c).astype(np.int32)], colour, cv2.LINE_AA)
    elif draw == 2:
        spokes = int(ctx.rng.integers(4, 8)) * 2
        angle = np.arange(spokes) * 2 * np.pi / spokes
        radius = np.where(np.arange(spokes) % 2, 0.4, 1.0) * r
        cv2.fillPoly(
            panel.paint, [(np.stack([np.sin(angle), -np.cos(angle)], 1) * radius[:, None] + c).astype(np.int32)], colour, cv2.LINE_AA
        )
    elif draw == 3:
        for bar in range(3):
            cv2.line(panel.paint, (c[0] - r, c[1] - r + bar * r), (c[0] + r, c[1] - r + bar * r), colour, max(1, r // 4))
    elif draw == 4:
        cv2.ellipse(panel.paint, c, (r, max(1, r // 2)), float(ctx.rng.uniform(0, 180)), 0, 360, colour, max(1, r // 4), cv2.LINE_AA)
    else:  # a person, as on doors and exits
        cv2.circle(panel.paint, (c[0], c[1] - r * 2 // 3), max(1, r // 4), colour, -1, cv2.LINE_AA)
        cv2.line(panel.paint, (c[0], c[1] - r // 3), (c[0] + r // 6, c[1] + r // 3), colour, max(1, r // 3), cv2.LINE_AA)
        cv2.line(panel.paint, (c[0], c[1] + r // 4), (c[0] - r // 2, c[1] + r), colour, max(1, r // 5), cv2.LINE_AA)
        cv2.line(panel.paint, (c[0], c[1] + r // 4), (c[0] + r // 2, c[1] + r), colour, max(1, r // 5), cv2.LINE_AA)


def fascia(ctx: SceneContext, height: int, width: int) -> PlanarObject:
    """The sign over a shop: a name, perhaps a mark beside it and a small line below; often lit."""
    ground, letters = colours(ctx)
    panel = blank(height, width, ground)
    draw = ctx.rng.random()
    if draw < 0.5:
        panel.paint[:] = textures.plain(ctx.rng, height, width, ground)
    elif draw < 0.6:
        panel.paint[:] = textures.slats(ctx.rng, height, width, height * ctx.between(0.08, 0.3), ctx.chance(0.3), ground)
    elif draw < 0.7:
        panel.paint[:] = textures.streaks(ctx.rng, height, width, ground)
    if ctx.chance(0.2):
        _rim(ctx, panel, letters)
    face = ctx.face()
    words = ctx.words(face, "name" if ctx.chance(0.75) else None, 3)
    high = height * ctx.between(0.35, 0.8)
    align = float(ctx.rng.choice([0.0, 0.5, 0.5, 0.5, 1.0]))
    left, right = width * ctx.between(0.02, 0.12), width * ctx.between(0.88, 0.98)
    if ctx.chance(0.3):
        size = min(high, width * 0.25)
        _logo(ctx, panel, left, (height - size) / 2, size, letters if ctx.chance(0.5) else textures.any_colour(ctx.rng))
        left += size * 1.2
    lines: list[tuple[Sequence[str], float]] = [(words, 1.0)]
    if ctx.chance(0.25):
        lines.append((ctx.words(face, None, 5), ctx.between(0.25, 0.5)))
    top = (height - high) * ctx.between(0.3, 0.7)
    column(
        ctx, panel, (left, top, right, top + high), lines, face, letters, align, effects(ctx, high / len(lines), ground, letters, lit=0.35)
    )
    return panel


def direction(ctx: SceneContext, height: int, width: int) -> PlanarObject:
    """A direction board: rows of an arrow or a pictogram and words, often in a second script below."""
    ground = ctx.pick(
        (20, 60, 130), (25, 90, 60), (40, 40, 45), (70, 75, 80), WHITE, (240, 200, 40), (15, 25, 45), textures.any_colour(ctx.rng)
    )
    letters = WHITE if luma(ground) < 140 else BLACK
    panel = blank(height, width, ground)
    if ctx.chance(0.5):
        _rim(ctx, panel, letters)
    rows = max(1, min(4, round(height / width * ctx.between(3, 8))))
    face, pad = ctx.face(), 0.06 * width
    for row in range(rows):
        top, tall = height * (row + 0.1) / rows, height * 0.8 / rows
        left = pad
        if ctx.chance(0.75):
            size = tall * ctx.between(0.5, 0.9)
            _logo(ctx, panel, left, top + (tall - size) / 2, size, letters)
            left += size * 1.3
        lines: list[tuple[Sequence[str], float]] = [(ctx.words(face, "common" if ctx.chance(0.6) else "street", 4), 1.0)]
        if ctx.chance(0.35):
            lines.append((ctx.words(ctx.face(), None, 3), ctx.between(0.5, 1.0)))
        column(ctx, panel, (left, top, width - pad, top + tall), lines, face, letters, 0.0, grow=False)
    return panel


def exit_sign(ctx: SceneContext, height: int, width: int) -> PlanarObject:
    """A lit green EXIT."""
    green = (int(ctx.between(0, 60)), int(ctx.between(110, 220)), int(ctx.between(60, 150)))
    lit = ctx.chance(0.5)
    ground, letters = (green, WHITE) if lit else (WHITE, green)
    panel = blank(height, width, ground)
    left = width * 0.08
    if ctx.chance(0.6):
        _logo(ctx, panel, left, height * 0.2, height * 0.6, letters)
        left += height * 0.7
    word = ["EXIT", "KELUAR", "EXIT", "WAY", "SORTIE"][int(ctx.rng.integers(5))]
    column(ctx, panel, (left, height * 0.12, width * 0.95, height * 0.88), [([word], 1.0)], ctx.faces.draw(ctx.rng), letters, 0.5)
    return panel


def poster(ctx: SceneContext, height: int, width: int) -> PlanarObject:
    """An advertisement: a picture or a colour, a headline of one to three lines, smaller lines, small print."""
    ground, letters = colours(ctx)
    panel = blank(height, width, ground)
    whole = ctx.chance(0.45)
    if whole:
        panel.paint[:] = ctx.picture(height, width)
        if ctx.chance(0.6):
            letters = ctx.pick(WHITE, BLACK, (250, 220, 60), (200, 30, 40))
    elif ctx.chance(0.7):
        top, tall = (0.0, ctx.between(0.3, 0.6)) if ctx.chance(0.5) else (ctx.between(0.4, 0.6), 0.4)
        first = int(top * height)
        rows = min(max(2, int(tall * height)), height - first)
        panel.paint[first : first + rows] = ctx.picture(rows, width)
    face = ctx.face()
    align = float(ctx.rng.choice([0.0, 0.0, 0.5, 0.5, 1.0]))
    pad = ctx.between(0.04, 0.12) * width
    count = int(ctx.rng.integers(1, 4))
    head = height * ctx.between(0.06, 0.16) * count
    y = height * ctx.between(0.04, 0.6)
    how = effects(ctx, head / count, ground, letters)
    lines = [(ctx.words(face, None, 3), ctx.between(0.6, 1.2)) for _ in range(count)]
    y = column(ctx, panel, (pad, y, width - pad, min(y + head, height * 0.95)), lines, face, letters, align, how) + height * 0.02
    if y < height * 0.85 and ctx.chance(0.8):
        rows = int(ctx.rng.integers(1, 6))
        end = min(y + rows * height * ctx.between(0.025, 0.06), height * 0.97)
        second = face if ctx.chance(0.6) else ctx.face()
        column(ctx, panel, (pad, y, width - pad, end), [(ctx.words(second, None, 6), 1.0) for _ in range(rows)], second, letters, align)
    if ctx.chance(0.3):
        _badge(ctx, panel)
    if ctx.chance(0.3):
        _rim(ctx, panel)
    return panel


def _badge(ctx: SceneContext, panel: PlanarObject) -> None:
    """A coloured spot with a price or a percentage."""
    import cv2

    height, width = panel.shape
    radius = max(3.0, min(height, width) * ctx.between(0.12, 0.22))
    x, y = ctx.between(radius, max(width - radius, radius + 1)), ctx.between(radius, max(height - radius, radius + 1))
    ground = ctx.pick((210, 30, 40), (250, 210, 30), (20, 90, 190), (30, 140, 70))
    spot = blank(int(2 * radius), int(2 * radius), ground, opaque=False)
    assert spot.cover is not None
    cv2.circle(spot.cover, (int(radius), int(radius)), int(radius) - 1, 255, -1, cv2.LINE_AA)
    face = ctx.faces.draw(ctx.rng)
    lines: list[tuple[Sequence[str], float]] = [(ctx.words(face, "price", 1), 1.0)]
    if ctx.chance(0.5):
        lines.append((["OFF"], 0.6))
    letters = WHITE if luma(ground) < 150 else (190, 20, 30)
    column(ctx, spot, (radius * 0.4, radius * 0.5, radius * 1.6, radius * 1.5), lines, face, letters, 0.5)
    panel.lay(spot, x - radius, y - radius)


def hoarding(ctx: SceneContext, height: int, width: int) -> PlanarObject:
    """A wall-sized advertisement: large lines at one side, a picture at the other, perhaps a band of colour."""
    ground, letters = colours(ctx)
    panel = blank(height, width, ground)
    panel.paint[:] = textures.plain(ctx.rng, height, width, ground)
    share = ctx.between(0.4, 0.65)
    left = ctx.chance(0.5)
    if ctx.chance(0.75):
        wide = max(2, int(width * (1 - share) * ctx.between(0.7, 1.0)))
        tall = max(2, int(height * ctx.between(0.6, 1.0)))
        x = width - wide if left else 0
        first = int((height - tall) * ctx.rng.random())
        panel.paint[first : first + tall, x : x + wide] = ctx.picture(tall, wide)
    x0, x1 = (width * 0.04, width * share) if left else (width * (1 - share), width * 0.96)
    if ctx.chance(0.3):
        band = int(height * ctx.between(0.5, 0.8))
        tone = textures.any_colour(ctx.rng, 0.9)
        panel.paint[band : band + max(2, int(height * 0.18))] = tone
        face = ctx.face()
        line = [(ctx.words(face, None, 6), 1.0)]
        column(ctx, panel, (x0, band + height * 0.03, x1, band + height * 0.15), line, face, WHITE if luma(tone) < 130 else BLACK, 0.0)
    face, count = ctx.face(), int(ctx.rng.integers(1, 5))
    y = height * ctx.between(0.05, 0.25)
    lines = [(ctx.words(face, None, 4), ctx.between(0.8, 1.2)) for _ in range(count)]
    size = height * ctx.between(0.08, 0.16)
    how = effects(ctx, size, ground, letters)
    column(
        ctx,
        panel,
        (x0, y, x1, min(y + size * count, height * 0.75)),
        lines,
        face,
        letters,
        0.0 if ctx.chance(0.7) else 0.5,
        how,
        grow=False,
    )
    return panel


def notice(ctx: SceneContext, height: int, width: int) -> PlanarObject:
    """A sheet of paper on a wall: a heading and lines of print."""
    paper = ctx.pick(WHITE, WHITE, (250, 245, 225), (250, 235, 120), (225, 235, 245))
    panel = blank(height, width, paper)
    face = ctx.face()
    ink = BLACK if ctx.chance(0.7) else textures.rgb(float(ctx.rng.random()), 0.9, 0.5)
    y = height * ctx.between(0.05, 0.15)
    if ctx.chance(0.3):
        band = max(2, int(height * 0.2))
        tone = textures.any_colour(ctx.rng, 1.0)
        panel.paint[:band] = tone
        line = [(ctx.words(face, "common", 3), 1.0)]
        column(ctx, panel, (width * 0.06, 0.03 * height, width * 0.94, band * 0.9), line, face, WHITE if luma(tone) < 150 else BLACK, 0.5)
        y = band + height * 0.04
    elif ctx.chance(0.8):
        head = height * ctx.between(0.08, 0.2)
        y = (
            column(ctx, panel, (width * 0.06, y, width * 0.94, y + head), [(ctx.words(face, "common", 3), 1.0)], face, ink, 0.5)
            + height * 0.03
        )
    rows = int(ctx.rng.integers(3, 13))
    body = ctx.faces.draw(ctx.rng)
    lines = [(ctx.writer.prose(int(ctx.rng.integers(2, 7))), 1.0) for _ in range(rows)]
    column(ctx, panel, (width * 0.07, y, width * 0.93, height * 0.95), lines, body, BLACK, 0.0 if ctx.chance(0.7) else 0.5, grow=False)
    if ctx.chance(0.3):
        _rim(ctx, panel)
    return panel


def menu(ctx: SceneContext, height: int, width: int) -> PlanarObject:
    """A menu or a directory: a heading, rows of words with figures at the right, pictures between."""
    dark = ctx.chance(0.6)
    ground = ctx.pick((25, 25, 28), (60, 30, 20), (30, 50, 40)) if dark else ctx.pick(WHITE, (240, 225, 190), (250, 240, 200))
    letters = ctx.pick(WHITE, (240, 220, 150)) if dark else ctx.pick(BLACK, (90, 40, 20))
    panel = blank(height, width, ground)
    face, body = ctx.face(), ctx.face()
    head = height * ctx.between(0.08, 0.16)
    column(
        ctx,
        panel,
        (width * 0.05, height * 0.03, width * 0.95, height * 0.03 + head),
        [(ctx.words(face, "name", 2), 1.0)],
        face,
        letters,
        0.5,
    )
    columns = int(ctx.rng.integers(1, 4))
    for number in range(columns):
        x0, x1 = width * (number + 0.06) / columns, width * (number + 0.94) / columns
        y = height * 0.06 + head
        if ctx.chance(0.35):
            tall = max(2, int(height * ctx.between(0.1, 0.25)))
            wide = max(2, int(x1 - x0))
            panel.lay(PlanarObject(ctx.picture(tall, wide), np.zeros((tall, wide), np.uint8)), x0, y)
            y += tall + height * 0.02
        step = height * ctx.between(0.035, 0.09)
        while y + step < height * 0.97:
            right = x1 - (x1 - x0) * 0.25
            column(ctx, panel, (x0, y, right, y + step * 0.75), [(ctx.words(body, "name", 3), 1.0)], body, letters, 0.0, grow=False)
            if ctx.chance(0.7) and step > SMALL * 1.5:
                price = [([f"{ctx.rng.integers(1, 60)}.{ctx.rng.integers(0, 10)}0"], 1.0)]
                column(ctx, panel, (right, y, x1, y + step * 0.75), price, ctx.faces.draw(ctx.rng), letters, 1.0, grow=False)
            y += step
    return panel


def tag(ctx: SceneContext, height: int, width: int) -> PlanarObject:
    """A price tag: a large price, small lines, often a coloured head."""
    ground = ctx.pick(WHITE, WHITE, (250, 225, 50), (255, 245, 190), (215, 35, 40))
    letters = ctx.pick(BLACK, (200, 20, 30)) if luma(ground) > 120 else WHITE
    panel = blank(height, width, ground)
    top = 0.0
    if ctx.chance(0.5):
        top = height * ctx.between(0.2, 0.35)
        tone = textures.any_colour(ctx.rng, 1.0)
        panel.paint[: int(top)] = tone
        face = ctx.face()
        line = [(ctx.words(face, "common", 2), 1.0)]
        column(ctx, panel, (width * 0.05, top * 0.1, width * 0.95, top * 0.9), line, face, WHITE if luma(tone) < 140 else BLACK, 0.5)
    face = ctx.faces.draw(ctx.rng)
    low = height * ctx.between(0.65, 0.9)
    column(ctx, panel, (width * 0.08, top + height * 0.05, width * 0.92, low), [(ctx.words(face, "price", 2), 1.0)], face, letters, 0.5)
    if low < height * 0.85:
        lines = [(ctx.writer.prose(3), 1.0) for _ in range(2)]
        column(ctx, panel, (width * 0.08, low, width * 0.92, height * 0.96), lines, ctx.faces.draw(ctx.rng), BLACK, 0.0)
    return panel


def disc(ctx: SceneContext, height: int, width: int) -> PlanarObject:
    """A round sign: letters in the middle, some with a line bent along the rim."""
    import cv2

    size = max(8, min(height, width))
    ground, letters = colours(ctx)
    panel = blank(size, size, ground, opaque=False)
    assert panel.cover is not None
    c, r = (size // 2, size // 2), size // 2 - 1
    cv2.circle(panel.cover, c, r, 255, -1, cv2.LINE_AA)
    if ctx.chance(0.6):
        cv2.circle(panel.paint, c, int(r * ctx.between(0.85, 0.95)), textures.any_colour(ctx.rng), max(1, size // 25), cv2.LINE_AA)
    face = ctx.face()
    rows = int(ctx.rng.integers(1, 3))
    column(
        ctx,
        panel,
        (size * 0.2, size * 0.33, size * 0.8, size * 0.67),
        [(ctx.words(face, "name", 1), 1.0) for _ in range(rows)],
        face,
        letters,
        0.5,
    )
    for sign in (1, -1):
        if ctx.chance(0.35) and size > 60:
            line = arch(ctx, size * ctx.between(0.11, 0.15), size * 0.36, sign, letters)
            panel.lay(line, (size - line.shape[1]) / 2, size * 0.1 if sign > 0 else size * 0.9 - line.shape[0])
    return panel


def arch(ctx: SceneContext, size: float, radius: float, sign: int, letters: Colour) -> PlanarObject:
    """A line of bare letters of em height `size` bent along a circle of `radius`, over its top (`sign` 1) or under its foot (-1)."""
    face = ctx.face()
    strip = set_line(ctx.words(face, None, 3), face, size)
    most = radius * 2.6
    if strip.ink.shape[1] > most:
        strip = resized(strip, most / strip.ink.shape[1])
    panel = blank(strip.ink.shape[0], strip.ink.shape[1], letters, opaque=False)
    panel.letter(strip, 0, 0, letters)
    return bent(panel, "arc", sign * strip.ink.shape[1] / radius)


def banner(ctx: SceneContext, height: int, width: int) -> PlanarObject:
    """A tall banner or a standing sign: words one below the other, or a line turned on its side."""
    ground, letters = colours(ctx)
    if height < width * 1.4 or ctx.chance(0.65):
        panel = blank(height, width, ground)
        face, y = ctx.face(), height * 0.05
        while y < height * 0.9:
            step = min(height * ctx.between(0.06, 0.2), width * 0.6)
            column(
                ctx,
                panel,
                (width * 0.08, y, width * 0.92, min(y + step, height * 0.97)),
                [(ctx.words(face, None, 2), 1.0)],
                face,
                letters,
                0.5,
            )
            y += step * ctx.between(1.1, 2.2)
        return panel
    panel = blank(width, height, ground)  # lying, then turned
    face = ctx.face()
    column(ctx, panel, (height * 0.05, width * 0.15, height * 0.95, width * 0.85), [(ctx.words(face, None, 3), 1.0)], face, letters, 0.5)
    return turned(panel, clockwise=ctx.chance(0.7))


def turned(panel: PlanarObject, clockwise: bool) -> PlanarObject:
    """The flat turned by a quarter; words keep the corner where their reading begins."""
    height, width = panel.shape
    turns = -1 if clockwise else 1
    paint, ink = (np.ascontiguousarray(np.rot90(part, turns)) for part in (panel.paint, panel.ink))
    cover = None if panel.cover is None else np.ascontiguousarray(np.rot90(panel.cover, turns))
    words = []
    for word in panel.words:
        x, y = word.polygon[:, 0], word.polygon[:, 1]
        moved = np.stack([height - y, x], 1) if clockwise else np.stack([y, width - x], 1)
        words.append(PlacedWord(moved.astype(np.float32), word.text, word.legible))
    return PlanarObject(paint, ink, words, cover)


def bare(ctx: SceneContext, height: int, width: int, under: Colour | None = None) -> PlanarObject:
    """Letters without a board, for walls and glass: one to three lines, solid or standing out; `under` is the colour that they go on."""
    face = ctx.face()
    ground = under if under is not None else (128, 128, 128)
    letters = colours(ctx)[1]
    for _ in range(5):
        if abs(luma(letters) - luma(ground)) > 45:
            break
        letters = ctx.pick(WHITE, BLACK, textures.any_colour(ctx.rng, 0.8))
    panel = blank(height, width, letters, opaque=False)
    rows = int(ctx.rng.choice([1, 1, 1, 2, 3]))
    how = effects(ctx, height / rows * 0.8, ground, letters, lit=0.25)
    lines = [(ctx.words(face, None, 3), ctx.between(0.6, 1.0)) for _ in range(rows)]
    column(
        ctx, panel, (width * 0.06, height * 0.12, width * 0.94, height * 0.88), lines, face, letters, float(ctx.rng.choice([0.0, 0.5])), how
    )
    return panel


def plate(ctx: SceneContext, height: int, width: int) -> PlanarObject:
    """A number plate."""
    ground = ctx.pick(WHITE, (245, 210, 60), BLACK, (20, 40, 110))
    panel = blank(height, width, ground)
    letters = BLACK if luma(ground) > 120 else WHITE
    code = "".join(chr(65 + int(c)) for c in ctx.rng.integers(0, 26, 3)) + "".join(
        map(str, ctx.rng.integers(0, 10, int(ctx.rng.integers(2, 5))))
    )
    box = (width * 0.05, height * 0.08, width * 0.95, height * 0.92)
    column(ctx, panel, box, [([code], 1.0)], ctx.faces.draw(ctx.rng), letters, 0.5)
    return panel


BOARDS: Mapping[str, tuple[Maker, float, tuple[float, float], tuple[float, float]]] = {
    "fascia": (fascia, 0.16, (2.5, 8.0), (0.3, 0.9)),
    "direction": (direction, 0.14, (1.5, 5.0), (0.3, 0.7)),
    "exit": (exit_sign, 0.04, (1.8, 2.6), (0.18, 0.3)),
    "poster": (poster, 0.2, (0.55, 1.0), (0.7, 1.8)),
    "hoarding": (hoarding, 0.08, (1.0, 3.0), (1.2, 2.6)),
    "notice": (notice, 0.1, (0.65, 1.4), (0.3, 0.7)),
    "menu": (menu, 0.06, (0.65, 1.6), (0.5, 1.2)),
    "tag": (tag, 0.09, (0.9, 2.0), (0.12, 0.4)),
    "disc": (disc, 0.05, (1.0, 1.0), (0.4, 1.0)),
    "banner": (banner, 0.08, (0.2, 0.8), (0.8, 2.5)),
}
"""Board -> (maker, share, width against height, height in metres)."""


def any_board(ctx: SceneContext, names: Sequence[str] | None = None) -> tuple[Maker, float, float]:
    """A maker by its share (of all, or of `names`), a shape (width against height) and a height in metres."""
    known = list(names) if names is not None else list(BOARDS)
    limits = np.cumsum([BOARDS[name][1] for name in known])
    name = known[min(int(np.searchsorted(limits, ctx.rng.random() * limits[-1])), len(known) - 1)]
    maker, _, aspect, tall = BOARDS[name]
    return maker, float(np.exp(ctx.between(*np.log(aspect).tolist()))), ctx.between(*tall)
