"""Hints: a network of bits copies the maps inside its teacher, not only what the teacher says in the end.

Of a photograph's pixels a few in a hundred lie in a word, so truth and the teacher's probabilities say little of most of them, and what they say
has to come down through every binary layer. A teacher's maps say something of every cell at every level. A 1 x 1 convolution, thrown away after
training, predicts them from the student's maps of the same level ("hints" of FitNets, Romero et al., 2015, arXiv 1412.6550; binary networks
learn by them too: Martinez et al., 2020, arXiv 2003.11535).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from docbin.errors import UsageError
from docbin.nets.bitunet import BitUNet
from docbin.nets.compact import LEVELS
from docbin.nets.dbnet import DBNet


class Hints(nn.Module):
    """The error of a student's maps as predictions of a teacher's, at every level that both have.

    Parameters
    ----------
    student : a network of bits, of which at least one level is 1/4, 1/8, 1/16 or 1/32 of the picture's side
    teacher : a DBNet

    Raises
    ------
    UsageError
        Networks of other kinds, or without a level in common.
    """

    def __init__(self, student: nn.Module, teacher: nn.Module) -> None:
        super().__init__()
        if not isinstance(student, BitUNet) or not isinstance(teacher, DBNet):
            raise UsageError("loss.terms: hints: a network of bits and a dbnet as its teacher are wanted")
        self._said: dict[str, Tensor] = {}
        config = student.config
        counts = [*config.decoder_filters, config.filters[-1]]
        counts[0] *= config.thresholds_of[-1]  # the last map is bits, not levels
        self.sides = [side for at in range(len(counts)) if (side := config.first_stride * 2 ** (at + 1)) in LEVELS]
        if not self.sides:
            raise UsageError(f"loss.terms: hints: the student has no level at 1/{', 1/'.join(str(level) for level in LEVELS)} of the side")
        self.reads = nn.ModuleDict(
            {str(side): nn.Conv2d(counts[_level(config.first_stride, side)], teacher.config.inner, 1) for side in self.sides}
        )

    @contextmanager
    def of_student(self, student: Any) -> Iterator[None]:
        """Keep the maps of the forward pass inside."""
        layers = [*student.decoder, student.encoder[-1]]
        modules = {f"student {side}": layers[_level(student.config.first_stride, side)] for side in self.sides}
        with self._kept(modules, lambda module, keep: module.register_forward_hook(lambda _, given, made: keep(made))):
            yield

    @contextmanager
    def of_teacher(self, teacher: Any) -> Iterator[None]:
        """Keep the sums of the pyramid in the forward pass inside."""
        modules = {f"teacher {side}": teacher.pyramid.out[LEVELS.index(side)] for side in self.sides}
        with self._kept(modules, lambda module, keep: module.register_forward_pre_hook(lambda _, given: keep(given[0]))):
            yield

    @contextmanager
    def _kept(self, modules: Mapping[str, nn.Module], hook: Callable[[nn.Module, Callable[[Tensor], None]], Any]) -> Iterator[None]:
        handles = [hook(module, lambda made, name=name: self._said.__setitem__(name, made)) for name, module in modules.items()]  # type: ignore[misc]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def forward(self) -> Tensor:
        """Mean over levels of the squared error, in units of each teacher channel's variance over the batch: 1 for maps that tell nothing."""
        errors = []
        for side in self.sides:
            wanted = self._said.pop(f"teacher {side}").float()
            variance, mean = torch.var_mean(wanted, (0, 2, 3), keepdim=True)
            read = self.reads[str(side)](self._said.pop(f"student {side}")).float()
            errors.append((((wanted - mean) * (variance + 1e-6).rsqrt() - read) ** 2).mean())
        return torch.stack(errors).mean()


def _level(first_stride: int, side: int) -> int:
    """Which of a network's levels has cells of `side` pixels."""
    return (side // first_stride).bit_length() - 2
