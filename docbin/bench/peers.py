"""The networks that docbin's engine is measured beside, as ONNX graphs: its own packed graph in float32, and a plain U-Net.

**The same graph in float32.** A packed graph computes with signs; :func:`float_graph` writes the float graph that computes the same, in the form
that suits a float runtime best, so that the comparison flatters nobody. Its maps hold 0 and 1 instead of -1 and +1, for then the padding by -1 is
the usual zero padding. With weights w = +-1, of which n are +1, and p unequal pairs, a convolution of such a map gives c = n - p; a bit "p <= limit"
is therefore ``c + limit - n + 1 >= 1``, and because c is whole, that is ``clip(c + limit - n + 1, 0, 1)``: one convolution with a bias and a fused
clip, and exactly the bits of the engine (tested). The stem's thresholds, each linear in (pixel, mean, deviation) of its window, are a 1 x 1
convolution and a clip too, and the box means two one-dimensional poolings; there rounding differs, and with it a few bits in a million.

**The U-Net** is the one that most users would train: four levels, two 3 x 3 convolutions each, max-pooling, nearest upsampling, concatenation, a
1 x 1 head, batch norm folded in. Its weights are random, which changes neither its time nor its memory.

ONNX is imported inside the functions: it is a peer's language, not docbin's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from docbin.engine.graph import Graph, Node
from docbin.errors import UsageError
from docbin.kernels.bits import unpack
from docbin.kernels.reference_edge import LARGEST, LOGIT_UNIT, Z_UNIT

Float = NDArray[np.float32]
OPSET = 17
FLOAT_FORMS = ("codes", "conv", "pool", "upsample", "concat", "head", "edge")
"""Ops of a packed graph that can be drawn in ONNX."""
STEEP = 1e4
"""How much a local threshold's comparison is stretched before it is clipped: distances below a 1e4th of a grey level come out between 0 and 1."""


class _Drawing:
    """An ONNX graph under way: nodes, constants, and names that do not meet."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, values: NDArray[Any] | np.float32) -> str:
        from onnx import numpy_helper

        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def add(self, op: str, *inputs: str, **attributes: Any) -> str:
        from onnx import helper

        name = f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [name], name=name, **attributes))
        return name

    def conv(self, x: str, weight: Float, bias: Float | None = None, **attributes: Any) -> str:
        side = weight.shape[2] // 2 * int(attributes.get("dilations", [1])[0])
        given = [x, self.constant(weight), *([self.constant(bias)] if bias is not None else [])]
        return self.add("Conv", *given, kernel_shape=list(weight.shape[2:]), pads=[side] * 4, **attributes)

    def clip(self, x: str) -> str:
        """To 0..1."""
        return self.add("Clip", x, self.constant(np.float32(0)), self.constant(np.float32(1)))

    def pool(self, x: str) -> str:
        return self.add("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])

    def upsample(self, x: str) -> str:
        scales = self.constant(np.array([1, 1, 2, 2], np.float32))
        return self.add("Resize", x, "", scales, mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")

    def bytes(self, entry: str, shape: Sequence[int], last: str, out: Sequence[int]) -> bytes:
        """The whole as a model file: input `entry`, output ``logits``."""
        import onnx
        from onnx import TensorProto, helper

        self.nodes[-1].output[0] = "logits"
        assert self.nodes[-1].name == last
        graph = helper.make_graph(
            self.nodes,
            "docbin",
            [helper.make_tensor_value_info(entry, TensorProto.FLOAT, list(shape))],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, list(out))],
            self.constants,
        )
        model = helper.make_model(graph, producer_name="docbin", opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
        onnx.checker.check_model(model)
        return bytes(model.SerializeToString())


def _signs(node: Node, key: str = "weights") -> Float:
    """The +-1 weights of a node, 0 where its mask says so, float32 (out, in, kh, kw)."""
    words = node.tensors[key]
    bits = np.stack([unpack(filter_, 64 * words.shape[1]) for filter_ in words])
    signs = np.where(bits, np.float32(1), np.float32(-1))
    if "masks" in node.tensors:
        signs *= np.stack([unpack(filter_, 64 * words.shape[1]) for filter_ in node.tensors["masks"]])
    return signs


def float_graph(graph: Graph, height: int, width: int, stem: bool = True) -> bytes:
    """The float32 ONNX file of a packed graph, for tiles of one size.

    Parameters
    ----------
    height, width : of the tile in pixels, multiples of the graph's stride
    stem : begin with the page, input ``page`` float32 (1, 1, height, width) on the 0..255 scale, with the depth plane as a second channel where the
        graph wants it; else with the stem's bits, input ``codes`` float32 (1, channels, height / 2, width / 2) of 0 and 1, from where all is exact;
        the edge step, which sees the page, is then left out

    Raises
    ------
    UsageError
        An op that has no float form here.
    """
    draw = _Drawing()
    names: list[str] = []
    strange = next((node.op for node in graph.nodes if node.op not in FLOAT_FORMS), None)
    if strange is not None:
        raise UsageError(f"{strange}: has no float form in docbin.bench.peers, so this network is measured without its float twin")
    for node in graph.nodes:
        given = [names[i] for i in node.inputs]
        if node.op == "codes":
            names.append(_codes(draw, node) if stem else "codes")
            channels = 4 * sum(node.tensors[key].size for key in ("theta", "grey", "depth") if key in node.tensors)
        elif node.op == "conv":
            names.append(_conv(draw, node, given[0]))
        elif node.op == "pool":
            names.append(draw.pool(given[0]))
        elif node.op == "upsample":
            names.append(draw.upsample(given[0]))
        elif node.op == "concat":
            names.append(draw.add("Concat", *given, axis=1))
        elif node.op == "head":
            names.append(_head(draw, node, given[0]))
        elif stem:
            names.append(_edge(draw, node, given[0], graph.nodes[0]))
    entry, shape = ("page", (1, 1 + graph.wants_depth, height, width)) if stem else ("codes", (1, channels, height // 2, width // 2))
    return draw.bytes(entry, shape, names[-1], (1, 1, height, width))


def _cells(draw: _Drawing, node: Node) -> tuple[str, str, list[tuple[str, str]]]:
    """What the stem sees, of a graph that begins with `node`: the cells' pixels, channel (2 dy + dx) * planes + plane, the grey ones among them, and
    for each window mean and deviation by poolings."""
    cells = draw.add("SpaceToDepth", "page", blocksize=2)
    pixels = draw.add("Gather", cells, draw.constant(np.arange(0, 8, 2)), axis=1) if "depth" in node.tensors else cells
    quarter = np.full((1, 4, 1, 1), 0.25, np.float32)
    moments = [draw.conv(pixels, quarter), draw.conv(draw.add("Mul", pixels, pixels), quarter)]
    found = []
    for window in node.tensors["windows"].tolist():
        mean, square = moments
        for shape in ((window, 1), (1, window)):
            pads = [shape[0] // 2, shape[1] // 2] * 2
            mean, square = (draw.add("AveragePool", x, kernel_shape=list(shape), pads=pads, count_include_pad=0) for x in (mean, square))
        variance = draw.add("Relu", draw.add("Sub", square, draw.add("Mul", mean, mean)))
        found.append((mean, draw.add("Sqrt", variance)))
    return cells, pixels, found


def _codes(draw: _Drawing, node: Node) -> str:
    """The stem: every threshold as a row of one 1 x 1 convolution over pixels, means and deviations."""
    windows, theta = node.tensors["windows"], node.tensors["theta"]
    levels = [node.tensors[key].tolist() for key in ("grey", "depth") if key in node.tensors]
    cells, _, moments = _cells(draw, node)
    features = [cells, *(name for pair in moments for name in pair)]
    first = 4 * len(levels)
    rows, bias = [], []

    def row(plane: int, pixel: int) -> NDArray[np.float64]:
        rows.append(np.zeros(first + 2 * len(windows)))
        rows[-1][pixel * len(levels) + plane] = 1
        return rows[-1]

    for index, thetas in enumerate(theta.tolist()):
        for value in thetas:  # x >= mean + theta (deviation + floor)
            for pixel in range(4):
                weights = row(0, pixel)
                weights[first + 2 * index : first + 2 * index + 2] = -1, -value
                weights *= STEEP
                bias.append(0.5 - STEEP * value * float(node.attributes["floor"]))
    for plane, fixed in enumerate(levels):
        for level in fixed:  # pixels are whole: x >= level where x - ceil(level) + 1 is at least 1
            for pixel in range(4):
                row(plane, pixel)
                bias.append(1 - math.ceil(level))
    weight = np.array(rows, np.float32)[..., None, None]
    return draw.clip(draw.conv(draw.add("Concat", *features, axis=1), weight, np.array(bias, np.float32)))


def _conv(draw: _Drawing, node: Node, x: str) -> str:
    """A binary convolution with its thresholds; the first is the convolution's bias, every further one an addition to it."""
    signs, limit = _signs(node), node.tensors["limit"]
    at = (limit - (signs > 0).sum(axis=(1, 2, 3)) + 1).astype(np.float32)
    stride, dilation, groups = (int(node.attributes[key]) for key in ("stride", "dilation", "groups"))
    attributes: dict[str, Any] = {"strides": [stride] * 2, "dilations": [dilation] * 2, "group": groups}
    if len(at) == 1:
        return draw.clip(draw.conv(x, signs, at[0], **attributes))
    counts = draw.conv(x, signs, **attributes)
    levels = [draw.clip(draw.add("Add", counts, draw.constant(row.reshape(1, -1, 1, 1)))) for row in at]
    return draw.add("Concat", *levels, axis=1)


def _head(draw: _Drawing, node: Node, x: str) -> str:
    """The planes summed into one float weight, and the four logits of a cell put at their pixels."""
    scale, bias = node.tensors["scale"], node.tensors["bias"]
    signs = _signs(node)
    weight = (scale.reshape(-1, 4, 1, 1, 1) * signs.reshape(len(scale), 4, *signs.shape[1:])).sum(0)
    logits = draw.conv(x, 2 * weight, bias - weight.sum(axis=(1, 2, 3)))
    return draw.add("DepthToSpace", logits, blocksize=2, mode="DCR")


def _edge(draw: _Drawing, node: Node, logits: str, codes: Node) -> str:
    """The edge step without its roundings."""

    def linear(x: str, factor: float, offset: float = 0.0) -> str:
        scaled = draw.add("Mul", x, draw.constant(np.float32(factor)))
        return draw.add("Add", scaled, draw.constant(np.float32(offset))) if offset else scaled

    def within(x: str, low: float) -> str:
        return draw.add("Clip", x, draw.constant(np.float32(low)), draw.constant(np.float32(LARGEST)))

    def conv(x: str, name: str) -> str:
        factor, offset = node.tensors[f"{name}_factor"], node.tensors[f"{name}_offset"]
        return draw.conv(x, node.tensors[name].astype(np.float32) * factor[:, None, None, None], offset)

    cells, pixels, moments = _cells(draw, codes)
    floor = float(codes.attributes["floor"])
    seen = []
    for mean, deviation in moments:
        spread = linear(deviation, 1.0, floor)
        seen.append(within(linear(draw.add("Div", draw.add("Sub", pixels, mean), spread), Z_UNIT), -LARGEST))
    seen.append(linear(pixels, 0.5, -64.0))
    if "depth" in codes.tensors:
        seen.append(linear(draw.add("Gather", cells, draw.constant(np.arange(1, 8, 2)), axis=1), 0.5))
    rounded = within(linear(draw.add("SpaceToDepth", logits, blocksize=2), LOGIT_UNIT), -LARGEST)
    drawn = conv(within(conv(draw.add("Concat", *seen, rounded, axis=1), "first"), 0.0), "second")
    return draw.add("DepthToSpace", draw.add("Add", linear(rounded, 1 / LOGIT_UNIT), drawn), blocksize=2, mode="DCR")


def unet(base: int, height: int, width: int, levels: int = 4, seed: int = 0) -> bytes:
    """The float32 ONNX file of the U-Net of `base` channels with random weights; input ``page`` float32 (1, 1, height, width) in 0..1."""
    draw, random = _Drawing(), np.random.default_rng(seed)

    def convolved(x: str, channels: int, filters: int) -> str:
        spread = (2 / (9 * channels)) ** 0.5  # He et al., 2015: the deviation of a map stays that of the one before it
        weight = random.normal(0, spread, (filters, channels, 3, 3)).astype(np.float32)
        return draw.add("Relu", draw.conv(x, weight, random.normal(0, 0.1, filters).astype(np.float32)))

    x, channels, skips = "page", 1, []
    for level in range(levels):
        if level:
            x = draw.pool(x)
        filters = base * 2**level
        x = convolved(convolved(x, channels, filters), filters, filters)
        channels = filters
        skips.append(x)
    for level in range(levels - 2, -1, -1):
        filters = base * 2**level
        x = draw.add("Concat", skips[level], draw.upsample(x), axis=1)
        x = convolved(convolved(x, channels + filters, filters), filters, filters)
        channels = filters
    last = draw.conv(x, random.normal(0, base**-0.5, (1, base, 1, 1)).astype(np.float32), np.zeros(1, np.float32))
    return draw.bytes("page", (1, 1, height, width), last, (1, 1, height, width))
