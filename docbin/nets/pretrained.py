"""A model folder to a torch network: ``config.toml`` says which architecture and variant, ``weights.safetensors`` holds its tensors.

The folder's layout is written by ``docbin package`` and checked by :mod:`docbin.zoo.folders`. Weights are stored as float16 (the rounding
moves a probability by less than a thousandth, which the folder's golden crop proves) and computed with as float32.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn

from docbin import kernels
from docbin.errors import InputError, UsageError
from docbin.nets import build
from docbin.nets.inference import clean_pages, probability
from docbin.page import FloatMap, Image, Mask, to_grey
from docbin.zoo.folders import Config, load_config, read_config

IN_RUN = "/net/"
"""What stands before the names of tensors in the weights that a training run writes."""


def load(folder: Path) -> nn.Module:
    """The network of a model folder, in evaluation mode, float32.

    Raises
    ------
    FileAccessError
        A file is missing.
    InputError
        The weights are not those that the config names by their SHA-256, or do not fit the architecture.
    UsageError
        The config names an architecture or a variant key that this version does not know, or the folder has packed bits and no weights.
    """
    return network(read_config(folder))


def network(config: Config) -> nn.Module:
    """As :func:`load`, for a config that was read already."""
    if config.weights is None:
        raise UsageError(
            f"model {config.name}: came as packed bits alone, without the float weights that PyTorch needs; "
            "docbin's engine runs it, and 'docbin train' makes it again from the recipe in its folder"
        )
    path = config.verified(config.weights)
    net = build(config.net, config.variant)
    tensors = {name.removeprefix(IN_RUN): value for name, value in load_file(path).items()}
    try:
        net.load_state_dict({name: value.to(net.state_dict()[name].dtype) for name, value in tensors.items()})
    except (KeyError, RuntimeError) as error:
        raise InputError(f"{path}: the tensors do not fit {config.net} ({error})") from None
    return net.eval()


@lru_cache(maxsize=2)
def _opened(folder: Path, sha256: str) -> nn.Module:
    """The network of a folder; the last two are kept."""
    return load(folder)


def opened(model: str) -> nn.Module:
    """The network of a model by its name or folder, loaded once and kept."""
    config = load_config(model)
    return _opened(config.folder.resolve(), config.sha256)


def repaired(image: Image, *, model: str, grey: bool, tile: int) -> Image:
    """A page repaired by a network that cleans, uint8 (H, W) or (H, W, 3); what the rows of :mod:`docbin.enhancing` run."""
    with _threads(kernels.threads()):
        page = clean_pages(opened(model), image, tile)[-1]
    return to_grey(page) if grey else page


class TorchNet:
    """A zoo model in torch, on the CPU in float32; the opener of the runtime ``torch`` (see :class:`docbin.zoo.runtimes.Opened`)."""

    def __init__(self, config: Config) -> None:
        self.net, self._input = network(config), config.input

    def probability(self, image: Image) -> FloatMap:
        """Probability of ink, float32 (H, W)."""
        if self._input.channels == "grey":
            image = to_grey(image)
        with _threads(kernels.threads()):
            return probability(self.net, image, self._input.tile, self._input.halo)

    def ink(self, image: Image, threshold: float) -> Mask:
        """Where the probability is at least `threshold`."""
        return np.asarray(self.probability(image) >= threshold)


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """So many threads for torch's operators, and afterwards what the program around had chosen."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
