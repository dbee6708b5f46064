"""Looking inside: the maps, steps and bits that a method computes on its way to the ink, as pictures with a legend.

A view is named ``KIND:NAME``, NAME a method or a model of the zoo. The kinds:

``threshold``    the grey level below which a pixel is ink
``probability``  how sure a trained model is of ink
``windows``      which of its windows SauvolaNet trusts most at each pixel
``steps``        DeepOtsu's page after each refinement
``bits``         the first layer of a 1-bit network, threshold by threshold

:mod:`docbin.demo.choices` lists them. The two kinds that need torch look at a part of a large page, since a network takes seconds a megapixel.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from docbin import catalogue
from docbin.demo import choices, pictures
from docbin.errors import MissingExtra, UsageError
from docbin.kernels.depth import INK
from docbin.page import Image

if TYPE_CHECKING:
    from docbin.zoo.folders import Config

PART_PIXELS = 2_000_000
"""Largest page that goes whole through a torch network here; of a larger one, the middle."""
SMALL_PIXELS = 400_000
"""Preview of one picture of many."""

Answer = dict[str, Any]
Parameters = Mapping[str, Any]


def show(view: str, image: Image, params: Parameters, folder: Path) -> Answer:
    """Draw a view of a page into `folder`: pictures (title, path), a legend, a sentence.

    Raises
    ------
    UsageError
        There is no such view.
    MissingExtra
        Something that it needs is not there.
    """
    kind, _, name = view.partition(":")
    if kind not in _DRAW:
        raise UsageError(f"view {view[:80]!r} does not exist; choose one from the list")
    return _DRAW[kind](name, image, params, folder)


def _threshold(name: str, image: Image, params: Parameters, folder: Path) -> Answer:
    row = catalogue.METHODS.get(name)
    if row is None or row.threshold is None:
        raise UsageError(f"method {name[:80]!r} has no threshold map; choose one from the list")
    map = row.threshold_map(image, **params)
    low, high = float(map.min()), float(map.max())
    picture, legend = pictures.coloured(map, low, high, "grey level")
    words = "one threshold for the whole page" if low == high else f"thresholds from {low:.0f} to {high:.0f}"
    return _two(
        image,
        picture,
        f"threshold of {row.name}",
        legend,
        f"0 is black, 255 white; {words}. A pixel is ink where it is no lighter.",
        folder,
    )


def _probability(name: str, image: Image, params: Parameters, folder: Path) -> Answer:
    row = catalogue.METHODS.get(name)
    if row is None or row.probability is None:
        raise UsageError(f"method {name[:80]!r} has no probability map; choose one from the list")
    map = row.probability_map(image, **params)
    picture, legend = pictures.coloured(map, 0.0, 1.0, "probability of ink")
    unsure = float(np.mean((map > 0.1) & (map < 0.9)))
    return _two(image, picture, f"probability by {row.name}", legend, f"Between 0.1 and 0.9 at {unsure:.1%} of the pixels.", folder)


def _windows(name: str, image: Image, params: Parameters, folder: Path) -> Answer:
    net = _network("windows", name)
    from docbin.nets.window_map import preferred_window

    part, note = _part(image)
    sides = list(net.config.windows)
    picture, legend = pictures.classes(preferred_window(net, part), [f"{side} pixels" for side in sides])
    return _two(part, picture, "the window trusted most", legend, f"{note}Windows from {sides[0]} to {sides[-1]} pixels.", folder)


def _steps(name: str, image: Image, params: Parameters, folder: Path) -> Answer:
    net = _network("steps", name)
    from docbin.nets.inference import clean_pages

    part, note = _part(image)
    shown = [("the page", part), *((f"after step {number}", page) for number, page in enumerate(clean_pages(net, part), 1))]
    return _many(shown, folder, None, f"{note}Left to right: what each of {len(shown) - 1} steps leaves.")


def _bits(name: str, image: Image, params: Parameters, folder: Path) -> Answer:
    from docbin import engine
    from docbin.engine.stem import stem_bits

    config = _config(name)
    if config.packed is None:
        raise UsageError(f"model {name}: is no 1-bit network; choose one from the list")
    graph = engine.read(config.verified(config.packed))
    shown: list[tuple[str, Image]] = [("the page", image)]
    for bit in stem_bits(graph, image):
        if bit.window is not None:
            title = f"window {bit.window} pixels, mean {bit.theta:+.2f} deviations"
        else:
            title = f"deeper than {bit.theta / INK:.2f} of the page's ink" if bit.deep else f"below grey {bit.theta:.0f}"
        shown.append((title, pictures.reduced(np.where(bit.dark, 0, 255).astype(np.uint8), SMALL_PIXELS)))
    legend = {"kind": "keys", "keys": [["#000000", "darker than the threshold"], ["#ffffff", "lighter"]]}
    return _many(shown, folder, legend, f"{len(shown) - 1} thresholds, each one bit a pixel: all that the network sees of the page.")


_DRAW: Mapping[str, Callable[[str, Image, Parameters, Path], Answer]] = {
    "threshold": _threshold,
    "probability": _probability,
    "windows": _windows,
    "steps": _steps,
    "bits": _bits,
}


def _config(name: str) -> Config:
    from docbin.zoo import folders

    config = next((config for config in folders.readable() if config.name == name), None)
    if config is None:
        raise MissingExtra("this view needs a model that is not in this install; choose one from the list")
    return config


def _network(kind: str, name: str) -> Any:
    """The torch network of a model of the zoo, which must be of the kind that the view is about."""
    net, title, _ = choices.NETS[kind]
    config = _config(name)
    if config.net != net:
        raise UsageError(f"model {name}: is no {title}; choose one from the list")
    try:
        from docbin.nets.pretrained import network
    except ImportError as error:
        raise MissingExtra(f"this view needs torch ({error}); run: pip install 'docbin[train]'") from None
    return network(config)


def _part(image: Image) -> tuple[Image, str]:
    """The page, or its middle in full size, and the sentence that says so."""
    height, width = image.shape[:2]
    if height * width <= PART_PIXELS:
        return image, ""
    rows, columns = pictures.shown_size(height, width, PART_PIXELS)
    top, left = (height - rows) // 2, (width - columns) // 2
    return image[top : top + rows, left : left + columns], f"The middle of the page, {columns} x {rows} pixels. "


def _two(image: Image, picture: Image, title: str, legend: pictures.Legend, note: str, folder: Path) -> Answer:
    page = pictures.write_page_preview(folder / "page.png", image)
    shown = [{"title": "the page", "path": page}, {"title": title, "path": pictures.write_picture(folder / "view.png", picture)}]
    return {"pictures": shown, "legend": legend, "note": note}


def _many(shown: Sequence[tuple[str, Image]], folder: Path, legend: pictures.Legend | None, note: str) -> Answer:
    listed = [
        {"title": title, "path": pictures.write_page_preview(folder / f"{number}.png", picture, SMALL_PIXELS)}
        for number, (title, picture) in enumerate(shown)
    ]
    return {"pictures": listed, "legend": legend, "note": note}
