# ruff: noqa: E402 - torch is optional, so it is asked for before the imports that need it
"""A network of 16-bit numbers: it says what the network in torch says, the same at every level, and a damaged file is refused."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from docbin import export, kernels
from docbin.engine import fixed_point
from docbin.engine.graph import Node
from docbin.errors import InputError
from docbin.kernels.shrunk import UNIT
from docbin.nets import build
from docbin.page import to_grey


@pytest.fixture(scope="module")
def net() -> Any:
    torch.manual_seed(0)
    made = build("textregions", {"width": 16}).train()
    with torch.no_grad():  # the norms of a fresh network know no page
        for _ in range(3):
            made(torch.rand(2, 3, 128, 192))
    return made.eval()


@pytest.fixture(scope="module")
def nodes(net: Any) -> list[Node]:
    return export.text_regions_nodes(net)


@pytest.fixture(scope="module")
def read(nodes: list[Node]) -> fixed_point.Net:
    return fixed_point.loads(fixed_point.dumps(nodes))


@pytest.mark.parametrize("shape", [(1, 1), (64, 64), (130, 203), (203, 130)])
def test_it_says_what_torch_says(net: Any, read: fixed_point.Net, shape: tuple[int, int]) -> None:
    page = np.random.default_rng(1).integers(0, 256, (*shape, 3)).astype(np.uint8)
    with torch.inference_mode():
        want = net(torch.from_numpy(page).permute(2, 0, 1)[None].float() / 255)[0, 0].numpy()
    said = fixed_point.run(read, page, to_grey(page)) / UNIT
    assert said.shape == want.shape == tuple(-(-side // 16) for side in shape)
    assert np.abs(said - want).mean() < 0.1 * max(0.5, np.abs(want).mean())
    assert np.abs(said - want).max() < 0.3 * max(1.0, np.abs(want).max())


def test_every_level_gives_the_same_numbers(read: fixed_point.Net) -> None:
    page = np.random.default_rng(2).integers(0, 256, (150, 210, 3)).astype(np.uint8)
    grey = to_grey(page)
    with kernels.use("numpy"):
        want = fixed_point.run(read, page, grey)
    for level in kernels.levels():
        with kernels.use(level):
            for threads in (1, 2):
                np.testing.assert_array_equal(fixed_point.run(read, page, grey, threads), want)


def test_a_grey_page_is_its_grey_three_times(read: fixed_point.Net) -> None:
    grey = np.random.default_rng(4).integers(0, 256, (70, 90)).astype(np.uint8)
    np.testing.assert_array_equal(fixed_point.run(read, grey, grey), fixed_point.run(read, np.dstack([grey] * 3), grey))


def test_tiles_answer_as_the_whole_page_does(read: fixed_point.Net, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cells see no further than a tile's surround: what lies beyond it changes nothing."""
    rng = np.random.default_rng(5)
    grey = rng.integers(0, 256, (2500, 200)).astype(np.uint8)
    whole = fixed_point.run(read, grey, grey)
    monkeypatch.setattr(fixed_point, "TILE", 1280)
    np.testing.assert_array_equal(fixed_point.run(read, grey, grey), whole)
    np.testing.assert_array_equal(fixed_point.run(read, grey.T.copy(), grey.T.copy()).shape, whole.T.shape)


def changed(nodes: list[Node], at: int, **tensors: Any) -> list[Node]:
    return [*nodes[:at], dataclasses.replace(nodes[at], tensors={**nodes[at].tensors, **tensors}), *nodes[at + 1 :]]


def test_what_does_not_hold_together_is_refused(nodes: list[Node]) -> None:
    weights = nodes[2].tensors["weights"]
    factor = nodes[2].tensors["factor"]
    cases: list[tuple[list[Node], str]] = [
        (changed(nodes, 2, weights=weights[:, :-2]), "do not fit"),
        (changed(nodes, 2, weights=weights.astype(np.int16)), "int8"),
        (changed(nodes, 2, factor=np.full_like(factor, np.inf)), "float32"),
        (changed(nodes, 2, factor=factor[:-1]), "float32"),
        ([*nodes[:2], dataclasses.replace(nodes[2], inputs=(9,)), *nodes[3:]], "not earlier nodes"),
        ([*nodes[:2], dataclasses.replace(nodes[2], op="softmax"), *nodes[3:]], "unknown op"),
        ([*nodes[:2], dataclasses.replace(nodes[2], attributes={"low": 0, "high": 99_999}), *nodes[3:]], "16 bits"),
        ([*nodes[:2], dataclasses.replace(nodes[2], tensors={}), *nodes[3:]], "its tensors are none"),
        (nodes[:4], "cells of 16"),
    ]
    for broken, said in cases:
        with pytest.raises(InputError, match=said):
            fixed_point.dumps(broken)


def test_sums_that_could_leave_32_bits_are_refused() -> None:
    loud = {"weights": np.full((8, 36), 127, np.int8), "factor": np.ones(8, np.float32), "offset": np.zeros(8, np.float32)}
    stem = Node("stem", (0,), {"low": 0, "high": 32767}, loud)
    wide = {"weights": np.full((4096, 8), 127, np.int8), "factor": np.ones(4096, np.float32), "offset": np.zeros(4096, np.float32)}
    back = {"weights": np.full((8, 4096), 127, np.int8), "factor": np.ones(8, np.float32), "offset": np.zeros(8, np.float32)}
    limits = {"low": 0, "high": 32767}
    with pytest.raises(InputError, match="32 bits"):
        fixed_point.dumps([stem, Node("pointwise", (1,), limits, wide), Node("pointwise", (2,), limits, back)])


def test_a_damaged_file_is_refused(nodes: list[Node]) -> None:
    data = fixed_point.dumps(nodes)
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    graph = json.loads(header["__metadata__"]["docbin"])
    for bad in (b"", data[:40], b"\xff" * 64, data[:-100]):
        with pytest.raises(InputError, match="export it again"):
            fixed_point.loads(bad)
    for change in ({"fixed": 2}, {"nodes": []}, {"nodes": [{"op": "stem"}]}, {"nodes": graph["nodes"][:3]}):
        header["__metadata__"]["docbin"] = json.dumps({**graph, **change})
        text = json.dumps(header).encode()
        with pytest.raises(InputError, match="export it again"):
            fixed_point.loads(len(text).to_bytes(8, "little") + text + data[8 + length :])
