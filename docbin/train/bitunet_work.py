"""What a variant of :class:`docbin.nets.bitunet.BitUNet` asks of the engine, from its numbers alone: nothing is built, packed or run.

The same list as :func:`docbin.bench.engine_cost.work` reads off a packed file, so that a search can weigh thousands of variants.
"""

from __future__ import annotations

from docbin.bench.engine_cost import DEPTH, PAGE, Work, cells, codes_work, conv_work, edge_work, head_work
from docbin.nets.bitunet_config import BitUNetConfig


def work_of(config: BitUNetConfig, size: tuple[int, int] = PAGE) -> list[Work]:
    """The work of a variant on a page of that (height, width), named by the network's modules ("encoder.1.0", "narrow.0", "head")."""
    layers, counts = config.layers, config.thresholds_of
    deepest = max(layer.halvings for layer in layers)

    def computed(halvings: int) -> float:
        return cells(size, halvings, deepest)

    def plumbing(name: str, op: str, at: int, halvings: int) -> Work:
        return Work(name, op, (layers[at].filters * counts[at] * computed(halvings),))

    found = [DEPTH] if config.depths else []
    found.append(codes_work("stem", config.codes, len(config.windows), computed(1)))
    before = 1
    for number, (layer, count) in enumerate(zip(layers, counts, strict=True)):
        if layer.name.startswith("encoder.") and layer.name.endswith(".0") and number:
            found.append(plumbing(f"pool before {layer.name}", "pool", layer.inputs[0], layer.halvings))
        area = layer.kernel**2
        channels = sum(layers[at].filters for at in layer.inputs)
        bits = counts[layer.inputs[0]] if layer.inputs else 1
        singles, pairs = (area * channels * (bits % 2), area * channels * (bits // 2)) if layer.inputs else (area * config.codes, 0)
        # With a stride of 2 every second row is computed at the input's width.
        wide = computed(layer.halvings) * layer.stride
        found.append(conv_work(layer.name, layer.filters, singles, pairs, count, wide))
        if layer.name.startswith("narrow."):
            found.append(plumbing(f"upsampling of {layer.name}", "upsample", number, layer.halvings - 1))
        before = layer.halvings
    if before == 2:  # the first stride was 2
        found.append(plumbing("upsampling of the last map", "upsample", len(layers) - 1, 1))
    last = layers[-1].filters * counts[-1]  # its bits have weights of their own each
    found.append(head_work("head", 4 * config.planes, 9 * (last + config.codes), 0, computed(1)))
    if config.edge:
        found.append(edge_work("edge", config.edge, 4 * (len(config.windows) + 2 + (config.depths > 0))))
    return found
