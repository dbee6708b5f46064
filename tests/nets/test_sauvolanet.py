# ruff: noqa: E402 - torch is optional, so it is asked for before the imports that need it
"""`sauvolanet`: its statistics and thresholds against NumPy in float64, its size, its page path, and the published weights' scores."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pictures

torch = pytest.importorskip("torch")

from docbin import kernels
from docbin.errors import FileAccessError, InputError, UsageError
from docbin.nets import build
from docbin.nets.inference import probability, to_tensor
from docbin.nets.sauvolanet import Moments, box_statistics, grey_levels, page_norm, trained_norm, widen
from docbin.page import Image, to_grey
from docbin.train import checkpoint
from docbin.train.losses import hinge

SMALL: dict[str, Any] = {"windows": [3, 9], "widths": [4, 6, 8]}


@pytest.fixture(scope="module")
def script(load_script: Callable[[str], Any]) -> Any:
    return load_script("import_sauvolanet")


def page(height: int, width: int, seed: int = 0) -> Image:
    """Uneven paper with strokes and a black margin, uint8 (height, width, 3)."""
    rng = np.random.default_rng(seed)
    pixels = rng.normal(190, 14, (height, width, 3)) - np.linspace(0, 60, width)[:, None]
    pixels[::11, 4:-4] -= 110
    pixels[:, :7] = 0
    return pixels.clip(0, 255).astype(np.uint8)


def small(seed: int = 1, **changes: Any) -> torch.nn.Module:
    """A small net whose every weight is away from its start."""
    torch.manual_seed(seed)
    net = build("sauvolanet", {**SMALL, **changes})
    with torch.no_grad():
        for weight in net.parameters():
            weight.add_(0.05 * torch.randn_like(weight))
    return net.eval()


def test_the_published_variant_has_44041_weights() -> None:
    """And that of models/sauvolanet, with cells of four pixels, 24 x 9 more in its first convolution and 24 x 433 in its last."""
    assert sum(weight.numel() for weight in build("sauvolanet").parameters()) == 44_041
    assert sum(weight.numel() for weight in build("sauvolanet", {"lattice": 2}).parameters()) == 44_041 + 24 * 9 + 24 * 433


def test_grey_levels_are_those_of_the_image_contract() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (300, 310, 3), np.uint8)
    assert np.array_equal(grey_levels(to_tensor(pixels))[0, 0].numpy(), to_grey(pixels))
    assert np.array_equal(grey_levels(to_tensor(pixels[..., 1]))[0, 0].numpy(), pixels[..., 1])


@pytest.mark.parametrize("size", [(1, 1), (6, 5), (13, 40), (31, 2)])
@pytest.mark.parametrize("lattice", [1, 2])
def test_box_statistics_equal_a_double_loop_in_float64(size: tuple[int, int], lattice: int) -> None:
    levels = np.random.default_rng(2).integers(0, 256, (2, 1, *size)).astype(np.float64)
    levels[0, 0, : size[0] // 2] = 255  # a flat part: the deviation is exactly 0 there
    windows = (3, 7, 15)
    mean, deviation = box_statistics(torch.from_numpy(levels.astype(np.float32)), windows, lattice)
    assert mean.shape == (2, 3, -(-size[0] // lattice), -(-size[1] // lattice))
    for number, row, column in np.ndindex(2, *size):
        if row % lattice or column % lattice:
            continue
        for index, window in enumerate(windows):
            half = window // 2
            box = levels[number, 0, max(row - half, 0) : row + half + 1, max(column - half, 0) : column + half + 1]
            at = (number, index, row // lattice, column // lattice)
            assert float(mean[at]) == pytest.approx(box.mean(), rel=2e-7)
            assert float(deviation[at]) == pytest.approx(box.std(), rel=4e-7, abs=1e-9)


def test_box_statistics_equal_the_compiled_kernel() -> None:
    """A window of the published size on a bright page whose contrast is one grey level: the case that float32 sums would lose."""
    from docbin.kernels.local import local_moments

    levels = np.random.default_rng(3).integers(254, 256, (150, 211), np.uint8)
    mean, deviation = box_statistics(torch.from_numpy(levels)[None, None].float(), (63,))
    wanted_mean, wanted_deviation = local_moments(levels, 63)
    assert kernels.active()
    assert np.allclose(mean[0, 0], wanted_mean, rtol=2e-7, atol=0)
    assert np.allclose(deviation[0, 0], wanted_deviation, rtol=4e-7, atol=0)


def test_the_threshold_equals_its_float64_twin() -> None:
    """alpha (sum of trust x Sauvola's threshold - grey), with the trust handed in."""
    net = small()
    levels = to_grey(page(24, 30)).astype(np.float64)
    trust = np.random.default_rng(4).random((2, 24, 30))
    trust /= trust.sum(0)
    with torch.inference_mode():
        said = net.logits(torch.from_numpy(levels)[None, None].float(), torch.from_numpy(trust)[None].float())[0, 0].numpy()
        k, r, alpha = (np.asarray(value, np.float64) for value in (net.k, net.deviation_range, net.alpha))
    wanted = np.zeros_like(levels)
    for row, column in np.ndindex(*levels.shape):
        for index, window in enumerate(SMALL["windows"]):
            half = window // 2
            box = levels[max(row - half, 0) : row + half + 1, max(column - half, 0) : column + half + 1] / 255
            deviation = max(box.std(), 1e-3)
            wanted[row, column] += trust[index, row, column] * box.mean() * (1 + k[index] * (deviation / r[index] - 1))
    assert np.abs(said - alpha * (wanted - levels / 255)).max() < 1e-5 * float(alpha[0])


def test_page_norm_equals_its_float64_twin_and_is_finite_on_flat_maps() -> None:
    maps = torch.randn(2, 3, 9, 7) * torch.tensor([1.0, 1e-3, 0.0]).view(1, 3, 1, 1) + 5.0
    exact = maps.double().numpy()
    wanted = (exact - exact.mean((2, 3), keepdims=True)) / np.maximum(exact.std((2, 3), keepdims=True), 1e-5)
    assert np.abs(page_norm(maps).numpy() - wanted).max() < 2e-3
    assert torch.isfinite(page_norm(torch.full((1, 1, 4, 4), 0.3))).all()


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_the_norm_of_training_is_that_of_the_page(layout: torch.memory_format) -> None:
    """Values, gradients and layout; flat maps, which a crop without ink gives, stay near 0."""
    maps = (torch.randn(2, 4, 24, 20) * torch.tensor([1.0, 0.1, 30.0, 1e-2]).view(1, 4, 1, 1) + 0.5).to(memory_format=layout)
    wanted, given = maps.clone().requires_grad_(), maps.clone().requires_grad_()
    weight = torch.randn(2, 4, 24, 20)
    slow, fast = page_norm(wanted), trained_norm(given)
    (slow * weight).sum().backward()
    (fast * weight).sum().backward()
    assert fast.is_contiguous(memory_format=layout)
    assert torch.allclose(slow, fast, atol=2e-4)
    assert wanted.grad is not None
    assert given.grad is not None
    assert torch.allclose(wanted.grad, given.grad, rtol=1e-3, atol=1e-4 * float(wanted.grad.abs().max()))
    assert trained_norm(torch.full((1, 2, 8, 8), 0.3)).abs().max() < 0.01


def test_moments_in_parts_equal_those_of_the_whole_in_float64() -> None:
    """Means a hundred deviations from 0, as those of the first convolution are; parts of one pixel up."""
    maps = torch.randn(1, 3, 40, 33) + torch.tensor([100.0, -3.0, 0.0]).view(1, 3, 1, 1)
    moments = Moments(3, maps.device)
    for part in (maps[..., :1, :1], maps[..., :1, 1:], maps[..., 1:, :]):
        moments.add(part)
    exact = maps.double()
    assert torch.allclose(moments.mean, exact.mean((0, 2, 3)), rtol=1e-6, atol=1e-6)
    assert torch.allclose(moments.deviation, exact.std((0, 2, 3), correction=0), rtol=1e-5)


@pytest.mark.parametrize("size", [(1, 1), (1, 6), (7, 4), (8, 8)])
def test_widen_keeps_the_lattice_and_takes_means_between(size: tuple[int, int]) -> None:
    height, width = size
    whole = torch.randn(1, 2, height, width)
    wide = widen(whole[..., ::2, ::2], 2, height, width)
    assert wide.shape == whole.shape
    assert torch.allclose(wide[..., ::2, ::2], whole[..., ::2, ::2], atol=1e-6)
    if width > 2:
        assert torch.allclose(wide[..., 0, 1], (whole[..., 0, 0] + whole[..., 0, 2]) / 2, atol=1e-6)
    if height > 2:
        assert torch.allclose(wide[..., 1, 0], (whole[..., 0, 0] + whole[..., 2, 0]) / 2, atol=1e-6)


@pytest.mark.parametrize("size", [(1, 1), (7, 33), (16, 16), (50, 31)])
@pytest.mark.parametrize("lattice", [1, 2])
def test_any_size_comes_back(size: tuple[int, int], lattice: int) -> None:
    logits = small(lattice=lattice)(torch.rand(2, 3, *size))
    assert logits.shape == (2, 1, *size)
    assert torch.isfinite(logits).all()


@pytest.mark.parametrize("lattice", [1, 2])
def test_every_parameter_gets_a_gradient(lattice: int) -> None:
    """All but the biases before a norm, which the norm cancels: theirs is nothing but rounding."""
    net = build("sauvolanet", {"lattice": lattice})
    net(torch.rand(2, 3, 45, 37)).square().mean().backward()
    idle = [f"convolutions.{index}.bias" for index in range(6)]
    gradients = {name: float(weight.grad.abs().sum()) for name, weight in net.named_parameters() if weight.grad is not None}
    assert set(gradients) == {name for name, _ in net.named_parameters()}
    working = [value for name, value in gradients.items() if name not in idle]
    assert min(working) > 0
    for index, name in enumerate(idle):
        assert gradients[name] < 1e-3 * gradients[f"convolutions.{index}.weight"]


def test_gradients_in_bfloat16_are_those_of_float32() -> None:
    """As the loop trains on a CPU: channels_last and autocast. Without filled-up channels some of these gradients are garbage."""
    torch.manual_seed(0)
    image, truth = torch.rand(2, 3, 64, 64), (torch.rand(2, 1, 64, 64) < 0.1).float()
    net = build("sauvolanet").to(memory_format=torch.channels_last).train()
    gradients = []
    for enabled in (False, True):
        net.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            logits = net(image)
        hinge(logits.float(), truth).backward()
        gradients.append(
            {name: weight.grad.clone() for name, weight in net.named_parameters() if "convolutions" not in name or "weight" in name}
        )
    for name, exact in gradients[0].items():
        assert float((gradients[1][name] - exact).norm() / exact.norm()) < 0.25, name


@pytest.mark.parametrize("value", [0.0, 1.0])
@pytest.mark.parametrize("ink", [0.0, 1.0])
def test_flat_crops_without_ink_and_of_ink_alone_train(value: float, ink: float) -> None:
    torch.manual_seed(0)
    net = build("sauvolanet", SMALL).train()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    for _ in range(2):
        loss = hinge(net(torch.full((2, 3, 32, 32), value)), torch.full((2, 1, 32, 32), ink))
        optimizer.zero_grad()
        loss.backward()
        assert all(torch.isfinite(weight.grad).all() for weight in net.parameters())
        optimizer.step()
    assert all(torch.isfinite(weight).all() for weight in net.parameters())


def test_k_and_the_range_are_kept_positive() -> None:
    net = build("sauvolanet", SMALL).train()
    with torch.no_grad():
        net.k.fill_(-1.0)
        net.deviation_range.fill_(-1.0)
    net(torch.rand(1, 3, 16, 16))
    assert net.k.tolist() == [0.0, 0.0]
    assert net.deviation_range.tolist() == pytest.approx([1e-3, 1e-3])


def test_it_learns() -> None:
    """Thirty steps on one crop of faint strokes."""
    torch.manual_seed(0)
    pixels = page(48, 48)
    truth = torch.zeros(1, 1, 48, 48)
    truth[..., ::11, 4:-4] = 1
    image = to_tensor(pixels)
    net = build("sauvolanet", SMALL).train()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    losses = []
    for _ in range(30):
        loss = hinge(net(image), truth)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]


@pytest.mark.parametrize("store", [0, 100_000, 2**30])
@pytest.mark.parametrize(("size", "square", "lattice"), [((203, 171), 37, 1), ((97, 300), 50, 1), ((131, 90), 48, 2), ((40, 30), 64, 2)])
def test_pieces_of_a_page_equal_the_whole_page(
    size: tuple[int, int], square: int, lattice: int, store: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The norm measured in squares and folded, then finished from maps that were kept, some or none: what ``forward`` makes of the page at once."""
    monkeypatch.setattr("docbin.nets.sauvolanet.SQUARE", square)
    monkeypatch.setattr("docbin.nets.sauvolanet.STORE", store)
    for page_lattice in (1, 2):
        net = small(lattice=lattice, page_lattice=page_lattice)
        pixels = page(*size)
        with torch.inference_mode():
            levels = grey_levels(to_tensor(pixels))
            whole = torch.sigmoid(net.logits(levels, net.attention(levels), page_lattice))[0, 0].numpy()
        assert whole.max() - whole.min() > 0.1
        assert np.abs(probability(net, pixels) - whole).max() < 1e-4


def test_what_was_kept_is_given_up() -> None:
    """Pieces a second time are computed from the page."""
    net, pixels = small(lattice=2), page(90, 70)
    with torch.inference_mode():
        local = net.for_page(pixels)
        first, second = (torch.cat([piece.flatten() for _, _, piece in local.pieces(pixels)]) for _ in range(2))
    assert torch.allclose(first, second, atol=1e-4)


@pytest.mark.parametrize("store", [0, 40_000])
def test_maps_that_do_not_fit_the_store_are_computed_again(store: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """With room for none or for some of the squares the statistics are the same."""
    monkeypatch.setattr("docbin.nets.sauvolanet.SQUARE", 32)
    net, pixels = small(), page(70, 101)
    roomy = net.for_page(pixels)
    monkeypatch.setattr("docbin.nets.sauvolanet.STORE", store)
    tight = net.for_page(pixels)
    for one, other in zip((*roomy.weights, *roomy.biases), (*tight.weights, *tight.biases), strict=True):
        assert torch.allclose(one, other, rtol=1e-4, atol=1e-5)


def test_bfloat16_is_close_to_float32() -> None:
    net, pixels = small(), page(90, 101)
    away = np.abs(probability(net, pixels) - probability(net, pixels, precision=torch.bfloat16))
    assert 0 < away.max() < 0.1


def test_interpolated_thresholds_are_close_to_computed_ones() -> None:
    pixels = page(101, 90)
    exact, fast = (probability(small(page_lattice=lattice), pixels) for lattice in (1, 2))
    assert np.array_equal(exact[::2, ::2] > 0.5, fast[::2, ::2] > 0.5)
    assert 0 < np.abs(exact - fast).mean() < 0.02


def test_wrong_variants_are_refused() -> None:
    with pytest.raises(UsageError, match="odd"):
        build("sauvolanet", {"windows": [8]})
    with pytest.raises(UsageError, match="widths"):
        build("sauvolanet", {"widths": []})
    with pytest.raises(UsageError, match="page_lattice = 3"):
        build("sauvolanet", {"page_lattice": 3})


def keras_file(path: Path, widths: tuple[int, ...], windows: list[int]) -> dict[str, Any]:
    """A file laid out as the released one, with weights of our own; returns them by Keras name."""
    h5py = pytest.importorskip("h5py")
    import json

    rng = np.random.default_rng(5)
    weights: dict[str, Any] = {}
    layers: list[dict[str, Any]] = []
    for index, (here, above) in enumerate(zip((1, *widths), (*widths, len(windows)), strict=True)):
        name = "conv_att" if index == len(widths) else f"conv{index}"
        layers.append({"class_name": "Conv2D", "name": name, "config": {}})
        weights[f"{name}/{name}/kernel:0"] = rng.normal(0, 0.3, (3, 3, here, above)).astype(np.float32)
        weights[f"{name}/{name}/bias:0"] = rng.normal(0, 0.3, above).astype(np.float32)
    layers.append({"class_name": "SauvolaMultiWindow", "name": "sauvola", "config": {"window_size_list": windows}})
    weights["sauvola/sauvola/Sauvola_k:0"] = rng.random((1, len(windows), 1, 1, 1)).astype(np.float32)
    weights["sauvola/sauvola/Sauvola_R:0"] = rng.random((1, len(windows), 1, 1, 1)).astype(np.float32)
    weights["difference_thresh/difference_thresh/alpha:0"] = np.full((1, 1, 1, 1), 5.0, np.float32)
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps({"config": {"layers": layers}})
        for name, value in weights.items():
            file[f"model_weights/{name}"] = value
    return weights


def test_a_keras_file_becomes_the_network_it_was(script: Any, tmp_path: Path) -> None:
    """The attention of the imported net equals the Keras layers written out in NumPy, channels last, in float64."""
    widths, windows = (3, 4, 5), [3, 7]
    weights = keras_file(tmp_path / "a.h5", widths, windows)
    assert script.main([str(tmp_path / "a.h5"), str(tmp_path / "a.safetensors")]) == 0
    state = checkpoint.load(tmp_path / "a.safetensors")
    assert state["about"]["recipe"]["net"] == {"name": "sauvolanet", "variant": {"windows": windows, "widths": list(widths)}, "init": ""}
    net = build("sauvolanet", state["about"]["recipe"]["net"]["variant"]).eval()
    net.load_state_dict(state["net"])
    levels = to_grey(page(15, 18)).astype(np.float64)
    maps = levels[..., None] / 255
    for index, name in enumerate(("conv0", "conv1", "conv2", "conv_att")):
        apart = 2 if name in ("conv1", "conv2") else 1
        around = np.pad(maps, ((apart, apart), (apart, apart), (0, 0)))
        kernel = weights[f"{name}/{name}/kernel:0"].astype(np.float64)
        out = np.zeros((15, 18, kernel.shape[-1])) + weights[f"{name}/{name}/bias:0"]
        for i, j in np.ndindex(3, 3):
            out += around[i * apart : i * apart + 15, j * apart : j * apart + 18] @ kernel[i, j]
        if index < 3:
            out = np.maximum((out - out.mean((0, 1))) / np.maximum(out.std((0, 1)), 1e-5), 0)
        maps = out
    wanted = np.exp(maps) / np.exp(maps).sum(-1, keepdims=True)
    with torch.inference_mode():
        said = net.attention(torch.from_numpy(levels)[None, None].float())[0].permute(1, 2, 0).numpy()
    assert np.abs(said - wanted).max() < 1e-4
    assert net.k.tolist() == pytest.approx(weights["sauvola/sauvola/Sauvola_k:0"].ravel().tolist())


def test_files_that_are_no_sauvolanet_are_refused(script: Any, tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with pytest.raises(FileAccessError, match="no such file"):
        script.convert(tmp_path / "nowhere.h5")
    (tmp_path / "text.h5").write_text("not HDF5")
    with pytest.raises(InputError, match="not the Keras file"):
        script.convert(tmp_path / "text.h5")
    h5py.File(tmp_path / "empty.h5", "w").close()
    with pytest.raises(InputError, match="not the Keras file"):
        script.convert(tmp_path / "empty.h5")


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("year", "fm"), [("dibco2011", 94.29), ("dibco2014", 97.79), ("dibco2016", 90.10)])
def test_the_published_weights_score_as_published(script: Any, oracle: Path, benchmark_pages: Path, year: str, fm: float) -> None:
    """Mean F-measure within 0.1 of what a faithful network reaches, every threshold computed, in float32."""
    released = script.convert(oracle / "sauvolanet" / "sauvolanet_published.h5")
    net = build("sauvolanet", {"page_lattice": 1}).eval()
    net.load_state_dict(released.state_dict())
    scores = []
    for path in sorted((benchmark_pages / year / "images").iterdir()):
        pixels = np.array(Pictures.open(path).convert("RGB"))
        truth = np.asarray(Pictures.open(benchmark_pages / year / "gt" / f"{path.stem}.png").convert("L")) < 128
        said = probability(net, pixels) > 0.5
        scores.append(200 * int((said & truth).sum()) / (int(said.sum()) + int(truth.sum())))
    assert np.mean(scores) == pytest.approx(fm, abs=0.1)
