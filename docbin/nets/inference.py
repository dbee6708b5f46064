"""A whole page through a network in tiles, with memory that does not grow with the page.

A network of this package sees a bounded neighbourhood (`halo`) on a grid (`stride`). A tile that starts on the grid and is handed in with
`halo` pixels of the page around it therefore comes out as it would from the whole page at once, up to the rounding of differently ordered
sums; the surround is cut off afterwards. At the page's own borders a tile simply ends, as the page does, so the border is treated as the
network treats it, and black margins do not leak. A smaller `halo` than the network's own trades exactness for time; how much it costs is a
measurement, not a guess, and stands with the model.

A network whose norm is over the page has no such neighbourhood. Where it offers ``for_page(image)``, that returns the local network it is on
this page, which is cut into tiles; where it does not, its `halo` is None and the page goes through whole.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn

from docbin.page import FloatMap, Image, check_image


def tiles(height: int, width: int, tile: int, halo: int) -> Iterator[tuple[slice, slice, slice, slice]]:
    """Cut a page: (rows, columns) to hand in and (rows, columns) of the page that the result is good for, in page coordinates."""
    for top in range(0, height, tile):
        for left in range(0, width, tile):
            bottom, right = min(top + tile, height), min(left + tile, width)
            yield (
                slice(max(top - halo, 0), min(bottom + halo, height)),
                slice(max(left - halo, 0), min(right + halo, width)),
                slice(top, bottom),
                slice(left, right),
            )


def to_tensor(image: Image, device: torch.device | str = "cpu") -> Tensor:
    """A page or crop as the networks take it: float32 (1, 3, H, W) in 0..1; grey is repeated over the channels."""
    pixels = torch.from_numpy(np.ascontiguousarray(image)).to(device)
    if pixels.ndim == 2:
        pixels = pixels[..., None].expand(-1, -1, 3)
    return pixels.permute(2, 0, 1)[None].float().div_(255.0)


@torch.inference_mode()
def probability(net: nn.Module, image: Image, tile: int = 1024, halo: int | None = None, precision: torch.dtype | None = None) -> FloatMap:
    """The probability of ink, float32 (H, W) in 0..1, of a page uint8 (H, W) or (H, W, 3).

    Parameters
    ----------
    net : in evaluation mode, with the attributes `halo` and `stride` (docbin.nets says what they mean)
    tile : side of a tile in pixels, rounded up to the network's stride
    halo : pixels of surround; None for the network's own, with which tiles equal the whole page
        (a network whose own is None gets the page as one tile)
    precision : autocast to this type (torch.bfloat16); None computes in float32
    """
    image = check_image(image)
    height, width = image.shape[:2]
    device = next(net.parameters()).device
    if hasattr(net, "for_page"):
        with torch.autocast(device.type, precision, enabled=precision is not None):
            net = net.for_page(image)  # type: ignore[operator]
    stride = int(net.stride)  # type: ignore[arg-type]
    if halo is None:
        halo = net.halo  # type: ignore[assignment]
    if halo is None:
        tile, halo = max(height, width), 0
    tile, halo = -(-tile // stride) * stride, -(-halo // stride) * stride
    out = np.empty((height, width), np.float32)
    for rows, columns, good_rows, good_columns in tiles(height, width, tile, halo):
        with torch.autocast(device.type, precision, enabled=precision is not None):
            logits = net(to_tensor(image[rows, columns], device))
        part = torch.sigmoid(logits.float())[0, 0].cpu().numpy()
        top, left = good_rows.start - rows.start, good_columns.start - columns.start
        out[good_rows, good_columns] = part[
            top : top + good_rows.stop - good_rows.start, left : left + good_columns.stop - good_columns.start
        ]
    return out
