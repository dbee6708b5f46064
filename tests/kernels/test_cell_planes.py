"""Planes of cells: every level equals the twin bit for bit, a region its part of the page, and the twin what torch computes."""

from __future__ import annotations

import numpy as np
import pytest

from docbin import kernels
from docbin.kernels.cell_planes import Plane, cell_planes

PLANES = (
    Plane("red"),
    Plane("green"),
    Plane("blue"),
    Plane("score", 5, 0.03, 3.97),
    Plane("score", 35, 0.05, 4.0),
    Plane("grey"),
    Plane("depth"),
)


def page(height: int, width: int, kind: str, channels: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    shape = (height, width, 3) if channels == 3 else (height, width)
    image = rng.integers(0, 256, shape, dtype=np.uint8)
    if kind in ("white", "black"):
        image[:] = 255 if kind == "white" else 0
    elif kind == "ramp":
        image[:] = np.linspace(0, 255, width).astype(np.uint8)[:, None] if channels == 3 else np.linspace(0, 255, width).astype(np.uint8)
    return image, rng.integers(0, 256, (height, width), dtype=np.uint8)


@pytest.mark.parametrize("level", [level for level in kernels.levels() if level != "numpy"])
@pytest.mark.parametrize("size", [(1, 1), (2, 2), (1, 40), (51, 3), (6, 10), (46, 75), (131, 38), (290, 33)])
@pytest.mark.parametrize("kind", ["noise", "white", "black", "ramp"])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_level_equals_the_twin(level: str, size: tuple[int, int], kind: str, channels: int) -> None:
    image, depth = page(*size, kind, channels)
    cells = (-(-size[0] // 16) * 8, -(-size[1] // 16) * 8)
    with kernels.use("numpy"):
        want = cell_planes(image, depth, PLANES, cells)
    assert want.shape == (28, *cells)
    with kernels.use(level):
        for threads in (1, 3):
            assert np.array_equal(cell_planes(image, depth, PLANES, cells, threads=threads), want)


@pytest.mark.parametrize("level", kernels.levels())
def test_a_region_is_a_part_of_the_page(level: str) -> None:
    image, depth = page(150, 96, "noise", 3)
    with kernels.use(level):
        whole = cell_planes(image, depth, PLANES, (80, 48))
        for top, left, height, width in [(0, 0, 5, 7), (13, 9, 20, 30), (70, 41, 10, 7), (20, 0, 60, 48)]:
            part = cell_planes(image, depth, PLANES, (80, 48), (top, left, height, width))
            assert np.array_equal(part, whole[:, top : top + height, left : left + width])


def test_planes_by_hand() -> None:
    image = np.zeros((2, 2, 3), np.uint8)
    image[0, 0], image[0, 1], image[1, 0], image[1, 1] = (10, 20, 30), (0, 0, 0), (255, 255, 255), (0, 0, 255)
    got = cell_planes(image, image[..., 1], (Plane("green"), Plane("grey"), Plane("score", 3, 0.1, 1.0), Plane("depth")), (1, 1))[:, 0, 0]
    grey = np.array([2.99 + 11.74 + 3.42, 0, 255, 0.114 * 255])
    assert got[:4].tolist() == [20, 0, 255, 0]
    np.testing.assert_allclose(got[4:8], grey - 128, rtol=1e-6)
    np.testing.assert_allclose(got[8:12], np.clip((grey - grey.mean()) / (grey.std() + 25.5), -1, 1), rtol=1e-5)
    assert got[12:].tolist() == [20, 0, 255, 0]


def test_planes_are_what_the_network_learned_on() -> None:
    torch = pytest.importorskip("torch")
    from docbin.nets.inference import to_tensor
    from docbin.nets.pixels import luma
    from docbin.nets.unet import local_contrast

    image, _ = page(96, 112, "noise", 3)
    image = (image // 8 + np.linspace(0, 200, 112).astype(np.uint8)[:, None]).astype(np.uint8)
    want = local_contrast(torch.nn.functional.pixel_unshuffle(luma(to_tensor(image)), 2), 9)[0].numpy()
    assert np.abs(cell_planes(image, None, (Plane("score", 9, 0.05, 4.0),), (48, 56)) - want).max() < 1e-4


@pytest.mark.parametrize(
    ("planes", "cells", "region", "says"),
    [
        ((Plane("score", 4, 0.1, 1.0),), (8, 8), None, "odd sides from 1 to 151"),
        ((Plane("score", 153, 0.1, 1.0),), (8, 8), None, "odd sides from 1 to 151"),
        ((Plane("depth"),), (8, 8), None, "a depth plane"),
        ((Plane("red"),), (7, 8), None, "do not cover"),
        ((Plane("red"),), (8, 8), (4, 0, 5, 8), "leaves a page"),
    ],
)
def test_what_does_not_fit_is_refused(
    planes: tuple[Plane, ...], cells: tuple[int, int], region: tuple[int, int, int, int] | None, says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        cell_planes(np.zeros((16, 16), np.uint8), None, planes, cells, region)
    with pytest.raises(ValueError, match="a uint8 page"):
        cell_planes(np.zeros((16, 16), np.float32), None, (Plane("red"),), (8, 8))  # type: ignore[arg-type]
