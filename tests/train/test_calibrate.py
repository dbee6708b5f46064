# ruff: noqa: E402 - torch is optional, so it is asked for before the imports that need it
"""A float network packaged for 8 bits: the ranges are those of its pages, and OpenVINO computes what torch does with everything rounded by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pictures

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from torch import Tensor, nn

from docbin.cli import main
from docbin.errors import InputError, UsageError
from docbin.nets import build
from docbin.nets.inference import probability
from docbin.nets.pretrained import load
from docbin.page import Image
from docbin.train import package_model
from docbin.train.calibrate import SLACK, input_ranges
from docbin.train.recipe import recipe_of
from docbin.zoo import folders, graphs, runtimes

VARIANT: Mapping[str, Any] = {
    "widths": [16, 24],
    "encoder_blocks": [1, 1],
    "decoder_blocks": [1],
    "windows": [3],
    "depth": True,
    "head": 8,
    "edge": 4,
    "edge_windows": [3],
}


def page(height: int = 90, width: int = 110, seed: int = 0) -> Image:
    rng = np.random.default_rng(seed)
    pixels = rng.normal(190, 15, (height, width, 3)).clip(0, 255).astype(np.uint8)
    pixels[::17, 5:-5] = 60
    return pixels


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCBIN_THREADS", "1")
        yield


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    for seed in (0, 1):
        Pictures.fromarray(page(seed=seed)).save(folder / f"{seed}.png")
    (folder / "notes.txt").write_text("what lies beside pages is none")
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, pages: Path) -> Path:
    torch.manual_seed(4)
    net = build("unet", VARIANT)
    with torch.no_grad():
        for _ in range(3):
            net(torch.rand(4, 4, 32, 32))
        net.out.bias.zero_()
        for norm in (part for part in net.modules() if hasattr(part, "running_var")):
            norm.weight.uniform_(0.5, 2.0)
    net.load_state_dict({name: value.half().to(value.dtype) for name, value in net.state_dict().items()})
    recipe = recipe_of({"net": {"name": "unet", "variant": dict(VARIANT)}, "data": {"weights": {"dibco2009": 1.0}}})
    made = tmp_path_factory.mktemp("models") / "unet"
    about = {"step": 7, "minutes": 1.5, "recipe": json.loads(recipe.to_json())}
    package_model.package(net.state_dict(), about, made, package_model.PackageOptions(tile=64, int8=pages))
    return made


def ranges_of(folder: Path) -> dict[str, list[float]]:
    found: dict[str, list[float]] = json.loads(graphs.graph_metadata((folder / "model.onnx").read_bytes())[graphs.RANGES])
    return found


def test_the_graph_tells_what_its_wide_convolutions_are_handed(folder: Path) -> None:
    found = ranges_of(folder)
    assert set(found) == {
        *(f"net.encoder.{level}.0.{part}.weight" for level in (0, 1) for part in ("first", "second")),
        "net.down.0.0.weight",
        "net.up.0.weight",
        "net.decoder.0.0.first.weight",
        "net.decoder.0.0.second.weight",
    }
    net, seen = load(folder), []
    net.encoder[1][0].second.register_forward_pre_hook(lambda _, given: seen.append(given[0].max().item()))  # type: ignore[index]
    for seed in (0, 1):
        probability(net, page(seed=seed), 64)
    assert found["net.encoder.1.0.second.weight"] == pytest.approx([0.0, SLACK * max(seen)], rel=1e-6)


def test_ranges_grow_with_the_pages_and_need_one(folder: Path) -> None:
    one, two = (input_ranges(folder, [page(seed=seed) for seed in seeds]) for seeds in ((0,), (0, 1)))
    assert all(two[name][0] <= low and high <= two[name][1] for name, (low, high) in one.items())
    with pytest.raises(ValueError, match="no page"):
        input_ranges(folder, [])


def rounded_by_hand(net: nn.Module, ranges: Mapping[str, list[float]]) -> nn.Module:
    """The slow twin: weights are rounded filter by filter, and every map that a convolution takes where it is made, for all that take it."""

    def rounded(x: Tensor, low: float, high: float) -> Tensor:
        step = (high - low) / 255
        zero = round(-low / step)
        return ((x / step).round() + zero).clamp(0, 255).sub(zero) * step

    def maker(limits: list[float]) -> Any:
        return lambda _, given, made: rounded(made, *limits)

    def taker(limits: list[float]) -> Any:
        return lambda _, given: (rounded(given[0], *limits),)

    for name, limits in ranges.items():
        conv = net.get_submodule(name.removeprefix("net.").removesuffix(".weight"))
        with torch.no_grad():
            largest = conv.weight.abs().amax((1, 2, 3), keepdim=True)  # type: ignore[operator, union-attr]
            conv.weight.copy_((conv.weight / largest * 127).round() * largest / 127)  # type: ignore[operator, union-attr]
        if ".down." in name:  # what goes down is also what the other half of the network is handed
            net.get_submodule(f"encoder.{name.split('.')[2]}").register_forward_hook(maker(limits))
        else:
            block = net.get_submodule(name.removeprefix("net.").partition(".first.")[0]) if ".first." in name else conv
            block.register_forward_pre_hook(taker(limits))
    return net


@pytest.mark.parametrize("name", ["encoder.0.0.second", "down.0.0", "decoder.0.0.first", ""])
def test_openvino_computes_what_is_rounded_by_hand(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One convolution at a time, where hardly a number falls on the other side of a step; together, such numbers make others do so."""
    pytest.importorskip("openvino")
    from docbin.zoo import openvino_runtime

    if not next(row for row in runtimes.RUNTIMES if row.name == "openvino-int8").suits:
        pytest.skip("needs a CPU with AVX-512 VNNI")
    chosen = {weights: limits for weights, limits in ranges_of(folder).items() if weights.startswith(f"net.{name}")}
    whole = openvino_runtime.in_eight_bits
    monkeypatch.setattr(openvino_runtime, "in_eight_bits", lambda model, _: whole(model, chosen))
    monkeypatch.setattr(openvino_runtime.OpenVinoInt8Net, "_precision", lambda *_: "f32")
    image = page(131, 157, 5)
    exact = probability(load(folder), image, 64)
    wanted = probability(rounded_by_hand(load(folder), chosen), image, 64)
    said = openvino_runtime.OpenVinoInt8Net(folders.load_config(folder)).probability(image)
    seen = float(np.abs(wanted - exact).mean())
    assert seen > 1e-5
    assert np.abs(said - wanted).mean() < (0.05 if name else 0.6) * seen


def test_a_range_of_nothing_is_refused(folder: Path) -> None:
    openvino = pytest.importorskip("openvino")
    from docbin.zoo.openvino_runtime import in_eight_bits

    with pytest.raises(ValueError, match="out of thin air, which are no convolution's weights"):
        in_eight_bits(openvino.Core().read_model(folder / "model.onnx"), {"out of thin air": (0.0, 1.0)})


def test_it_is_the_first_choice_where_the_cpu_can(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = folders.load_config(folder)
    assert config.onnx is not None
    assert config.onnx.int8
    monkeypatch.setattr(runtimes.Runtime, "installed", True)
    monkeypatch.setattr(runtimes.kernels, "levels", lambda: ("numpy", "avx512vnni"))
    assert runtimes.choose(config).name == "openvino-int8"
    monkeypatch.setattr(runtimes.kernels, "levels", lambda: ("numpy", "avx2"))
    assert runtimes.choose(config).name == "openvino"
    with pytest.raises(UsageError, match="openvino-int8 needs a CPU with AVX-512 VNNI"):
        runtimes.choose(config, "openvino-int8")


def test_bits_are_not_packaged_for_eight(pages: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = recipe_of({"net": {"name": "bitunet", "variant": {}}, "data": {"weights": {"dibco2009": 1.0}}})
    about = {"step": 1, "minutes": 0.1, "recipe": json.loads(recipe.to_json())}
    with pytest.raises(UsageError, match="bitunet is a network of bits already"):
        package_model.package({}, about, tmp_path / "bits", package_model.PackageOptions(int8=pages))
    assert not (tmp_path / "bits").exists()
    assert main(["package", str(tmp_path), "--int8", str(tmp_path / "nowhere")]) == 1
    assert "nowhere" in capsys.readouterr().err


def test_a_model_that_is_there_stays_where_its_next_cannot_be_made(tmp_path: Path) -> None:
    about = {"step": 1, "minutes": 0.1, "recipe": json.loads(recipe_of({"net": {"name": "unet", "variant": dict(VARIANT)}}).to_json())}
    empty, cut, made = tmp_path / "empty", tmp_path / "cut", tmp_path / "made"
    for path in (empty, cut, made):
        path.mkdir()
    (cut / "p.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (made / "model.onnx").write_bytes(b"earlier")
    for words, error, told in (
        (package_model.PackageOptions(int8=empty), UsageError, "empty: no pages in it"),
        (package_model.PackageOptions(int8=cut), InputError, "p.png"),
    ):
        with pytest.raises(error, match=told):
            package_model.package({}, about, made, words)
    with pytest.raises(UsageError, match=r"model\.onnx: it exists, and the folder is no model's"):
        package_model.package({}, about, made, package_model.PackageOptions())
    (made / "config.toml").write_text("[tool.other]\nname = 'mine'\n")
    with pytest.raises(UsageError, match=r"config\.toml: it exists and is no model's"):
        package_model.package({}, about, made, package_model.PackageOptions())
    assert sorted(path.name for path in made.iterdir()) == ["config.toml", "model.onnx"]
    assert (made / "model.onnx").read_bytes() == b"earlier"


def test_a_model_without_ranges_says_how_to_come_by_them() -> None:
    config = folders.load_config("dbnet")
    with pytest.raises(UsageError, match="'docbin package RUN --int8 PAGES' makes"):
        runtimes.choose(config, "openvino-int8")
