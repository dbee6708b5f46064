"""Bring the weights released with the SauvolaNet paper (a Keras HDF5 file, MIT licence) into docbin's own form.

    python scripts/import_sauvolanet.py Sauvola_v3_att_w7.15.23.31.39.47.55.63_k1_R1_a1_inorm.h5 sauvolanet_published.safetensors

The result is a weights file of a training run: a recipe starts from it with ``net.init``, ``docbin package`` makes a model folder of it.
Windows and widths are read from the file. Keras keeps a kernel as (rows, columns, in, out), torch as (out, in, rows, columns); its instance
norm has no weights, and its output is alpha (image - threshold) with ink below 0, docbin's is the negative, which is done in the network.
Needs h5py (in the extra ``train``).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from docbin.errors import FileAccessError, InputError
from docbin.nets import build
from docbin.train import checkpoint
from docbin.train.recipe import recipe_of


def main(argv: Sequence[str] | None = None) -> int:
    """Parse the command line, convert, print what was written."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("source", type=Path, help="the released Keras file (.h5)")
    parser.add_argument("out", type=Path, help="weights file to write (.safetensors)")
    options = parser.parse_args(argv)
    net = convert(options.source)
    recipe = recipe_of({"net": {"name": "sauvolanet", "variant": {"windows": net.config.windows, "widths": net.config.widths}}})
    about = {"step": 0, "minutes": 0.0, "recipe": json.loads(recipe.to_json()), "source": options.source.name}
    checkpoint.save(options.out, {"about": about, "net": net.state_dict()})
    print(f"{options.out}: {sum(weight.numel() for weight in net.parameters()):,} weights, windows {net.config.windows}")
    return 0


def convert(path: Path) -> Any:
    """The network of a released Keras file, in evaluation mode.

    Raises
    ------
    FileAccessError
        There is no such file.
    InputError
        It is not HDF5, or not a SauvolaNet.
    """
    import h5py

    if not path.is_file():
        raise FileAccessError(f"{path}: no such file")
    try:
        with h5py.File(path, "r") as file:
            layers = json.loads(file.attrs["model_config"])["config"]["layers"]
            weights = file["model_weights"]
            windows = next(layer["config"]["window_size_list"] for layer in layers if layer["class_name"] == "SauvolaMultiWindow")
            names = [layer["name"] for layer in layers if layer["class_name"] == "Conv2D"]
            state: dict[str, torch.Tensor] = {}
            for index, name in enumerate(names):
                ours = "choice" if name == "conv_att" else f"convolutions.{index}"
                kernel = np.asarray(weights[f"{name}/{name}/kernel:0"], np.float32).transpose(3, 2, 0, 1)
                state[f"{ours}.weight"] = torch.from_numpy(np.ascontiguousarray(kernel))
                state[f"{ours}.bias"] = torch.from_numpy(np.asarray(weights[f"{name}/{name}/bias:0"], np.float32))
            for ours, theirs in (
                ("k", "sauvola/sauvola/Sauvola_k:0"),
                ("deviation_range", "sauvola/sauvola/Sauvola_R:0"),
                ("alpha", "difference_thresh/difference_thresh/alpha:0"),
            ):
                state[ours] = torch.from_numpy(np.asarray(weights[theirs], np.float32).reshape(-1))
    except (OSError, KeyError, ValueError, StopIteration) as error:
        raise InputError(f"{path}: not the Keras file of a SauvolaNet ({error!r}); take the released .h5") from None
    widths = [state[f"convolutions.{index}.weight"].shape[0] for index in range(len(names) - 1)]
    net = build("sauvolanet", {"windows": windows, "widths": widths})
    net.load_state_dict(state)
    return net.eval()


if __name__ == "__main__":
    sys.exit(main())
