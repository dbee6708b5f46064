"""`smp`: any decoder over any encoder of segmentation-models-pytorch, as a binarizer.

A door to the U-Net family as published: U-Net (Ronneberger et al., 2015), U-Net++ (Zhou et al., 2018), MA-Net (Fan et al., 2020), LinkNet
(Chaurasia and Culurciello, 2017), FPN (Kirillov et al., 2017), PSPNet (Zhao et al., 2017), DeepLabV3 and V3+ (Chen et al., 2017 and
2018), PAN (Li et al., 2018), UPerNet (Xiao et al., 2018), SegFormer (Xie et al., 2021), DPT (Ranftl et al., 2021), with encoders from
ResNets to what timm offers (``tu-`` and its name there). The winners of DIBCO's years since 2017 are of this family.

What the library leaves to its caller is done here: colours are centred as ImageNet's were, which pretrained encoders were trained on and
others do not mind; pages of any size are padded by their last row and column to what the encoder divides by, and the logits cut back.

How far such a network sees depends on the encoder and is the whole page where it pools globally (squeeze-and-excitation, attention,
PSPNet, DeepLab); so `halo` is None, a page goes through whole, and memory grows with it. A variant of convolutions only may say how much
surround its tiles are to get (``halo``); what that costs is its author's to measure.

Needs segmentation-models-pytorch (extra ``train``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from docbin.errors import FileAccessError, MissingExtra, UsageError
from docbin.nets.torchvision_repair import repair

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)


@dataclass(frozen=True, slots=True)
class SegmentationConfig:
    """A variant of :class:`SegmentationNet`.

    Attributes
    ----------
    decoder : name of the architecture in the library, in any case: Unet, UnetPlusPlus, MAnet, Linknet, FPN, PSPNet, DeepLabV3, ...
    encoder : name of the encoder in the library; ``tu-NAME`` for one of timm's
    encoder_weights : pretrained weights of the encoder that the library is to download ("imagenet"); "" for none
    encoder_depth : stages of the encoder; 0 for the decoder's default
    decoder_channels : channels of the decoder's stages from the deepest on, as many as the encoder has; () for the decoder's default, and for
        decoders that have no such choice
    halo : pixels of surround that tiles of a page get; -1 for whole pages
    """

    decoder: str = "Unet"
    encoder: str = "resnet34"
    encoder_weights: str = ""
    encoder_depth: int = 0
    decoder_channels: tuple[int, ...] = ()
    halo: int = -1

    def __post_init__(self) -> None:
        """Refuse negative depths and surrounds."""
        if self.encoder_depth < 0 or self.halo < -1:
            raise UsageError(
                f"smp: encoder_depth = {self.encoder_depth} and halo = {self.halo}: at least 0 (-1 for a halo of the whole page)"
            )


def open_library(net: str = "smp") -> Any:
    """The module segmentation_models_pytorch; MissingExtra where it is not installed."""
    repair()
    try:
        import segmentation_models_pytorch
    except ImportError as error:
        raise MissingExtra(f"net {net!r} needs segmentation-models-pytorch ({error}); pip install 'docbin[train]'") from None
    return segmentation_models_pytorch


def _check_encoder(library: Any, encoder: str, net: str) -> None:
    """Refuse an encoder that the library does not know; near names are suggested."""
    if encoder.startswith("tu-") or encoder in library.encoders.encoders:
        return
    import difflib

    near = difflib.get_close_matches(encoder, library.encoders.encoders, n=3, cutoff=0.4)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    raise UsageError(
        f"{net}: unknown encoder {encoder!r}; {hint}The library knows {', '.join(library.encoders.encoders)}, and timm's as tu-NAME"
    )


def encoder_of(net: str, encoder: str, weights: str) -> tuple[nn.Module, list[int]]:
    """An encoder of the library whose last four maps are at 1/4, 1/8, 1/16 and 1/32, and their channels; `net` names the asker in errors.

    Raises
    ------
    UsageError, FileAccessError, MissingExtra
        An unknown encoder or one without these four maps; weights that cannot be fetched; no such library.
    """
    library = open_library(net)
    _check_encoder(library, encoder, net)
    try:
        made = library.encoders.get_encoder(encoder, in_channels=3, depth=5, weights=weights or None)
    except OSError as error:
        raise FileAccessError(f"{net}: the weights {weights!r} of {encoder} cannot be fetched ({error})") from None
    except (KeyError, ValueError, RuntimeError, TypeError, NotImplementedError, AttributeError) as error:
        reason = str(error.args[0] if error.args else error)
        raise UsageError(f"{net}: the encoder {encoder} (weights {weights!r}) cannot be built: {reason}") from None
    channels = [int(count) for count in made.out_channels[-4:]]
    if int(made.output_stride) != 32 or len(made.out_channels) != 6 or min(channels) < 1:
        raise UsageError(f"{net}: the encoder {encoder} has no maps at 1/4, 1/8, 1/16 and 1/32; take a ResNet or MobileNet")
    return made, channels


def _built(config: SegmentationConfig) -> nn.Module:
    """The library's network of a variant; UsageError for names that it does not know or that do not go together, FileAccessError where
    pretrained weights cannot be fetched.
    """
    library = open_library()
    decoders = {decoder.__name__.lower(): decoder for decoder in library._MODEL_ARCHITECTURES}
    if config.decoder.lower() not in decoders:
        known = ", ".join(decoder.__name__ for decoder in decoders.values())
        raise UsageError(f"smp: unknown decoder {config.decoder!r}; choose one of {known}")
    encoder = config.encoder
    _check_encoder(library, encoder, "smp")
    options: dict[str, Any] = {"encoder_depth": config.encoder_depth} if config.encoder_depth else {}
    if config.decoder_channels:
        options["decoder_channels"] = config.decoder_channels
    if config.decoder.lower() == "dpt":
        options["dynamic_img_size"] = True
    try:
        net: nn.Module = decoders[config.decoder.lower()](
            encoder_name=encoder, encoder_weights=config.encoder_weights or None, in_channels=3, classes=1, **options
        )
    except OSError as error:
        raise FileAccessError(f"smp: the weights {config.encoder_weights!r} of {encoder} cannot be fetched ({error})") from None
    except (KeyError, ValueError, RuntimeError, TypeError, NotImplementedError, AttributeError) as error:
        reason = str(error.args[0] if error.args else error)
        raise UsageError(f"smp: {config.decoder} over {encoder} (weights {config.encoder_weights!r}) cannot be built: {reason}") from None
    return net


class SegmentationNet(nn.Module):
    """The network; see the module's docstring. Logits (N, 1, H, W) from RGB (N, 3, H, W) in 0..1."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, config: SegmentationConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or SegmentationConfig()
        self.net = _built(config)
        encoder: Any = self.net.encoder
        self.stride = max(int(encoder.output_stride), 32)
        self.least = 128 if config.decoder.lower() == "pan" else self.stride  # PAN halves the deepest map (1/16) three times more
        self.halo = None if config.halo < 0 else config.halo
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(IMAGENET_DEVIATION).view(1, 3, 1, 1), persistent=False)

    def forward(self, image: Tensor) -> Tensor:
        """Logits of ink, (N, 1, H, W), of RGB pages (N, 3, H, W) in 0..1 of any size."""
        height, width = image.shape[-2:]
        bottom = max(height + -height % self.stride, self.least) - height
        right = max(width + -width % self.stride, self.least) - width
        if bottom or right:
            image = F.pad(image, (0, right, 0, bottom), mode="replicate")
        logits: Tensor = self.net((image - self.mean) / self.deviation)
        return logits[..., :height, :width]
