# ruff: noqa: E402 - torch is optional, so it is asked for before the imports that need it
"""Graphs of networks that clean page by page or look at windows, in every library that is there: they give what torch gives."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from safetensors.torch import save_file

from docbin import export
from docbin.errors import InputError, UsageError
from docbin.nets import build
from docbin.nets.inference import probability
from docbin.page import Image
from docbin.zoo import graphs, runtimes
from docbin.zoo.graphs import transform_matrices

NETWORKS: Mapping[str, Mapping[str, Any]] = {
    "deepotsu": {"widths": [4, 6], "steps": 2, "shared": True, "channels": 3},
    "deepotsu-grey": {"widths": [4], "steps": 1, "channels": 1},
    "fourbi": {"width": 8, "scales": 2, "blocks": 1, "extra": 1, "global_share": 0.5, "window": 64},
    "fourbi-without-quarters": {
        "width": 4,
        "scales": 1,
        "blocks": 2,
        "extra": 2,
        "global_share": 0.5,
        "local_fourier": False,
        "window": 32,
    },
}


def folder_of(name: str, folder: Path) -> Any:
    """A model folder of a network with random weights, and the network."""
    kind, variant = name.split("-")[0], NETWORKS[name]
    torch.manual_seed(1)
    net = build(kind, variant)
    with torch.no_grad():
        for _ in range(2):
            net(torch.rand(2, 3, 64, 64))
        if kind == "deepotsu":  # a residual worth adding
            net.refiners[0].decoder[0].weight.mul_(8)
        else:  # probabilities that differ from pixel to pixel
            net.head[-1].weight.mul_(40)
    net.load_state_dict({key: value.half().to(value.dtype) for key, value in net.eval().state_dict().items()})
    folder.mkdir()
    weights = folder / "weights.safetensors"
    save_file({key: value.half().contiguous() for key, value in net.state_dict().items() if value.is_floating_point()}, weights)
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    (folder / "model.onnx").write_bytes(export.to_onnx(net, {"docbin.weights": digest}, weights))
    lines = [f'net = "{kind}"', "[variant]", *(f"{key} = {json.dumps(value)}" for key, value in variant.items())]
    lines += ["[input]", "tile = 32", "[weights]", 'file = "weights.safetensors"', f'sha256 = "{digest}"']
    (folder / "config.toml").write_text("\n".join(lines), encoding="utf-8")
    return net


def page(height: int, width: int) -> Image:
    rng = np.random.default_rng(3)
    pixels = rng.normal(180, 20, (height, width, 3)).clip(0, 255).astype(np.uint8)
    pixels[::9, 3:-3] = 60
    return pixels


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCBIN_THREADS", "1")
        yield


@pytest.mark.parametrize("name", NETWORKS)
def test_every_library_gives_torchs_probabilities(name: str, tmp_path: Path) -> None:
    net = folder_of(name, tmp_path / name)
    names = ["onnx", *(["openvino-float32", "openvino"] if importlib.util.find_spec("openvino") else [])]
    for size in ((131, 157), (20, 45), (64, 64), (7, 3)):
        image = page(*size)
        want = probability(net, image, tile=32)
        assert want.size < 100 or want.max() - want.min() > 0.01
        for runtime in names:
            model = runtimes.load(tmp_path / name, runtime)
            off = np.abs(model.probability(image) - want)
            assert off.max() < (0.08 if runtime == "openvino" else 1e-4), (runtime, size)
            assert np.array_equal(model(image), model.probability(image) >= 0.5)
        grey = image[..., 0]
        assert np.abs(model.probability(grey) - model.probability(np.repeat(grey[..., None], 3, 2))).max() < 1e-6


@pytest.mark.parametrize(
    "said",
    [
        {"docbin.stride": "x"},
        {"docbin.stride": "0"},
        {"docbin.halo": "-9"},
        {"docbin.planes": "[1]"},
        {"docbin.window": "7"},
        {"docbin.steps": "1e9"},
    ],
)
def test_metadata_of_strangers_are_refused_by_name(said: dict[str, str], tmp_path: Path) -> None:
    """A received model's graph may say anything of itself: that is the file's fault, not a bug."""
    import onnx

    folder_of("deepotsu-grey", tmp_path / "model")
    path = tmp_path / "model" / "model.onnx"
    model = onnx.load(path, load_external_data=False)
    kept = {entry.key: entry.value for entry in model.metadata_props} | said
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, kept)
    path.write_bytes(model.SerializeToString())
    with pytest.raises(InputError, match=r"model\.onnx: its metadata are none that docbin writes"):
        runtimes.load(tmp_path / "model", "onnx")


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (8, 8), (7, 6), (64, 64), (5, 12)])
def test_the_matrices_are_the_fourier_transform(size: tuple[int, int]) -> None:
    x = np.random.default_rng(0).normal(size=size)
    m = transform_matrices(*size)
    real, imaginary = x @ m["columns_cos"], -x @ m["columns_sin"]
    real, imaginary = m["rows_cos"] @ real + m["rows_sin"] @ imaginary, m["rows_cos"] @ imaginary - m["rows_sin"] @ real
    np.testing.assert_allclose(real + 1j * imaginary, np.fft.rfft2(x, norm="ortho"), atol=1e-5)
    real, imaginary = m["rows_cos"] @ real - m["rows_sin"] @ imaginary, m["rows_cos"] @ imaginary + m["rows_sin"] @ real
    np.testing.assert_allclose(real @ m["back_real"] + imaginary @ m["back_imaginary"], x, atol=1e-5)


def test_the_threshold_is_the_networks_own() -> None:
    from docbin.nets.deepotsu import otsu

    rng = np.random.default_rng(0)
    two = np.where(rng.random((40, 50)) < 0.2, 0.1, 0.9)
    for grey in (rng.random((40, 50)), two, np.full((5, 5), 0.5), np.zeros((2, 2)), rng.normal(0.5, 1, (9, 9))):
        want = float(otsu(torch.from_numpy(grey.astype(np.float32))[None, None]))
        assert float(graphs._otsu(grey.astype(np.float32))) == pytest.approx(want, abs=1e-7)


def test_a_trace_leaves_the_network_as_it_was(tmp_path: Path) -> None:
    net = folder_of("fourbi", tmp_path / "fourbi")
    assert net(torch.rand(1, 3, 64, 64)).shape == (1, 1, 64, 64)  # by its own transforms, of another size than was traced


def test_steps_that_are_other_networks_are_no_single_graph(tmp_path: Path) -> None:
    (tmp_path / "weights.safetensors").write_bytes(b"")
    with pytest.raises(UsageError, match="one threshold of the whole page"):
        export.to_onnx(build("deepotsu", {"widths": [4], "steps": 2}), {}, tmp_path / "weights.safetensors")


def test_a_network_with_layers_called_convolutions_is_no_cut_of_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="norm is over the whole page"):
        export.to_onnx(build("sauvolanet", {}), {}, tmp_path / "weights.safetensors")
