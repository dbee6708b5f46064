"""What a variant of :class:`docbin.nets.bitunet.BitUNet` is, as data, and the convolutions that it has, in the order in which the engine runs them.

A search weighs thousands of variants by this list without building one (:mod:`docbin.train.architecture_search`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from docbin.errors import UsageError
from docbin.quant import get
from docbin.quant.quantizer import Deployment

MOST_THRESHOLDS = 8
"""Of a filter; the engine takes no more."""


class Layer(NamedTuple):
    """A convolution of bits.

    Attributes
    ----------
    name : its path among the network's modules, "encoder.1.0"
    inputs : numbers of the layers whose maps it reads side by side; () for the stem's codes
    filters, kernel, stride : of the convolution
    halvings : its map has 1 / 2^halvings of the page's side
    """

    name: str
    inputs: tuple[int, ...]
    filters: int
    kernel: int
    stride: int
    halvings: int


@dataclass(frozen=True, slots=True)
class BitUNetConfig:
    """A variant of :class:`docbin.nets.bitunet.BitUNet`.

    Attributes
    ----------
    windows : sides of the stem's windows in cells of 2 x 2 pixels, odd
    thetas : thresholds a window
    greys : fixed grey levels
    depths : fixed levels of the depth plane; 0 for a network that takes none. 4 (windows * thetas + greys + depths) must be a multiple of 64
    floor : added to the local deviation, grey levels
    filters : filters on the way down at 1/2, 1/4, 1/8, ... of the page's side
    decoder_filters : filters on the way up, one number fewer
    narrow : filters of the 1 x 1 convolution before the upsampling to each level; a layer's thresholds times its filters must be a multiple of 64
    thresholds : of a filter; it gives a bit for each
    encoder_convs, decoder_convs : convolutions a level on the way down and up (one number fewer for the way up)
    first_stride : of the first convolution, 1 or 2. With 2 all levels are half as large (1/4, 1/8, ...), a filter of the first sees 6 x 6 pixels, and
        the last map is doubled once more before the head, which has the stem's codes beside it
    planes : sign planes of the head's weights
    edge : filters of the 8-bit step behind the head; 0 for none
    layer_thresholds : thresholds of each layer by itself, in the order of :attr:`layers`; () for `thresholds` throughout. Layers whose maps are read
        side by side (:attr:`joined`) have equally many, because their bits are counted alike
    quantizer : a row of ``docbin.quant.METHODS`` whose weights fold to one plane
    """

    windows: tuple[int, ...] = (5, 13, 31)
    thetas: int = 7
    greys: int = 3
    depths: int = 8
    floor: float = 7.65
    filters: tuple[int, ...] = (32, 128, 128, 256)
    decoder_filters: tuple[int, ...] = (64, 128, 128)
    narrow: tuple[int, ...] = (32, 64, 64)
    thresholds: int = 2
    encoder_convs: tuple[int, ...] = (1, 2, 2, 2)
    decoder_convs: tuple[int, ...] = (1, 1, 2)
    first_stride: int = 1
    planes: int = 3
    edge: int = 0
    quantizer: str = "bireal"
    layer_thresholds: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Refuse counts that do not fit each other or the engine."""
        levels = len(self.filters)
        if (
            levels < 1
            or {len(self.decoder_filters), len(self.narrow), len(self.decoder_convs)} != {levels - 1}
            or len(self.encoder_convs) != levels
        ):
            raise UsageError(
                f"bitunet: {levels} levels of filters want {levels} encoder_convs and {levels - 1} decoder_filters, narrow and decoder_convs"
            )
        if self.codes % 64 or not self.codes:
            raise UsageError(
                f"bitunet: 4 ({len(self.windows)} windows x {self.thetas} thetas + {self.greys} greys + {self.depths} depths) "
                "must be a multiple of 64"
            )
        if self.first_stride not in (1, 2):
            raise UsageError(f"bitunet: first_stride = {self.first_stride}: 1 or 2 is wanted")
        if min(self.encoder_convs + self.decoder_convs) < 1:
            raise UsageError(f"bitunet: encoder_convs {self.encoder_convs}, decoder_convs {self.decoder_convs}: at least 1 is wanted")
        self._check_thresholds()
        deployment, why = get(self.quantizer).weight().deployment, get(self.quantizer).weight().why
        if deployment is not Deployment.FOLDS:
            raise UsageError(f"bitunet: quantizer {self.quantizer!r} does not fold to one plane of bits ({why})")

    def _check_thresholds(self) -> None:
        """Refuse maps that are no whole words, and maps side by side whose bits cannot be counted alike."""
        layers, counts = self.layers, self.thresholds_of
        if len(counts) != len(layers):
            raise UsageError(
                f"bitunet: layer_thresholds has {len(counts)} numbers, wanted is one for each of {', '.join(layer.name for layer in layers)}"
            )
        for layer, count in zip(layers, counts, strict=True):
            if not 1 <= count <= MOST_THRESHOLDS or layer.filters < 1 or layer.filters * count % 64:
                raise UsageError(
                    f"bitunet: {layer.name}: {layer.filters} filters of {count} thresholds: 1 to {MOST_THRESHOLDS} thresholds, and filters times "
                    "thresholds a multiple of 64, are wanted"
                )
        for group in self.joined:
            if len({counts[at] for at in group}) > 1:
                said = ", ".join(f"{layers[at].name} {counts[at]}" for at in group)
                raise UsageError(f"bitunet: layer_thresholds: maps that are read side by side want equally many thresholds, got {said}")

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The convolutions of bits in the order in which the engine runs them: down, then from the deepest level up."""
        found: list[Layer] = []

        def add(name: str, inputs: tuple[int, ...], filters: int, halvings: int, kernel: int = 3, stride: int = 1) -> int:
            found.append(Layer(name, inputs, filters, kernel, stride, halvings))
            return len(found) - 1

        deeper = self.first_stride == 2  # all levels lie a halving deeper
        at: tuple[int, ...] = ()
        skips = []
        for level, (filters, convolutions) in enumerate(zip(self.filters, self.encoder_convs, strict=True)):
            for k in range(convolutions):
                stride = self.first_stride if level == k == 0 else 1
                at = (add(f"encoder.{level}.{k}", at, filters, 1 + level + deeper, stride=stride),)
            skips.append(at[0])
        for level in range(len(self.filters) - 2, -1, -1):
            raised = add(f"narrow.{level}", at, self.narrow[level], 2 + level + deeper, kernel=1)
            at = (skips[level], raised)
            for k in range(self.decoder_convs[level]):
                at = (add(f"decoder.{level}.{k}", at, self.decoder_filters[level], 1 + level + deeper),)
        return tuple(found)

    @property
    def thresholds_of(self) -> tuple[int, ...]:
        """Thresholds of each of :attr:`layers`."""
        return self.layer_thresholds or (self.thresholds,) * len(self.layers)

    @property
    def joined(self) -> tuple[tuple[int, ...], ...]:
        """Numbers of layers that must have equally many thresholds: each layer is in one group, most alone in theirs."""
        group: dict[int, tuple[int, ...]] = {at: (at,) for at in range(len(self.layers))}
        for layer in self.layers:
            if len(layer.inputs) > 1:
                group.update(dict.fromkeys(layer.inputs, layer.inputs))
        return tuple(sorted(set(group.values())))

    @property
    def codes(self) -> int:
        """Bits of the stem a cell of 2 x 2 pixels."""
        return 4 * (len(self.windows) * self.thetas + self.greys + self.depths)
