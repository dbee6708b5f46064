"""Rendered scenes: pure functions of (seed, index), and truth that fits the picture."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from docbin.errors import UsageError
from docbin.synth.fonts import BUILT_IN
from docbin.synth.lettering import Face, Faces, set_line
from docbin.synth.scene import PLACES, SceneSource
from docbin.synth.scene.boards import BOARDS, turned
from docbin.synth.scene.planar_objects import Effects, PlanarObject, blank
from docbin.synth.scene.projection import Camera, Screen, bent, rotation
from docbin.synth.scene.scene_context import SceneContext
from docbin.word import Word, WordImage


def source(**options: object) -> SceneSource:
    return SceneSource(**{"size": 256, "seed": 4, "fonts": [BUILT_IN], **options})  # type: ignore[arg-type]


def lettered(height: int = 60, width: int = 200, effects: Effects | None = None) -> PlanarObject:
    panel = blank(height, width, (200, 200, 200))
    panel.letter(set_line(["Open", "now"], Face(BUILT_IN), 40), 5, 8, (10, 10, 10), effects or Effects())
    return panel


def inside(polygons: list[np.ndarray], shape: tuple[int, int], grow: int = 0) -> np.ndarray:
    canvas = np.zeros(shape, np.uint8)
    for polygon in polygons:
        cv2.fillPoly(canvas, [np.rint((polygon - 0.5) * 16).astype(np.int32)], 1, cv2.LINE_8, 4)
    return np.asarray(cv2.dilate(canvas, np.ones((2 * grow + 1, 2 * grow + 1), np.uint8)) > 0)


@pytest.mark.parametrize("place", list(PLACES))
def test_truth_fits_the_picture(place: str) -> None:
    """Over a few scenes of each place: outlines clockwise, lettering inside them, letters and ground of a legible word of different colours."""
    legible = 0
    for index in range(4):
        scene = source(zoom=(0.7, 1.0)).scene(index, place)
        image, words = scene.picture.image, scene.picture.words
        assert image.shape == (256, 256, 3)
        assert image.dtype == np.uint8
        assert scene.lettering.shape == (256, 256)
        for word in words:
            assert word.polygon.dtype == np.float32
            assert word.polygon.ndim == 2
            assert len(word.polygon) >= 4
            x, y = word.polygon.astype(np.float64).T
            assert float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y)) > 0, "clockwise as one sees it"
        held = inside([word.polygon for word in words], scene.lettering.shape, grow=2)
        stray = scene.lettering & ~held
        assert stray.sum() <= 0.02 * scene.lettering.sum() + 30  # crumbs of words that are nearly covered
        for word in words:
            if not word.ignore:
                legible += 1
                assert (inside([word.polygon], scene.lettering.shape) & scene.lettering).sum() >= 6
    assert legible > 0


def test_scenes_depend_on_seed_and_index_only() -> None:
    first = source()
    one = first.sample(7)
    first.sample(3)
    again, other = source().sample(7), source(seed=5).sample(7)
    np.testing.assert_array_equal(one.image, again.image)
    assert [word.text for word in one.words] == [word.text for word in again.words]
    for a, b in zip(one.words, again.words, strict=True):
        np.testing.assert_array_equal(a.polygon, b.polygon)
    assert not np.array_equal(one.image, other.image)


def test_small_words_are_ignored() -> None:
    for index in range(4):
        for word in source(min_word_height=30.0).sample(index).words:
            half = len(word.polygon) // 2
            tall = np.hypot(*(word.polygon[:half] - word.polygon[half:][::-1]).T).mean()
            assert word.ignore or tall >= 30


def test_size_may_be_oblong() -> None:
    assert source(size=(96, 160)).sample(0).image.shape == (96, 160, 3)


@pytest.mark.parametrize(
    ("options", "said"),
    [({"size": 20}, "64"), ({"zoom": (2.0, 1.0)}, "zoom"), ({"on_photographs": 2.0}, "share")],
)
def test_wrong_options_are_named(options: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        source(**options)


def test_unknown_place_is_an_error() -> None:
    with pytest.raises(UsageError, match="moon"):
        source().scene(0, "moon")


class Grey:
    """A grey photograph with one word of its own."""

    def sample(self, index: int) -> WordImage:
        image = np.full((256, 256, 3), 90, np.uint8)
        word = Word(np.array([[20, 20], [120, 20], [120, 60], [20, 60]], np.float32), "own")
        return WordImage(image, (word,))


def test_photographs_keep_their_words() -> None:
    """What is laid on a photograph hides its own words where it covers them, and is left out of nothing else."""
    kept = covered = added = 0
    for index in range(25):
        picture = source(photographs=Grey(), on_photographs=1.0).sample(index)
        own = [word for word in picture.words if word.text == "own"]
        new = [word for word in picture.words if word.text != "own"]
        added += len(new)
        taken = inside([word.polygon for word in new], (256, 256))
        if not taken.any() and not own:
            assert (picture.image[20:60, 20:120] != 90).any()
        kept += bool(own and not own[0].ignore)
        covered += bool(not own or own[0].ignore)
        untouched = (picture.image == 90).all(2)
        assert untouched.mean() > 0.05, "the photograph itself is not photographed again"
    assert kept > 5
    assert added > 20
    assert kept + covered == 25


def test_photographs_of_another_size_are_refused() -> None:
    with pytest.raises(UsageError, match="256"):
        source(size=128, photographs=Grey(), on_photographs=1.0).sample(0)


@pytest.mark.parametrize("name", list(BOARDS))
def test_boards_of_any_size(name: str) -> None:
    """Every board can be made tiny, and what it says lies on it."""
    maker = BOARDS[name][0]
    for number, (height, width) in enumerate([(3, 4), (9, 40), (60, 20), (120, 150)]):
        ctx = SceneContext(np.random.default_rng((number, 1)), Faces([BUILT_IN]), {"latin": 1.0})
        panel = maker(ctx, height, width)
        assert panel.paint.shape == (*panel.ink.shape, 3)
        held = inside([word.polygon for word in panel.words], panel.shape, grow=1)
        assert not ((panel.ink > 127) & ~held).any()


@pytest.mark.parametrize(
    "effects",
    [
        Effects(shadow=((0, 0, 0), (3, 3), 1.0)),
        Effects(outline=((255, 0, 0), 2)),
        Effects(glow=((255, 255, 0), 4, 0.8)),
        Effects(depth=((80, 80, 80), (3, 2))),
        Effects(gradient=(200, 0, 0)),
    ],
    ids=["shadow", "outline", "glow", "depth", "gradient"],
)
def test_effects_paint_around_letters_but_are_no_ink(effects: Effects) -> None:
    plain, adorned = lettered(), lettered(effects=effects)
    np.testing.assert_array_equal(plain.ink, adorned.ink)
    assert not np.array_equal(plain.paint, adorned.paint)


def test_laying_squarely_copies() -> None:
    panel = lettered()
    screen = Screen(np.zeros((100, 300, 3), np.uint8))
    screen.lay(panel, np.array([[50, 20], [250, 20], [250, 80], [50, 80]], np.float64))
    np.testing.assert_array_equal(screen.image[20:80, 50:250], panel.paint)
    np.testing.assert_array_equal(screen.ink[20:80, 50:250], panel.ink)
    assert not screen.image[:20].any()
    assert not screen.image[80:].any()
    for placed, word in zip(screen.words, panel.words, strict=True):
        np.testing.assert_allclose(placed.polygon, word.polygon + np.array([50, 20]), atol=1e-3)


def test_outlines_take_the_pixels_way() -> None:
    """A dot's centre of mass lands where its outline says, through a strong perspective."""
    panel = blank(80, 120, (0, 0, 0))
    panel.paint[30:40, 70:80] = 255
    corners = np.array([[70, 30], [80, 30], [80, 40], [70, 40]], np.float32)
    panel.words.append(type(lettered().words[0])(corners, "dot"))
    screen = Screen(np.zeros((300, 300, 3), np.uint8))
    screen.lay(panel, np.array([[20, 50], [280, 10], [260, 290], [40, 200]], np.float64))
    outline = inside([screen.words[0].polygon], (300, 300))
    bright = screen.image[..., 0] > 127
    assert (outline & bright).sum() / (outline | bright).sum() > 0.93


def test_what_is_covered_is_forgotten() -> None:
    screen = Screen(np.zeros((100, 300, 3), np.uint8))
    square = np.array([[50, 20], [250, 20], [250, 80], [50, 80]], np.float64)
    screen.lay(lettered(), square)
    assert set(np.unique(screen.owner)) == {0, 1, 2}
    end = int(screen.words[0].polygon.max(0)[0]) + 2
    screen.lay(blank(60, end - 50, (1, 2, 3)), np.array([[50, 20], [end, 20], [end, 80], [50, 80]], np.float64))
    assert set(np.unique(screen.owner)) == {0, 2}
    assert not screen.ink[:, 50:end].any()
    assert screen.ink[:, end:].any()


@pytest.mark.parametrize(
    "quad", [[[9, 9], [2, 9], [2, 2], [9, 2]], [[900, 9], [990, 9], [990, 90], [900, 90]], [[5, 5], [5.1, 5], [5.1, 9], [5, 9]]]
)
def test_turned_away_or_out_of_sight_paints_nothing(quad: list[list[float]]) -> None:
    """Mirrored by lying on its head and back, outside, and edge on."""
    screen = Screen(np.zeros((100, 100, 3), np.uint8))
    points = np.array(quad, np.float64)
    screen.lay(lettered(), points[::-1] if points.max() < 10 and points[0, 0] == 9 else points)
    assert not screen.image.any()
    assert not screen.words


@pytest.mark.parametrize(("kind", "amount"), [("arc", 1.2), ("arc", -2.0), ("pillar", 2.0), ("wave", 0.2)])
def test_bent_outlines_hug_the_letters(kind: str, amount: float) -> None:
    panel = bent(lettered(), kind, amount, 0.5)
    assert panel.cover is not None
    assert len(panel.words) == 2
    assert all(len(word.polygon) >= 6 and len(word.polygon) % 2 == 0 for word in panel.words)
    ink = panel.ink > 127
    held = inside([word.polygon for word in panel.words], panel.shape, grow=2)
    assert ink.sum() > 200
    assert (ink & ~held).sum() <= 0.02 * ink.sum()
    assert held.sum() < 0.7 * held.size


def test_turned_by_a_quarter_reads_on_from_the_same_corner() -> None:
    panel = lettered()
    for clockwise in (True, False):
        other = turned(panel, clockwise)
        for word in other.words:
            along = word.polygon[1] - word.polygon[0]
            assert abs(along[0]) < 1e-3
            assert (along[1] > 0) == clockwise
        assert not ((other.ink > 127) & ~inside([word.polygon for word in other.words], other.shape, grow=1)).any()


def test_camera_sees_what_a_pinhole_sees() -> None:
    camera = Camera(rotation(0, 0, 0), 100.0, (50.0, 40.0))
    pixels, depth = camera.see([(1.0, 0.5, 2.0), (0.0, 0.0, -1.0)])
    np.testing.assert_allclose(pixels[0], [100.0, 65.0])
    assert depth[1] < 0
    right = Camera(rotation(np.pi / 2, 0, 0), 100.0, (50.0, 40.0)).see([(3.0, 0.0, 0.0)])
    np.testing.assert_allclose(right[0], [[50.0, 40.0]], atol=1e-9)
    assert right[1][0] == pytest.approx(3.0)
    up = Camera(rotation(0, np.pi / 6, 0), 100.0, (0.0, 0.0)).see([(0.0, 0.0, 1.0)])
    assert up[0][0, 1] > 0, "looking up, what is ahead sinks"
