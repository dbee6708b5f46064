"""Lines of lettering: boxes hug the ink whatever was done to the face."""

from __future__ import annotations

import numpy as np
import pytest

from docbin.synth.fonts import BUILT_IN
from docbin.synth.lettering import Face, Faces, resized, set_line
from docbin.synth.sign_words import KINDS, SignWriter


@pytest.mark.parametrize(
    "face",
    [
        Face(BUILT_IN),
        Face(BUILT_IN, stretch=1.4),
        Face(BUILT_IN, stretch=0.6, tracking=0.2),
        Face(BUILT_IN, weight=0.05),
        Face(BUILT_IN, weight=-0.02),
        Face(BUILT_IN, slant=0.25),
        Face(BUILT_IN, slant=-0.1),
        Face(BUILT_IN, hollow=0.06),
    ],
    ids=lambda face: f"{face.stretch}/{face.slant}/{face.weight}/{face.tracking}/{face.hollow}",
)
@pytest.mark.parametrize("size", [11, 40, 130])
def test_boxes_hold_the_ink_and_no_more(face: Face, size: int) -> None:
    strip = set_line(["Open", "daily", "7"], face, size)
    assert strip.texts == ("Open", "daily", "7")
    inked = strip.ink > 100
    held = np.zeros_like(inked)
    for x0, y0, x1, y1 in strip.boxes:
        part = inked[int(y0) : int(np.ceil(y1)), int(x0) : int(np.ceil(x1))]
        rows, columns = np.flatnonzero(part.any(1)), np.flatnonzero(part.any(0))
        thin = 2 if face.weight < 0 or face.hollow else 1  # strokes that were thinned away leave the box a little large
        assert rows[0] <= thin
        assert part.shape[0] - 1 - rows[-1] <= thin + 1
        assert columns[0] <= thin
        assert part.shape[1] - 1 - columns[-1] <= thin + 1
        held[int(np.floor(y0)) : int(np.ceil(y1)) + 1, int(np.floor(x0)) : int(np.ceil(x1)) + 1] = True
    assert not (inked & ~held).any()


def test_resized_boxes_follow() -> None:
    strip = set_line(["Open"], Face(BUILT_IN), 60)
    half = resized(strip, 0.5)
    assert half.ink.shape == (round(strip.ink.shape[0] / 2), round(strip.ink.shape[1] / 2))
    np.testing.assert_allclose(half.boxes, strip.boxes / 2, atol=1)


def test_nothing_to_draw_is_an_empty_strip() -> None:
    strip = set_line(["", " "], Face(BUILT_IN), 20)
    assert strip.texts == ()
    assert not strip.ink.any()
    assert strip.boxes.shape == (0, 4)


def test_hebrew_runs_from_the_right() -> None:
    """Drawn with a face that calls Latin letters Hebrew: the first word stands at the right, its letters turned round."""
    strip = set_line(["EH", "T"], Face(BUILT_IN, script="hebrew"), 44)
    assert strip.texts == ("T", "EH")
    left = set_line(["HE"], Face(BUILT_IN), 44)  # 44: a size at which letters are drawn, so nothing is resampled
    x0, _, x1, _ = (int(v) for v in strip.boxes[1])
    a, _, b, _ = (int(v) for v in left.boxes[0])
    np.testing.assert_array_equal(strip.ink[:, x0:x1], left.ink[:, a:b])


def test_faces_are_reproducible_and_fall_back_to_latin() -> None:
    faces = Faces([BUILT_IN])
    assert faces.draw(np.random.default_rng(3)) == faces.draw(np.random.default_rng(3))
    assert faces.draw(np.random.default_rng(3), "han").script == "latin"


@pytest.mark.parametrize("kind", [kind for kind, _ in KINDS])
def test_lines_of_signs_have_words(kind: str) -> None:
    for seed in range(20):
        words = SignWriter(np.random.default_rng(seed)).line(kind, most=3)
        assert 1 <= len(words) <= 3
        assert all(word and not word.isspace() for word in words)
