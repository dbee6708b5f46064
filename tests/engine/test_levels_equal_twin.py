"""The compiled engine against its NumPy twin, at every level: networks of random bits with every option that a packed file may have."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from docbin import engine, kernels
from docbin.engine import Graph, Node
from tests.engine import graphs

COMPILED = [level for level in kernels.levels() if level != "numpy"]


@dataclass(frozen=True)
class Conv:
    """One convolution: filters, thresholds a filter, side of the kernel, stride, dilation, groups, zero weights, and what its input channels are."""

    filters: int
    thresholds: int
    kernel: int = 3
    stride: int = 1
    dilation: int = 1
    groups: int = 1
    masked: bool = False
    thermometer: bool = False  # every second channel has its neighbour's weights, as the bits of a thermometer code do


CASES = {
    "one tap": (Conv(64, 1, kernel=1),),
    "3 x 3": (Conv(64, 1), Conv(128, 1)),
    "two thresholds a filter": (Conv(32, 2), Conv(64, 2)),
    "eight thresholds of few filters": (Conv(8, 8),),
    "three thresholds, 5 x 5": (Conv(64, 3, kernel=5),),
    "dilated": (Conv(64, 1, dilation=3), Conv(64, 2, kernel=5, dilation=2)),
    "stride 2": (Conv(64, 1, stride=2), Conv(64, 1)),
    "groups": (Conv(128, 1), Conv(128, 1, groups=2), Conv(256, 1, groups=2, masked=True)),
    "zero weights": (Conv(64, 2, masked=True), Conv(64, 1, kernel=5, masked=True)),
    "pairs of channels": (Conv(64, 1, thermometer=True), Conv(64, 2, kernel=1, thermometer=True)),
    "more filters than a program takes": (Conv(320, 1), Conv(64, 1, kernel=1)),
}


def network(convs: tuple[Conv, ...], edge: bool) -> Graph:
    rng = np.random.default_rng(len(convs) + 10 * convs[0].filters)

    def words(*shape: int) -> NDArray[np.uint64]:
        return rng.integers(0, 2**64, shape, dtype=np.uint64)

    theta = np.linspace(-1.9, 0.7, 22, dtype=np.float32).reshape(2, 11)
    nodes = [
        Node(
            "codes",
            (),
            {"floor": 7.65},
            {"windows": np.array([3, 9], np.int32), "theta": theta, "grey": np.linspace(40, 220, 10, dtype=np.float32)},
        )
    ]
    given, halvings = 2, 1
    for conv in convs:
        weights = words(conv.filters, given // conv.groups, conv.kernel, conv.kernel)
        if conv.thermometer:
            even = weights & np.uint64(0x5555555555555555)
            weights = even | even << np.uint64(1)
        counted = 64 * given // conv.groups * conv.kernel**2 // (2 if conv.masked else 1)
        limit = (counted // 2 + rng.integers(-9, 9, (conv.thresholds, conv.filters))).astype(np.int32)
        limit[0, 3], limit[-1, 5] = -1, 2 * counted  # never, always
        tensors = {"weights": weights, "limit": limit} | ({"masks": words(*weights.shape)} if conv.masked else {})
        reach = conv.dilation * (conv.kernel // 2)
        numbers = {"stride": conv.stride, "dilation": conv.dilation, "padding": reach, "groups": conv.groups}
        nodes.append(Node("conv", (len(nodes) - 1,), numbers, tensors))
        given, halvings = conv.filters * conv.thresholds // 64, halvings + (conv.stride == 2)
    for _ in range(halvings - 1):
        nodes.append(Node("upsample", (len(nodes) - 1,), {}, {}))
    scale = rng.uniform(0.5, 2, (2, 4)).astype(np.float32)
    nodes.append(
        Node("head", (len(nodes) - 1,), {}, {"weights": words(8, given, 3, 3), "scale": scale, "bias": np.full(4, 0.3, np.float32)})
    )
    if edge:
        last = {
            "first": rng.integers(-127, 128, (4, 16, 3, 3)).astype(np.int8),
            "second": rng.integers(-127, 128, (4, 4, 3, 3)).astype(np.int8),
        }
        last |= {"first_factor": np.full(4, 3e-4, np.float32), "first_offset": np.full(4, 20, np.float32)}
        last |= {"second_factor": np.full(4, 5e-5, np.float32), "second_offset": np.full(4, 0.1, np.float32)}
        nodes.append(Node("edge", (len(nodes) - 1,), {}, last))
    return engine.loads(engine.dumps(nodes))


@pytest.mark.skipif(not COMPILED, reason="this install has no compiled kernels")
@pytest.mark.parametrize("size", [(1, 1), (38, 150)])
@pytest.mark.parametrize("name", CASES)
def test_every_level_equals_the_twin(name: str, size: tuple[int, int]) -> None:
    graph = network(CASES[name], edge=size[0] > 1)
    page = np.random.default_rng(1).integers(0, 256, size, dtype=np.uint8)
    with kernels.use("numpy"):
        want = engine.logits(graph, page)
    assert size == (1, 1) or want.std() > 0
    for level in COMPILED:
        with kernels.use(level):
            for threads in (1, 3):
                assert np.array_equal(engine.logits(graph, page, threads=threads), want), level
            assert np.array_equal(engine.ink(graph, page, tile=(16, 70)), want >= 0), level


@pytest.mark.skipif(not COMPILED, reason="this install has no compiled kernels")
@pytest.mark.parametrize("size", [(1, 1), (3, 130), (38, 150), (141, 9)])
@pytest.mark.parametrize("depth", [False, True])
def test_the_choice_at_every_level_equals_the_twin(depth: bool, size: tuple[int, int]) -> None:
    graph = engine.loads(engine.dumps(graphs.choosing(depth)))
    rng = np.random.default_rng(1)
    page = rng.integers(0, 256, size, dtype=np.uint8)
    page[: size[0] // 2] = page[: size[0] // 2] // 16 + 190  # paper, where deviations are small
    with kernels.use("numpy"):
        want = engine.logits(graph, page)
        assert np.array_equal(engine.logits(graph, page, threads=2, tile=(16, 70)), want)
    assert size == (1, 1) or (want.std() > 0 and 0 < (want >= 0).mean() < 1)
    for level in COMPILED:
        with kernels.use(level):
            for threads, tile in ((1, None), (3, None), (2, (16, 70)), (1, (7, 50))):
                assert np.array_equal(engine.logits(graph, page, threads=threads, tile=tile), want), (level, threads, tile)
                assert np.array_equal(engine.ink(graph, page, threads=threads, tile=tile), want >= 0), (level, threads, tile)


@pytest.mark.skipif(not COMPILED, reason="this install has no compiled kernels")
@pytest.mark.parametrize("factor", [3e38, -3e38, 1e9])
def test_a_head_of_wild_numbers_ends_the_same_at_every_level(factor: float) -> None:
    """A damaged file may hold any finite number: infinities and what is no number must be cut alike, and overflow nothing."""
    nodes = graphs.choosing(depth=True)
    nodes[4].tensors["scale"][:] = factor  # type: ignore[index]
    nodes[5].attributes.update(sharpness=8 * 7.65, k=1.0)  # type: ignore[attr-defined]
    graph = engine.loads(engine.dumps(nodes))
    page = np.random.default_rng(1).integers(0, 256, (38, 150), dtype=np.uint8)
    with kernels.use("numpy"):
        want = engine.logits(graph, page)
    assert np.isfinite(want).all()
    for level in COMPILED:
        with kernels.use(level):
            assert np.array_equal(engine.logits(graph, page), want), level
