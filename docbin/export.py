"""A trained network -> a packed 1-bit file for the engine.

The exporter writes down what the network itself computes with in evaluation: signs, and one integer limit a filter and threshold. A dot
product of K values +-1 is K - 2 p
with p unequal pairs, so "at least t" is ``p <= (K - t) / 2``, rounded down.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from docbin.engine.graph import Array, Node
from docbin.engine.packed import dumps
from docbin.errors import UsageError
from docbin.kernels.bits import pack_weights
from docbin.nets.bitunet import BitBlock, BitUNet


def _packed(signs: Tensor) -> Array:
    return pack_weights((signs >= 0).cpu().numpy())


def _conv(block: BitBlock, source: int) -> Node:
    """A block as one node."""
    signs, least, mask = block.folded()
    counted = torch.full((signs.shape[0],), signs[0].numel()) if mask is None else mask.flatten(1).sum(1)
    # Clamped to what p can be: -1 = never, K = always.
    limit = torch.floor((counted.double() - least) / 2).clamp(min=-1).minimum(counted.double())
    tensors = {"weights": _packed(signs), "limit": limit.to(torch.int32).cpu().numpy()}
    if mask is not None:
        tensors["masks"] = _packed(mask - 0.5)
    return Node("conv", (source,), {"stride": 1, "dilation": 1, "padding": 1, "groups": 1}, tensors)


@torch.no_grad()
def bitunet_nodes(net: BitUNet) -> list[Node]:
    """The op graph of a :class:`BitUNet`."""
    nodes: list[Node] = []

    def add(node: Node) -> int:
        nodes.append(node)
        return len(nodes) - 1

    stem = net.stem
    codes = add(
        Node(
            "codes",
            (),
            {"floor": float(stem.floor)},
            {
                "windows": np.array(stem.windows, np.int32),
                "theta": stem.theta.detach().float().cpu().numpy(),
                "grey": stem.grey.detach().float().cpu().numpy(),
            },
        )
    )
    at, skips = codes, []
    for level, blocks in enumerate(net.encoder):
        if level:
            at = add(Node("pool", (at,), {}, {}))
        for block in blocks.children():
            assert isinstance(block, BitBlock)
            at = add(_conv(block, at))
        skips.append(at)
    for level in range(len(net.decoder) - 1, -1, -1):
        raised = add(Node("upsample", (at,), {}, {}))
        at = add(Node("concat", (skips[level], raised), {}, {}))
        for block in net.decoder[level].children():
            assert isinstance(block, BitBlock)
            at = add(_conv(block, at))
    joined = add(Node("concat", (at, codes), {}, {}))
    head = net.head
    add(
        Node(
            "head",
            (joined,),
            {},
            {
                "weights": np.concatenate([_packed(signs) for signs in head.signs()]),
                "scale": head.factors().float().cpu().numpy(),
                "bias": head.bias.detach().float().cpu().numpy(),
            },
        )
    )
    return nodes


def to_packed(net: nn.Module) -> bytes:
    """The packed file of a network.

    Raises
    ------
    UsageError
        The network cannot run in bits; the message says why.
    """
    if not isinstance(net, BitUNet):
        raise UsageError(
            f"{type(net).__name__}: has float layers between its first and its last, so it cannot be packed; export it to ONNX instead"
        )
    return dumps(bitunet_nodes(net))
