# ruff: noqa: E402 - torch is optional, so it is asked for before the imports that need it
"""DeepOtsu: published size, both kinds of refinement, Otsu's threshold against a slow twin, pages in tiles."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from docbin.errors import UsageError
from docbin.nets import build
from docbin.nets.deepotsu import DeepOtsu, DeepOtsuConfig, Refiner, bilinear_, otsu
from docbin.nets.inference import clean_pages, clean_steps, probability

TINY = {"widths": [4, 6], "steps": 2, "channels": 3}


def count(net: torch.nn.Module) -> int:
    return sum(weight.numel() for weight in net.parameters())


def test_the_published_network_has_its_size() -> None:
    """A step of the authors' U-Net on grey pages has 2,572,945 weights; they stack six. Recurrent refinement has one, whatever the steps."""
    with torch.device("meta"):
        assert count(build("deepotsu")) == 6 * 2_572_945 == 15_437_670
        assert count(build("deepotsu", {"shared": True})) == 2_572_945


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_step_gives_a_page_of_any_size_and_every_parameter_a_gradient(shared: bool, channels: int) -> None:
    torch.manual_seed(0)
    net = build("deepotsu", {**TINY, "shared": shared, "channels": channels})
    for size in ((1, 1), (7, 5), (13, 18)):
        pages = net.clean(torch.rand(2, 3, *size))
        assert [page.shape for page in pages] == [(2, channels, *size)] * 2
        assert net(torch.rand(1, 3, *size)).shape == (1, 1, *size)
    torch.stack(pages).square().mean().backward()
    assert [name for name, weight in net.named_parameters() if weight.grad is None or not weight.grad.abs().sum() > 0] == []


def test_shared_steps_are_one_net_and_stacked_ones_are_not() -> None:
    torch.manual_seed(0)
    page = torch.rand(1, 3, 8, 8)
    same, stacked = (build("deepotsu", {**TINY, "shared": shared}).eval() for shared in (True, False))
    assert torch.equal(same.step(0, page), same.step(1, page))
    assert not torch.equal(stacked.step(0, page), stacked.step(1, page))
    assert torch.equal(stacked.clean(page)[1], stacked.step(1, stacked.step(0, page)))


def test_the_up_layers_begin_as_bilinear_interpolation() -> None:
    up = torch.nn.ConvTranspose2d(3, 3, 4, stride=2, padding=1, bias=False).double()
    bilinear_(up.weight)
    x = torch.rand(1, 3, 5, 6, dtype=torch.float64)
    wanted = torch.nn.functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
    assert torch.allclose(up(x)[..., 1:-1, 1:-1], wanted[..., 1:-1, 1:-1])  # beyond the border interpolation repeats, convolution has zeros


def test_an_untrained_step_hardly_changes_the_page() -> None:
    torch.manual_seed(0)
    page = torch.rand(1, 1, 32, 32)
    assert float((Refiner(DeepOtsuConfig())(page) - page).detach().abs().mean()) < 0.2


def slow_otsu(grey: np.ndarray) -> int:
    """The smallest grey t that maximises the variance between {<= t} and {> t}, counted class by class."""
    best, threshold = 0.0, 0
    for t in range(255):
        dark, light = grey[grey <= t].astype(np.float64), grey[grey > t].astype(np.float64)
        if len(dark) and len(light):
            between = len(dark) * len(light) * (dark.mean() - light.mean()) ** 2
            if between > best * (1 + 1e-9):
                best, threshold = between, t
    return threshold


def test_otsu_equals_its_slow_twin() -> None:
    rng = np.random.default_rng(0)
    pages = [
        rng.integers(0, 256, (9, 11)),
        np.where(rng.random((9, 11)) < 0.1, 40, 200),
        rng.normal([[60]], 9, (9, 11)),
        np.full((9, 11), 77),
    ]
    pages += [np.where(rng.random((9, 11)) < 0.5, 0, 255)]
    levels = np.clip(np.stack(pages), 0, 255).astype(np.uint8)
    said = otsu(torch.from_numpy(levels).float()[:, None] / 255).flatten() * 255 - 0.5
    assert said.round().int().tolist() == [slow_otsu(page) for page in levels]


@pytest.mark.parametrize("value", [0.0, 0.4, 1.0])
def test_a_flat_page_is_finite(value: float) -> None:
    torch.manual_seed(0)
    net = build("deepotsu", TINY)
    logits = net(torch.full((2, 3, 16, 16), value))
    logits.mean().backward()
    assert torch.isfinite(logits).all()
    assert all(torch.isfinite(weight.grad).all() for weight in net.parameters() if weight.grad is not None)


@pytest.mark.parametrize("shared", [False, True])
def test_tiles_step_by_step_equal_the_whole_page(shared: bool) -> None:
    """A page with black margins, odd sizes, tiles smaller than it: every step's page, and the decision by one threshold."""
    torch.manual_seed(0)
    net = build("deepotsu", {**TINY, "shared": shared}).eval()
    rng = np.random.default_rng(0)
    page = rng.integers(90, 255, (75, 90, 3), dtype=np.uint8)
    page[:6], page[:, -9:] = 0, 0
    whole = net.clean(torch.from_numpy(page).permute(2, 0, 1)[None].float() / 255)
    for tiled, wanted in zip(clean_steps(net, page, tile=24), whole, strict=True):
        assert torch.allclose(tiled, wanted, atol=1e-5)
    wanted = torch.sigmoid(net.decide(whole[-1]))[0, 0].detach().numpy()
    assert np.allclose(probability(net, page, tile=24), wanted, atol=1e-3)
    pictures = clean_pages(net, page, tile=24)
    assert [picture.shape for picture in pictures] == [page.shape] * 2
    assert clean_pages(net, page[..., 0], tile=24)[-1].shape == page.shape[:2]


def test_no_pixel_reaches_further_than_the_halo_of_a_step() -> None:
    torch.manual_seed(0)
    net = DeepOtsu(DeepOtsuConfig(widths=(4, 4), steps=1))
    size = 2 * net.step_halo + 2 * net.stride
    page = torch.rand(1, 1, size, size)
    changed = page.clone()
    changed[..., size // 2, size // 2] += 0.5
    with torch.inference_mode():
        moved = (net.step(0, changed) != net.step(0, page))[0, 0].nonzero()
    assert 2 < int((moved - size // 2).abs().max()) <= net.step_halo


def test_wrong_variants_are_refused() -> None:
    for variant in ({"channels": 2}, {"steps": 0}, {"widths": []}):
        with pytest.raises(UsageError, match="deepotsu"):
            build("deepotsu", variant)
    with pytest.raises(UsageError, match="only says where ink is"):
        next(clean_steps(build("unet"), np.zeros((4, 4), np.uint8)))
