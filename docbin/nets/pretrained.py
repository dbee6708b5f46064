"""A model folder to a network: ``config.toml`` says which architecture and variant, ``weights.safetensors`` holds its tensors.

The folder's layout is written by ``scripts/package_model.py`` and read here and, without torch, by :mod:`docbin.zoo`. Weights are stored as
float16 (the rounding moves a probability by less than a thousandth, which the folder's golden crop proves) and computed with as float32.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from torch import nn

from docbin.errors import FileAccessError, InputError
from docbin.nets import build


def read_config(folder: Path) -> Mapping[str, Any]:
    """The parsed ``config.toml`` of a model folder; FileAccessError or InputError where it is missing or no TOML."""
    path = folder / "config.toml"
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FileAccessError(f"{path}: cannot read the model's config ({error.strerror or error})") from None
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path}: not a TOML file ({error})") from None


def load(folder: Path) -> nn.Module:
    """The network of a model folder, in evaluation mode, float32.

    Raises
    ------
    FileAccessError
        A file is missing.
    InputError
        The weights are not those that the config names by their SHA-256, or do not fit the architecture.
    UsageError
        The config names an architecture or a variant key that this version does not know.
    """
    config = read_config(folder)
    path = folder / config["weights"]["file"]
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise FileAccessError(f"{path}: cannot read the weights ({error.strerror or error})") from None
    if digest != config["weights"]["sha256"]:
        raise InputError(
            f"{path}: SHA-256 is {digest}, {folder / 'config.toml'} says {config['weights']['sha256']}; fetch the folder again"
        )
    net = build(config["net"], config.get("variant", {}))
    tensors = load_file(path)
    try:
        net.load_state_dict({name: value.to(net.state_dict()[name].dtype) for name, value in tensors.items()})
    except (KeyError, RuntimeError) as error:
        raise InputError(f"{path}: the tensors do not fit {config['net']} ({error})") from None
    return net.eval()
