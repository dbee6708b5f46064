"""Which of its windows SauvolaNet trusts most, pixel by pixel: a look inside, for people; nothing here changes a result."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from docbin.nets.inference import to_tensor
from docbin.nets.sauvolanet import SauvolaNet, grey_levels
from docbin.page import Image
from docbin.zoo.tiles import cuts, inside


@torch.inference_mode()
def preferred_window(net: SauvolaNet, image: Image, tile: int = 512) -> NDArray[np.uint8]:
    """The place in ``net.config.windows`` of the window with the greatest trust, uint8 (H, W), of a page uint8 (H, W) or (H, W, 3).

    The norm is measured over the page first, as for its ink; then the page goes through in tiles of side `tile`.
    """
    local = net.for_page(image)
    height, width = image.shape[:2]
    out = np.empty((height, width), np.uint8)
    for rows, columns, good_rows, good_columns in cuts(height, width, tile, local.halo, local.stride):
        levels = grey_levels(to_tensor(image[rows, columns]))
        trust = net.trust(local.features(levels, len(local.biases)), local.weights[-1], *levels.shape[-2:])
        best = trust[0].argmax(0).to(torch.uint8).numpy()
        out[good_rows, good_columns] = best[inside(rows, good_rows), inside(columns, good_columns)]
    return out
