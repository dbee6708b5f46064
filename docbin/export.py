"""A trained network -> a packed 1-bit file for the engine, or an ONNX file for every other runtime.

**Packed.** The exporter writes down what the network itself computes with in evaluation: signs, and one integer limit a filter and
threshold. A dot product of K values +-1 is K - 2 p with p unequal pairs, so "at least t" is ``p <= (K - t) / 2``, rounded down.

**ONNX.** One graph for pages of any size: input ``page``, float32 (1, 3, H, W) in 0..1, 4 channels where the network takes the depth plane;
output ``logits``, float32 (1, 1, H, W); operator set 17, which ONNX Runtime, OpenCV and TensorRT have had since 2022. The graph is *traced*
(``dynamo=False``), because the newer exporter asks for one more package and turns the networks' autocast regions into operators that no
runtime has; traced with a page of odd sides, so that the padding to the network's grid is in the graph. A file for other programs holds its
weights as float32 with BatchNorm folded in. The file in a model folder holds none: its tensors point into ``weights.safetensors`` beside it
(ONNX external data), float16 as they lie there, and are widened when it is loaded. So a second runtime costs a folder some tens of kilobytes.
Nor does it hold what docbin does better around it: what is traced there is the module that the network's ``convolutions()`` returns, whose
attributes are `stride`, `halo`, ``inputs()`` (an example of each, by name) and ``metadata()`` (how :mod:`docbin.zoo.graphs` runs it). A network of
cells begins behind its view of the page, one that cleans is one step, one with windows takes the matrices of its Fourier transforms.
"""

from __future__ import annotations

import json
import math
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from docbin.engine import fixed_point
from docbin.engine.graph import Array, Node
from docbin.engine.packed import dumps
from docbin.errors import UsageError
from docbin.kernels.bits import pack_weights
from docbin.kernels.fixed_point import BLOCK
from docbin.kernels.shrunk import LARGEST, UNIT
from docbin.nets.bitsauvola import BitSauvola
from docbin.nets.bitunet import BitBlock, BitTrunk, BitUNet
from docbin.nets.textregions import TextRegions
from docbin.zoo.graphs import RANGES, WHOLE


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
    return Node("conv", (source,), {"stride": block.conv.stride[0], "dilation": 1, "padding": signs.shape[-1] // 2, "groups": 1}, tensors)


@torch.no_grad()
def trunk_nodes(net: BitTrunk) -> list[Node]:
    """The op graph of a network of bits up to its last map of bits; its first node are the codes."""
    nodes: list[Node] = []

    def add(node: Node) -> int:
        nodes.append(node)
        return len(nodes) - 1

    stem = net.stem
    depth = {"depth": stem.depth.detach().float().cpu().numpy()} if net.depth else {}
    codes = add(
        Node(
            "codes",
            (),
            {"floor": float(stem.floor)},
            {
                "windows": np.array(stem.windows, np.int32),
                "theta": stem.theta.detach().float().cpu().numpy(),
                "grey": stem.grey.detach().float().cpu().numpy(),
                **depth,
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
        narrow = net.narrow[level]
        assert isinstance(narrow, BitBlock)
        raised = add(Node("upsample", (add(_conv(narrow, at)),), {}, {}))
        at = add(Node("concat", (skips[level], raised), {}, {}))
        for block in net.decoder[level].children():
            assert isinstance(block, BitBlock)
            at = add(_conv(block, at))
    return nodes


def _head(source: int, signs: Sequence[Tensor], factors: Tensor, bias: Tensor) -> Node:
    weights = np.concatenate([_packed(plane) for plane in signs])
    return Node(
        "head", (source,), {}, {"weights": weights, "scale": factors.float().cpu().numpy(), "bias": bias.detach().float().cpu().numpy()}
    )


@torch.no_grad()
def bitunet_nodes(net: BitUNet) -> list[Node]:
    """The op graph of a :class:`BitUNet`."""
    nodes = trunk_nodes(net)
    if net.config.first_stride == 2:
        nodes.append(Node("upsample", (len(nodes) - 1,), {}, {}))
    nodes.append(Node("concat", (len(nodes) - 1, 0), {}, {}))
    nodes.append(_head(len(nodes) - 1, net.head.signs(), net.head.factors(), net.head.bias))
    if net.edge is not None:
        nodes.append(Node("edge", (len(nodes) - 1,), {}, {name: part.cpu().numpy() for name, part in net.edge.whole().items()}))
    return nodes


@torch.no_grad()
def bitsauvola_nodes(net: BitSauvola) -> list[Node]:
    """The op graph of a :class:`BitSauvola`.

    Raises
    ------
    UsageError
        A lattice of 2.
    """
    config = net.config
    if config.lattice != 4:
        raise UsageError(
            f"BitSauvola: lattice = {config.lattice}: docbin's engine chooses a cell of 4 x 4 pixels alone; its weights run in PyTorch"
        )
    nodes = trunk_nodes(net)
    factors, signs = zip(*net.head.planes(), strict=True)
    nodes.append(_head(len(nodes) - 1, signs, torch.stack(factors), net.head.bias))
    numbers = {"k": float(config.k), "sharpness": net.sharpness}
    nodes.append(Node("choice", (len(nodes) - 1,), numbers, {"windows": np.array(config.threshold_windows, np.int32)}))
    return nodes


POSITIVE, SIGNED, ADDED = 1 / 2048, 1 / 512, 1 / 1024
"""What one is of the 16-bit numbers of a map behind a ReLU6, of one that may be negative, and of those that are added in the end."""
LARGEST_8, LARGEST_16 = 127, 32767


def _fixed(
    op: str, inputs: tuple[int, ...], weight: Tensor, bias: Tensor, units: tuple[float, float], clipped: bool, **attributes: float
) -> Node:
    """A convolution as a node of 16-bit numbers; `weight` has its outputs last where each channel is by itself, else first; `units` of input and
    output, `clipped` by a ReLU6."""
    weight = weight.double()
    axes = (0, 1) if op == "depthwise" else (1,)
    scale = (weight.abs().amax(axes) / LARGEST_8).clamp_min(1e-12)
    whole = (weight / (scale if op == "depthwise" else scale[:, None])).round()
    limits = {"low": 0.0, "high": round(6 / units[1])} if clipped else {"low": float(-LARGEST_16), "high": float(LARGEST_16)}
    tensors = {
        "weights": whole.to(torch.int8).cpu().numpy(),
        "factor": (scale * units[0] / units[1]).float().cpu().numpy(),
        "offset": (bias.double() / units[1]).float().cpu().numpy(),
    }
    return Node(op, inputs, limits | attributes, tensors)


def _scaling(norm: Any) -> tuple[Tensor, Tensor]:
    """What a norm multiplies by and adds, each (channels,)."""
    factor = norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()
    return factor, norm.bias.double() - norm.running_mean.double() * factor


def _folded(layer: Any, norm: Any) -> tuple[Tensor, Tensor]:
    """A convolution's weight and what is added, with the norm behind it."""
    factor, shift = _scaling(norm)
    return layer.weight.double() * factor.reshape(-1, 1, 1, 1), shift


@torch.no_grad()
def text_regions_nodes(net: TextRegions) -> list[Node]:
    """The network behind the page, shrunk, as :mod:`docbin.engine.fixed_point` runs it."""
    nodes: list[Node] = []
    units = [1 / LARGEST]
    model: Any = net.encoder.model

    def add(node: Node, unit: float) -> int:
        nodes.append(node)
        units.append(unit)
        return len(nodes)

    def pointwise(at: int, layer: nn.Module, norm: nn.Module, clipped: bool, beside: int | None = None) -> int:
        weight, bias = _folded(layer, norm)
        unit = POSITIVE if clipped else SIGNED
        inputs = (at,) if beside is None else (at, beside)
        return add(_fixed("pointwise", inputs, weight[..., 0, 0], bias, (units[at], unit), clipped), unit)

    def depthwise(at: int, layer: Any, norm: nn.Module) -> int:
        weight, bias = _folded(layer, norm)
        before = layer.same[0] if layer.same is not None else layer.padding[0]
        own = {"stride": layer.stride[0], "before": int(before)}
        return add(_fixed("depthwise", (at,), weight[:, 0].permute(1, 2, 0), bias, (units[at], POSITIVE), True, **own), POSITIVE)

    weight, bias = _folded(model.conv_stem, model.bn1)
    at = add(_fixed("stem", (0,), weight.permute(0, 2, 3, 1).flatten(1), bias, (units[0], POSITIVE), True), POSITIVE)
    seen: dict[int, int] = {}  # halvings of the page, shrunk -> the last map of that size
    halvings = 1
    for stage in model.blocks:
        for block in stage:
            before = at
            halvings += block.conv_dw.stride[0] == 2
            if hasattr(block, "conv_pwl"):
                at = depthwise(pointwise(at, block.conv_pw, block.bn1, True), block.conv_dw, block.bn2)
                at = pointwise(at, block.conv_pwl, block.bn3, False, before if block.has_skip else None)
            else:
                at = pointwise(depthwise(at, block.conv_dw, block.bn1), block.conv_pw, block.bn2, False, before if block.has_skip else None)
        seen[halvings] = at
    factor, shift = _scaling(net.norm)
    told: int | None = None
    layers: list[Any] = list(net.seen)
    for layer, depth in reversed(list(zip(layers, (2, 3, 4), strict=True))):
        last = depth == 2
        weight = layer.weight[..., 0, 0].double() * factor[:, None]
        inputs = (seen[depth],) if told is None else (seen[depth], told)
        told = add(
            _fixed("pointwise", inputs, weight, shift if last else torch.zeros_like(shift), (units[seen[depth]], ADDED), last), ADDED
        )
        if not last:
            told = add(Node("double", (told,), {}, {}), ADDED)
    assert told is not None
    at = depthwise(told, net.around, net.around_norm)
    end = net.last
    weight, bias = torch.zeros(BLOCK, end.in_channels), torch.zeros(BLOCK)
    assert end.bias is not None
    weight[0], bias[0] = end.weight[0, :, 0, 0], end.bias[0]
    add(_fixed("pointwise", (at,), weight, bias, (units[at], 1 / UNIT), False), 1 / UNIT)
    return nodes


def to_packed(net: nn.Module) -> bytes:
    """The packed file of a network: in bits, or in 16-bit numbers of one that says where text is.

    Raises
    ------
    UsageError
        The network cannot run in bits; the message says why.
    """
    if isinstance(net, TextRegions):
        return fixed_point.dumps(text_regions_nodes(net))
    if isinstance(net, BitSauvola):
        return dumps(bitsauvola_nodes(net))
    if not isinstance(net, BitUNet):
        raise UsageError(
            f"{type(net).__name__}: has float layers between its first and its last, so it cannot be packed; export it to ONNX instead"
        )
    return dumps(bitunet_nodes(net))


OPSET = 17


def onnx_obstacle(net: nn.Module) -> str | None:
    """Why a network cannot be one ONNX graph that is run tile by tile; None where nothing is known to be in the way."""
    if isinstance(net, BitTrunk):
        return "its layers are bits, which ONNX has no operators for; export it with --to packed and run it with docbin's engine"
    if hasattr(net, "decide"):
        return "it ends in one threshold of the whole page, between two passes over its tiles, which a graph that sees a tile cannot know"
    if hasattr(net, "for_page"):
        return "its norm is over the whole page, measured in a pass of its own before the first tile; a graph that sees a tile has another norm"
    if getattr(net, "halo", None) is None and not getattr(net, "bounded", False):
        return "it looks at the whole page at once, so it has no tiles; a variant with a halo has"
    if hasattr(net, "window"):
        return "its Fourier transforms have no counterpart in ONNX's operator set 17"
    return None


def to_onnx(
    net: nn.Module,
    about: Mapping[str, str] | None = None,
    weights: Path | None = None,
    ranges: Mapping[str, tuple[float, float]] | None = None,
) -> bytes:
    """The ONNX file of a network in evaluation mode; see the module's docstring.

    Parameters
    ----------
    net : a network of :mod:`docbin.nets`
    about : metadata to write into the file, beside the halo ("whole" for a network that must see all of a picture) and stride that are always there
    weights : a safetensors file that holds the network's tensors; the ONNX file, put beside it, takes them from there. None writes them in.
    ranges : what convolutions are handed (:func:`docbin.train.calibrate.input_ranges`); with `weights`, those that are worth it
        (:data:`INT8_CHANNELS`) are written down for the runtime ``openvino-int8``

    Raises
    ------
    UsageError
        The network cannot be exported; the message says why.
    """
    import onnx

    # Of the class, since a network may have layers of that name.
    cut: Any = net.convolutions() if weights is not None and hasattr(type(net), "convolutions") else None  # type: ignore[operator]
    obstacle = onnx_obstacle(net) if cut is None else None
    if obstacle is not None:
        raise UsageError(f"{type(net).__name__}: cannot be exported to ONNX: {obstacle}")
    traced: Any = net if cut is None else cut
    stride, halo = int(traced.stride), WHOLE if traced.halo is None else str(traced.halo)
    about = {**(about or {}), "docbin.halo": halo, "docbin.stride": str(stride)}
    if cut is None:
        inputs = {"page": torch.rand(1, 4 if getattr(net, "depth", False) else 3, 2 * stride + 1, 3 * stride - 1)}
    else:
        inputs = cut.inputs()
        about.update(cut.metadata())
    mode = torch.onnx.TrainingMode.EVAL if weights is None else torch.onnx.TrainingMode.PRESERVE  # EVAL folds BatchNorm into the weights
    # Of maps (N, C, H, W) the sides are free, of what else a network takes all.
    sides = {name: {at: f"{name}_{at}" for at in range(2 if value.ndim == 4 else 0, value.ndim)} for name, value in inputs.items()}
    try:
        with tempfile.TemporaryDirectory() as spool, warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # of tracing, about the very branches that the odd sides decide
            torch.onnx.export(
                traced.eval(),
                tuple(inputs.values()),
                f"{spool}/traced.onnx",
                input_names=list(inputs),
                output_names=["logits"],
                dynamic_axes={**sides, "logits": {2: "height", 3: "width"}},
                opset_version=OPSET,
                training=mode,
                dynamo=False,
            )
            model = onnx.load(f"{spool}/traced.onnx")
    except (torch.onnx.errors.OnnxExporterError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UsageError(f"{type(net).__name__}: cannot be exported to ONNX: {reason}") from None
    model.producer_name, model.producer_version = "docbin", ""
    onnx.checker.check_model(model)
    if weights is not None:
        _point_into(model, weights)
        if ranges:
            about[RANGES] = json.dumps(_of_convolutions(model, ranges))
    onnx.helper.set_model_props(model, about)
    return bytes(model.SerializeToString())


INT8_CHANNELS = 16
"""A convolution with fewer channels in or out stays as it is: the first and the last, which cost little and decide most."""


def _of_convolutions(model: Any, ranges: Mapping[str, tuple[float, float]]) -> dict[str, tuple[float, float]]:
    """Of `ranges` those of the graph's convolutions of many channels whose weights are stored, by the name that the graph has for the weights."""
    sizes = {tensor.name.removesuffix(_STORED): list(tensor.dims) for tensor in model.graph.initializer if tensor.external_data}
    names = [node.input[1] for node in model.graph.node if node.op_type == "Conv"]
    known = {name: ranges[name.removeprefix("net.")] for name in names if name in sizes and name.removeprefix("net.") in ranges}
    return {name: limits for name, limits in known.items() if min(sizes[name][:2]) >= INT8_CHANNELS}


_STORED = ".stored"
_ONNX_TYPES = {"F16": "FLOAT16", "F32": "FLOAT"}


def _point_into(model: Any, weights: Path) -> None:
    """Replace the tensors that `weights` holds by references to its bytes (location, offset, length), widened to float32 where they are used."""
    from onnx import TensorProto, helper

    with weights.open("rb") as file:
        start = int.from_bytes(file.read(8), "little")
        stored = json.loads(file.read(start))
    casts = []
    for tensor in list(model.graph.initializer):
        entry = stored.get(tensor.name.removeprefix("net."))  # of a network inside what was traced
        if entry is None or entry["dtype"] not in _ONNX_TYPES or list(entry["shape"]) != list(tensor.dims) or not math.prod(tensor.dims):
            continue
        name = tensor.name
        first, last = entry["data_offsets"]
        tensor.ClearField("raw_data")
        tensor.ClearField("float_data")
        tensor.data_type = getattr(TensorProto, _ONNX_TYPES[entry["dtype"]])
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in (("location", weights.name), ("offset", 8 + start + first), ("length", last - first)):
            tensor.external_data.add(key=key, value=str(value))
        if entry["dtype"] != "F32":
            tensor.name = name + _STORED
            casts.append(helper.make_node("Cast", [tensor.name], [name], name=f"{name}.widened", to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
