# ruff: noqa: E402 - torch is optional, so it is asked for before the imports that need it
"""EfficientNet-Lite0: names, features against a forward pass of the package's tensors written out here, padding, export, and refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import torch.nn.functional as F
from torch import Tensor

from docbin.errors import InputError, MissingExtra, UsageError
from docbin.nets import build
from docbin.nets.dbnet import DBNet
from docbin.nets.lite0 import STAGES, fixed_padding, imagenet_weights, load_imagenet, timm_name

KERNELS = (3, 3, 5, 3, 5, 5, 3)
STRIDES = (1, 2, 2, 2, 1, 2, 1)
CHANNELS = (16, 24, 40, 80, 112, 192, 320)


def detector(inner: int = 64, **more: object) -> DBNet:
    torch.manual_seed(0)
    try:
        net = build("dbnet", {"backbone": "efficientnet-lite0", "inner": inner, **more})
    except MissingExtra as error:
        pytest.skip(str(error))
    assert isinstance(net, DBNet)
    return net


def stand_in() -> dict[str, Tensor]:
    """Tensors of the package's names and shapes, random and tame."""
    generator = torch.Generator().manual_seed(1)
    made: dict[str, Tensor] = {}

    def conv(name: str, *shape: int) -> None:
        made[f"{name}.weight"] = torch.randn(*shape, generator=generator) / (shape[1] * shape[2] * shape[3]) ** 0.5

    def norm(name: str, channels: int) -> None:
        for kind in ("weight", "running_var"):
            made[f"{name}.{kind}"] = 0.5 + torch.rand(channels, generator=generator)
        for kind in ("bias", "running_mean"):
            made[f"{name}.{kind}"] = 0.3 * torch.randn(channels, generator=generator)
        made[f"{name}.num_batches_tracked"] = torch.tensor(7)

    conv("_conv_stem", 32, 3, 3, 3)
    norm("_bn0", 32)
    number, before = 0, 32
    for stage, blocks in enumerate(STAGES):
        for _ in range(blocks):
            inside, block = before * (6 if stage else 1), f"_blocks.{number}"
            if stage:
                conv(f"{block}._expand_conv", inside, before, 1, 1)
                norm(f"{block}._bn0", inside)
            conv(f"{block}._depthwise_conv", inside, 1, KERNELS[stage], KERNELS[stage])
            norm(f"{block}._bn1", inside)
            conv(f"{block}._project_conv", CHANNELS[stage], inside, 1, 1)
            norm(f"{block}._bn2", CHANNELS[stage])
            number, before = number + 1, CHANNELS[stage]
    conv("_conv_head", 1280, 320, 1, 1)
    norm("_bn1", 1280)
    made["_fc.weight"], made["_fc.bias"] = torch.randn(1000, 1280, generator=generator), torch.randn(1000, generator=generator)
    return made


def written_out(weights: dict[str, Tensor], picture: Tensor) -> list[Tensor]:
    """The maps after stages 2, 3, 5 and 7, from the package's tensors alone, with TensorFlow's padding worked out from each map's size."""

    def conv(x: Tensor, name: str, stride: int = 1, groups: int = 1) -> Tensor:
        weight = weights[f"{name}.weight"]
        kernel = weight.shape[-1]
        pads = []
        for length in (x.shape[-1], x.shape[-2]):
            whole = max((-(-length // stride) - 1) * stride + kernel - length, 0)
            pads += [whole // 2, whole - whole // 2]
        return F.conv2d(F.pad(x, pads), weight, None, stride, groups=groups)

    def norm(x: Tensor, name: str) -> Tensor:
        told = [weights[f"{name}.{kind}"] for kind in ("running_mean", "running_var", "weight", "bias")]
        return F.batch_norm(x, *told, training=False, eps=1e-3)

    x = F.relu6(norm(conv(picture, "_conv_stem", 2), "_bn0"))
    maps, number = [], 0
    for stage, blocks in enumerate(STAGES):
        for block in range(blocks):
            name, stride, start = f"_blocks.{number}", STRIDES[stage] if block == 0 else 1, x
            if stage:
                x = F.relu6(norm(conv(x, f"{name}._expand_conv"), f"{name}._bn0"))
            x = F.relu6(norm(conv(x, f"{name}._depthwise_conv", stride, x.shape[1]), f"{name}._bn1"))
            x = norm(conv(x, f"{name}._project_conv"), f"{name}._bn2")
            x = x + start if block else x
            number += 1
        if stage in (1, 2, 4, 6):
            maps.append(x)
    return maps


def far_apart(net: DBNet, weights: dict[str, Tensor]) -> float:
    """The largest difference of a feature, as a share of its map's largest."""
    load_imagenet(net, weights)
    rows = torch.linspace(0, 1, 96)[:, None]
    columns = torch.linspace(0, 1, 160)[None]
    picture = torch.stack([(rows + columns) / 2, (7 * rows * columns) % 1, (columns - rows).abs()])[None] * 2 - 1
    with torch.inference_mode():
        said, wanted = net.eval().encoder(picture)[-4:], written_out(weights, picture)
    assert [map.shape for map in said] == [map.shape for map in wanted]
    return max(float((a - b).abs().max() / b.abs().max()) for a, b in zip(said, wanted, strict=True))


def test_features_are_those_of_a_forward_pass_written_out() -> None:
    assert far_apart(detector(), stand_in()) < 1e-5


def test_features_of_the_packages_weights() -> None:
    try:
        weights = imagenet_weights()
    except MissingExtra as error:
        pytest.skip(str(error))
    assert far_apart(detector(), weights) < 1e-5


def test_every_weight_of_the_encoder_is_replaced() -> None:
    net = detector()
    before = {name: value.clone() for name, value in net.encoder.state_dict().items()}
    load_imagenet(net, stand_in())
    for name, value in net.encoder.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            assert not torch.equal(value, before[name]), name


def test_names() -> None:
    assert timm_name("_conv_stem.weight") == "conv_stem.weight"
    assert timm_name("_blocks.0._bn1.bias") == "blocks.0.0.bn1.bias"
    assert timm_name("_blocks.4._depthwise_conv.weight") == "blocks.2.1.conv_dw.weight"
    assert timm_name("_blocks.15._bn2.running_var") == "blocks.6.0.bn3.running_var"
    assert timm_name("_fc.bias") is None
    for wrong in ("_blocks.16._bn1.bias", "_blocks.0._expand_conv.weight", "layer.weight"):
        with pytest.raises(InputError, match="unknown tensor"):
            timm_name(wrong)


def test_it_fits_eight_megabytes_of_float16() -> None:
    net = detector(64)
    assert 2 * sum(value.numel() for value in net.state_dict().values()) < 7_000_000
    assert fixed_padding(net) == 0  # none is left that works out its padding


@pytest.mark.parametrize("size", [(1, 1), (33, 50), (64, 96)])
def test_any_size_comes_back(size: tuple[int, int]) -> None:
    with torch.inference_mode():
        assert detector(8).eval()(torch.rand(1, 3, *size)).shape == (1, 1, *size)


def test_the_exported_graph_gives_the_same_at_any_size() -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    from docbin import export

    net = detector(8, outline=1.0)
    load_imagenet(net, stand_in())
    net.eval()
    session = onnxruntime.InferenceSession(export.to_onnx(net), providers=["CPUExecutionProvider"])
    for size in ((64, 96), (75, 130)):
        picture = np.random.default_rng(0).random((1, 3, *size), np.float32)
        with torch.inference_mode():
            wanted = torch.sigmoid(net(torch.from_numpy(picture))).numpy()
        (logits,) = session.run(["logits"], {"page": picture})
        assert np.abs(1 / (1 + np.exp(-logits)) - wanted).max() < 1e-4


def test_a_run_starts_from_imagenet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("shapely")
    from docbin.nets import lite0
    from docbin.train import checkpoint
    from docbin.train.loop import train
    from tests.detection.boxes import Source, recipe

    detector(8)
    given = stand_in()
    monkeypatch.setattr(lite0, "imagenet_weights", lambda: given)
    section = {"name": "dbnet", "variant": {"backbone": "efficientnet-lite0", "inner": 8}, "init": "imagenet"}
    train(recipe(net=section, run={"steps": 1, "batch": 2}, optim={"rate": 1e-9, "decay": 0.0}), tmp_path, source=Source(), pages=[])
    trained = checkpoint.load(tmp_path / "final.safetensors")["net"]
    assert torch.allclose(trained["encoder.model.conv_stem.weight"], given["_conv_stem.weight"], atol=1e-5)


def test_other_networks_have_no_such_start() -> None:
    with pytest.raises(UsageError, match="for the backbone 'efficientnet-lite0' alone"):
        load_imagenet(build("dbnet", {"inner": 8, "widths": [4, 6, 8, 8], "blocks": [1, 1, 1, 1], "dilations": [1], "stem": 4}), stand_in())


def test_an_eye_takes_the_first_stages_of_imagenets_weights() -> None:
    try:
        net = build("unet", {"eye": "efficientnet-lite0"})
    except MissingExtra as error:
        pytest.skip(str(error))
    weights = stand_in()
    load_imagenet(net, weights)
    state = net.eye.encoder.state_dict()
    assert torch.equal(state["model.conv_stem.weight"], weights["_conv_stem.weight"])
    assert torch.equal(state["model.blocks.4.2.conv_pwl.weight"], weights["_blocks.10._project_conv.weight"])
    assert not any(name.startswith("model.blocks.5") for name in state)
    weights["_blocks.10._project_conv.weight"] = weights["_blocks.10._project_conv.weight"][:5]
    with pytest.raises(InputError, match="do not fit"):
        load_imagenet(net, weights)
