"""Checkpoints: one `.safetensors` file, tensors in the body and everything else as JSON in its header; never a pickle.

Nested state (a task's, an optimizer's) is split by :func:`split`: tensors are named by their path ("optimizer/state/3/exp_avg"), the rest
stays a JSON tree with a mark where a tensor was. The file is written beside its place, synced, and moved over it in one step, so a run
killed at any instant leaves either the old checkpoint or the new one.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from docbin.errors import FileAccessError, InputError

_MARK = "__tensor__"


def split(state: Any, path: str, tensors: dict[str, Tensor]) -> Any:
    """The JSON tree of `state`; its tensors go into `tensors` by path. Tuples become lists, keys become text: the loader must not care."""
    if isinstance(state, Tensor):
        tensors[path] = state.detach().cpu().contiguous()
        return {_MARK: path}
    if isinstance(state, Mapping):
        return {str(key): split(value, f"{path}/{key}", tensors) for key, value in state.items()}
    if isinstance(state, list | tuple):
        return [split(value, f"{path}/{i}", tensors) for i, value in enumerate(state)]
    if state is None or isinstance(state, bool | int | float | str):
        return state
    raise TypeError(f"checkpoint: {path} is a {type(state).__name__}; only tensors, numbers, text, lists and mappings can be kept")


def join(tree: Any, tensors: Mapping[str, Tensor]) -> Any:
    """The inverse of :func:`split`."""
    if isinstance(tree, dict):
        if set(tree) == {_MARK}:
            return tensors[tree[_MARK]]
        return {key: join(value, tensors) for key, value in tree.items()}
    return [join(value, tensors) for value in tree] if isinstance(tree, list) else tree


def save(path: Path, state: Mapping[str, Any]) -> None:
    """Write `state` to `path` atomically.

    Raises
    ------
    FileAccessError
        The folder cannot be written or the disk is full.
    """
    tensors: dict[str, Tensor] = {}
    tree = split(state, "", tensors)
    beside = path.with_name(path.name + ".part")
    try:
        # Two names may share one storage (tied weights); safetensors wants each tensor whole. Its own save_file makes files that only
        # their owner may read.
        code = safetensors.torch.save({name: value.clone() for name, value in tensors.items()}, {"state": json.dumps(tree)})
        with beside.open("wb") as handle:
            handle.write(code)
            handle.flush()
            os.fsync(handle.fileno())
        beside.replace(path)
    except (OSError, SafetensorError) as error:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        raise FileAccessError(f"{path}: cannot write the checkpoint ({error})") from None


def load(path: Path) -> dict[str, Any]:
    """The state that :func:`save` wrote, tensors on the CPU.

    Raises
    ------
    FileAccessError
        There is no such file.
    InputError
        Not a checkpoint of docbin.
    """
    if not path.is_file():
        raise FileAccessError(
            f"{path}: no checkpoint there; name the folder of a training run ('docbin train --out FOLDER') or a checkpoint in it"
        )
    try:
        with safe_open(path, "pt") as handle:
            tree = json.loads((handle.metadata() or {})["state"])
            tensors = {name: handle.get_tensor(name) for name in handle.keys()}  # noqa: SIM118 - not a mapping
    except (SafetensorError, KeyError, ValueError) as error:
        raise InputError(f"{path}: not a training checkpoint of docbin ({error})") from None
    state: dict[str, Any] = join(tree, tensors)
    return state


def load_weights(path: Path) -> dict[str, Tensor]:
    """The network's tensors in a checkpoint (its average where it has one), a weights file of a run, or the ``weights.safetensors`` of a model
    folder.

    Raises
    ------
    FileAccessError, InputError
        As :func:`load`.
    """
    if path.is_file():
        try:
            with safe_open(path, "pt") as handle:
                if "state" not in (handle.metadata() or {}):
                    return {name: handle.get_tensor(name) for name in handle.keys()}  # noqa: SIM118 - not a mapping
        except SafetensorError as error:
            raise InputError(f"{path}: not a file of weights ({error})") from None
    state = load(path)
    found: dict[str, Tensor] = state.get("ema") or state.get("net") or state["task"]["net"]
    return found


def load_optimizer(optimizer: torch.optim.Optimizer, state: Mapping[str, Any]) -> None:
    """Load a state that went through a file: parameter numbers are text there, tuples are lists, and every tensor is contiguous.

    The last matters: the fused AdamW walks weight, gradient and moments in memory order, so moments that are contiguous beside a
    channels_last weight would be paired with the wrong elements, silently. They are laid out as their weights are.
    """
    groups = [
        {key: tuple(value) if isinstance(value, list) and key == "betas" else value for key, value in group.items()}
        for group in state["param_groups"]
    ]
    optimizer.load_state_dict({"state": {int(key): value for key, value in state["state"].items()}, "param_groups": groups})
    for weight, moments in optimizer.state.items():
        for name, value in moments.items():
            if isinstance(value, Tensor) and value.shape == weight.shape:
                moments[name] = torch.empty_like(weight).copy_(value)
