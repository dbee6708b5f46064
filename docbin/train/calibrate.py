"""What a network's convolutions are handed on real pages: the ranges that the runtime ``openvino-int8`` needs.

They are written into the model's graph; :mod:`docbin.zoo.openvino_runtime` rounds by them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from docbin.nets.pretrained import TorchNet
from docbin.page import Image
from docbin.zoo.folders import read_config

SLACK = 1.2
"""A range is this much wider than what was seen. Eight bits forgive the coarser step (a convolution sums hundreds of them); a page unlike those seen
would not forgive being cut off."""

Ranges = dict[str, tuple[float, float]]
"""The name of a convolution's weights -> least and largest number that it is handed; the least is 0 behind a ReLU."""


def input_ranges(folder: Path, pages: Iterable[Image]) -> Ranges:
    """The ranges of all ungrouped convolutions of a model folder's network over some pages.

    Parameters
    ----------
    folder : with config and float weights; the network runs in torch
    pages : uint8 (H, W) or (H, W, 3); a handful of different ones do

    Raises
    ------
    ValueError
        There is no page.
    """
    network = TorchNet(read_config(folder))
    seen: Ranges = {}
    with _watched(network.net, seen):
        for page in pages:
            network.probability(page)
    if not seen:
        raise ValueError("no page to measure the convolutions' ranges on")
    return {name: (SLACK * low, SLACK * high) for name, (low, high) in seen.items()}


@contextmanager
def _watched(net: nn.Module, seen: Ranges) -> Iterator[None]:
    """While open, `seen` grows by what every convolution is handed."""

    def watch(name: str) -> Any:
        def look(_: nn.Module, given: tuple[Tensor, ...]) -> None:
            least, largest = (float(limit) for limit in given[0].aminmax())
            low, high = seen.get(name, (0.0, 0.0))
            seen[name] = min(low, least), max(high, largest)

        return look

    convolutions = {name: part for name, part in net.named_modules() if isinstance(part, nn.Conv2d) and part.groups == 1}
    hooks = [part.register_forward_pre_hook(watch(f"{name}.weight")) for name, part in convolutions.items()]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
