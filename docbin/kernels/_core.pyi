"""
docbin's compiled kernels; call them through docbin.kernels, which picks the level.
"""

from collections.abc import Sequence
from typing import Annotated

import numpy
from numpy.typing import NDArray

interface: int = 12

def available_levels() -> list[str]:
    """Levels this build and this CPU can run, worst first."""

def last_target() -> str:
    """
    The target whose kernels this thread ran last, as its file names itself: proof of what ran.
    """

def pieces(
    bits: Annotated[NDArray[numpy.uint8], dict(shape=(None, None), order="C", device="cpu", writable=False)],
    depth: Annotated[NDArray[numpy.uint8], dict(shape=(None, None), order="C", device="cpu", writable=False)] | None,
    slope: Annotated[NDArray[numpy.uint8], dict(shape=(None, None), order="C", device="cpu", writable=False)] | None,
    eight: bool,
) -> Annotated[NDArray[numpy.int64], dict(shape=(None, None))]:
    """
    A row of nine numbers a connected piece of a mask of 0 and 1; see docbin.kernels.pieces.
    """

def piece_peaks(
    bits: Annotated[NDArray[numpy.uint8], dict(shape=(None, None), order="C", device="cpu", writable=False)],
    first: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order="C", device="cpu", writable=False)],
    second: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order="C", device="cpu", writable=False)],
    third: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order="C", device="cpu", writable=False)],
) -> Annotated[NDArray[numpy.float64], dict(shape=(None, None))]:
    """
    Pixels and the largest values of three planes of every piece of a mask of 0 and 1; see docbin.kernels.pieces.
    """

def keep_by_cells(
    bits: Annotated[NDArray[numpy.uint8], dict(shape=(None, None), order="C", device="cpu")],
    cells: Annotated[NDArray[numpy.int16], dict(shape=(None, None), order="C", device="cpu", writable=False)],
    side: int,
    least: int,
) -> None:
    """
    Clears pieces of a mask of 0 and 1, in place; see docbin.kernels.pieces.
    """

def area_means(
    plane: Annotated[NDArray[numpy.uint8], dict(shape=(None, None), order="C", device="cpu", writable=False)],
    every: int,
    times: int,
    out: Annotated[NDArray[numpy.uint8], dict(shape=(None, None), order="C", device="cpu")],
) -> None: ...
def zone_counts(
    zones: Annotated[NDArray[numpy.uint8], dict(shape=(None, None), order="C", device="cpu", writable=False)],
    first: Annotated[NDArray[numpy.uint8], dict(shape=(None, None), order="C", device="cpu", writable=False)],
    second: Annotated[NDArray[numpy.uint8], dict(shape=(None, None), order="C", device="cpu", writable=False)],
    first_counts: Annotated[NDArray[numpy.int64], dict(shape=(None, None), order="C", device="cpu")],
    second_counts: Annotated[NDArray[numpy.int64], dict(shape=(None, None), order="C", device="cpu")],
) -> None: ...
def cell_planes(
    level: str,
    page: Annotated[NDArray[numpy.uint8], dict(shape=(None, None, None), order="C", device="cpu", writable=False)],
    depth: Annotated[NDArray[numpy.uint8], dict(shape=(None, None), order="C", device="cpu", writable=False)] | None,
    kinds: Annotated[NDArray[numpy.int32], dict(shape=(None,), order="C", device="cpu", writable=False)],
    windows: Annotated[NDArray[numpy.int32], dict(shape=(None,), order="C", device="cpu", writable=False)],
    floors: Annotated[NDArray[numpy.float32], dict(shape=(None,), order="C", device="cpu", writable=False)],
    limits: Annotated[NDArray[numpy.float32], dict(shape=(None,), order="C", device="cpu", writable=False)],
    cells_high: int,
    cells_wide: int,
    top: int,
    left: int,
    out: Annotated[NDArray[numpy.float32], dict(shape=(None, None, None), order="C", device="cpu")],
    threads: int,
) -> None: ...
def histogram(
    grey: Annotated[NDArray[numpy.uint8], dict(shape=(None, None), order="C", device="cpu", writable=False)],
    counts: Annotated[NDArray[numpy.int64], dict(shape=(None,), order="C", device="cpu")],
) -> None: ...
def keep_seeded(
    ink: Annotated[NDArray[numpy.uint8], dict(shape=(None, None), order="C", device="cpu")],
    contrasts: Annotated[NDArray[numpy.uint8], dict(shape=(None, None), order="C", device="cpu", writable=False)],
    level: int,
) -> None: ...
def contrast(
    level: str,
    grey: Annotated[NDArray[numpy.uint8], dict(shape=(None, None), order="C", device="cpu", writable=False)],
    out: Annotated[NDArray[numpy.uint8], dict(shape=(None, None), order="C", device="cpu")],
) -> None: ...
def su(
    level: str,
    grey: Annotated[NDArray[numpy.uint8], dict(shape=(None, None), order="C", device="cpu", writable=False)],
    contrasts: Annotated[NDArray[numpy.uint8], dict(shape=(None, None), order="C", device="cpu", writable=False)],
    mark: int,
    radius: int,
    least: float,
    spread2: float,
    out: Annotated[NDArray[numpy.uint8], dict(shape=(None, None), order="C", device="cpu")],
) -> None: ...
def background(
    level: str,
    grey: Annotated[NDArray[numpy.uint8], dict(shape=(None, None), order="C", device="cpu", writable=False)],
    ink: Annotated[NDArray[numpy.uint8], dict(shape=(None, None), order="C", device="cpu", writable=False)],
    radius: int,
    out: Annotated[NDArray[numpy.uint8], dict(shape=(None, None), order="C", device="cpu")],
    totals: Annotated[NDArray[numpy.int64], dict(shape=(None,), order="C", device="cpu")],
) -> None: ...
def below_surface(
    level: str,
    filtered: Annotated[NDArray[numpy.uint8], dict(shape=(None, None), order="C", device="cpu", writable=False)],
    surface: Annotated[NDArray[numpy.uint8], dict(shape=(None, None), order="C", device="cpu", writable=False)],
    ink: Annotated[NDArray[numpy.uint8], dict(shape=(None, None), order="C", device="cpu", writable=False)],
    paper_limits: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order="C", device="cpu", writable=False)],
    ink_limits: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order="C", device="cpu", writable=False)],
    out: Annotated[NDArray[numpy.uint8], dict(shape=(None, None), order="C", device="cpu")],
) -> None: ...
def wiener_noise(
    level: str,
    grey: Annotated[NDArray[numpy.uint8], dict(shape=(None, None), order="C", device="cpu", writable=False)],
    sums: Annotated[NDArray[numpy.int64], dict(shape=(None,), order="C", device="cpu")],
) -> None: ...
def wiener(
    level: str,
    grey: Annotated[NDArray[numpy.uint8], dict(shape=(None, None), order="C", device="cpu", writable=False)],
    noise: float,
    out: Annotated[NDArray[numpy.uint8], dict(shape=(None, None), order="C", device="cpu")],
) -> None: ...
def cells(
    level: str,
    grey: Annotated[NDArray[numpy.uint8], dict(shape=(None, None), order="C", device="cpu", writable=False)],
    row_edges: Annotated[NDArray[numpy.int64], dict(shape=(None,), order="C", device="cpu", writable=False)],
    column_edges: Annotated[NDArray[numpy.int64], dict(shape=(None,), order="C", device="cpu", writable=False)],
    black: int,
    white: int,
    stats: Annotated[NDArray[numpy.int64], dict(shape=(None,), order="C", device="cpu")],
) -> None: ...
def sliding_otsu(
    level: str,
    grey: Annotated[NDArray[numpy.uint8], dict(shape=(None, None), order="C", device="cpu", writable=False)],
    radius: int,
    step: int,
    out: Annotated[NDArray[numpy.uint8], dict(shape=(None, None), order="C", device="cpu")],
) -> None: ...

class Network:
    def __init__(self, level: str) -> None: ...
    def codes(
        self,
        windows: Annotated[NDArray[numpy.int32], dict(shape=(None,), order="C", device="cpu", writable=False)],
        theta: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order="C", device="cpu", writable=False)],
        grey: Annotated[NDArray[numpy.float32], dict(shape=(None,), order="C", device="cpu", writable=False)],
        depth: Annotated[NDArray[numpy.float32], dict(shape=(None,), order="C", device="cpu", writable=False)],
        floor: float,
    ) -> int: ...
    def conv(
        self,
        input: int,
        weights: Annotated[NDArray[numpy.uint64], dict(shape=(None, None, None, None), order="C", device="cpu", writable=False)],
        masks: Annotated[NDArray[numpy.uint64], dict(shape=(None, None, None, None), order="C", device="cpu", writable=False)] | None,
        limit: Annotated[NDArray[numpy.int32], dict(shape=(None, None), order="C", device="cpu", writable=False)],
        dilation: int,
        groups: int,
        stride: int,
    ) -> int: ...
    def pool(self, input: int) -> int: ...
    def upsample(self, input: int) -> int: ...
    def concat(self, inputs: Sequence[int]) -> int: ...
    def head(
        self,
        input: int,
        weights: Annotated[NDArray[numpy.uint64], dict(shape=(None, None, None, None), order="C", device="cpu", writable=False)],
        masks: Annotated[NDArray[numpy.uint64], dict(shape=(None, None, None, None), order="C", device="cpu", writable=False)] | None,
        scale: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order="C", device="cpu", writable=False)],
        bias: Annotated[NDArray[numpy.float32], dict(shape=(None,), order="C", device="cpu", writable=False)],
    ) -> int: ...
    def edge(
        self,
        input: int,
        first: Annotated[NDArray[numpy.int8], dict(shape=(None, None, None, None), order="C", device="cpu", writable=False)],
        first_factor: Annotated[NDArray[numpy.float32], dict(shape=(None,), order="C", device="cpu", writable=False)],
        first_offset: Annotated[NDArray[numpy.float32], dict(shape=(None,), order="C", device="cpu", writable=False)],
        second: Annotated[NDArray[numpy.int8], dict(shape=(None, None, None, None), order="C", device="cpu", writable=False)],
        second_factor: Annotated[NDArray[numpy.float32], dict(shape=(None,), order="C", device="cpu", writable=False)],
        second_offset: Annotated[NDArray[numpy.float32], dict(shape=(None,), order="C", device="cpu", writable=False)],
    ) -> int: ...
    def choice(
        self,
        input: int,
        windows: Annotated[NDArray[numpy.int32], dict(shape=(None,), order="C", device="cpu", writable=False)],
        k: float,
        sharpness: float,
    ) -> int: ...
    def run(
        self,
        page: Annotated[NDArray[numpy.uint8], dict(shape=(None, None), order="C", device="cpu", writable=False)],
        depth: Annotated[NDArray[numpy.uint8], dict(shape=(None, None), order="C", device="cpu", writable=False)] | None,
        logits: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order="C", device="cpu")] | None,
        ink: Annotated[NDArray[numpy.bool_], dict(shape=(None, None), order="C", device="cpu")] | None,
        threads: int,
        tile_rows: int,
        tile_columns: int,
    ) -> dict[str, float]:
        """Fills `logits` or `ink`; returns seconds by op, summed over threads."""

def png_rows(
    filtered: Annotated[NDArray[numpy.uint8], dict(shape=(None, None), order="C", device="cpu", writable=False)],
    step: int,
    top: int,
    out: Annotated[NDArray[numpy.uint8], dict(shape=(None, None), order="C", device="cpu")],
) -> bool:
    """
    Rows of a PNG from their filtered bytes, below the rows that out holds already; see docbin.kernels.png_rows.
    """

def pointwise(
    level: str,
    maps: Annotated[NDArray[numpy.int16], dict(shape=(None, None), order="C", device="cpu", writable=False)],
    residual: Annotated[NDArray[numpy.int16], dict(shape=(None, None), order="C", device="cpu", writable=False)] | None,
    weights: Annotated[NDArray[numpy.int16], dict(shape=(None, None, None, None), order="C", device="cpu", writable=False)],
    factor: Annotated[NDArray[numpy.float32], dict(shape=(None,), order="C", device="cpu", writable=False)],
    offset: Annotated[NDArray[numpy.float32], dict(shape=(None,), order="C", device="cpu", writable=False)],
    low: float,
    high: float,
    out: Annotated[NDArray[numpy.int16], dict(shape=(None, None), order="C", device="cpu")],
    threads: int,
) -> None: ...
def depthwise(
    level: str,
    maps: Annotated[NDArray[numpy.int16], dict(shape=(None, None, None), order="C", device="cpu", writable=False)],
    weights: Annotated[NDArray[numpy.int16], dict(shape=(None, None, None), order="C", device="cpu", writable=False)],
    factor: Annotated[NDArray[numpy.float32], dict(shape=(None,), order="C", device="cpu", writable=False)],
    offset: Annotated[NDArray[numpy.float32], dict(shape=(None,), order="C", device="cpu", writable=False)],
    low: float,
    high: float,
    side: int,
    stride: int,
    before: int,
    out: Annotated[NDArray[numpy.int16], dict(shape=(None, None, None), order="C", device="cpu")],
    threads: int,
) -> None: ...
def shrunk(
    page: Annotated[NDArray[numpy.uint8], dict(shape=(None, None, None), order="C", device="cpu", writable=False)],
    grey: Annotated[NDArray[numpy.uint8], dict(shape=(None, None), order="C", device="cpu", writable=False)],
    out: Annotated[NDArray[numpy.int16], dict(shape=(None, None, None), order="C", device="cpu")],
    threads: int,
) -> None: ...
def jbig2_generic_region(
    rows: Annotated[NDArray[numpy.uint8], dict(shape=(None, None), order="C", device="cpu", writable=False)], width: int, typical: bool
) -> bytes:
    """Arithmetic code of a bitmap; see docbin.kernels.jbig2.generic_region."""

def local_ink(
    level: str,
    grey: Annotated[NDArray[numpy.uint8], dict(shape=(None, None), order="C", device="cpu", writable=False)],
    window: int,
    formula: str,
    k: float,
    range: float,
    p: float,
    q: float,
    threads: int,
) -> Annotated[NDArray[numpy.bool_], dict(shape=(None, None))]:
    """Ink mask: grey <= threshold."""

def local_map(
    level: str,
    grey: Annotated[NDArray[numpy.uint8], dict(shape=(None, None), order="C", device="cpu", writable=False)],
    window: int,
    formula: str,
    k: float,
    range: float,
    p: float,
    q: float,
    threads: int,
) -> Annotated[NDArray[numpy.float32], dict(shape=(None, None))]:
    """Threshold map, rounded down to float32."""

def local_moments(
    level: str,
    grey: Annotated[NDArray[numpy.uint8], dict(shape=(None, None), order="C", device="cpu", writable=False)],
    window: int,
    threads: int,
) -> tuple[Annotated[NDArray[numpy.float64], dict(shape=(None, None))], Annotated[NDArray[numpy.float64], dict(shape=(None, None))]]:
    """Mean and standard deviation of every pixel's window."""

def local_spread(
    level: str,
    grey: Annotated[NDArray[numpy.uint8], dict(shape=(None, None), order="C", device="cpu", writable=False)],
    window: int,
    threads: int,
) -> tuple[int, float]:
    """Least grey of the page and largest variance of any window."""

def local_extreme(
    level: str,
    grey: Annotated[NDArray[numpy.uint8], dict(shape=(None, None), order="C", device="cpu", writable=False)],
    window: int,
    largest: bool,
    threads: int,
) -> Annotated[NDArray[numpy.uint8], dict(shape=(None, None))]:
    """Least or largest grey of every pixel's window."""

def bernsen(
    level: str,
    grey: Annotated[NDArray[numpy.uint8], dict(shape=(None, None), order="C", device="cpu", writable=False)],
    window: int,
    contrast: int,
    flat: int,
    threads: int,
) -> Annotated[NDArray[numpy.uint8], dict(shape=(None, None))]:
    """Bernsen's ink, 1 = ink."""

def metrics_counts(
    prediction: Annotated[NDArray[numpy.uint8], dict(shape=(None, None), order="C", device="cpu", writable=False)],
    truth: Annotated[NDArray[numpy.uint8], dict(shape=(None, None), order="C", device="cpu", writable=False)],
) -> list[int]:
    """
    Integer statistics of two masks of 0 and 1; see docbin.kernels.metrics.counts.
    """

def metrics_pseudo_counts(
    level: str,
    prediction: Annotated[NDArray[numpy.uint8], dict(shape=(None, None), order="C", device="cpu", writable=False)],
    truth: Annotated[NDArray[numpy.uint8], dict(shape=(None, None), order="C", device="cpu", writable=False)],
    threads: int,
) -> list[int]:
    """Weighted sums of two masks; see docbin.kernels.metrics.pseudo_counts."""

def metrics_weight_parts(
    level: str, truth: Annotated[NDArray[numpy.uint8], dict(shape=(None, None), order="C", device="cpu", writable=False)], threads: int
) -> tuple[
    Annotated[NDArray[numpy.int32], dict(shape=(None, None))],
    Annotated[NDArray[numpy.int32], dict(shape=(None, None))],
    Annotated[NDArray[numpy.int32], dict(shape=(None, None))],
    Annotated[NDArray[numpy.int32], dict(shape=(None, None))],
    Annotated[NDArray[numpy.uint8], dict(shape=(None, None))],
]:
    """
    Weight maps as ratios of integers; see docbin.kernels.metrics.weight_parts.
    """

def popcount_ceiling(level: str, seconds: float) -> tuple[float, str]:
    """
    Best rate of +-1 multiply-accumulates by xor, population count and addition on one core, in 10^9 a second, and the instruction that counts.
    """

def core_clock(seconds: float) -> float:
    """
    The clock of the core this runs on, in GHz, by additions that wait for each other; 0 where it is not known.
    """

def threshold_codes(
    level: str,
    page: Annotated[NDArray[numpy.uint8], dict(shape=(None, None), order="C", device="cpu", writable=False)],
    depth: Annotated[NDArray[numpy.uint8], dict(shape=(None, None), order="C", device="cpu", writable=False)] | None,
    windows: Annotated[NDArray[numpy.int32], dict(shape=(None,), order="C", device="cpu", writable=False)],
    theta: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order="C", device="cpu", writable=False)],
    grey: Annotated[NDArray[numpy.float32], dict(shape=(None,), order="C", device="cpu", writable=False)],
    depths: Annotated[NDArray[numpy.float32], dict(shape=(None,), order="C", device="cpu", writable=False)],
    floor: float,
    top: int,
    left: int,
    width: int,
    out: Annotated[NDArray[numpy.uint64], dict(shape=(None, None, None), order="C", device="cpu")],
) -> None: ...
