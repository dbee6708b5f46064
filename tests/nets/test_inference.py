# ruff: noqa: E402 - torch is optional, so it is asked for before the imports that need it
"""Tiles: a page in tiles equals the page at once."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from docbin.nets import build
from docbin.nets.inference import probability, to_tensor
from docbin.page import Image
from docbin.zoo.tiles import tiles

SMALL = {"widths": [8, 16], "encoder_blocks": [1, 1], "decoder_blocks": [1], "dilations": [1], "windows": [5], "head": 8}


@pytest.fixture
def net() -> torch.nn.Module:
    """A small net with random weights and BatchNorm statistics that are not the identity."""
    torch.manual_seed(3)
    net = build("unet", SMALL)
    with torch.no_grad():
        for _ in range(3):
            net(torch.rand(4, 3, 64, 64))
    return net.eval()


def scanned_page(height: int, width: int) -> Image:
    """Noise paper with strokes, and the black margins of a scanner on three sides."""
    rng = np.random.default_rng(0)
    page = rng.normal(200, 12, (height, width, 3)).clip(0, 255).astype(np.uint8)
    page[::17, 5:-5] = 60
    page[:, : width // 8] = 0
    page[-height // 9 :] = 3
    page[:9] = 0
    return page


@pytest.mark.parametrize(("size", "tile"), [((203, 171), 64), ((128, 128), 64), ((97, 300), 48), ((40, 30), 64)])
def test_tiles_equal_the_whole_page(net: torch.nn.Module, size: tuple[int, int], tile: int) -> None:
    page = scanned_page(*size)
    with torch.inference_mode():
        whole = torch.sigmoid(net(to_tensor(page)))[0, 0].numpy()
    assert whole.max() - whole.min() > 0.01
    assert np.abs(probability(net, page, tile=tile) - whole).max() < 1e-5


def test_a_halo_that_is_too_small_shows(net: torch.nn.Module) -> None:
    """The test above can fail: without a surround, seams appear."""
    page = scanned_page(200, 200)
    assert np.abs(probability(net, page, tile=64, halo=0) - probability(net, page, tile=256)).max() > 1e-3


def test_a_grey_page_equals_its_rgb_twin(net: torch.nn.Module) -> None:
    grey = scanned_page(60, 70)[..., 0]
    assert np.array_equal(probability(net, grey), probability(net, np.repeat(grey[..., None], 3, axis=2)))


def test_tiles_cover_every_pixel_once() -> None:
    seen = np.zeros((101, 57), int)
    for rows, columns, good_rows, good_columns in tiles(101, 57, 32, 16):
        seen[good_rows, good_columns] += 1
        assert rows.start <= good_rows.start
        assert good_rows.stop <= rows.stop
        assert columns.start <= good_columns.start
        assert good_columns.stop <= columns.stop
        assert rows.start % 16 == 0
        assert columns.start % 16 == 0
    assert (seen == 1).all()
