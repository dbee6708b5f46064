"""What people in comics say, and how it is set: in columns from right to left, in lines of capitals, or as a noise drawn across the panel.

All lettering here is ink, uint8 (h, w), 255 = all ink, at the resolution that it is drawn at; whoever lays it on the page decides its colours.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from docbin.synth.fonts import Font
from docbin.synth.lettering import Face, Faces, glyph, resized, set_line
from docbin.synth.pseudo_text import Writer
from docbin.synth.sign_words import SignWriter

Ink = NDArray[np.uint8]

_HIRAGANA = "いうんかのしたてにとなはるれがをもすこよっだでりまあらくけさそきめせやどえわちつじばねほみろへおゃょ"
_KATAKANA = "アイウカキクケコサシスタチツテトナニノハヒフマミムメヤラリルレロワンガギグゴザジダデドバビブボパピプポッャョ"
_KANJI = (
    "人一日大年出本中子見国言上分生手自行者二間事思時気会十家女三前的方入小地合後目長場代私下立部学物月田何来彼話体動社知理山"
    "内同心発高実作当新世今書度明五戦力名金性対意用男主通関文屋感郎業定政持道外取所現最化四先民身不口川東相法全聞情野考向平成"
    "開教経信近以語面連問原顔正機九次数美回表声報要変神記和引治決太込受解市期様活頭組指説能葉流然初足円在調笑品電無死夜強早車"
    "空友朝待父母兄姉猫犬雨火水木森花"
)
_NOISES = (
    "ド",
    "ゴ",
    "ザ",
    "バ",
    "ガ",
    "ダ",
    "ギ",
    "ワ",
    "シ",
    "キ",
    "ビ",
    "パ",
    "ズ",
    "グ",
    "ボ",
    "ザワ",
    "ガシャ",
    "ドキ",
    "ピカ",
    "バタ",
    "ゾク",
    "ニコ",
)
_CRIES = (
    "BOOM",
    "CRASH",
    "WHAM",
    "POW",
    "BANG",
    "ZAP",
    "SLAM",
    "THUD",
    "KRAK",
    "SPLASH",
    "VROOM",
    "TAP",
    "CLICK",
    "SNAP",
    "ARGH",
    "HA",
    "WHOOSH",
    "RING",
    "DING",
)
JAPANESE = _HIRAGANA[:20] + _KATAKANA[:20] + _KANJI[:20]
"""What a font must draw to be taken for Japanese."""

SCRIPTS: dict[str, float] = {"japanese": 0.6, "latin": 0.26, "han": 0.06, "cyrillic": 0.04, "arabic": 0.02, "devanagari": 0.02}
"""Script of a page, and its share."""


def draws(font: Font, letters: str) -> bool:
    """Whether the font has a shape of its own for each letter."""
    missing = glyph(font.path, 20, "\U000eeeee")[0]
    for letter in letters:
        ink = glyph(font.path, 20, letter)[0]
        if not ink.size or (ink.shape == missing.shape and np.array_equal(ink, missing)):
            return False
    return True


class Voices:
    """The lettering of one page: its script, the faces of its speech, its asides and its noises.

    Parameters
    ----------
    rng : draws everything
    faces, japanese : faces of any script, and those of the fonts that :func:`draws` Japanese with; without the latter no page is Japanese
    script : a key of SCRIPTS; drawn by its share if None
    """

    def __init__(self, rng: Generator, faces: Faces, japanese: Faces | None, script: str | None = None) -> None:
        self.rng = rng
        known = {name: share for name, share in SCRIPTS.items() if (japanese is not None if name == "japanese" else name in faces.scripts)}
        shares = np.array(list(known.values()) or [1.0])
        drawn = (list(known) or ["latin"])[int(rng.choice(len(shares), p=shares / shares.sum()))]
        self.script = script if script is not None and (script in known or script == "latin") else drawn
        self._faces = japanese if self.script == "japanese" and japanese is not None else faces
        self.upright = self.script == "japanese" or (self.script == "han" and rng.random() < 0.7)
        self.speech, self.aside = self._face(), self._face()
        self._capitals = rng.random() < 0.75
        self._signs = SignWriter(rng, faces.accented)

    def _face(self) -> Face:
        face = self._faces.draw(self.rng, "han" if self.script == "japanese" else self.script)
        return Face(
            face.font, face.script, min(max(face.stretch, 0.8), 1.25), face.slant if self.rng.random() < 0.3 else 0.0, max(face.weight, 0.0)
        )

    def sentence(self, length: int) -> list[str]:
        """About `length` letters: words, or for scripts without spaces between words single signs."""
        rng = self.rng
        if self.script == "japanese":
            signs = []
            for _ in range(length):
                draw = rng.random()
                signs.append(self._pick(_HIRAGANA if draw < 0.62 else _KANJI if draw < 0.88 else _KATAKANA))
                if draw > 0.985:
                    signs.append("ー")
            return signs + list(self._pick(("", "", "。", "！", "？", "！！", "…", "！？")))
        if self.script == "latin":
            words = self._signs.prose(max(1, round(length / 5))) if rng.random() < 0.8 else self._signs.line(None, 4)
            words[-1] = words[-1].rstrip(".,") + self._pick(("", ".", "!", "?", "...", "!!"))
            return [word.upper() for word in words] if self._capitals else words
        writer = Writer(rng, self.script)
        if writer.script.space:
            return writer.words(max(1, round(length / 5)))
        return list("".join(writer.words(1 + length // 6))[:length])

    def noise(self) -> list[str]:
        """A noise, sign by sign."""
        rng = self.rng
        if self.script in ("japanese", "han"):
            if self.script == "han":
                return list(self._pick("轰砰啪咚嗖哗") * int(rng.integers(1, 4)))
            sound = self._pick(_NOISES)
            tail = self._pick(("", "ッ", "ン", "ー", "ッ！", "！", "ォォ", "！！"))
            return list(sound * int(rng.integers(1, 4)) + tail)
        if self.script == "latin":
            word = self._pick(_CRIES) if rng.random() < 0.7 else self._signs.line("name", 1)[0].upper()
            return list(word + self._pick(("", "!", "!!", "")))
        words = [word for word in self._signs.script(self.script, 1) if word]
        return words if self.script in ("arabic", "devanagari") else list(words[0].upper())

    def _pick(self, choices: Sequence[str]) -> str:
        return choices[int(self.rng.integers(len(choices)))]

    def set(self, words: Sequence[str], size: float, width: float, height: float, face: Face | None = None) -> Ink:
        """The words in as many columns or lines as fit `width` x `height` pixels, centred; made smaller where they do not fit."""
        face = face or self.speech
        for _ in range(6):
            ink = self._columns(words, face, size, height) if self.upright else self._lines(words, face, size, width)
            if ink.shape[0] <= height and ink.shape[1] <= width:
                return ink
            size *= max(0.6, min(0.95, height / ink.shape[0], width / ink.shape[1]))
        return ink[: max(1, int(height)), : max(1, int(width))]

    def _lines(self, words: Sequence[str], face: Face, size: float, width: float) -> Ink:
        rows: list[list[str]] = [[]]
        gap = " " if len(max(words, key=len)) > 1 else ""
        wide = 0.0
        for word in words:
            step = (0.62 if gap else 1.0) * size * face.stretch * (len(word) + bool(gap))
            if rows[-1] and wide + step > width:
                rows.append([])
                wide = 0.0
            rows[-1].append(word)
            wide += step
        strips = [set_line(row if gap else ["".join(row)], face, size, margin=1) for row in rows]
        strips = [resized(strip, width / strip.ink.shape[1]) if strip.ink.shape[1] > width else strip for strip in strips]
        pitch = max(1, round(size * 1.12))
        canvas = np.zeros(
            (pitch * len(strips) + max(strip.ink.shape[0] for strip in strips), max(strip.ink.shape[1] for strip in strips)), np.uint8
        )
        for number, strip in enumerate(strips):
            left, drop = (canvas.shape[1] - strip.ink.shape[1]) // 2, 0
            if len(strip.boxes):  # lines of unequal heights share no baseline; their middles are near enough for speech
                drop = max(0, round((pitch - strip.ink.shape[0]) / 2))
            part = canvas[number * pitch + drop : number * pitch + drop + strip.ink.shape[0], left : left + strip.ink.shape[1]]
            np.maximum(part, strip.ink[: part.shape[0]], out=part)
        return _trimmed(canvas)

    def _columns(self, signs: Sequence[str], face: Face, size: float, height: float) -> Ink:
        cell = max(6, round(size))
        most = max(1, int(height / cell))
        count = -(-len(signs) // most)
        most = -(-len(signs) // count)
        ruby = self.script == "japanese" and self.rng.random() < 0.5
        pitch = round(cell * (1.5 if ruby else 1.2))
        canvas = np.zeros((most * cell + cell, count * pitch + cell), np.uint8)
        for number, sign in enumerate(signs):
            column, row = divmod(number, most)
            left = canvas.shape[1] - (column + 1) * pitch
            self._sign(canvas, sign, face, cell, row * cell, left)
            if ruby and sign in _KANJI:
                small = max(5, cell * 2 // 5)
                for part, kana in enumerate(self.sentence(2)[:2]):
                    self._sign(canvas, kana, face, small, row * cell + part * small, left + cell)
        return _trimmed(canvas)

    def _sign(self, canvas: Ink, sign: str, face: Face, cell: int, top: int, left: int) -> None:
        """One sign into its square of a column; long vowels, dots and brackets lie down."""
        ink, dx, dy, _ = glyph(face.font.path, cell, sign)
        if not ink.size or not draws(face.font, sign):  # a "not defined" box is no lettering
            return
        row, place = top + round(0.88 * cell) + dy, left + dx
        if sign in "ー…（）「」～":
            ink = np.ascontiguousarray(np.rot90(ink, -1))
            row, place = top + (cell - ink.shape[0]) // 2, left + (cell - ink.shape[1]) // 2
        elif sign in "。、ッャュョっゃゅょ":
            row, place = row - (cell // 2 if sign in "。、" else cell // 10), place + (cell // 2 if sign in "。、" else cell // 10)
        row, place = max(row, 0), max(place, 0)
        part = canvas[row : row + ink.shape[0], place : place + ink.shape[1]]
        np.maximum(part, ink[: part.shape[0], : part.shape[1]], out=part)

    def drawn_noise(self, size: float, across: bool) -> Ink:
        """A noise of em height `size`, its signs jumping, leaning, growing, from left to right or downwards, wobbly as from a brush."""
        import cv2

        rng = self.rng
        face = self._faces.draw(rng, "han" if self.script == "japanese" else self.script)
        signs = self.noise()
        growth, lean = float(rng.uniform(-0.4, 0.6)), float(rng.normal(0, 12))
        x = y = 0.0
        pieces: list[tuple[Ink, int, int]] = []
        for number, sign in enumerate(signs):
            big = size * (1 + growth * number / max(len(signs), 1))
            drawn = 100 if big <= 110 else 160
            ink, *_ = glyph(face.font.path, drawn, sign)
            if not ink.size or not draws(face.font, sign):
                continue
            scale = big / drawn
            turn = cv2.getRotationMatrix2D((ink.shape[1] / 2, ink.shape[0] / 2), lean + float(rng.normal(0, 9)), scale)
            side = int(max(ink.shape) * scale * 1.5) + 6
            turn[:, 2] += side / 2 - np.array([ink.shape[1], ink.shape[0]]) / 2
            ink = _trimmed(np.asarray(cv2.warpAffine(ink, turn, (side, side)), np.uint8))
            jump = float(rng.normal(0, 0.12)) * big
            pieces.append((ink, round(x), round(y + jump)) if across else (ink, round(x + jump), round(y)))
            x, y = (x + ink.shape[1] * float(rng.uniform(0.85, 1.1)), y) if across else (x, y + ink.shape[0] * float(rng.uniform(0.9, 1.1)))
        if not pieces:
            return np.zeros((1, 1), np.uint8)
        left, top = min(piece[1] for piece in pieces), min(piece[2] for piece in pieces)
        right, bottom = max(px + ink.shape[1] for ink, px, _ in pieces), max(py + ink.shape[0] for ink, _, py in pieces)
        canvas = np.zeros((bottom - top, right - left), np.uint8)
        for ink, px, py in pieces:
            part = canvas[py - top : py - top + ink.shape[0], px - left : px - left + ink.shape[1]]
            np.maximum(part, ink, out=part)
        if face.weight > 0 or rng.random() < 0.5:
            reach = max(1, round(size * float(rng.uniform(0.01, 0.06))))
            canvas = np.pad(canvas, reach)
            canvas = np.asarray(cv2.dilate(canvas, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))), np.uint8)
        return _wobbled(rng, canvas, size)


def _trimmed(ink: Ink) -> Ink:
    """Without empty rows and columns around; at least one pixel."""
    rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
    if not len(rows):
        return np.zeros((1, 1), np.uint8)
    return np.ascontiguousarray(ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])


def _wobbled(rng: Generator, ink: Ink, size: float) -> Ink:
    """Pushed about by smooth noise, and tapered or slanted as a whole: no font any more."""
    import cv2

    pad = int(size * 0.25) + 2
    ink = np.pad(ink, pad)
    height, width = ink.shape
    strength = float(rng.uniform(0.0, 0.04)) * size
    cells = max(2, round(max(height, width) / (size * float(rng.uniform(0.35, 1.2)))))
    push = [
        cv2.resize(rng.standard_normal((cells, cells), dtype=np.float32), (width, height), interpolation=cv2.INTER_CUBIC) for _ in range(2)
    ]
    xs, ys = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    taper = float(rng.uniform(-0.25, 0.25))
    middle = np.float32(height / 2)
    squeeze = 1 + np.float32(taper) * (xs / width - np.float32(0.5)) * 2
    map_x = xs + push[0] * np.float32(strength) + np.float32(rng.normal(0, 0.15)) * (ys - middle)
    map_y = (ys - middle) / squeeze + middle + push[1] * np.float32(strength)
    return _trimmed(np.asarray(cv2.remap(ink, map_x, map_y, cv2.INTER_LINEAR), np.uint8))
