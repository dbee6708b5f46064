"""What a visitor can choose from, as rows for the browser: methods, views, models that find text. Read from the method table and the zoo's configs
alone, so that the first paint loads no model; what is missing is listed too, with what would bring it.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from docbin import catalogue

if TYPE_CHECKING:
    from docbin.registry import Param
    from docbin.registry import Row as Described

Row = dict[str, Any]

NETS: Mapping[str, tuple[str, str, str]] = {
    "windows": (
        "sauvolanet",
        "SauvolaNet",
        "Which of its windows SauvolaNet trusts most at each pixel: small ones for fine writing, large ones for paper.",
    ),
    "steps": (
        "deepotsu",
        "DeepOtsu",
        "The page after each step of DeepOtsu's cleaning; the last one is so clean that one threshold is enough.",
    ),
}
"""Kind of view -> (network, its title, what the view shows)."""
_TITLES = {"windows": "preferred window", "steps": "refinement steps"}
_FOR_PROGRAMS = ("runtime",)
"""Parameters that say how a computer does it, not what comes out."""
_PLAIN: Mapping[str, tuple[str, str]] = {
    "threshold": ("how sure of ink", "Less keeps faint strokes and some dirt, more takes only what is surely ink"),
    "regions": ("remove what is no writing", "More removes more stains, edges of books and shadows; 0 keeps all"),
    "depth": ("remove writing of the back", "More removes more of what shines through the paper; 0 keeps all"),
    "unclip": ("room around words", "How far outlines grow beyond the letters; 0 as the model learned it"),
    "shape": ("outlines", "Four corners, or along a curved word"),
    "least": ("smallest text", "Words narrower than this, in the model's own pixels, are left out"),
    "side": ("size it is looked at", "Longer side in pixels: more finds smaller words and takes longer; 0 as it is"),
    "score": ("how sure of a word", "Less finds more words and more that are none"),
}
"""Settings -> label and help in a reader's words."""
_SLIDER_STEPS = 60
"""A setting of so few steps is a slider."""
_BITS = "What a 1-bit network's first layer hands on: each picture is the page compared with one learned threshold, one bit a pixel."
_MAPS = {
    "threshold": ("Threshold map", "The grey level below which a pixel is ink"),
    "probability": ("Probability of ink", "How sure the model is of ink, pixel by pixel"),
}


def methods() -> list[Row]:
    """The method table, families together, that of the default method first and the default first in it."""
    rows = [_row(row) for row in catalogue.METHODS.values()]
    first = catalogue.METHODS[catalogue.DEFAULT].family
    families = list(dict.fromkeys([first, *(row["family"] for row in rows)]))
    return sorted(rows, key=lambda row: (families.index(row["family"]), row["name"] != catalogue.DEFAULT))


def _row(row: Described) -> Row:
    return {
        "name": row.name,
        "family": row.family,
        "summary": row.summary,
        "citation": row.citation,
        "params": [_param(param) for param in row.params if param.name not in _FOR_PROGRAMS],
        "quick": row.model is None,
        "available": row.available,
        "needs": f"docbin[{row.extra}]" if row.extra else None,
    }


def _param(param: Param) -> Row:
    whole = isinstance(param.default, int)
    step = (2 if param.odd else 1) if whole or not isinstance(param.default, float) or abs(param.default) >= 2 else 0.05
    described = {name: getattr(param, name) for name in ("name", "default", "min", "max", "help", "odd")}
    numbers = not isinstance(param.default, (bool, str)) and param.min is not None and param.max is not None
    slider = numbers and not param.choices and (param.max - param.min) / step <= _SLIDER_STEPS  # type: ignore[operator]
    label, help = _PLAIN.get(param.name, (param.name, param.help))
    return described | {"label": label, "help": help, "choices": list(param.choices), "step": step, "slider": slider and not param.odd}


def views() -> list[Row]:
    """Every view of :mod:`docbin.demo.views`."""
    from docbin.zoo import folders

    rows: list[Row] = []
    for kind, (family, what) in _MAPS.items():
        for row in catalogue.METHODS.values():
            if getattr(row, kind) is not None:
                rows.append(
                    _row(row)
                    | {
                        "name": f"{kind}:{row.name}",
                        "label": f"{row.name}: {family.lower()}",
                        "family": family,
                        "summary": f"{what}: {row.summary}",
                    }
                )
    torch = None if importlib.util.find_spec("torch") is not None else "docbin[train]"
    have = list(folders.readable())
    for kind, (net, title, summary) in NETS.items():
        label = f"{title}: {_TITLES[kind]}"
        of_net = [config.name for config in have if config.net == net and config.task == "binarize"]
        rows += [_view(kind, name, label if name == net else f"{label} ({name})", summary, torch) for name in of_net]
        if not of_net:
            rows.append(_view(kind, "", label, summary, "its weights, which are not in this install"))
    packed = [config.name for config in have if config.packed is not None]
    rows += [_view("bits", name, f"{name}: what its first layer sees", _BITS, None) for name in packed]
    if not packed:
        rows.append(_view("bits", "", "1-bit network: what its first layer sees", _BITS, "a 1-bit model, which is not in this install"))
    return rows


def _view(kind: str, model: str, label: str, summary: str, needs: str | None) -> Row:
    row = {"name": f"{kind}:{model}", "label": label, "family": "Networks from inside", "summary": summary, "citation": "", "params": []}
    return row | {"available": needs is None, "needs": needs}


def detectors() -> list[Row]:
    """The models that find text, the default first."""
    from docbin.detection import table

    names = sorted(table.names(), key=lambda name: name != table.DEFAULT)
    return [_row(table.get(name)) for name in names]
