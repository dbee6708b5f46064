"""The torch networks, one architecture a file, and the table that turns a name and a variant into a module.

The contract of every binarizing network here: ``forward`` takes float32 ``(N, 3, H, W)`` RGB in 0..1 (grey pages repeat the channel), any H
and W of at least 1, and returns logits ``(N, 1, H, W)``; ink is where the logit is positive. A network that sees only a neighbourhood of
each pixel says how far with ``halo`` and on which grid its tiles must start with ``stride``; :mod:`docbin.nets.inference` cuts pages by
these two numbers. One that sees the whole page says ``halo = None``; if its norm is all that looks so far, it offers ``for_page(image)``,
which returns it as that page settles it, cut into pieces.

A *variant* is data: the fields of the architecture's frozen config dataclass, written in a recipe or in ``models/<name>/config.toml``.
Nothing is registered by an import; a new architecture is a file and a row in ``NETS``.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from docbin.errors import UsageError
from docbin.typed_config import typed

if TYPE_CHECKING:
    from torch import nn

NETS: Mapping[str, tuple[str, str]] = {
    "bitdbnet": ("docbin.nets.bitdbnet:BitDBNet", "docbin.nets.bitdbnet:BitDBNetConfig"),
    "bitsauvola": ("docbin.nets.bitsauvola:BitSauvola", "docbin.nets.bitsauvola:BitSauvolaConfig"),
    "bitunet": ("docbin.nets.bitunet:BitUNet", "docbin.nets.bitunet_config:BitUNetConfig"),
    "dbnet": ("docbin.nets.dbnet:DBNet", "docbin.nets.dbnet:DBNetConfig"),
    "deepotsu": ("docbin.nets.deepotsu:DeepOtsu", "docbin.nets.deepotsu:DeepOtsuConfig"),
    "degan": ("docbin.nets.degan:Degan", "docbin.nets.degan:DeganConfig"),
    "fourbi": ("docbin.nets.fourbi:FourBi", "docbin.nets.fourbi:FourBiConfig"),
    "sauvolanet": ("docbin.nets.sauvolanet:SauvolaNet", "docbin.nets.sauvolanet:SauvolaNetConfig"),
    "smp": ("docbin.nets.smp:SegmentationNet", "docbin.nets.smp:SegmentationConfig"),
    "textregions": ("docbin.nets.textregions:TextRegions", "docbin.nets.textregions:TextRegionsConfig"),
    "unet": ("docbin.nets.unet:UNet", "docbin.nets.unet:UNetConfig"),
    "unmark": ("docbin.nets.unmark:Unmark", "docbin.nets.unmark:UnmarkConfig"),
}
"""Architecture -> ("module:class", "module:config dataclass")."""


RENAMED = {"fan": "thresholds"}
"""Keys of variants that had another name: a model folder or recipe of before is still read."""


def _import(path: str) -> Any:
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)


def config_of(name: str, variant: Mapping[str, Any]) -> Any:
    """The config dataclass of architecture `name` filled with `variant`; lists become tuples.

    Raises
    ------
    UsageError
        An unknown architecture, a key the architecture does not have (the message lists the known ones), or a value of the wrong type.
    """
    if name not in NETS:
        raise UsageError(f"net {name!r}: unknown architecture; choose one of {', '.join(sorted(NETS))}")
    variant = {RENAMED.get(key, key): value for key, value in variant.items()}
    return typed(_import(NETS[name][1]), variant, f"net {name!r}", "variant")


def build(name: str, variant: Mapping[str, Any] | None = None) -> nn.Module:
    """A freshly initialised network: architecture `name` with the fields of `variant` (the rest are the architecture's defaults)."""
    config = config_of(name, variant or {})
    module: nn.Module = _import(NETS[name][0])(config)
    return module
