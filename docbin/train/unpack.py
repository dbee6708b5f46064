"""A packed 1-bit network back to one that can be trained: signs, thresholds and the head of the file become latent weights and batch norms.

A model folder of bits ships without its float weights, yet nothing but their magnitudes is lost. The signs are there. Two thresholds a filter fix
the straight line that batch norm drew from the dot product to the activation, since the two stand a known distance apart; with one threshold its
slope is free. The latent weights start all alike, at `SIZE`: so far from zero that it takes some dozens of steps in agreement to turn one over. What
is left is to give batch norm the mean and deviation of its inputs, so that it draws the same line when it measures them itself (:func:`calibrate`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from docbin.engine.graph import Array, Graph, Node
from docbin.errors import UsageError
from docbin.kernels.bits import unpack
from docbin.kernels.reference_choice import SHARPENING
from docbin.kernels.reference_edge import Z_UNIT
from docbin.nets.bitsauvola import BitSauvola
from docbin.nets.bitunet import BitBlock, BitTrunk, BitUNet, offsets
from docbin.nets.edge import HIDDEN_UNIT, Edge

SIZE = 0.3
"""Magnitude of every latent weight; the deviation that fresh ones are drawn with."""


def is_packed(path: Path) -> bool:
    """Whether a safetensors file is a packed network and not a checkpoint; False where it cannot be read."""
    try:
        with safe_open(path, "np") as file:
            return "docbin" in (file.metadata() or {})
    except (OSError, SafetensorError):
        return False


def unpack_bits(net: BitTrunk, graph: Graph) -> None:
    """Set `net` to what a packed network computes; in evaluation it then gives the same bits.

    A variant with another number of `thresholds` starts from the same lines, one with an edge step that the file lacks
    from one that changes next to nothing.

    Raises
    ------
    UsageError
        The graph is not that of this variant.
    """
    convs = [node for node in graph.nodes if node.op == "conv"]
    blocks = net.blocks
    heads = [node for node in graph.nodes if node.op == "head"]
    if len(convs) != len(blocks) or len(heads) != 1 or graph.nodes[0].op != "codes":
        raise UsageError(f"net.init: the packed network has {len(convs)} convolutions, the recipe's variant {len(blocks)}")
    try:
        with torch.no_grad():
            codes = graph.nodes[0].tensors
            net.stem.theta.copy_(torch.from_numpy(codes["theta"]))
            net.stem.grey.copy_(torch.from_numpy(codes["grey"]))
            if net.depth:
                net.stem.depth.copy_(torch.from_numpy(codes["depth"]))
            packed = [node.tensors["limit"].shape[0] for node in convs]
            for block, layer, node in zip(blocks, net.config.layers, convs, strict=True):
                if node.attributes["stride"] != block.conv.stride[0]:
                    raise ValueError(f"a convolution of stride {node.attributes['stride']} where the recipe has {block.conv.stride[0]}")
                _unpack_block(block, node, packed[layer.inputs[0]] if layer.inputs else 1)
            last = graph.nodes[-1]
            if isinstance(net, BitSauvola):
                _unpack_choice(net, heads[0], last)
            elif isinstance(net, BitUNet):
                _unpack_head(net, heads[0], packed[-1])
                if net.edge is not None and last.op == "edge":
                    _unpack_edge(net.edge, last)
    except (RuntimeError, KeyError, ValueError) as error:
        raise UsageError(f"net.init: the packed network is of another variant than the recipe's ({error})") from None


def _signs(words: Array, channels: int) -> Tensor:
    """Words of weights (out, words, k, k) as +-1 (out, channels, k, k)."""
    bits = np.stack([unpack(filter_, channels) for filter_ in words])
    return torch.from_numpy(np.where(bits, np.float32(1), np.float32(-1)))


def _unpack_block(block: BitBlock, node: Node, in_thresholds: int) -> None:
    """`in_thresholds` is how often the packed weights of a source stand there; the block's own may be another, its line stays the same."""
    if "masks" in node.tensors:
        raise ValueError("it has masked weights, whose latent values a packed file does not hold")
    bits = _signs(node.tensors["weights"], sum(block.sources) * in_thresholds)
    parts, at = [], 0
    for source in block.sources:
        parts.append(bits[:, at : at + source])
        at += source * in_thresholds
    block.conv.weight.copy_(SIZE * torch.cat(parts, 1))
    # A dot product is counted - 2 p, and p <= limit: the threshold lies midway between the last that reaches it and the next.
    counted = float(bits[0].numel())
    least = counted - 2 * torch.from_numpy(node.tensors["limit"]).double() - 1
    stands = offsets(least.shape[0])
    slope = torch.full_like(least[0], 2 / counted**0.5)
    if len(stands) > 1:
        slope = (stands[-1] - stands[0]) / (least[0] - least[-1]).clamp_min(1.0)
    height = -slope * least[0] - stands[0]
    # The convolution in training gives SIZE / in_thresholds times the dot product of bits.
    _set_line(block.norm, slope * in_thresholds / SIZE, height, torch.zeros_like(slope), torch.ones_like(slope))


def _set_line(norm: nn.BatchNorm2d, slope: Tensor, height: Tensor, mean: Tensor, variance: Tensor) -> None:
    """Make `norm` the line slope * x + height for inputs of that mean and variance."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(variance)
    norm.weight.copy_(slope * (variance + norm.eps).sqrt())
    norm.bias.copy_(height + slope * mean)


def _unpack_head(net: BitUNet, node: Node, packed_thresholds: int) -> None:
    head = net.head
    planes, thresholds = len(head.scale), net.config.thresholds_of[-1]
    last = head.weight.shape[1] - net.stem.channels
    filters = last // thresholds
    signs = _signs(node.tensors["weights"], filters * packed_thresholds + net.stem.channels).reshape(planes, 4, -1, 3, 3)
    factors = torch.from_numpy(node.tensors["scale"]).reshape(planes, 4)
    head.gain.copy_(2 * factors[0])  # so that the first plane's scale is the half it starts with
    head.scale.copy_(factors / head.gain)
    # A plane has the sign of what the planes before it leave, so each bounds the latent weight from one side.
    before = torch.zeros_like(signs[0])
    low, high = torch.full_like(before, -torch.inf), torch.full_like(before, torch.inf)
    for plane, scale in zip(signs, head.scale, strict=True):
        low, high = torch.where(plane > 0, torch.maximum(low, before), low), torch.where(plane < 0, torch.minimum(high, before), high)
        before = before + scale.reshape(-1, 1, 1, 1) * plane
    step = head.scale[-1].abs().reshape(-1, 1, 1, 1)
    weight = torch.where(high == torch.inf, low + step, torch.where(low == -torch.inf, high - step, (low + high) / 2))
    head.weight.copy_(with_thresholds(weight, filters, packed_thresholds, thresholds))
    head.bias.copy_(torch.from_numpy(node.tensors["bias"]))


def with_thresholds(weight: Tensor, filters: int, had: int, wanted: int) -> Tensor:
    """A head's weights (4, filters * had + codes, k, k) for a last layer of another number of thresholds.

    Of more, each takes the weight of the nearest there was, shared by as many as take it; of fewer, each takes those of all that are
    nearest to it.
    """
    parts = torch.split(weight[:, : filters * had], filters, 1)
    if wanted < had:
        copies = [
            sum((part for k, part in enumerate(parts) if k * wanted // had == at), torch.zeros_like(parts[0])) for at in range(wanted)
        ]
    else:
        taken = [k * had // wanted for k in range(wanted)]
        copies = [parts[k] / taken.count(k) for k in taken]
    return torch.cat([*copies, weight[:, filters * had :]], 1)


def _unpack_choice(net: BitSauvola, node: Node, choice: Node) -> None:
    head = net.head
    if choice.op != "choice" or choice.tensors["windows"].tolist() != list(net.config.threshold_windows):
        raise ValueError("it does not choose among the recipe's threshold_windows")
    factors = torch.from_numpy(node.tensors["scale"])
    signs = _signs(node.tensors["weights"], net.bits_out).reshape(*factors.shape, *head.conv.weight.shape[1:])
    head.conv.weight.copy_((factors[..., None, None, None] * signs).sum(0) / head.gain)
    head.bias.copy_(torch.from_numpy(node.tensors["bias"]))
    net.gain.fill_(float(choice.attributes["sharpness"]) / math.exp(SHARPENING))


def _unpack_edge(edge: Edge, node: Node) -> None:
    parts = {name: torch.from_numpy(np.ascontiguousarray(part)).float() for name, part in node.tensors.items()}
    shape = (-1, 1, 1, 1)
    edge.first.weight.copy_(parts["first"] * (parts["first_factor"] * (Z_UNIT / HIDDEN_UNIT)).reshape(shape))
    edge.second.weight.copy_(parts["second"] * (parts["second_factor"] * HIDDEN_UNIT).reshape(shape))
    assert edge.first.bias is not None
    assert edge.second.bias is not None
    edge.first.bias.copy_(parts["first_offset"] / HIDDEN_UNIT)
    edge.second.bias.copy_(parts["second_offset"])


@torch.no_grad()
def calibrate(net: BitTrunk, batches: Sequence[Tensor]) -> None:
    """Give every batch norm the mean and variance of its inputs over `batches` (N, 3 or 4, H, W), and leave the line it draws as it is."""
    sums: dict[nn.BatchNorm2d, list[Tensor]] = {}

    def measure(norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        assert isinstance(norm, nn.BatchNorm2d)
        x = inputs[0].double()
        count = torch.tensor(float(x.numel() // x.shape[1]), dtype=torch.float64)
        found = [count, x.sum((0, 2, 3)), x.square().sum((0, 2, 3))]
        sums[norm] = [old + new for old, new in zip(sums[norm], found, strict=True)] if norm in sums else found

    norms = [block.norm for block in net.blocks]
    was_training = net.training
    net.train()
    for norm in norms:
        norm.eval()
    handles = [norm.register_forward_pre_hook(measure) for norm in norms]
    try:
        for images in batches:
            net(images)
    finally:
        for handle in handles:
            handle.remove()
        net.train(was_training)
    for norm, (count, total, squares) in sums.items():
        assert norm.running_mean is not None
        assert norm.running_var is not None
        slope = norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()
        height = norm.bias.double() - slope * norm.running_mean.double()
        mean = total / count
        _set_line(norm, slope, height, mean, (squares / count - mean.square()).clamp_min(0))
