"""Looking inside: every view against what the method or network really computes; what is missing is said."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import docbin
from docbin import catalogue, engine
from docbin.demo import choices, pictures, views
from docbin.engine.stem import stem_bits
from docbin.errors import MissingExtra, UsageError
from docbin.kernels import reference_stem
from docbin.zoo import folders
from tests.demo.pages import page
from tests.engine.test_packed import network


def opened(answer: dict[str, Any], number: int) -> np.ndarray[Any, Any]:
    with Image.open(answer["pictures"][number]["path"]) as picture:
        return np.asarray(picture)


def test_the_table_lists_every_map_and_says_what_the_networks_need() -> None:
    rows = {row["name"]: row for row in choices.views()}
    json.dumps(list(rows.values()))
    for name, method in catalogue.METHODS.items():
        assert (f"threshold:{name}" in rows) == (method.threshold is not None)
        assert (f"probability:{name}" in rows) == (method.probability is not None)
    for kind in ("windows", "steps", "bits"):
        for row in (row for name, row in rows.items() if name.startswith(f"{kind}:")):
            assert row["available"] == (row["needs"] is None)


def test_a_threshold_map_is_shown_in_its_colours(tmp_path: Path) -> None:
    answer = views.show("threshold:sauvola", page(), {"window": 31}, tmp_path)
    map = docbin.threshold(page(), "sauvola", window=31)
    shown = opened(answer, 1)
    assert shown.shape == (240, 320, 3)
    light = shown.astype(float).sum(2)
    assert light[map == map.max()].min() > light[map == map.min()].max()
    assert answer["legend"]["low"] == f"{map.min():.3g}"
    assert np.array_equal(opened(answer, 0), page())
    assert "one threshold for the whole page" in views.show("threshold:otsu", page(), {}, tmp_path)["note"]


@pytest.mark.parametrize("view", ["threshold:howe", "threshold:nothing", "probability:otsu", "walls:otsu", "otsu", ""])
def test_a_view_that_does_not_exist_is_said(tmp_path: Path, view: str) -> None:
    with pytest.raises(UsageError, match="choose one from the list"):
        views.show(view, page(), {}, tmp_path)


@pytest.mark.parametrize("view", ["windows:", "steps:", "bits:", "bits:/etc"])
def test_a_model_that_is_not_there_is_said(tmp_path: Path, view: str) -> None:
    with pytest.raises(MissingExtra, match="not in this install"):
        views.show(view, page(), {}, tmp_path)


def test_colours_and_classes_tell_their_values_apart() -> None:
    ramp = np.linspace(0, 1, 256, dtype=np.float32)[None, :].repeat(4, 0)
    picture, legend = pictures.coloured(ramp, 0, 1, "probability")
    assert len({tuple(colour) for colour in picture[0]}) > 250  # cividis has a colour twice
    assert legend["colours"][0] == "#" + bytes(picture[0, 0].tolist()).hex()
    index = np.arange(12, dtype=np.uint8).reshape(3, 4) % 3
    picture, legend = pictures.classes(index, ["a", "b", "c"])
    assert [["#" + bytes(picture[0, i].tolist()).hex(), name] for i, name in enumerate("abc")] == legend["keys"]
    assert np.array_equal(picture[2, 3], picture[0, 2])


def packed_model(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A 1-bit network of random weights in the zoo."""
    data = engine.dumps(network())
    (folder / "packed.safetensors").write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    (folder / "config.toml").write_text(
        f'net = "bitunet"\n[weights]\nfile = "w"\nsha256 = "{"0" * 64}"\n[packed]\nfile = "packed.safetensors"\nsha256 = "{digest}"\n'
    )
    monkeypatch.setattr(folders, "readable", lambda: iter([folders.read_config(folder, "tiny")]))


@pytest.mark.parametrize("shape", [(48, 64), (37, 51)])
def test_stem_bits_are_the_comparisons_that_the_network_makes(shape: tuple[int, int]) -> None:
    graph = engine.loads(engine.dumps(network()))
    image = page(*shape)
    bits = list(stem_bits(graph, image))
    node = graph.nodes[0]
    assert len(bits) == node.tensors["theta"].size + node.tensors["grey"].size
    assert [bit.window for bit in bits[:: node.tensors["theta"].shape[1]]][:3] == [6, 14, 18]
    for bit, level in zip(bits[-5:], node.tensors["grey"], strict=True):
        assert bit.window is None
        assert np.array_equal(bit.dark, image < level)
    padded = np.pad(image, ((0, -shape[0] % graph.stride), (0, -shape[1] % graph.stride)), mode="edge")
    words = reference_stem.threshold_codes(
        padded, *(node.tensors[key] for key in ("windows", "theta", "grey")), 7.65, None, np.empty(0, np.float32)
    )
    for number, bit in enumerate(bits):
        y, x = 9, 12
        channel = 4 * number + 2 * (y % 2) + x % 2
        light = int(words[channel // 64, y // 2, x // 2]) >> (channel % 64) & 1
        assert bit.dark[y, x] == (not light)


def test_stem_bits_of_a_model_folder_are_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed_model(tmp_path, monkeypatch)
    assert [(row["name"], row["available"]) for row in choices.views() if row["name"].startswith("bits:")] == [("bits:tiny", True)]
    answer = views.show("bits:tiny", page(), {}, tmp_path)
    assert len(answer["pictures"]) == 1 + 32
    assert answer["pictures"][1]["title"].startswith("window 6 pixels, mean ")
    assert answer["pictures"][-1]["title"] == "below grey 90"
    assert np.array_equal(opened(answer, -1) == 0, page() < 90)


def torch_model(net: str, variant: dict[str, Any], folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A network of random weights as a model folder of the zoo; the network."""
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file

    from docbin.nets import build

    torch.manual_seed(1)
    module = build(net, variant).eval()
    with torch.no_grad():
        for weight in module.parameters():
            weight.add_(0.05 * torch.randn_like(weight))
    save_file(module.state_dict(), folder / "weights.safetensors")
    digest = hashlib.sha256((folder / "weights.safetensors").read_bytes()).hexdigest()
    lines = [f"{key} = {json.dumps(value)}" for key, value in variant.items()]
    (folder / "config.toml").write_text(
        f'net = "{net}"\n[weights]\nfile = "weights.safetensors"\nsha256 = "{digest}"\n[variant]\n' + "\n".join(lines) + "\n"
    )
    monkeypatch.setattr(folders, "readable", lambda: iter([folders.read_config(folder, "tiny")]))
    return module


@pytest.mark.parametrize("lattice", [1, 2])
def test_the_preferred_window_is_that_of_the_whole_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lattice: int) -> None:
    net = torch_model("sauvolanet", {"windows": [3, 9, 15], "widths": [4, 6], "lattice": lattice}, tmp_path, monkeypatch)
    import torch

    from docbin.nets.inference import to_tensor
    from docbin.nets.sauvolanet import grey_levels
    from docbin.nets.window_map import preferred_window

    image = page(101, 87)
    got = preferred_window(net, image)
    with torch.no_grad():
        trust = net.attention(grey_levels(to_tensor(image)))[0].numpy()
    sure = np.sort(trust, 0)[-1] - np.sort(trust, 0)[-2] > 1e-4  # a tie may fall either way
    assert sure.mean() > 0.9
    assert np.array_equal(got[sure], trust.argmax(0)[sure])
    answer = views.show("windows:tiny", image, {}, tmp_path)
    assert [name for _, name in answer["legend"]["keys"]] == ["3 pixels", "9 pixels", "15 pixels"]
    assert opened(answer, 1).shape == (101, 87, 3)
    with pytest.raises(UsageError, match="is no DeepOtsu"):
        views.show("steps:tiny", image, {}, tmp_path)


def test_the_steps_are_the_cleaned_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    net = torch_model("deepotsu", {"widths": [4, 8], "steps": 3}, tmp_path, monkeypatch)
    from docbin.nets.inference import clean_pages

    image = page(64, 80)
    answer = views.show("steps:tiny", image, {}, tmp_path)
    assert [one["title"] for one in answer["pictures"]] == ["the page", "after step 1", "after step 2", "after step 3"]
    for number, want in enumerate(clean_pages(net, image), 1):
        assert np.array_equal(opened(answer, number), want)


def test_of_a_large_page_a_network_sees_the_middle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch_model("deepotsu", {"widths": [4], "steps": 1}, tmp_path, monkeypatch)
    monkeypatch.setattr(views, "PART_PIXELS", 40 * 50)
    image = page(80, 100)
    answer = views.show("steps:tiny", image, {}, tmp_path)
    assert answer["note"].startswith("The middle of the page, 50 x 40 pixels.")
    assert np.array_equal(opened(answer, 0), image[20:60, 25:75])


def test_a_network_without_torch_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch_model("sauvolanet", {"windows": [3, 9], "widths": [4]}, tmp_path, monkeypatch)
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name == "torch" else real(name, *more))
    (row,) = [row for row in choices.views() if row["name"] == "windows:tiny"]
    assert (row["available"], row["needs"]) == (False, "docbin[train]")


def test_a_probability_map_is_drawn_from_0_to_1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = catalogue.Method("sure", "learned", "", "", ink="tests.demo.test_views:half", probability="tests.demo.test_views:half")
    monkeypatch.setattr(catalogue, "METHODS", {"sure": row})
    answer = views.show("probability:sure", page(), {}, tmp_path)
    assert (answer["legend"]["low"], answer["legend"]["high"]) == ("0", "1")
    assert answer["note"] == "Between 0.1 and 0.9 at 50.0% of the pixels."


def half(image: np.ndarray[Any, Any]) -> np.ndarray[Any, np.dtype[np.float32]]:
    """A probability map: unsure on the left half."""
    map = np.zeros(image.shape[:2], np.float32)
    map[:, : image.shape[1] // 2] = 0.5
    return map
