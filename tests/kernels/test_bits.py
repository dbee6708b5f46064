"""Binary convolution: every level equals the NumPy twin bit for bit, and the twin equals a convolution of the +-1 values."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from docbin import kernels
from docbin.kernels import bits

COMPILED = [level for level in kernels.levels() if level != "numpy"]

# words in, height, width, channels out, kernel, stride, dilation, padding, groups
SHAPES = [
    (1, 1, 1, 1, 1, 1, 1, 0, 1),
    (1, 3, 3, 64, 3, 1, 1, 1, 1),
    (1, 5, 7, 63, 3, 1, 1, 1, 1),
    (1, 9, 33, 65, 3, 1, 1, 1, 1),
    (2, 6, 16, 64, 3, 1, 1, 1, 1),
    (2, 7, 31, 100, 3, 2, 1, 1, 1),
    (2, 11, 17, 128, 3, 1, 2, 2, 2),
    (3, 8, 40, 7, 3, 3, 1, 0, 1),
    (4, 5, 9, 256, 3, 1, 1, 1, 4),
    (11, 5, 12, 64, 3, 1, 1, 1, 1),  # 99 taps: more than one copied block
    (1, 4, 70, 64, 1, 1, 1, 0, 1),
    (2, 4, 19, 64, 1, 2, 1, 0, 1),
    (1, 6, 13, 64, 5, 1, 1, 2, 1),
]


def case(shape: tuple[int, ...], masked: bool, seed: int = 0):
    words_in, height, width, outs, kernel, stride, dilation, padding, groups = shape
    rng = np.random.default_rng(seed)

    def words(*size: int) -> np.ndarray:
        return rng.integers(0, 2**64, size, dtype=np.uint64)

    filters = (outs, words_in // groups, kernel, kernel)
    weights, masks = words(*filters), words(*filters) if masked else None
    most = 64 * words_in // groups * kernel**2 // (4 if masked else 2)
    limit = rng.integers(most - 8, most + 8, outs, dtype=np.int32)
    options = {"stride": stride, "dilation": dilation, "padding": padding, "groups": groups}
    return words(words_in, height, width), weights, masks, limit, options


@pytest.mark.parametrize("level", COMPILED)
@pytest.mark.parametrize(("shape", "masked", "pad_bit"), list(itertools.product(SHAPES, (False, True), (False, True))))
def test_every_level_equals_the_twin(level: str, shape: tuple[int, ...], masked: bool, pad_bit: bool) -> None:
    words, weights, masks, limit, options = case(shape, masked)
    with kernels.use("numpy"):
        want_bits = bits.conv_bits(words, weights, limit, masks=masks, pad_bit=pad_bit, **options)
        want_dots = bits.conv_dots(words, weights, masks=masks, pad_bit=pad_bit, **options)
    with kernels.use(level):
        for threads in (1, 3):
            assert np.array_equal(
                bits.conv_bits(words, weights, limit, masks=masks, pad_bit=pad_bit, threads=threads, **options), want_bits
            )
            assert np.array_equal(bits.conv_dots(words, weights, masks=masks, pad_bit=pad_bit, threads=threads, **options), want_dots)


@pytest.mark.parametrize("level", kernels.levels())
@pytest.mark.parametrize("fan", [2, 3])
@pytest.mark.parametrize("shape", [SHAPES[3], SHAPES[8], SHAPES[9]])
def test_several_thresholds_a_filter_are_several_convolutions(level: str, fan: int, shape: tuple[int, ...]) -> None:
    words, weights, _, limit, options = case(shape, masked=False)
    limits = np.stack([limit + 5 * k for k in range(fan)])
    with kernels.use(level):
        together = bits.conv_bits(words, weights, limits, **options)
        apart = [bits.conv_bits(words, weights, each, **options) for each in limits]
    assert np.array_equal(together, np.concatenate(apart))


@pytest.mark.parametrize(
    ("stride", "dilation", "padding", "groups", "pad_bit"), [(1, 1, 1, 1, False), (2, 1, 1, 1, True), (1, 2, 2, 2, False)]
)
def test_dot_products_are_those_of_the_signs(stride: int, dilation: int, padding: int, groups: int, pad_bit: bool) -> None:
    rng = np.random.default_rng(1)
    x, w = rng.random((128, 9, 11)) < 0.5, rng.random((128, 128 // groups, 3, 3)) < 0.5
    dots = bits.conv_dots(
        bits.pack(x), bits.pack_weights(w), stride=stride, dilation=dilation, padding=padding, groups=groups, pad_bit=pad_bit
    )
    signs = np.pad(np.where(x, 1, -1), ((0, 0), (padding, padding), (padding, padding)), constant_values=1 if pad_bit else -1)
    want = np.zeros(dots.shape, int)
    per_group = 128 // groups
    for o, y, c in itertools.product(range(128), range(dots.shape[1]), range(dots.shape[2])):
        first = o // (128 // groups) * per_group
        top, left = y * stride, c * stride
        field = signs[first : first + per_group, top : top + 2 * dilation + 1 : dilation, left : left + 2 * dilation + 1 : dilation]
        want[o, y, c] = (field * np.where(w[o], 1, -1)).sum()
    assert np.array_equal(dots, want)


def test_accumulators_hold_the_most_taps_allowed() -> None:
    words = np.zeros((511, 1, 40), np.uint64)  # all -1 against all +1: every bit differs
    weights = np.full((2, 511, 1, 1), 2**64 - 1, np.uint64)
    for level in kernels.levels():
        with kernels.use(level):
            assert (bits.conv_dots(words, weights) == -511 * 64).all()
            assert (bits.conv_bits(words, weights, np.array([511 * 64, 511 * 64 - 1], np.int32)) == 1).all()
    with pytest.raises(ValueError, match="at most 511"):
        bits.conv_dots(np.zeros((512, 1, 1), np.uint64), np.zeros((1, 512, 1, 1), np.uint64))


def test_a_channel_count_that_fills_no_word() -> None:
    rng = np.random.default_rng(2)
    x, w = rng.random((40, 6, 5)) < 0.5, rng.random((3, 40, 3, 3)) < 0.5
    dots = bits.conv_dots(bits.pack(x), bits.pack_weights(w), channels=40, padding=0)
    assert dots[1, 0, 0] == (np.where(x[:, :3, :3], 1, -1) * np.where(w[1], 1, -1)).sum()


def test_the_forced_level_really_runs() -> None:
    core = pytest.importorskip("docbin.kernels._core")
    assert [core.bits_unit(level) for level in COMPILED] == COMPILED


@pytest.mark.parametrize("channels", [1, 31, 64, 65, 130])
def test_packing_is_undone_by_unpacking(channels: int) -> None:
    x = np.random.default_rng(3).random((channels, 5, 3)) < 0.5
    assert np.array_equal(bits.unpack(bits.pack(x), channels), x)


def test_plumbing_on_bits_is_plumbing_on_signs() -> None:
    x = np.random.default_rng(4).random((128, 6, 10)) < 0.5
    words = bits.pack(x)
    assert np.array_equal(bits.unpack(bits.max_pool(words), 128), x.reshape(128, 3, 2, 5, 2).max(axis=(2, 4)))
    assert np.array_equal(bits.unpack(bits.upsample(words), 128), x.repeat(2, 1).repeat(2, 2))
    assert np.array_equal(bits.unpack(bits.concat(words, words[:1]), 192), np.concatenate([x, x[:64]]))
    assert np.array_equal(bits.pixel_shuffle(bits.pixel_unshuffle(words)), words)
    assert np.array_equal(bits.unpack(bits.pixel_unshuffle(words)[2:4], 128), x[:, ::2, 1::2])


@pytest.mark.parametrize(
    ("words", "weights", "options", "says"),
    [
        ((1, 2, 2), (64, 1, 3, 3), {}, "smaller than the filter"),
        ((2, 4, 4), (64, 1, 3, 3), {}, "groups=1"),
        ((2, 4, 4), (32, 1, 3, 3), {"groups": 2}, "whole words"),
        ((1, 4, 4), (64, 1, 3, 3), {"stride": 0}, "stride=0"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(words: tuple[int, ...], weights: tuple[int, ...], options: dict[str, int], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        bits.conv_dots(np.zeros(words, np.uint64), np.zeros(weights, np.uint64), **options)


def epilogues(shape: tuple[int, ...], size: tuple[int, ...]):
    """Numbers of both epilogues for a shape's channels, and their residuals."""
    outs = shape[3]
    rng = np.random.default_rng(5)
    affine = [rng.normal(0, 1, outs).astype(np.float32) for _ in range(4)]
    fixed = [rng.integers(-32768, 32768, outs), rng.integers(0, 31, outs), rng.integers(-(2**29), 2**29, outs) >> rng.integers(0, 30, outs)]
    fixed += [rng.integers(-32768, 32768, outs), rng.integers(0, 31, outs), rng.integers(-32768, 32768, outs)]
    residual = rng.integers(-32768, 32768, size, dtype=np.int16)
    return (bits.conv_affine, affine, residual.astype(np.float32) / 3), (bits.conv_fixed, fixed, residual)


@pytest.mark.parametrize("level", COMPILED)
@pytest.mark.parametrize(("shape", "masked", "place"), list(itertools.product(SHAPES, (False, True), ("none", "first", "last"))))
def test_every_level_of_an_epilogue_equals_the_twin(level: str, shape: tuple[int, ...], masked: bool, place: str) -> None:
    words, weights, masks, _, options = case(shape, masked)
    size = bits.conv_dots(words, weights, **options).shape
    for run, numbers, residual in epilogues(shape, size):
        options |= {"masks": masks, "residual": None if place == "none" else residual, "residual_first": place == "first", "signs": True}
        with kernels.use("numpy"):
            want, want_signs = run(words, weights, *numbers, **options)
        with kernels.use(level):
            for threads in (1, 3):
                got, signs = run(words, weights, *numbers, threads=threads, **options)
                assert (got.dtype, got.tobytes()) == (want.dtype, want.tobytes())  # -0.0 and all
                assert np.array_equal(signs, want_signs)
                assert np.array_equal(signs, bits.pack(want >= 0))
            assert run(words, weights, *numbers, **(options | {"signs": False}))[1] is None


@pytest.mark.parametrize("level", kernels.levels())
@pytest.mark.parametrize("residual_first", [True, False])
@pytest.mark.parametrize(("stride", "dilation", "padding", "groups"), [(1, 1, 1, 1), (2, 1, 1, 1), (1, 2, 2, 2)])
def test_epilogues_are_torch_layers_on_the_signs(
    level: str, residual_first: bool, stride: int, dilation: int, padding: int, groups: int
) -> None:
    """All numbers are small multiples of 1/8 and 1/4, so that torch's float32 is exact, and the fixed point of 1/64 is too."""
    torch = pytest.importorskip("torch")
    from docbin.quant.react import RPReLU

    rng = np.random.default_rng(6)
    x, w = rng.random((128, 9, 11)) < 0.5, rng.random((128, 128 // groups, 3, 3)) < 0.5
    scale, bias, gamma, zeta = (rng.integers(-16, 17, 128) / 8 for _ in range(4))
    slope = rng.integers(-4, 5, 128) / 4
    with torch.inference_mode():
        signs = torch.nn.functional.pad(torch.tensor(np.where(x, 1.0, -1.0)), [padding] * 4, value=-1.0)
        filters = torch.tensor(np.where(w, 1.0, -1.0))
        dots = torch.nn.functional.conv2d(signs.float()[None], filters.float(), stride=stride, dilation=dilation, groups=groups)
        residual = torch.tensor(rng.integers(-64, 65, dots.shape) / 2).float()
        layer = RPReLU(128)
        for parameter, value in ((layer.before, gamma), (layer.slope, slope), (layer.after, zeta)):
            parameter.copy_(torch.tensor(value))
        sums = dots * torch.tensor(scale).float()[:, None, None] + torch.tensor(bias).float()[:, None, None]
        want = (layer(sums + residual) if residual_first else layer(sums) + residual)[0].numpy()
    options = {
        "stride": stride,
        "dilation": dilation,
        "padding": padding,
        "groups": groups,
        "residual_first": residual_first,
        "signs": True,
    }
    packed, weights, extra = bits.pack(x), bits.pack_weights(w), residual[0].numpy()
    with kernels.use(level):
        got, got_signs = bits.conv_affine(packed, weights, scale, bias - gamma, slope, zeta, residual=extra, **options)
        assert np.array_equal(got, want)
        assert np.array_equal(bits.unpack(got_signs, 128), want >= 0)
        units = [(64 * number).astype(np.int64) for number in (bias - gamma, zeta)]
        numbers = ((64 * 8 * scale).astype(np.int64), 3, units[0], (4 * slope).astype(np.int64), 2, units[1])
        fixed, fixed_signs = bits.conv_fixed(packed, weights, *numbers, residual=(64 * extra).astype(np.int16), **options)
        assert np.array_equal(fixed / 64, want.clip(-512, 32767 / 64))
        assert np.array_equal(bits.unpack(fixed_signs, 128), want >= 0)


@pytest.mark.parametrize("level", kernels.levels())
def test_fixed_point_by_hand(level: str) -> None:
    """One tap of one word: dot products 64 and -64; multiplied by 1/128, plus 1/2 is rounded down."""
    words, weights = np.array([[[2**64 - 1, 0]]], np.uint64), np.full((1, 1, 1, 1), 2**64 - 1, np.uint64)

    def run(*numbers: int) -> list[int]:
        with kernels.use(level):
            return bits.conv_fixed(words, weights, *numbers)[0].ravel().tolist()

    assert run(1, 7, 0) == [1, 0]  # 0.5 and -0.5: ties go upwards
    assert run(3, 7, 0) == [2, -1]  # 1.5 and -1.5
    assert run(1, 0, 0, 3, 7) == [64, -1]  # -64 * 3 / 128 = -1.5
    assert run(1, 0, -64, 1, 0, 5) == [5, -123]
    assert run(32767, 0, 0) == [32767, -32768]
    assert run(32767, 0, 0, -32768, 15) == [32767, 32767]  # 32768 is one too many


def test_the_widest_numbers_of_the_epilogues_fit_their_sums() -> None:
    """511 words a filter, all equal or all different, and every number at both of its ends."""
    words = np.zeros((511, 1, 33), np.uint64)
    ends = [(False, True), (-32768, 32767), (0, 30), (-(2**29), 2**29), (-32768, 32767), (0, 30), (-32768, 32767)]
    unlike, *numbers = (np.array(column) for column in zip(*itertools.product(*ends), strict=True))
    weights = np.repeat(np.where(unlike, np.uint64(2**64 - 1), np.uint64(0)), 511).reshape(128, 511, 1, 1)
    dots = np.where(unlike, -32704, 32704)
    for extreme in (-32768, 32767):
        residual = np.full((128, 1, 33), extreme, np.int16)
        results = []
        for level in kernels.levels():
            with kernels.use(level):
                results.append(bits.conv_fixed(words, weights, *numbers, residual=residual)[0])
                exact, _ = bits.conv_affine(words, weights, 1, 0, residual=residual.astype(np.float32))
                assert np.array_equal(exact[:, 0, 0], dots + extreme)
        assert all(np.array_equal(result, results[0]) for result in results)


@pytest.mark.parametrize(
    ("numbers", "residual", "says"),
    [
        ((1, 31, 0), None, "whole numbers from"),
        ((32768, 0, 0), None, "whole numbers from"),
        ((0.5, 0, 0), None, "whole numbers from"),
        ((np.array([1, 2]), 0, 0), None, "multiplier wants one finite number or 64"),
        ((1, 0, 0), np.zeros((64, 4, 5), np.int16), r"int16 \(64, 4, 4\) is wanted"),
        ((1, 0, 0), np.zeros((64, 4, 4), np.float32), "got float32"),
    ],
)
def test_numbers_out_of_range_are_refused(numbers: tuple[float, ...], residual: np.ndarray | None, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        bits.conv_fixed(np.zeros((1, 4, 4), np.uint64), np.zeros((64, 1, 1, 1), np.uint64), *numbers, residual=residual)
