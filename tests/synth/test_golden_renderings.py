"""Golden renderings: a renderer that draws other pages than it did must raise its version, else caches of the old ones are taken for the new.

Kept are the mean grey of 4 x 4 fields and the share of ink, with room for what another FreeType or OpenCV rounds otherwise. Where a change is wanted,
raise ``VERSION`` of the renderer and write down its new numbers with it: ``python -m tests.synth.test_golden_renderings``.
"""

from __future__ import annotations

import numpy as np
import pytest

from docbin.page import Image, Mask, to_grey
from docbin.synth.comics import comic_renderer
from docbin.synth.fonts import BUILT_IN
from docbin.synth.page import drawn_pages, page_renderer
from docbin.synth.scene import VERSION as SCENE_VERSION
from docbin.synth.scene import SceneSource

FIELDS = 4


def drawn(name: str) -> tuple[Image, Mask]:
    """The rendering of that name, with Pillow's own font alone."""
    if name == "page":
        return page_renderer.render_page(3, 1, [BUILT_IN], (240, 200))
    if name == "comic":
        return comic_renderer.render_comic(3, 1, [BUILT_IN], (300, 210))
    if name == "drawn":
        return drawn_pages.render_drawn_page(3, 3, [BUILT_IN], (240, 200))
    scene = SceneSource((160, 200), 3, [BUILT_IN]).scene(1)
    return scene.picture.image, scene.lettering


def numbers(name: str) -> list[float]:
    """Mean grey of the fields, row by row, and the share of ink in percent."""
    image, truth = drawn(name)
    rows = np.array_split(to_grey(np.ascontiguousarray(image)).astype(np.float64), FIELDS, axis=0)
    return [round(float(field.mean()), 1) for row in rows for field in np.array_split(row, FIELDS, axis=1)] + [
        round(100 * float(truth.mean()), 2)
    ]


# fmt: off
GOLDEN: dict[tuple[str, int], list[float]] = {
    ("page", 4): [195.6, 186.4, 152.2, 152.8, 186.6, 180.6, 176.6, 178.3, 153.7, 140.9, 120.0, 131.6, 173.4, 158.3, 147.1, 138.7, 19.01],
    ("comic", 2): [126.5, 130.5, 146.6, 133.1, 103.9, 117.4, 127.8, 92.7, 63.9, 139.5, 65.5, 59.7, 121.2, 135.2, 133.8, 113.4, 3.25],
    ("drawn", 1): [227.1, 222.8, 222.1, 235.4, 233.9, 220.3, 227.7, 230.5, 241.4, 233.7, 244.0, 237.6, 236.9, 232.5, 244.0, 238.0, 8.59],
    ("scene", 1): [81.3, 59.1, 68.4, 82.7, 105.8, 78.3, 101.4, 119.4, 106.8, 105.3, 127.7, 97.8, 105.1, 105.9, 122.0, 90.2, 0.4],
}
# fmt: on


@pytest.mark.parametrize("name", ["page", "comic", "drawn", "scene"])
def test_renderings_are_those_of_their_version(name: str) -> None:
    version = {"page": page_renderer.VERSION, "comic": comic_renderer.VERSION, "drawn": drawn_pages.VERSION, "scene": SCENE_VERSION}[name]
    assert (name, version) in GOLDEN, f"a new version: write down its numbers, {numbers(name)}"
    found, kept = numbers(name), GOLDEN[name, version]
    assert found[:-1] == pytest.approx(kept[:-1], abs=3.0), "the renderer draws something else: raise its VERSION"
    assert found[-1] == pytest.approx(kept[-1], rel=0.05, abs=0.05), "the renderer's truth is another: raise its VERSION"


if __name__ == "__main__":
    for one in ("page", "comic", "drawn", "scene"):
        print(one, numbers(one))
