# ruff: noqa: E402 - torch is optional, so it is asked for before the imports that need it
"""FourBi: published size, the Fourier unit against sums written out, precision, windows."""

from __future__ import annotations

import cmath
import itertools
import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from docbin.errors import UsageError
from docbin.nets import build
from docbin.nets.fourbi import FourierConv, FourierUnit, SpectralTransform
from docbin.nets.inference import probability
from docbin.zoo.tiles import windows

TINY = {"width": 4, "scales": 2, "blocks": 1, "extra": 1, "global_share": 0.5, "window": 32}


def test_the_published_network_has_its_size() -> None:
    with torch.device("meta"):
        for variant, size in (({}, 17_575_809), ({"blocks": 9}, 35_305_857)):
            assert sum(weight.numel() for weight in build("fourbi", variant).parameters()) == size


def slow_fourier_unit(x: np.ndarray, mix: np.ndarray) -> np.ndarray:
    """The unit with BatchNorm as it starts, by the definition of the transform: sums over every pixel. x (C, H, W), mix (2 D, 2 C)."""
    channels, height, width = x.shape
    scale = 1 / math.sqrt(height * width)
    half = width // 2 + 1
    parts = np.zeros((2 * channels, height, half))
    for c, k, m in itertools.product(range(channels), range(height), range(half)):
        total = 0j
        for i, j in itertools.product(range(height), range(width)):
            total += x[c, i, j] * cmath.exp(-2j * math.pi * (k * i / height + m * j / width))
        parts[2 * c, k, m], parts[2 * c + 1, k, m] = total.real * scale, total.imag * scale
    mixed = np.maximum(np.einsum("oc,chw->ohw", mix, parts) / math.sqrt(1 + 1e-5), 0)
    out = np.zeros((mix.shape[0] // 2, height, width))
    for d, i, j in itertools.product(range(len(out)), range(height), range(width)):
        # The other half of the spectrum is the conjugate of this one; the first and the middle column have none and count once.
        total = 0.0
        for k, m in itertools.product(range(height), range(half)):
            value = complex(mixed[2 * d, k, m], mixed[2 * d + 1, k, m]) * cmath.exp(2j * math.pi * (k * i / height + m * j / width))
            total += value.real * (1 if m == 0 or 2 * m == width else 2)
        out[d, i, j] = total * scale
    return out


@pytest.mark.parametrize("size", [(4, 6), (3, 5), (1, 1)])
def test_the_fourier_unit_equals_the_transform_written_out(size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    unit = FourierUnit(2, 3).eval()
    x = np.random.default_rng(0).standard_normal((2, *size))
    wanted = slow_fourier_unit(x, unit.mix.weight.detach().double().numpy()[:, :, 0, 0])
    with torch.inference_mode():
        said = unit(torch.from_numpy(x)[None])[0].numpy()
    assert said.dtype == np.float32
    assert np.allclose(said, wanted, atol=2e-5)


def test_the_spectral_transform_adds_both_units() -> None:
    """The local unit sees the quarters of the first quarter of the channels, and its result is laid out four times."""
    torch.manual_seed(0)
    layer = SpectralTransform(16, local_fourier=True).eval()
    x = torch.randn(1, 16, 6, 4)
    with torch.inference_mode():
        y = torch.relu(layer.norm(layer.squeeze(x)))
        quarters = torch.stack([y[:, c, i : i + 3, j : j + 2] for j in (0, 2) for i in (0, 3) for c in (0, 1)], 1)
        local = layer.quarters(quarters)
        total = y + layer.whole(y)
        for i, j in itertools.product((0, 3), (0, 2)):
            total[:, :, i : i + 3, j : j + 2] += local
        assert torch.allclose(layer(x), layer.widen(total), atol=1e-6)


def test_a_fourier_convolution_equals_its_four_ways() -> None:
    """Local to local, local to global and global to local are 3x3 convolutions, global to global the spectral transform."""
    torch.manual_seed(0)
    layer = FourierConv(12, 8, local_fourier=True).eval()
    x = torch.randn(1, 12, 6, 6)
    local, far = x[:, :4], x[:, 4:]
    with torch.inference_mode():
        near = torch.nn.functional.pad(local, (1, 1, 1, 1), mode="reflect")
        out_local = torch.nn.functional.conv2d(near, layer.from_local.weight[:4]) + layer.to_local(far)
        out_far = torch.nn.functional.conv2d(near, layer.from_local.weight[4:]) + layer.spectral(far)
        wanted = torch.relu(torch.cat([out_local, out_far], 1) / math.sqrt(1 + 1e-5))
        assert torch.allclose(layer(x), wanted, atol=1e-5)


def test_one_pixel_of_a_fourier_convolution_reaches_everything() -> None:
    torch.manual_seed(0)
    layer = FourierConv(16, 8, local_fourier=False).eval()
    x = torch.randn(1, 16, 12, 12)
    changed = x.clone()
    changed[0, 15, 0, 0] += 5
    with torch.inference_mode():
        assert ((layer(changed) != layer(x)).any(1)).float().mean() > 0.9


@pytest.mark.parametrize("size", [(1, 1), (9, 13), (16, 8)])
def test_any_size_comes_back_and_bfloat16_stays_near(size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    net = build("fourbi", TINY).eval()
    page = torch.rand(2, 3, *size)
    with torch.inference_mode():
        exact = net(page)
        with torch.autocast("cpu", torch.bfloat16):
            rough = net(page)
    assert exact.shape == rough.shape == (2, 1, *size)
    assert float((exact - rough.float()).abs().max()) < 0.1 + 0.05 * float(exact.abs().max())


def test_every_parameter_gets_a_gradient() -> None:
    torch.manual_seed(0)
    net = build("fourbi", TINY)
    net(torch.rand(2, 3, 21, 18)).square().mean().backward()
    assert [name for name, weight in net.named_parameters() if weight.grad is None or not weight.grad.abs().sum() > 0] == []


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_flat_page_is_finite(value: float) -> None:
    torch.manual_seed(0)
    net = build("fourbi", TINY)
    logits = net(torch.full((2, 3, 16, 16), value))
    logits.mean().backward()
    assert torch.isfinite(logits).all()
    assert all(torch.isfinite(weight.grad).all() for weight in net.parameters() if weight.grad is not None)


@pytest.mark.parametrize("size", [(10, 200), (64, 65), (100, 128), (129, 97)])
def test_windows_part_the_page_and_keep_the_middles(size: tuple[int, int]) -> None:
    seen = np.zeros(size, int)
    for rows, columns, good_rows, good_columns in windows(*size, 64, 16):
        seen[good_rows, good_columns] += 1
        for handed, good, length in ((rows, good_rows, size[0]), (columns, good_columns, size[1])):
            assert handed.stop - handed.start == min(64, length)
            assert 0 <= handed.start <= good.start < good.stop <= handed.stop <= length
            assert good.start - handed.start >= 16 or good.start == 0
            assert handed.stop - good.stop >= 16 or good.stop == length
    assert (seen == 1).all()


def test_a_page_is_what_its_windows_say() -> None:
    """Each pixel comes from one window of the net's own side, whatever tile is asked for."""
    torch.manual_seed(0)
    net = build("fourbi", TINY).eval()
    page = np.random.default_rng(0).integers(0, 256, (41, 70, 3), dtype=np.uint8)
    said = probability(net, page, tile=1024)
    assert np.array_equal(said, probability(net, page, tile=16))
    pixels = torch.from_numpy(page).permute(2, 0, 1)[None].float() / 255
    with torch.inference_mode():
        first = torch.sigmoid(net(pixels[..., :32, :32]))[0, 0].numpy()
        last = torch.sigmoid(net(pixels[..., 9:, 38:]))[0, 0].numpy()
    assert np.allclose(said[:20, :24], first[:20, :24], atol=1e-6)
    assert np.allclose(said[-10:, -9:], last[-10:, -9:], atol=1e-6)


def test_wrong_variants_are_refused() -> None:
    for variant in ({"window": 100}, {"global_share": 1.0}, {"width": 3}, {"blocks": 0}):
        with pytest.raises(UsageError, match="fourbi"):
            build("fourbi", variant)
