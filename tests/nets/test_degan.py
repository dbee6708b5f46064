# ruff: noqa: E402 - torch is optional, so it is asked for before the imports that need it
"""DE-GAN: published sizes of generator and discriminator, the doubled convolution against its slow twin, tiles."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch.nn import functional as F

from docbin.errors import UsageError
from docbin.nets import build
from docbin.nets.degan import Degan, DeganConfig, PatchDiscriminator, UpConv
from docbin.nets.inference import clean_pages, probability

TINY = {"widths": [4, 6], "bottleneck": 8, "head": 4, "discriminator": 4}


def count(net: torch.nn.Module) -> int:
    return sum(weight.numel() for weight in net.parameters())


def test_the_published_networks_have_their_sizes() -> None:
    with torch.device("meta"):
        assert count(build("degan")) == 31_031_685
        assert count(build("degan", {"bottleneck": 512})) == 15_825_797
        judge = PatchDiscriminator()
        assert count(judge) == 1_712_065
        assert judge(torch.empty(1, 1, 256, 256), torch.empty(1, 1, 256, 256)).shape == (1, 1, 16, 16)


@pytest.mark.parametrize("size", [(1, 1), (2, 7), (5, 4)])
def test_the_doubled_convolution_equals_its_slow_twin(size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    layer = UpConv(3, 5).double()
    torch.nn.init.normal_(layer.bias)
    x = torch.randn(2, 3, *size, dtype=torch.float64, requires_grad=True)
    doubled = F.pad(x.repeat_interleave(2, -1).repeat_interleave(2, -2), (0, 1, 0, 1))
    wanted = F.conv2d(doubled, layer.weight, layer.bias)
    said = layer(x)
    assert torch.allclose(said, wanted, atol=1e-12)
    pull = torch.randn_like(wanted)
    for one, two in zip(
        torch.autograd.grad(said, (x, layer.weight), pull), torch.autograd.grad(wanted, (x, layer.weight), pull), strict=True
    ):
        assert torch.allclose(one, two, atol=1e-12)


@pytest.mark.parametrize("size", [(1, 1), (7, 9), (16, 12)])
def test_any_size_comes_back(size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    net = build("degan", TINY).eval()
    page = torch.rand(2, 3, *size)
    assert net(page).shape == (2, 1, *size)
    clean = net.clean(page)[0].detach()
    assert clean.shape == (2, 1, *size)
    assert 0 <= float(clean.min()) <= float(clean.max()) <= 1


def test_every_parameter_gets_a_gradient() -> None:
    torch.manual_seed(0)
    net = build("degan", TINY)
    judge = PatchDiscriminator(4)
    page = torch.rand(2, 3, 21, 35)
    judge(net.clean(page)[0], net.enter(page)).square().mean().backward()
    for module in (net, judge):
        assert [name for name, weight in module.named_parameters() if weight.grad is None or not weight.grad.abs().sum() > 0] == []


def test_positive_means_ink_under_the_published_threshold() -> None:
    torch.manual_seed(0)
    net = build("degan", {**TINY, "threshold": 0.95}).eval()
    page = torch.rand(1, 3, 24, 24)
    with torch.inference_mode():
        ink, paper = net(page) > 0, net.clean(page)[0]
    assert torch.equal(ink, paper <= 0.95)


def test_dropout_acts_in_training_alone() -> None:
    torch.manual_seed(0)
    net = build("degan", TINY)
    page = torch.rand(1, 3, 16, 16)
    assert not torch.equal(net(page), net(page))
    net.eval()
    assert torch.equal(net(page), net(page))


def test_tiles_equal_the_whole_page_with_black_margins() -> None:
    torch.manual_seed(0)
    net = build("degan", TINY).eval()
    page = np.random.default_rng(0).integers(90, 255, (70, 85), dtype=np.uint8)
    page[:6], page[:, -9:] = 0, 0
    assert np.allclose(probability(net, page, tile=24), probability(net, page, tile=200), atol=1e-5)
    (clean,) = clean_pages(net, page, tile=24)
    assert clean.shape == page.shape


def test_no_pixel_reaches_further_than_the_halo() -> None:
    torch.manual_seed(0)
    net = Degan(DeganConfig(widths=(4, 4), bottleneck=8, head=4)).eval()
    size = 2 * net.halo + 2 * net.stride
    page = torch.rand(1, 1, size, size)
    changed = page.clone()
    changed[..., size // 2, size // 2] += 0.5
    with torch.inference_mode():
        moved = (net.paper(changed) != net.paper(page))[0, 0].nonzero()
    assert 2 < int((moved - size // 2).abs().max()) <= net.halo


def test_wrong_variants_are_refused() -> None:
    for variant in ({"bottleneck": 7}, {"widths": []}, {"threshold": 1.0}, {"dropout": 1.0}):
        with pytest.raises(UsageError, match="degan"):
            build("degan", variant)
