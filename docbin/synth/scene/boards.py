"""Things made to be read: shop signs, direction boards, posters, notices, menus, price tags, labels, bare letters.

Each maker takes (kit, height, width) in pixels, drawn at about the size at which the scene will show it, and returns a :class:`Flat` with its words.
Lines too small to read are mostly drawn as small print, which the truth ignores; lines that might be read are set as words and judged at the end by
how large and how clear they came out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from docbin.synth import textures
from docbin.synth.lettering import resized, set_line
from docbin.synth.scene.planar_objects import Flat, Placed, blank
from docbin.synth.scene.projection import bent
from docbin.synth.scene.scene_context import BLACK, SMALL, WHITE, Kit, Maker, colours, column, effects, luma
from docbin.synth.textures import Colour


def _rim(kit: Kit, flat: Flat, colour: Colour | None = None) -> None:
    """A frame around a board."""
    import cv2

    height, width = flat.shape
    thick = max(1, round(min(height, width) * kit.between(0.01, 0.05)))
    inset = thick // 2 if kit.chance(0.6) else thick * 2
    tone = colour if colour is not None else textures.any_colour(kit.rng, 0.3)
    cv2.rectangle(flat.paint, (inset, inset), (width - 1 - inset, height - 1 - inset), tone, thick)


def _logo(kit: Kit, flat: Flat, x: float, y: float, size: float, colour: Colour) -> None:
    """A mark that is no letter: disc, arrow, star, bars, drop."""
    import cv2

    c, r = (round(x + size / 2), round(y + size / 2)), max(2, round(size / 2))
    draw = int(kit.rng.integers(6))
    if draw == 0:
        cv2.circle(flat.paint, c, r, colour, -1, cv2.LINE_AA)
        cv2.circle(flat.paint, c, max(1, r // 2), textures.any_colour(kit.rng), -1, cv2.LINE_AA)
    elif draw == 1:
        heading = kit.rng.integers(4) * np.pi / 2
        tip = np.array([[0, -1], [0.7, -0.1], [0.25, -0.1], [0.25, 1], [-0.25, 1], [-0.25, -0.1], [-0.7, -0.1]]) * r
        turn = np.array([[np.cos(heading), -np.sin(heading)], [np.sin(heading), np.cos(heading)]])
        cv2.fillPoly(flat.paint, [(tip @ turn.T + c).astype(np.int32)], colour, cv2.LINE_AA)
    elif draw == 2:
        spokes = int(kit.rng.integers(4, 8)) * 2
        angle = np.arange(spokes) * 2 * np.pi / spokes
        radius = np.where(np.arange(spokes) % 2, 0.4, 1.0) * r
        cv2.fillPoly(
            flat.paint, [(np.stack([np.sin(angle), -np.cos(angle)], 1) * radius[:, None] + c).astype(np.int32)], colour, cv2.LINE_AA
        )
    elif draw == 3:
        for bar in range(3):
            cv2.line(flat.paint, (c[0] - r, c[1] - r + bar * r), (c[0] + r, c[1] - r + bar * r), colour, max(1, r // 4))
    elif draw == 4:
        cv2.ellipse(flat.paint, c, (r, max(1, r // 2)), float(kit.rng.uniform(0, 180)), 0, 360, colour, max(1, r // 4), cv2.LINE_AA)
    else:  # a person, as on doors and exits
        cv2.circle(flat.paint, (c[0], c[1] - r * 2 // 3), max(1, r // 4), colour, -1, cv2.LINE_AA)
        cv2.line(flat.paint, (c[0], c[1] - r // 3), (c[0] + r // 6, c[1] + r // 3), colour, max(1, r // 3), cv2.LINE_AA)
        cv2.line(flat.paint, (c[0], c[1] + r // 4), (c[0] - r // 2, c[1] + r), colour, max(1, r // 5), cv2.LINE_AA)
        cv2.line(flat.paint, (c[0], c[1] + r // 4), (c[0] + r // 2, c[1] + r), colour, max(1, r // 5), cv2.LINE_AA)


def fascia(kit: Kit, height: int, width: int) -> Flat:
    """The sign over a shop: a name, perhaps a mark beside it and a small line below; often lit."""
    ground, letters = colours(kit)
    flat = blank(height, width, ground)
    draw = kit.rng.random()
    if draw < 0.5:
        flat.paint[:] = textures.plain(kit.rng, height, width, ground)
    elif draw < 0.6:
        flat.paint[:] = textures.slats(kit.rng, height, width, height * kit.between(0.08, 0.3), kit.chance(0.3), ground)
    elif draw < 0.7:
        flat.paint[:] = textures.streaks(kit.rng, height, width, ground)
    if kit.chance(0.2):
        _rim(kit, flat, letters)
    face = kit.face()
    words = kit.words(face, "name" if kit.chance(0.75) else None, 3)
    high = height * kit.between(0.35, 0.8)
    align = float(kit.rng.choice([0.0, 0.5, 0.5, 0.5, 1.0]))
    left, right = width * kit.between(0.02, 0.12), width * kit.between(0.88, 0.98)
    if kit.chance(0.3):
        size = min(high, width * 0.25)
        _logo(kit, flat, left, (height - size) / 2, size, letters if kit.chance(0.5) else textures.any_colour(kit.rng))
        left += size * 1.2
    lines: list[tuple[Sequence[str], float]] = [(words, 1.0)]
    if kit.chance(0.25):
        lines.append((kit.words(face, None, 5), kit.between(0.25, 0.5)))
    top = (height - high) * kit.between(0.3, 0.7)
    column(
        kit, flat, (left, top, right, top + high), lines, face, letters, align, effects(kit, high / len(lines), ground, letters, lit=0.35)
    )
    return flat


def direction(kit: Kit, height: int, width: int) -> Flat:
    """A direction board: rows of an arrow or a pictogram and words, often in a second script below."""
    ground = kit.pick(
        (20, 60, 130), (25, 90, 60), (40, 40, 45), (70, 75, 80), WHITE, (240, 200, 40), (15, 25, 45), textures.any_colour(kit.rng)
    )
    letters = WHITE if luma(ground) < 140 else BLACK
    flat = blank(height, width, ground)
    if kit.chance(0.5):
        _rim(kit, flat, letters)
    rows = max(1, min(4, round(height / width * kit.between(3, 8))))
    face, pad = kit.face(), 0.06 * width
    for row in range(rows):
        top, tall = height * (row + 0.1) / rows, height * 0.8 / rows
        left = pad
        if kit.chance(0.75):
            size = tall * kit.between(0.5, 0.9)
            _logo(kit, flat, left, top + (tall - size) / 2, size, letters)
            left += size * 1.3
        lines: list[tuple[Sequence[str], float]] = [(kit.words(face, "common" if kit.chance(0.6) else "street", 4), 1.0)]
        if kit.chance(0.35):
            lines.append((kit.words(kit.face(), None, 3), kit.between(0.5, 1.0)))
        column(kit, flat, (left, top, width - pad, top + tall), lines, face, letters, 0.0, grow=False)
    return flat


def exit_sign(kit: Kit, height: int, width: int) -> Flat:
    """A lit green EXIT."""
    green = (int(kit.between(0, 60)), int(kit.between(110, 220)), int(kit.between(60, 150)))
    lit = kit.chance(0.5)
    ground, letters = (green, WHITE) if lit else (WHITE, green)
    flat = blank(height, width, ground)
    left = width * 0.08
    if kit.chance(0.6):
        _logo(kit, flat, left, height * 0.2, height * 0.6, letters)
        left += height * 0.7
    word = ["EXIT", "KELUAR", "EXIT", "WAY", "SORTIE"][int(kit.rng.integers(5))]
    column(kit, flat, (left, height * 0.12, width * 0.95, height * 0.88), [([word], 1.0)], kit.faces.draw(kit.rng), letters, 0.5)
    return flat


def poster(kit: Kit, height: int, width: int) -> Flat:
    """An advertisement: a picture or a colour, a headline of one to three lines, smaller lines, small print."""
    ground, letters = colours(kit)
    flat = blank(height, width, ground)
    whole = kit.chance(0.45)
    if whole:
        flat.paint[:] = kit.picture(height, width)
        if kit.chance(0.6):
            letters = kit.pick(WHITE, BLACK, (250, 220, 60), (200, 30, 40))
    elif kit.chance(0.7):
        top, tall = (0.0, kit.between(0.3, 0.6)) if kit.chance(0.5) else (kit.between(0.4, 0.6), 0.4)
        first = int(top * height)
        rows = min(max(2, int(tall * height)), height - first)
        flat.paint[first : first + rows] = kit.picture(rows, width)
    face = kit.face()
    align = float(kit.rng.choice([0.0, 0.0, 0.5, 0.5, 1.0]))
    pad = kit.between(0.04, 0.12) * width
    count = int(kit.rng.integers(1, 4))
    head = height * kit.between(0.06, 0.16) * count
    y = height * kit.between(0.04, 0.6)
    how = effects(kit, head / count, ground, letters)
    lines = [(kit.words(face, None, 3), kit.between(0.6, 1.2)) for _ in range(count)]
    y = column(kit, flat, (pad, y, width - pad, min(y + head, height * 0.95)), lines, face, letters, align, how) + height * 0.02
    if y < height * 0.85 and kit.chance(0.8):
        rows = int(kit.rng.integers(1, 6))
        end = min(y + rows * height * kit.between(0.025, 0.06), height * 0.97)
        second = face if kit.chance(0.6) else kit.face()
        column(kit, flat, (pad, y, width - pad, end), [(kit.words(second, None, 6), 1.0) for _ in range(rows)], second, letters, align)
    if kit.chance(0.3):
        _badge(kit, flat)
    if kit.chance(0.3):
        _rim(kit, flat)
    return flat


def _badge(kit: Kit, flat: Flat) -> None:
    """A coloured spot with a price or a percentage."""
    import cv2

    height, width = flat.shape
    radius = max(3.0, min(height, width) * kit.between(0.12, 0.22))
    x, y = kit.between(radius, max(width - radius, radius + 1)), kit.between(radius, max(height - radius, radius + 1))
    ground = kit.pick((210, 30, 40), (250, 210, 30), (20, 90, 190), (30, 140, 70))
    spot = blank(int(2 * radius), int(2 * radius), ground, opaque=False)
    assert spot.cover is not None
    cv2.circle(spot.cover, (int(radius), int(radius)), int(radius) - 1, 255, -1, cv2.LINE_AA)
    face = kit.faces.draw(kit.rng)
    lines: list[tuple[Sequence[str], float]] = [(kit.words(face, "price", 1), 1.0)]
    if kit.chance(0.5):
        lines.append((["OFF"], 0.6))
    letters = WHITE if luma(ground) < 150 else (190, 20, 30)
    column(kit, spot, (radius * 0.4, radius * 0.5, radius * 1.6, radius * 1.5), lines, face, letters, 0.5)
    flat.lay(spot, x - radius, y - radius)


def hoarding(kit: Kit, height: int, width: int) -> Flat:
    """A wall-sized advertisement: large lines at one side, a picture at the other, perhaps a band of colour."""
    ground, letters = colours(kit)
    flat = blank(height, width, ground)
    flat.paint[:] = textures.plain(kit.rng, height, width, ground)
    share = kit.between(0.4, 0.65)
    left = kit.chance(0.5)
    if kit.chance(0.75):
        wide = max(2, int(width * (1 - share) * kit.between(0.7, 1.0)))
        tall = max(2, int(height * kit.between(0.6, 1.0)))
        x = width - wide if left else 0
        first = int((height - tall) * kit.rng.random())
        flat.paint[first : first + tall, x : x + wide] = kit.picture(tall, wide)
    x0, x1 = (width * 0.04, width * share) if left else (width * (1 - share), width * 0.96)
    if kit.chance(0.3):
        band = int(height * kit.between(0.5, 0.8))
        tone = textures.any_colour(kit.rng, 0.9)
        flat.paint[band : band + max(2, int(height * 0.18))] = tone
        face = kit.face()
        line = [(kit.words(face, None, 6), 1.0)]
        column(kit, flat, (x0, band + height * 0.03, x1, band + height * 0.15), line, face, WHITE if luma(tone) < 130 else BLACK, 0.0)
    face, count = kit.face(), int(kit.rng.integers(1, 5))
    y = height * kit.between(0.05, 0.25)
    lines = [(kit.words(face, None, 4), kit.between(0.8, 1.2)) for _ in range(count)]
    size = height * kit.between(0.08, 0.16)
    how = effects(kit, size, ground, letters)
    column(
        kit, flat, (x0, y, x1, min(y + size * count, height * 0.75)), lines, face, letters, 0.0 if kit.chance(0.7) else 0.5, how, grow=False
    )
    return flat


def notice(kit: Kit, height: int, width: int) -> Flat:
    """A sheet of paper on a wall: a heading and lines of print."""
    paper = kit.pick(WHITE, WHITE, (250, 245, 225), (250, 235, 120), (225, 235, 245))
    flat = blank(height, width, paper)
    face = kit.face()
    ink = BLACK if kit.chance(0.7) else textures.rgb(float(kit.rng.random()), 0.9, 0.5)
    y = height * kit.between(0.05, 0.15)
    if kit.chance(0.3):
        band = max(2, int(height * 0.2))
        tone = textures.any_colour(kit.rng, 1.0)
        flat.paint[:band] = tone
        line = [(kit.words(face, "common", 3), 1.0)]
        column(kit, flat, (width * 0.06, 0.03 * height, width * 0.94, band * 0.9), line, face, WHITE if luma(tone) < 150 else BLACK, 0.5)
        y = band + height * 0.04
    elif kit.chance(0.8):
        head = height * kit.between(0.08, 0.2)
        y = (
            column(kit, flat, (width * 0.06, y, width * 0.94, y + head), [(kit.words(face, "common", 3), 1.0)], face, ink, 0.5)
            + height * 0.03
        )
    rows = int(kit.rng.integers(3, 13))
    body = kit.faces.draw(kit.rng)
    lines = [(kit.writer.prose(int(kit.rng.integers(2, 7))), 1.0) for _ in range(rows)]
    column(kit, flat, (width * 0.07, y, width * 0.93, height * 0.95), lines, body, BLACK, 0.0 if kit.chance(0.7) else 0.5, grow=False)
    if kit.chance(0.3):
        _rim(kit, flat)
    return flat


def menu(kit: Kit, height: int, width: int) -> Flat:
    """A menu or a directory: a heading, rows of words with figures at the right, pictures between."""
    dark = kit.chance(0.6)
    ground = kit.pick((25, 25, 28), (60, 30, 20), (30, 50, 40)) if dark else kit.pick(WHITE, (240, 225, 190), (250, 240, 200))
    letters = kit.pick(WHITE, (240, 220, 150)) if dark else kit.pick(BLACK, (90, 40, 20))
    flat = blank(height, width, ground)
    face, body = kit.face(), kit.face()
    head = height * kit.between(0.08, 0.16)
    column(
        kit,
        flat,
        (width * 0.05, height * 0.03, width * 0.95, height * 0.03 + head),
        [(kit.words(face, "name", 2), 1.0)],
        face,
        letters,
        0.5,
    )
    columns = int(kit.rng.integers(1, 4))
    for number in range(columns):
        x0, x1 = width * (number + 0.06) / columns, width * (number + 0.94) / columns
        y = height * 0.06 + head
        if kit.chance(0.35):
            tall = max(2, int(height * kit.between(0.1, 0.25)))
            wide = max(2, int(x1 - x0))
            flat.lay(Flat(kit.picture(tall, wide), np.zeros((tall, wide), np.uint8)), x0, y)
            y += tall + height * 0.02
        step = height * kit.between(0.035, 0.09)
        while y + step < height * 0.97:
            right = x1 - (x1 - x0) * 0.25
            column(kit, flat, (x0, y, right, y + step * 0.75), [(kit.words(body, "name", 3), 1.0)], body, letters, 0.0, grow=False)
            if kit.chance(0.7) and step > SMALL * 1.5:
                price = [([f"{kit.rng.integers(1, 60)}.{kit.rng.integers(0, 10)}0"], 1.0)]
                column(kit, flat, (right, y, x1, y + step * 0.75), price, kit.faces.draw(kit.rng), letters, 1.0, grow=False)
            y += step
    return flat


def tag(kit: Kit, height: int, width: int) -> Flat:
    """A price tag: a large price, small lines, often a coloured head."""
    ground = kit.pick(WHITE, WHITE, (250, 225, 50), (255, 245, 190), (215, 35, 40))
    letters = kit.pick(BLACK, (200, 20, 30)) if luma(ground) > 120 else WHITE
    flat = blank(height, width, ground)
    top = 0.0
    if kit.chance(0.5):
        top = height * kit.between(0.2, 0.35)
        tone = textures.any_colour(kit.rng, 1.0)
        flat.paint[: int(top)] = tone
        face = kit.face()
        line = [(kit.words(face, "common", 2), 1.0)]
        column(kit, flat, (width * 0.05, top * 0.1, width * 0.95, top * 0.9), line, face, WHITE if luma(tone) < 140 else BLACK, 0.5)
    face = kit.faces.draw(kit.rng)
    low = height * kit.between(0.65, 0.9)
    column(kit, flat, (width * 0.08, top + height * 0.05, width * 0.92, low), [(kit.words(face, "price", 2), 1.0)], face, letters, 0.5)
    if low < height * 0.85:
        lines = [(kit.writer.prose(3), 1.0) for _ in range(2)]
        column(kit, flat, (width * 0.08, low, width * 0.92, height * 0.96), lines, kit.faces.draw(kit.rng), BLACK, 0.0)
    return flat


def disc(kit: Kit, height: int, width: int) -> Flat:
    """A round sign: letters in the middle, some with a line bent along the rim."""
    import cv2

    size = max(8, min(height, width))
    ground, letters = colours(kit)
    flat = blank(size, size, ground, opaque=False)
    assert flat.cover is not None
    c, r = (size // 2, size // 2), size // 2 - 1
    cv2.circle(flat.cover, c, r, 255, -1, cv2.LINE_AA)
    if kit.chance(0.6):
        cv2.circle(flat.paint, c, int(r * kit.between(0.85, 0.95)), textures.any_colour(kit.rng), max(1, size // 25), cv2.LINE_AA)
    face = kit.face()
    rows = int(kit.rng.integers(1, 3))
    column(
        kit,
        flat,
        (size * 0.2, size * 0.33, size * 0.8, size * 0.67),
        [(kit.words(face, "name", 1), 1.0) for _ in range(rows)],
        face,
        letters,
        0.5,
    )
    for sign in (1, -1):
        if kit.chance(0.35) and size > 60:
            line = arch(kit, size * kit.between(0.11, 0.15), size * 0.36, sign, letters)
            flat.lay(line, (size - line.shape[1]) / 2, size * 0.1 if sign > 0 else size * 0.9 - line.shape[0])
    return flat


def arch(kit: Kit, size: float, radius: float, sign: int, letters: Colour) -> Flat:
    """A line of bare letters of em height `size` bent along a circle of `radius`, over its top (`sign` 1) or under its foot (-1)."""
    face = kit.face()
    strip = set_line(kit.words(face, None, 3), face, size)
    most = radius * 2.6
    if strip.ink.shape[1] > most:
        strip = resized(strip, most / strip.ink.shape[1])
    flat = blank(strip.ink.shape[0], strip.ink.shape[1], letters, opaque=False)
    flat.letter(strip, 0, 0, letters)
    return bent(flat, "arc", sign * strip.ink.shape[1] / radius)


def banner(kit: Kit, height: int, width: int) -> Flat:
    """A tall banner or a standing sign: words one below the other, or a line turned on its side."""
    ground, letters = colours(kit)
    if height < width * 1.4 or kit.chance(0.65):
        flat = blank(height, width, ground)
        face, y = kit.face(), height * 0.05
        while y < height * 0.9:
            step = min(height * kit.between(0.06, 0.2), width * 0.6)
            column(
                kit,
                flat,
                (width * 0.08, y, width * 0.92, min(y + step, height * 0.97)),
                [(kit.words(face, None, 2), 1.0)],
                face,
                letters,
                0.5,
            )
            y += step * kit.between(1.1, 2.2)
        return flat
    flat = blank(width, height, ground)  # lying, then turned
    face = kit.face()
    column(kit, flat, (height * 0.05, width * 0.15, height * 0.95, width * 0.85), [(kit.words(face, None, 3), 1.0)], face, letters, 0.5)
    return turned(flat, clockwise=kit.chance(0.7))


def turned(flat: Flat, clockwise: bool) -> Flat:
    """The flat turned by a quarter; words keep the corner where their reading begins."""
    height, width = flat.shape
    turns = -1 if clockwise else 1
    paint, ink = (np.ascontiguousarray(np.rot90(part, turns)) for part in (flat.paint, flat.ink))
    cover = None if flat.cover is None else np.ascontiguousarray(np.rot90(flat.cover, turns))
    words = []
    for word in flat.words:
        x, y = word.polygon[:, 0], word.polygon[:, 1]
        moved = np.stack([height - y, x], 1) if clockwise else np.stack([y, width - x], 1)
        words.append(Placed(moved.astype(np.float32), word.text, word.legible))
    return Flat(paint, ink, words, cover)


def bare(kit: Kit, height: int, width: int, under: Colour | None = None) -> Flat:
    """Letters without a board, for walls and glass: one to three lines, solid or standing out; `under` is the colour that they go on."""
    face = kit.face()
    ground = under if under is not None else (128, 128, 128)
    letters = colours(kit)[1]
    for _ in range(5):
        if abs(luma(letters) - luma(ground)) > 45:
            break
        letters = kit.pick(WHITE, BLACK, textures.any_colour(kit.rng, 0.8))
    flat = blank(height, width, letters, opaque=False)
    rows = int(kit.rng.choice([1, 1, 1, 2, 3]))
    how = effects(kit, height / rows * 0.8, ground, letters, lit=0.25)
    lines = [(kit.words(face, None, 3), kit.between(0.6, 1.0)) for _ in range(rows)]
    column(
        kit, flat, (width * 0.06, height * 0.12, width * 0.94, height * 0.88), lines, face, letters, float(kit.rng.choice([0.0, 0.5])), how
    )
    return flat


def plate(kit: Kit, height: int, width: int) -> Flat:
    """A number plate."""
    ground = kit.pick(WHITE, (245, 210, 60), BLACK, (20, 40, 110))
    flat = blank(height, width, ground)
    letters = BLACK if luma(ground) > 120 else WHITE
    code = "".join(chr(65 + int(c)) for c in kit.rng.integers(0, 26, 3)) + "".join(
        map(str, kit.rng.integers(0, 10, int(kit.rng.integers(2, 5))))
    )
    box = (width * 0.05, height * 0.08, width * 0.95, height * 0.92)
    column(kit, flat, box, [([code], 1.0)], kit.faces.draw(kit.rng), letters, 0.5)
    return flat


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


def any_board(kit: Kit, names: Sequence[str] | None = None) -> tuple[Maker, float, float]:
    """A maker by its share (of all, or of `names`), a shape (width against height) and a height in metres."""
    known = list(names) if names is not None else list(BOARDS)
    limits = np.cumsum([BOARDS[name][1] for name in known])
    name = known[min(int(np.searchsorted(limits, kit.rng.random() * limits[-1])), len(known) - 1)]
    maker, _, aspect, tall = BOARDS[name]
    return maker, float(np.exp(kit.between(*np.log(aspect).tolist()))), kit.between(*tall)
