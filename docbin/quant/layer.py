"""The shared quantised convolution: the one layer that every 1-bit method trains in.

The signature is a superset of ``torch.nn.Conv2d``'s, and with both quantizers None the layer *is* ``torch.nn.Conv2d``, bit for bit. With an
activation quantizer the input is quantised first and padded afterwards by a constant of the quantizer's own alphabet (-1 for signs): zero padding
would put a third value into a +-1 map, which a packed engine cannot hold.
"""

from __future__ import annotations

from typing import Any, Literal

import torch.nn.functional as F
from torch import Tensor, nn

from docbin.errors import UsageError
from docbin.quant.quantizer import ActQuantizer, Plane, WeightQuantizer


class QuantConv2d(nn.Conv2d):
    """``nn.Conv2d`` with quantizers.

    Parameters
    ----------
    in_channels ... dtype : as in ``torch.nn.Conv2d``
    weight_quantizer : turns the latent weight into the weight used; None = the weight itself
    act_quantizer : turns the input into the input used; None = the input itself. With one, `padding_mode` must be "zeros", and the padding's value
        is the quantizer's `low`.

    Raises
    ------
    UsageError
        `padding_mode` other than "zeros" beside an activation quantizer.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: str | int | tuple[int, int] = 0,
        dilation: int | tuple[int, int] = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: Literal["zeros", "reflect", "replicate", "circular"] = "zeros",
        device: Any = None,
        dtype: Any = None,
        *,
        weight_quantizer: WeightQuantizer | None = None,
        act_quantizer: ActQuantizer | None = None,
    ) -> None:
        if act_quantizer is not None and padding_mode != "zeros":
            raise UsageError(f"QuantConv2d: padding_mode={padding_mode!r}: a quantised map is padded by a constant; leave it at 'zeros'")
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode, device, dtype)
        self.weight_quantizer = weight_quantizer
        self.act_quantizer = act_quantizer
        if weight_quantizer is not None:
            weight_quantizer.bind(self.weight.shape)
        if act_quantizer is not None:
            act_quantizer.bind(in_channels)

    def quantised_weight(self) -> Tensor:
        """The weight the layer multiplies with."""
        return self.weight if self.weight_quantizer is None else self.weight_quantizer(self.weight)

    def quantised_input(self, x: Tensor) -> Tensor:
        """The input the layer multiplies with, before padding."""
        return x if self.act_quantizer is None else self.act_quantizer(x)

    def planes(self) -> list[Plane]:
        """The deployed form of the weight; see :class:`docbin.quant.quantizer.Plane`."""
        if self.weight_quantizer is None:
            raise UsageError("a layer without a weight quantizer has float weights and no planes")
        return self.weight_quantizer.planes(self.weight)

    def _scaled(self, x: Tensor, y: Tensor) -> Tensor:
        """The output times what the two quantizers ask for."""
        if self.weight_quantizer is not None and (scale := self.weight_quantizer.output_scale(self.weight, y)) is not None:
            y = y * scale
        if self.act_quantizer is not None and (scale := self.act_quantizer.output_scale(x, self)) is not None:
            y = y * scale
        return y

    def forward(self, input: Tensor) -> Tensor:
        """(N, in, H, W) -> (N, out, H', W')."""
        if self.weight_quantizer is None and self.act_quantizer is None:
            return super().forward(input)
        weight, x = self.quantised_weight(), self.quantised_input(input)
        if self.act_quantizer is None:
            y = self._conv_forward(x, weight.to(x.dtype), None)
        else:
            # nn.Conv2d keeps the amounts in F.pad's order, "same" padding resolved.
            amounts = self._reversed_padding_repeated_twice
            if any(amounts):
                x = F.pad(x, amounts, value=self.act_quantizer.low)
            y = F.conv2d(x, weight.to(x.dtype), None, self.stride, 0, self.dilation, self.groups)
        y = self._scaled(input, y)
        return y if self.bias is None else y + self.bias.to(y.dtype).reshape(1, -1, 1, 1)

    def of_padded(self, x: Tensor) -> Tensor:
        """What :meth:`forward` gives of an input that is quantised and padded already, (N, in, H + 2 p, W + 2 p), where the activation quantizer has
        no scale that depends on the input.
        """
        y = self._scaled(x, F.conv2d(x, self.quantised_weight().to(x.dtype), None, self.stride, 0, self.dilation, self.groups))
        return y if self.bias is None else y + self.bias.to(y.dtype).reshape(1, -1, 1, 1)


def quantizers(net: nn.Module) -> list[WeightQuantizer | ActQuantizer]:
    """Every quantizer in a network."""
    return [module for module in net.modules() if isinstance(module, WeightQuantizer | ActQuantizer)]


def set_progress(net: nn.Module, progress: float) -> None:
    """Tell every quantizer in `net` how much of the training is done, 0..1; the training loop calls this once a step."""
    for quantizer in quantizers(net):
        quantizer.set_progress(progress)
