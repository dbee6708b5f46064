"""Which of its windows SauvolaNet trusts most, pixel by pixel: a look inside, for people; nothing here changes a result."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from docbin.nets.sauvolanet import SauvolaNet
from docbin.page import Image


@torch.inference_mode()
def preferred_window(net: SauvolaNet, image: Image) -> NDArray[np.uint8]:
    """The place in ``net.config.windows`` of the window with the greatest trust, uint8 (H, W), of a page uint8 (H, W) or (H, W, 3).

    The norm is measured over the page first, as for its ink.
    """
    out = np.empty(image.shape[:2], np.uint8)
    for rows, columns, trust in net.for_page(image).trusts(image):
        out[rows, columns] = trust[0].argmax(0).to(torch.uint8).numpy()
    return out
