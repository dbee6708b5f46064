"""Every 1-bit method is a quantizer object handed to one layer; see :mod:`docbin.quant.layer` and :mod:`docbin.quant.quantizer`.

A new method is one file with its weight and activation quantizers and one row in ``METHODS``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from docbin.errors import UsageError
from docbin.quant.biper import BiPerAct, BiPerWeight
from docbin.quant.bireal import BiRealAct, BiRealWeight
from docbin.quant.bnn import BNNAct, BNNWeight
from docbin.quant.denseshift import DenseShiftWeight
from docbin.quant.dorefa import DoReFaAct, DoReFaWeight
from docbin.quant.fda import FDAAct, FDAWeight
from docbin.quant.insta import INSTAAct
from docbin.quant.layer import QuantConv2d, quantizers, set_progress
from docbin.quant.multibasis import MultiBasisWeight
from docbin.quant.partial import PartialWeight
from docbin.quant.quantizer import ActQuantizer, Deployment, Plane, Quantizer, WeightQuantizer, sign
from docbin.quant.react import ReActAct, ReActWeight
from docbin.quant.recu import ReCUAct, ReCUWeight
from docbin.quant.reste import ReSTEAct, ReSTEWeight
from docbin.quant.sparks import SparksWeight
from docbin.quant.xnor import XNORAct, XNORPlusPlusWeight, XNORWeight
from docbin.quant.zeromask import ZeroMaskWeight


@dataclass(frozen=True, slots=True)
class QuantMethod:
    """A published method: how to make its weight and its activation quantizer (None = float)."""

    weight: Callable[[], WeightQuantizer]
    act: Callable[[], ActQuantizer] | None
    citation: str

    def deployment(self) -> tuple[Deployment, str]:
        """The worse of both quantizers' classes, with the reason."""
        if self.act is None:
            return Deployment.CANNOT, "its activations are float, and the engine's are bits"
        parts: list[Quantizer] = [self.weight(), self.act()]
        order = list(Deployment)
        worst = max(parts, key=lambda part: order.index(part.deployment))
        return worst.deployment, worst.why


METHODS: Mapping[str, QuantMethod] = {
    "binaryconnect": QuantMethod(BNNWeight, None, "Courbariaux et al. 2015"),
    "bnn": QuantMethod(BNNWeight, BNNAct, "Hubara et al. 2016"),
    "bwn": QuantMethod(XNORWeight, None, "Rastegari et al. 2016"),
    "xnor": QuantMethod(XNORWeight, XNORAct, "Rastegari et al. 2016"),
    "xnor++": QuantMethod(XNORPlusPlusWeight, BNNAct, "Bulat & Tzimiropoulos 2019"),
    "dorefa": QuantMethod(DoReFaWeight, DoReFaAct, "Zhou et al. 2016"),
    "bireal": QuantMethod(BiRealWeight, BiRealAct, "Liu et al. 2018"),
    "react": QuantMethod(ReActWeight, ReActAct, "Liu et al. 2020"),
    "recu": QuantMethod(ReCUWeight, ReCUAct, "Xu et al. 2021"),
    "fda": QuantMethod(FDAWeight, FDAAct, "Xu et al. 2021"),
    "biper": QuantMethod(BiPerWeight, BiPerAct, "Vargas et al. 2024"),
    "reste": QuantMethod(ReSTEWeight, ReSTEAct, "Wu et al. 2023"),
    "insta": QuantMethod(ReActWeight, INSTAAct, "Lee et al. 2023"),
    "sparks": QuantMethod(SparksWeight, BiRealAct, "Wang et al. 2023"),
    "multibasis": QuantMethod(MultiBasisWeight, BiRealAct, "Zheng et al. 2024"),
    "multibasis-evolved": QuantMethod(lambda: MultiBasisWeight(evolve=1e-2), BiRealAct, "Zheng et al. 2024"),
    "partial": QuantMethod(PartialWeight, BiRealAct, "Shang et al. 2023"),
    "denseshift": QuantMethod(DenseShiftWeight, BiRealAct, "Li et al. 2023"),
    "zeromask": QuantMethod(ZeroMaskWeight, BiRealAct, "Masked Binary U-Net 2026"),
}


def get(name: str) -> QuantMethod:
    """The row of a method; an unknown name is a UsageError that lists them."""
    if name not in METHODS:
        raise UsageError(f"quantizer {name!r} does not exist; choose one of {', '.join(METHODS)}")
    return METHODS[name]


__all__ = [
    "METHODS",
    "ActQuantizer",
    "BNNAct",
    "BNNWeight",
    "BiRealAct",
    "BiRealWeight",
    "Deployment",
    "MultiBasisWeight",
    "Plane",
    "QuantConv2d",
    "QuantMethod",
    "Quantizer",
    "ReActAct",
    "ReActWeight",
    "ReCUAct",
    "ReCUWeight",
    "WeightQuantizer",
    "XNORAct",
    "XNORPlusPlusWeight",
    "XNORWeight",
    "ZeroMaskWeight",
    "get",
    "quantizers",
    "set_progress",
    "sign",
]
