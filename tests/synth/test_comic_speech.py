"""Lettering of comic pages: what a font does not draw is left out."""

from __future__ import annotations

import numpy as np
import pytest

from docbin.synth.comics.comic_speech import Voices, draws
from docbin.synth.fonts import BUILT_IN
from docbin.synth.lettering import Face, Faces


@pytest.mark.parametrize(("sign", "drawn"), [("A", True), ("!", True), ("あ", False), ("ー", False)])
def test_sign_that_font_lacks_leaves_no_box(sign: str, drawn: bool) -> None:
    voices = Voices(np.random.default_rng(0), Faces([BUILT_IN]), None)
    canvas = np.zeros((60, 60), np.uint8)
    voices._sign(canvas, sign, Face(BUILT_IN), 40, 5, 5)
    assert canvas.any() == drawn
    assert draws(BUILT_IN, sign) == drawn


def test_noise_of_signs_that_font_lacks_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    voices = Voices(np.random.default_rng(0), Faces([BUILT_IN]), None)
    monkeypatch.setattr(voices, "noise", lambda: list("ドドド"))
    assert not voices.drawn_noise(30, across=True).any()
    monkeypatch.setattr(voices, "noise", lambda: list("BAM"))
    assert voices.drawn_noise(30, across=True).any()
