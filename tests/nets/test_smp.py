# ruff: noqa: E402 - torch is optional, so it is asked for before the imports that need it
"""`smp`: the library's decoders and encoders under this package's contract, and torchvision beside any torch."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from docbin.errors import MissingExtra, UsageError
from docbin.nets import build
from docbin.nets.inference import probability

needs_smp = pytest.mark.skipif(
    importlib.util.find_spec("segmentation_models_pytorch") is None, reason="needs segmentation-models-pytorch (docbin[train])"
)
needs_torchvision = pytest.mark.skipif(importlib.util.find_spec("torchvision") is None, reason="needs torchvision (docbin[train])")
SMALLEST = "mobileone_s0"
OTHERS = ["UnetPlusPlus", "MAnet", "Linknet", "FPN", "PSPNet", "DeepLabV3", "DeepLabV3Plus", "UPerNet", "Segformer"]
DECODERS = ["Unet", "PAN", *(pytest.param(name, marks=pytest.mark.slow) for name in OTHERS)]


def python(code: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@needs_smp
@pytest.mark.parametrize("decoder", DECODERS)
def test_every_decoder_takes_odd_sizes_and_gives_gradients(decoder: str) -> None:
    torch.manual_seed(0)
    encoder = "mobilenet_v2" if decoder in ("DeepLabV3", "DeepLabV3Plus", "PAN") else SMALLEST
    net = build("smp", {"decoder": decoder, "encoder": encoder}).train()
    logits = net(torch.rand(2, 3, 45, 70))
    assert logits.shape == (2, 1, 45, 70)
    logits.square().mean().backward()
    reached = [name for name, weight in net.named_parameters() if weight.grad is not None and weight.grad.abs().sum() > 0]
    assert "net.segmentation_head.0.weight" in reached
    assert any(name.startswith("net.encoder.") for name in reached)
    assert net.halo is None


@needs_smp
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_flat_crops_train_without_nan(value: float) -> None:
    torch.manual_seed(0)
    net = build("smp", {"encoder": SMALLEST}).train()
    loss = torch.nn.functional.binary_cross_entropy_with_logits(net(torch.full((2, 3, 64, 64), value)), torch.full((2, 1, 64, 64), value))
    loss.backward()
    assert all(torch.isfinite(weight.grad).all() for weight in net.parameters() if weight.grad is not None)


@needs_smp
def test_a_page_goes_through_whole_unless_the_variant_says_otherwise() -> None:
    torch.manual_seed(0)
    pixels = np.random.default_rng(0).integers(0, 256, (50, 91, 3), np.uint8)
    net = build("smp", {"encoder": SMALLEST}).eval()
    with torch.inference_mode():
        image = torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255
        whole = torch.sigmoid(net(image))[0, 0].numpy()
    assert np.abs(probability(net, pixels, tile=32) - whole).max() < 1e-5
    tiled = build("smp", {"encoder": SMALLEST, "halo": 32}).eval()
    tiled.load_state_dict(net.state_dict())
    assert probability(tiled, pixels, tile=32).shape == (50, 91)


@needs_smp
def test_wrong_names_are_refused_with_the_right_ones() -> None:
    with pytest.raises(UsageError, match=r"unknown decoder 'Unett'.*UnetPlusPlus"):
        build("smp", {"decoder": "Unett"})
    with pytest.raises(UsageError, match=r"unknown encoder 'resnet43'; did you mean .*resnet34"):
        build("smp", {"encoder": "resnet43"})
    with pytest.raises(UsageError, match="cannot be built"):
        build("smp", {"encoder": "tu-no_such_model"})
    with pytest.raises(UsageError, match=r"weights 'imagnet'.*Available options"):
        build("smp", {"encoder_weights": "imagnet"})
    with pytest.raises(UsageError, match="halo = -2"):
        build("smp", {"halo": -2})


def test_without_the_library_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "segmentation_models_pytorch", None)
    with pytest.raises(MissingExtra, match=r"docbin\[train\]"):
        build("smp")


@needs_torchvision
def test_torchvision_can_be_imported_beside_this_torch() -> None:
    assert (
        python(
            "from docbin.nets.torchvision_repair import repair; assert repair() == repair(); import torchvision; print(torchvision.__name__)"
        )
        == "torchvision"
    )


def write_torchvision(folder: Path, body: str) -> None:
    (folder / "torchvision").mkdir()
    (folder / "torchvision" / "__init__.py").write_text(body, encoding="utf-8")


def test_missing_operators_are_declared_and_nothing_else(tmp_path: Path) -> None:
    """A torchvision of our own, whose operators do not load, registers a shape function as the real one does."""
    write_torchvision(
        tmp_path, "import torch\n@torch.library.register_fake('torchvision::nms')\ndef shape(dets, scores, iou): return dets\n"
    )
    path = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
    broken = path + "try:\n    import torchvision\nexcept RuntimeError as error:\n    print(error)"
    assert "torchvision::nms does not exist" in python(broken)
    mended = path + "from docbin.nets.torchvision_repair import repair\nassert repair()\nimport torchvision, torch\n"
    assert python(mended + "print(torch.ops.torchvision.nms.default._schema)").startswith("torchvision::nms(Tensor dets, Tensor scores")


def test_a_healthy_torchvision_is_left_alone(tmp_path: Path) -> None:
    """Its operators are there already: declaring them again would be an error, so nothing is declared."""
    write_torchvision(tmp_path, "")
    code = f"""
import sys; sys.path.insert(0, {str(tmp_path)!r})
import torch
real = torch.library.Library("torchvision", "DEF")
real.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
from docbin.nets.torchvision_repair import repair
print(repair())
"""
    assert python(code) == "False"
