"""``docbin export``: a trained model for other programs (ONNX), or in bits for docbin's engine (packed)."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

from docbin.cli import messages
from docbin.cli.options import Argument, Option
from docbin.errors import MissingExtra, UsageError


class Form(StrEnum):
    """What to write."""

    onnx = "onnx"
    packed = "packed"


def command(
    model: Annotated[str, Argument(metavar="MODEL", help="A model of docbin ('docbin models'), or the path of a model folder.")],
    to: Annotated[
        Form,
        Option("--to", metavar="onnx|packed", help="ONNX for any runtime, or bits for docbin's engine.", show_default=False),
    ],
    out: Annotated[
        Path | None,
        Option(
            "-o",
            "--out",
            metavar="FILE",
            help="The file; replaced where it exists. [default: MODEL.onnx or MODEL.packed]",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Write a trained model as one file. The ONNX file takes pages of any size: page, float32 (1, 3, H, W) RGB in 0..1, to logits (1, 1, H, W).

    docbin export unet --to onnx -o unet.onnx
    """
    from docbin.zoo import folders

    config = folders.load_config(model)
    if to is Form.packed and config.packed is not None:  # it lies there already, and needs no torch
        _write(config.verified(config.packed).read_bytes(), out, config.folder.resolve().name, to)
        return
    if config.weights is None:
        raise UsageError(
            f"model {model} is a network of bits, which ONNX has no operators for; --to packed writes the file that docbin's engine runs"
        )
    try:
        import torch  # noqa: F401

        if to is Form.onnx:
            import onnx  # noqa: F401
    except ImportError as error:
        raise MissingExtra(f"exporting needs {error.name}, which is not installed; run: pip install 'docbin[train]'") from None
    from docbin.export import to_onnx, to_packed
    from docbin.nets.pretrained import network

    net = network(config)
    data = (
        to_packed(net) if to is Form.packed else to_onnx(net, {"docbin.model": config.folder.name, "docbin.weights": config.weights.sha256})
    )
    _write(data, out, config.folder.resolve().name, to)


def _write(data: bytes, out: Path | None, name: str, to: Form) -> None:
    """The file, whole or not at all."""
    from docbin.files.atomic import write_whole

    target = out or Path(f"{name}.{to.value}")
    write_whole(target, data)
    messages.note(f"{target} ({len(data) / 1e6:.2f} MB)")
