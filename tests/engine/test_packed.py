"""The loader against damaged and hostile files: every one is an InputError, none a crash."""

from __future__ import annotations

import json

import numpy as np
import pytest

from docbin import engine
from docbin.engine import Node
from docbin.errors import FileAccessError, InputError
from tests.engine import graphs


def network() -> list[Node]:
    rng = np.random.default_rng(0)

    def words(*shape: int) -> np.ndarray:
        return rng.integers(0, 2**64, shape, dtype=np.uint64)

    theta, limit = rng.normal(0, 1, (3, 9)).astype(np.float32), np.full((2, 64), 570, np.int32)
    conv = {"stride": 1, "dilation": 1, "padding": 1, "groups": 1}
    return [
        Node("codes", (), {"floor": 7.65}, {"windows": np.array([3, 7, 9], np.int32), "theta": theta, "grey": np.full(5, 90, np.float32)}),
        Node("conv", (0,), conv, {"weights": words(64, 2, 3, 3), "limit": limit}),
        Node("pool", (1,), {}, {}),
        Node("conv", (2,), conv, {"weights": words(64, 2, 3, 3), "limit": limit}),
        Node("upsample", (3,), {}, {}),
        Node("concat", (1, 4), {}, {}),
        Node("head", (5,), {}, {"weights": words(8, 4, 3, 3), "scale": np.ones((2, 4), np.float32), "bias": np.zeros(4, np.float32)}),
    ]


def edged(inputs: tuple[int, ...] = (6,), weight: int = 3, **shapes: tuple[int, ...]) -> list[Node]:
    """The network with an edge step of 8 filters over 3 windows, grey and logits; `shapes` replaces those of its tensors."""
    fit: dict[str, tuple[int, ...]] = {"first": (8, 20, 3, 3), "second": (4, 8, 3, 3), "first_factor": (8,), "first_offset": (8,)}
    fit |= {"second_factor": (4,), "second_offset": (4,), **shapes}
    tensors = {name: np.full(shape, weight, np.int8 if len(shape) == 4 else np.float32) for name, shape in fit.items()}
    return [*network(), Node("edge", inputs, {}, tensors)]


def chosen(windows: tuple[int, ...] = (3, 11), head: int = 4, floor: float = 7.65, **numbers: object) -> list[Node]:
    """A network that ends in a choice; `windows` of the step alone, `numbers` replace its own, `head` is the node it reads."""
    nodes = graphs.choosing(windows=(3, 11))
    codes, step = nodes[0], nodes[-1]
    nodes[0] = Node("codes", (), {"floor": floor}, codes.tensors)
    nodes[-1] = Node("choice", (head,), {**step.attributes, **numbers}, {"windows": np.array(windows, np.int32)})  # type: ignore[dict-item]
    return nodes


def changed(index: int, **fields: object) -> list[Node]:
    nodes = network()
    old = nodes[index]
    nodes[index] = Node(**{"op": old.op, "inputs": old.inputs, "attributes": old.attributes, "tensors": old.tensors, **fields})  # type: ignore[arg-type]
    return nodes


def test_a_file_is_read_back_as_it_was_written() -> None:
    graph = engine.loads(engine.dumps(network()))
    assert graph.stride == 4
    for node, want in zip(graph.nodes, network(), strict=True):
        assert (node.op, node.inputs, dict(node.attributes)) == (want.op, want.inputs, dict(want.attributes))
        assert all(np.array_equal(node.tensors[key], value) for key, value in want.tensors.items())


@pytest.mark.parametrize(
    ("nodes", "says"),
    [
        (changed(1, op="exec"), "no such op"),
        (changed(1, inputs=(3,)), r"inputs \(3,\)"),
        (changed(2, inputs=()), "inputs"),
        (changed(1, attributes={"stride": 1}), "attributes"),
        (changed(1, attributes={"stride": 0, "dilation": 1, "padding": 1, "groups": 1}), "stride=0"),
        (changed(1, attributes={"stride": True, "dilation": 1, "padding": 1, "groups": 1}), "stride=True"),
        (changed(1, attributes={"stride": 1, "dilation": 1, "padding": 2, "groups": 1}), "padding 2"),
        (changed(3, tensors={"weights": np.zeros((64, 3, 3, 3), np.uint64), "limit": np.zeros((1, 64), np.int32)}), "2 words"),
        (changed(3, tensors={"weights": np.zeros((60, 2, 3, 3), np.uint64), "limit": np.zeros((1, 60), np.int32)}), "do not fit"),
        (changed(5, inputs=(1, 3)), "different sizes"),
        (changed(0, attributes={"floor": float("nan")}), "floor=nan"),
        (changed(6, tensors={**network()[6].tensors, "bias": np.full(4, np.inf, np.float32)}), "NaN or infinity"),
        (network()[:-1], "one head"),
        ([network()[0]] * 300, "300 nodes"),
        (changed(4, op="pool"), "different sizes"),
        (edged(inputs=(5,)), "one head, or that"),
        (edged(first=(8, 24, 3, 3)), "24 channels do not fit the codes"),
        (edged(first=(6, 20, 3, 3), second=(4, 6, 3, 3), first_factor=(6,), first_offset=(6,)), "filters in fours"),
        (edged(second=(4, 4, 3, 3)), "do not fit together"),
        (edged(second_offset=(3,)), "do not fit together"),
        (edged(first=(256, 20, 3, 3), second=(4, 256, 3, 3), first_factor=(256,), first_offset=(256,), weight=127), "24 bits"),
        ([*edged(), edged()[-1]], "one head, or that"),
        (chosen(windows=(3, 4)), r"windows \[3, 4\]"),
        (chosen(windows=(3, 91)), r"windows \[3, 91\]"),
        (chosen(windows=tuple([3] * 17)), "at most 16 odd sides"),
        (chosen(windows=(3,)), "7 numbers at 1/4 of the page's side, wanted are 5 at 1/4"),
        (chosen(head=3), "takes what conv gives"),
        (chosen(k=1.5), "k=1.5"),
        (chosen(k=float("nan")), "k=nan"),
        (chosen(sharpness=0), "sharpness=0"),
        (chosen(sharpness=100.0), "sharpness 100, floor 7.65"),
        (chosen(sharpness=1.0, floor=0.5), "floor 0.5"),
        (chosen()[:-1], "before a choice"),
        ([*chosen()[:-1], Node("edge", (4,), {}, edged()[-1].tensors)], "before a choice"),
        ([*network()[:-1], network()[-1], Node("choice", (6,), {"k": 0.5, "sharpness": 1.0}, chosen()[-1].tensors)], "4 numbers at 1/1 of"),
        (
            changed(
                6, tensors={**network()[6].tensors, "weights": np.zeros((68, 4, 3, 3), np.uint64), "scale": np.ones((17, 4), np.float32)}
            ),
            "head",
        ),
    ],
)
def test_a_graph_that_does_not_hold_together_is_refused(nodes: list[Node], says: str) -> None:
    with pytest.raises(InputError, match=says):
        engine.dumps(nodes)


def test_files_cut_at_every_length_are_refused() -> None:
    data = engine.dumps(network())
    for length in [*range(0, 64), *range(64, len(data), 97)]:
        with pytest.raises(InputError, match="export it again"):
            engine.loads(data[:length])


@pytest.mark.parametrize("seed", range(6))
def test_files_with_flipped_bytes_are_refused_or_read(seed: int) -> None:
    data, rng = engine.dumps((network, edged, chosen)[seed % 3]()), np.random.default_rng(seed)
    header = 8 + int.from_bytes(data[:8], "little")
    image = rng.integers(0, 256, (20, 24), dtype=np.uint8)
    for _ in range(150):
        damaged = bytearray(data)
        for place in rng.integers(0, header if rng.random() < 0.8 else len(data), rng.integers(1, 4)):
            damaged[place] = rng.integers(0, 256)
        try:
            graph = engine.loads(bytes(damaged))
        except InputError:
            continue
        assert engine.ink(graph, image).shape == image.shape


@pytest.mark.parametrize(
    "metadata",
    [
        '{"format": 5, "nodes": []}',
        '{"format": 2, "nodes": []}',
        '{"format": 1, "nodes": {}}',
        '{"format": 1, "nodes": [1]}',
        '{"format": 1, "nodes": [{"op": 1, "inputs": [], "attributes": {}}]}',
        '{"format": 1, "nodes": [{"op": "pool", "inputs": [true], "attributes": {}}]}',
        '{"format": 1, "nodes": [{"op": "pool", "inputs": [0], "attributes": 3}]}',
        "[" * 100_000,
        "nonsense",
    ],
)
def test_hostile_metadata_is_refused(metadata: str) -> None:
    header = json.dumps({"__metadata__": {"docbin": metadata}}).encode()
    with pytest.raises(InputError):
        engine.loads(len(header).to_bytes(8, "little") + header)


def test_a_missing_file_is_an_access_error(tmp_path) -> None:
    with pytest.raises(FileAccessError, match=r"nothing\.safetensors"):
        engine.read(tmp_path / "nothing.safetensors")


def test_files_of_older_formats_are_read() -> None:
    """Their graphs are those of today: what a format adds is an op or a tensor that they lack."""
    data = engine.dumps(network())
    for version in (1, 2, 3):
        old = data.replace(b'\\"format\\":4', f'\\"format\\":{version}'.encode())
        assert old != data
        assert len(engine.loads(old).nodes) == len(network())
