"""A whole page through a network in tiles, with memory that does not grow with the page.

A network of this package sees a bounded neighbourhood (`halo`) on a grid (`stride`). A tile that starts on the grid and is handed in with
`halo` pixels of the page around it therefore comes out as it would from the whole page at once, up to the rounding of differently ordered
sums; the surround is cut off afterwards. At the page's own borders a tile simply ends, as the page does, so the border is treated as the
network treats it, and black margins do not leak. A smaller `halo` than the network's own trades exactness for time; how much it costs is a
measurement, not a guess, and stands with the model.

Three kinds of network need more than that, and say so by an attribute:

* a network whose *norm* is over the page offers ``for_page(image)``: the network as this page settles it, whose ``pieces(image)`` are logits of parts
  that cover the page. Where a network has neither that nor a `halo` (None), the page goes through whole.
* a network that is *not* local (a Fourier transform over what it is given) has a ``window``: it sees windows of just this side, as it learned,
  never larger ones; they overlap, and the middle of each is kept (:func:`docbin.zoo.tiles.windows`, where `halo` is the margin that is thrown away).
* a network that *cleans* (``steps``, ``enter``, ``step``, ``step_halo``) hands out pages, one a step (:func:`clean_steps`). Each step is done over
  the whole page before the next, so a tile needs the surround of one step only; that costs two float pages of memory. Where the decision about
  ink belongs to the whole page (a global threshold) it also has ``decide``, which is then called once, on the last clean page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from docbin.errors import UsageError
from docbin.kernels.depth import depth_plane
from docbin.page import FloatMap, Image, check_image, to_grey
from docbin.zoo.tiles import cuts, inside


def to_tensor(image: Image, device: torch.device | str = "cpu") -> Tensor:
    """A page or crop (H, W[, channels]) as the networks take it: float32 (1, 3 or more, H, W) in 0..1; grey is repeated over three channels."""
    pixels = torch.from_numpy(np.require(image, requirements=["C", "W"])).to(device)
    if pixels.ndim == 2:
        pixels = pixels[..., None].expand(-1, -1, 3)
    return pixels.permute(2, 0, 1)[None].float().div_(255.0)


def with_depth(image: Image) -> Image:
    """RGB and depth plane of a page, uint8 (H, W, 4)."""
    pixels = image if image.ndim == 3 else np.broadcast_to(image[..., None], (*image.shape, 3))
    return np.dstack([pixels, depth_plane(to_grey(image))])


def _grid(net: Any) -> tuple[int, int | None]:
    """The network's stride and window, as :func:`docbin.zoo.tiles.cuts` takes them."""
    return int(net.stride), getattr(net, "window", None)


@torch.inference_mode()
def probability(net: nn.Module, image: Image, tile: int = 1024, halo: int | None = None, precision: torch.dtype | None = None) -> FloatMap:
    """The probability of ink, float32 (H, W) in 0..1, of a page uint8 (H, W) or (H, W, 3); of a network with a `cell`, that ink lies in each of
    its cells, (H / cell, W / cell, rounded up), of the page at once.

    Parameters
    ----------
    net : in evaluation mode, with the attributes `halo` and `stride` (docbin.nets says what they mean)
    tile : side of a tile in pixels, rounded up to the network's stride; a network with a `window` takes that instead, one that a page settles its
        own pieces
    halo : pixels of surround; None for the network's own, with which tiles equal the whole page
        (a network whose own is None gets the page as one tile)
    precision : autocast to this type (torch.bfloat16); None computes in float32
    """
    image = check_image(image)
    if hasattr(net, "cell"):
        return np.asarray(torch.sigmoid(net(to_tensor(image, next(net.parameters()).device)).float())[0, 0].cpu().numpy(), np.float32)
    decide: Callable[[Tensor], Tensor] | None = getattr(net, "decide", None)
    if decide is not None:
        *_, page = clean_steps(net, image, tile, halo, precision)
        return np.asarray(torch.sigmoid(decide(page))[0, 0].cpu().numpy(), dtype=np.float32)
    height, width = image.shape[:2]
    device = next(net.parameters()).device
    out = np.empty((height, width), np.float32)
    if hasattr(net, "for_page"):
        with torch.autocast(device.type, precision, enabled=precision is not None):
            for rows, columns, logits in net.for_page(image).pieces(image):  # type: ignore[operator]
                out[rows, columns] = torch.sigmoid(logits.float())[0, 0].cpu().numpy()
        return out
    margin: int | None = net.halo if halo is None else halo  # type: ignore[assignment]
    if margin is None:
        tile, margin = max(height, width), 0
    if getattr(net, "depth", False):
        image = with_depth(image)
    for rows, columns, good_rows, good_columns in cuts(height, width, tile, margin, *_grid(net)):
        with torch.autocast(device.type, precision, enabled=precision is not None):
            logits = net(to_tensor(image[rows, columns], device))
        part = torch.sigmoid(logits.float())[0, 0].cpu().numpy()
        out[good_rows, good_columns] = part[inside(rows, good_rows), inside(columns, good_columns)]
    return out


def clean_steps(
    net: nn.Module, image: Image, tile: int = 1024, halo: int | None = None, precision: torch.dtype | None = None
) -> Iterator[Tensor]:
    """The page after every step of a network that cleans, each float32 (1, C, H, W), C = 1 grey or 3 RGB, on the CPU, not clamped.

    Parameters as in :func:`probability`; `halo` is the surround of one step.

    Raises
    ------
    UsageError
        The network does not clean: it only says where ink is.
    """
    if not hasattr(net, "step"):
        raise UsageError(f"{type(net).__name__} only says where ink is; clean pages come from deepotsu, degan and unmark")
    worker: Any = net
    image = check_image(image)
    margin = int(worker.step_halo) if halo is None else halo
    device = next(net.parameters()).device
    page: Tensor | None = None
    for number in range(int(worker.steps)):
        after: Tensor | None = None
        for rows, columns, good_rows, good_columns in cuts(image.shape[0], image.shape[1], tile, margin, *_grid(net)):
            with torch.inference_mode(), torch.autocast(device.type, precision, enabled=precision is not None):
                part = worker.enter(to_tensor(image[rows, columns], device)) if page is None else page[..., rows, columns].to(device)
                part = worker.step(number, part).float().cpu()
            if after is None:
                after = torch.empty(1, part.shape[1], *image.shape[:2])
            after[..., good_rows, good_columns] = part[..., inside(rows, good_rows), inside(columns, good_columns)]
        assert after is not None
        page = after
        yield page


def clean_pages(net: nn.Module, image: Image, tile: int = 1024, precision: torch.dtype | None = None) -> list[Image]:
    """The page after every step as a picture, uint8 (H, W) or (H, W, 3); the last is the result. Errors as in :func:`clean_steps`.

    A grey page comes back grey from a network that works in colour, too.
    """
    return [_picture(page, grey=image.ndim == 2) for page in clean_steps(net, image, tile, precision=precision)]


def _picture(page: Tensor, grey: bool) -> Image:
    levels = np.asarray(page[0].clamp(0, 1).mul(255).round().to(torch.uint8).permute(1, 2, 0).contiguous().numpy(), dtype=np.uint8)
    if levels.shape[2] == 1:
        return levels[..., 0]
    return to_grey(levels) if grey else levels
