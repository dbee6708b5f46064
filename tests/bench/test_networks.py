"""The bench of networks: the float twin computes what the engine computes, and every row says what it measured or why it did not."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from docbin import engine
from docbin.bench import contest, networks, openers, peers
from docbin.bench.page import text_page
from docbin.cli import main
from docbin.engine import Node
from docbin.errors import UsageError
from docbin.kernels import bits
from docbin.kernels.depth import depth_plane
from docbin.kernels.stem import threshold_codes
from docbin.page import Image, Mask
from docbin.zoo import folders
from tests.engine import graphs

SMALL = (150, 200)


@pytest.fixture
def model(tmp_path: Path) -> networks.Packed:
    return networks.packed(str(graphs.folder(tmp_path / "bits")))


def session(model: bytes) -> Any:
    onnxruntime = pytest.importorskip("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def codes_of(graph: engine.Graph, page: Image) -> np.ndarray:
    """The stem's bits, float32 (1, channels, H / 2, W / 2) of 0 and 1."""
    node = graph.nodes[0]
    tensors = [node.tensors[key] for key in ("windows", "theta", "grey")]
    more = {"depth": depth_plane(page), "depths": node.tensors["depth"]} if graph.wants_depth else {}
    words = threshold_codes(page, *tensors, float(node.attributes["floor"]), **more)
    return bits.unpack(words, 64 * len(words))[None].astype(np.float32)


@pytest.mark.parametrize(("masked", "dilation", "depth"), [(False, 1, False), (True, 2, True)])
def test_the_float_twin_gives_the_engines_logits(masked: bool, dilation: int, depth: bool) -> None:
    pytest.importorskip("onnx")
    graph, (page, _) = graphs.graph(masked, dilation, depth), text_page((96, 128))
    (logits,) = session(peers.float_graph(graph, 96, 128, stem=False)).run(None, {"codes": codes_of(graph, page)})
    wanted = engine.logits(graph, page)
    assert wanted.std() > 1  # one wrong bit of the last map moves a logit by a few
    assert np.abs(logits[0, 0] - wanted).max() < 1e-3


@pytest.mark.parametrize("depth", [False, True])
def test_the_float_twins_stem_gives_the_kernels_bits(depth: bool) -> None:
    pytest.importorskip("onnx")
    graph, (page, _) = graphs.graph(depth=depth), text_page((256, 320))
    draw = peers._Drawing()
    last = peers._codes(draw, graph.nodes[0])
    wanted, planes = codes_of(graph, page), np.stack([page, *([depth_plane(page)] if depth else [])])[None].astype(np.float32)
    (codes,) = session(draw.bytes("page", planes.shape, last, wanted.shape)).run(None, {"page": planes})
    assert (codes != wanted).mean() < 1e-4  # the two round the local means differently
    assert 0.2 < wanted.mean() < 0.8


@pytest.mark.parametrize("depth", [False, True])
def test_the_float_twins_edge_step_is_the_engines_but_for_its_rounding(depth: bool) -> None:
    pytest.importorskip("onnx")
    graph, (page, _) = graphs.graph(depth=depth, edge=8), text_page((96, 128))
    head = engine.Graph(graph.nodes[:-1], graph.sizes[:-1])
    planes = np.stack([page, *([depth_plane(page)] if depth else [])])[None].astype(np.float32)
    (logits,) = session(peers.float_graph(graph, 96, 128)).run(None, {"page": planes})
    wanted = engine.logits(graph, page)
    assert np.abs(wanted - engine.logits(head, page)).mean() > 1
    # The two round the local means differently: a bit in some thousands, of which each moves the logits around it.
    assert np.quantile(np.abs(logits[0, 0] - wanted), 0.9) < 0.05 * wanted.std()


def test_a_graph_with_an_op_without_float_form_is_refused() -> None:
    pytest.importorskip("onnx")
    graph = graphs.graph()
    strange = engine.Graph((*graph.nodes[:-1], Node("shuffle", (7,), {}, {})), graph.sizes)
    with pytest.raises(UsageError, match="shuffle: has no float form"):
        peers.float_graph(strange, 64, 64)


def test_the_unet_is_the_one_it_says() -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.load_from_string(peers.unet(4, 32, 48))
    convolutions = [node for node in model.graph.node if node.op_type == "Conv"]
    shapes = {tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer}
    assert [shapes[node.input[1]][:2] for node in convolutions] == [
        (4, 1), (4, 4), (8, 4), (8, 8), (16, 8), (16, 16), (32, 16), (32, 32), (16, 48), (16, 16), (8, 24), (8, 8), (4, 12), (4, 4), (1, 4),
    ]  # fmt: skip
    (logits,) = session(model.SerializeToString()).run(None, {"page": np.random.default_rng(0).random((1, 1, 32, 48), np.float32)})
    assert logits.shape == (1, 1, 32, 48)
    assert logits.std() > 0.01


@pytest.mark.parametrize(("height", "width", "tile"), [(3508, 2480, (512, 496)), (512, 513, (512, 272)), (20, 1000, (32, 512))])
def test_tiles_of_one_size_cover_the_page_with_little_left(height: int, width: int, tile: tuple[int, int]) -> None:
    assert openers.tile_of(np.zeros((height, width), np.uint8)) == tile


def test_ink_in_tiles_is_that_of_the_page() -> None:
    page, _ = text_page(SMALL)
    ink = openers.in_tiles([page], (64, 48), 1.0, lambda part: part - np.float32(0.5))
    assert np.array_equal(ink, page >= 127.5)
    other = openers.in_tiles([page, page[::-1]], (64, 48), 255.0, lambda part: part[:, 1:] - 100)
    assert np.array_equal(other, page[::-1] >= 100)


def test_rows_hold_time_memory_size_and_ratio(model: networks.Packed) -> None:
    rows = networks.run([model], repeats=2, size=SMALL, levels=["numpy", "scalar"] if _compiled() else ["numpy"], threads=1, unets=())
    ours = [row for row in rows if row["runtime"].startswith("docbin")]
    assert [row["runtime"] for row in ours] == (["docbin numpy", "docbin scalar"] if _compiled() else ["docbin numpy"])
    for row in ours:
        assert row["runs"] == 2
        assert 0 < row["seconds"] <= row["seconds_median"]
        assert row["cpu_seconds"] > 0
        assert row["file_bytes"] == model.path.stat().st_size
        assert row["ratios"]["bits"] == pytest.approx(row["seconds"] / ours[0]["seconds"])
        assert row["peak_mb"] is None or row["peak_mb"] > 20
    (twin,) = [row for row in rows if row["network"] == "bits" and row["runtime"] == networks.FLOAT]
    if twin["seconds"] is None:
        assert "pip install 'docbin[peers]'" in twin["note"]
    else:
        assert twin["same_ink"] > 0.9  # tiles without overlap, and the stem's rounding
    assert rows[-1]["network"] == "unet"
    table = networks.show(rows).splitlines()
    assert table[0].split(" | ")[8] == "/ bits"
    assert len({line.count(" | ") for line in table[: len(rows) + 2]}) == 1
    assert table[-1].startswith("Page of 200 x 150, 1 threads")


def test_detectors_have_a_picture_and_a_table_of_their_own(model: networks.Packed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networks, "PICTURE", (64, 96))
    folder = graphs.folder(tmp_path / "words")
    config = folder / "config.toml"
    config.write_text(config.read_text(encoding="utf-8").replace("net =", 'task = "detect"\nnet =', 1), encoding="utf-8")
    finds = networks.packed(str(folder))
    assert (finds.name, finds.detector, model.detector) == ("words", str(folder), "")
    rows = networks.run([finds, model], repeats=1, size=SMALL, levels=["numpy"], threads=1, unets=())
    (row,) = [row for row in rows if row["network"] == "words"]
    assert (row["runtime"], row["size"], row["ratios"]) == ("docbin numpy", [64, 96], {"words": 1.0})
    assert row["seconds"] > 0
    assert [row["network"] for row in rows if row["size"] == [64, 96]] == ["words", "dbnet", "dbnet"]  # docbin, ONNX Runtime, OpenVINO
    pages, pictures = networks.show(rows).split("\n\nPage of 200 x 150, 1 threads, best of 1.\n\n")
    assert "/ bits" in pages
    assert pictures.splitlines()[0].split(" | ")[8] == "/ words"
    assert pictures.endswith("Picture of 96 x 64, 1 threads, best of 1.")


def _compiled() -> bool:
    from docbin import kernels

    return "scalar" in kernels.levels()


def _without(monkeypatch: pytest.MonkeyPatch, *missing: str) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name in missing else find(name, *rest))


def test_a_missing_peer_has_a_row_that_says_what_to_install(model: networks.Packed, monkeypatch: pytest.MonkeyPatch) -> None:
    _without(monkeypatch, "openvino", "onnxruntime")
    rows = networks.run([model], repeats=1, size=(32, 48), levels=["numpy"], threads=1, unets=(32, 16))
    told = {(row["network"], row["runtime"]): row["note"] for row in rows if row["seconds"] is None}
    assert told[("bits", networks.FLOAT)] == "onnxruntime not installed; run: pip install 'docbin[peers]'"
    for base in (32, 16):
        assert "openvino" in told[(f"U-Net, base {base}", networks.INT8)]
    assert ("unet", networks.FLOAT) in told
    assert "pip install" in networks.show(rows)


def opens_badly(page: Image, threads: int) -> Any:
    raise RuntimeError("no such instruction")


def dies(page: Image, threads: int) -> Any:
    import os

    def run() -> Mask:
        os._exit(9)

    return run


def test_a_contestant_that_fails_or_dies_is_told_and_the_others_go_on(tmp_path: Path) -> None:
    page, _ = text_page((32, 32))
    np.save(tmp_path / "page.npy", page)
    bad = [contest.Contestant(name, "", f"tests.bench.test_networks:{name}", {}, ()) for name in ("opens_badly", "dies")]
    packed = graphs.folder(tmp_path / "bits") / "packed.safetensors"
    good = contest.Contestant("bits", "", "docbin.bench.openers:open_packed", {"path": packed, "level": "numpy"}, ())
    with contest.started([*bad, good], tmp_path / "page.npy", 1) as entries:
        for entry in entries:
            entry.run(True)
    assert entries[0].fault == "RuntimeError: no such instruction"
    assert entries[1].fault == "its process ended with exit code 9"
    assert (entries[2].fault, len(entries[2].wall)) == ("", 1)
    assert np.array_equal(
        np.unpackbits(np.frombuffer(entries[2].ink, np.uint8)).reshape(32, 32).astype(bool), engine.ink(graphs.graph(), page)
    )


@pytest.mark.slow
def test_the_int8_unet_runs_in_openvino(model: networks.Packed) -> None:
    for module in networks.PEERS[networks.INT8]:
        pytest.importorskip(module)
    rows = networks.run([model], repeats=1, size=SMALL, levels=["numpy"], threads=1, unets=(8,))
    (row,) = [row for row in rows if row["runtime"] == networks.INT8]
    assert (row["network"], row["runs"], row["note"]) == ("U-Net, base 8", 1, "random weights")
    floats = len(peers.unet(8, 160, 208))
    assert 0.15 < row["file_bytes"] / floats < 0.8  # a byte a weight, and the description


def test_a_packed_network_is_named_by_model_folder_or_file(tmp_path: Path) -> None:
    folder = graphs.folder(tmp_path / "mine")
    for name in (folder, folder / "packed.safetensors"):
        assert networks.packed(str(name)) == networks.Packed("mine", folder / "packed.safetensors")
    with pytest.raises(UsageError, match="neither a model"):
        networks.packed("nonsense")


def test_a_float_model_is_told_from_a_packed_one(tmp_path: Path) -> None:
    folder = graphs.folder(tmp_path / "mine")
    assert not networks.is_float(str(folder))
    assert not networks.is_float(str(folder / "packed.safetensors"))
    with pytest.raises(UsageError, match="neither a model"):
        networks.is_float("nonsense")
    if "unet" in folders.names():
        assert networks.is_float("unet")
        assert not networks.is_float("dbnet")


@pytest.mark.parametrize("wrong", [{"repeats": 0}, {"size": (0, 5)}, {"levels": ["sse9"]}, {"threads": 0}, {"networks": []}])
def test_wrong_requests_are_refused(model: networks.Packed, wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        networks.run(**{"networks": [model], "size": SMALL, **wrong})


def test_the_command_line_measures_the_named_networks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = []

    def run(given: Any = None, floats: tuple[str, ...] = ()) -> list[dict[str, Any]]:
        asked.append((given, floats))
        return []

    monkeypatch.setattr(networks, "run", run)
    folder = graphs.folder(tmp_path / "mine")
    assert main(["bench", "networks", str(folder), "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert asked == [([networks.Packed("mine", folder / "packed.safetensors")], ())]
    monkeypatch.setattr(networks, "is_float", lambda name: name == "unet")
    assert main(["bench", "networks", "unet", str(folder), "--json", "-"]) == 0
    assert asked[1] == ([networks.Packed("mine", folder / "packed.safetensors")], ["unet"])
    assert main(["bench", "kernels", "unet"]) == 1
    assert "'docbin bench networks unet' does" in capsys.readouterr().err


def test_without_a_packed_network_random_ones_stand_in(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("torch")
    asked = []

    def run(given: Any) -> list[dict[str, Any]]:
        asked.extend((one.name, one.random, engine.read(one.path).stride) for one in given)
        return []

    monkeypatch.setattr(networks, "shipped", list)
    monkeypatch.setattr(networks, "run", run)
    assert main(["bench", "networks"]) == 0
    assert asked == [("bitunet", True, 16), ("bitunet-fast", True, 16)]
    assert "random weights" in capsys.readouterr().err
