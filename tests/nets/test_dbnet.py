# ruff: noqa: E402 - torch is optional, so it is asked for before the imports that need it
"""`dbnet`: published sizes, any picture size, gradients, its reach, the cheap forms against their slow twins."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch import nn
from torch.nn import functional as F

from docbin.data.detection_targets import PAPER
from docbin.errors import MissingExtra, UsageError
from docbin.nets import build
from docbin.nets.dbnet import LOWEST, AdaptiveFusion, DBNet, DBNetConfig, Pyramid, Raise, differentiable_step, head
from docbin.nets.deformable import DeformableConv2d, by_sampling, has_operator

SMALL: dict[str, Any] = {"inner": 8, "widths": [4, 6, 8, 8], "blocks": [1, 1, 1, 1], "dilations": [1], "stem": 4}
RESNET: dict[str, Any] = {"backbone": "resnet18", "inner": 16}


def count(net: nn.Module) -> int:
    return sum(weight.numel() for weight in net.parameters())


def made(variant: dict[str, Any]) -> DBNet:
    torch.manual_seed(0)
    try:
        net = build("dbnet", variant)
    except MissingExtra as error:
        pytest.skip(str(error))
    assert isinstance(net, DBNet)
    return net


def test_the_default_variant_fits_eight_megabytes_of_float16() -> None:
    net = made({})
    assert count(net) == 3_623_792
    assert sum(value.numel() for value in net.state_dict().values()) * 2 < 8_000_000


@pytest.mark.parametrize(
    ("backbone", "encoder", "lateral", "printed"),
    [
        ("resnet18", 11_176_512, 64 + 128 + 256 + 512, 12.3),
        ("resnet34", 21_284_672, 64 + 128 + 256 + 512, 22.4),  # docTR's db_resnet34
        ("resnet50", 23_508_032, 256 + 512 + 1024 + 2048, 25.4),  # docTR's db_resnet50
        ("tu-mobilenetv3_large_100", 2_971_952, 24 + 40 + 112 + 960, 4.2),  # docTR's db_mobilenet_v3_large
        ("tu-mobilenetv3_small_100", 927_008, 16 + 24 + 48 + 576, 2.0),
    ],
)
def test_published_sizes(backbone: str, encoder: int, lateral: int, printed: float) -> None:
    """Encoder, four 1 x 1 and four 3 x 3 convolutions of the pyramid, two heads; `printed` is what others' tables say, in millions."""
    heads = 2 * (9 * 256 * 64 + 2 * 64 + (4 * 64 * 64 + 64) + 2 * 64 + (4 * 64 + 1))
    wanted = encoder + 256 * lateral + 4 * 9 * 256 * 64 + heads
    with torch.device("meta"):
        net = made({"backbone": backbone, "inner": 256})
        assert count(net) == wanted
        attention = (9 * 256 * 64 + 64) + 2 * 64 * 16 + (9 + 1) + 4 * 64
        assert count(made({"backbone": backbone, "inner": 256, "fusion": "adaptive"})) == wanted + attention
    assert wanted / 1e6 == pytest.approx(printed, abs=0.06)


@pytest.mark.parametrize(
    "variant", [SMALL, {**SMALL, "stem": 0}, {**SMALL, "fusion": "adaptive"}, RESNET, {**RESNET, "fusion": "adaptive"}]
)
@pytest.mark.parametrize("size", [(1, 1), (33, 50), (32, 64)])
def test_any_size_comes_back(variant: dict[str, Any], size: tuple[int, int]) -> None:
    net = made(variant).eval()
    picture = torch.rand(2, 3, *size)
    with torch.inference_mode():
        logits, (probability, threshold) = net(picture), net.maps(picture)
    assert logits.shape == threshold.shape == (2, 1, *size)
    assert torch.isfinite(threshold).all()
    assert torch.equal(logits, probability)


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_in_use_outlines_may_lower_the_probability(share: float) -> None:
    assert PAPER.low == LOWEST  # rooms of one floor do not import each other, so it stands in both
    net = made({**SMALL, "outline": share}).eval()
    with torch.no_grad():
        net.threshold[-2].bias.fill_(-0.85)  # about the least threshold, so that some are above and some below
        picture = torch.rand(1, 3, 33, 50)
        probability, threshold = map(torch.sigmoid, net.maps(picture))
        found = torch.sigmoid(net(picture))
    above = threshold - 0.3
    assert 0 < float((above > 0).float().mean()) < 1
    assert torch.allclose(found, (probability - share * above.clamp_min(0)).clamp(1e-4, 1 - 1e-4), atol=1e-6)


@pytest.mark.parametrize(
    "variant", [SMALL, {**SMALL, "stem": 0}, {**SMALL, "fusion": "adaptive", "inner": 64}, {**RESNET, "deformable": True}]
)
def test_every_parameter_gets_a_gradient(variant: dict[str, Any]) -> None:
    net = made(variant)
    probability, threshold = net.maps(torch.rand(2, 3, 64, 96))
    (probability.square().mean() + threshold.square().mean()).backward()
    assert [name for name, weight in net.named_parameters() if weight.grad is None or not weight.grad.abs().sum() > 0] == []


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_flat_picture_is_finite(value: float) -> None:
    net = made(SMALL)
    net(torch.full((2, 3, 32, 32), value)).mean().backward()
    assert all(torch.isfinite(weight.grad).all() for weight in net.parameters() if weight.grad is not None)


@pytest.mark.parametrize("stem", [0, 4])
@pytest.mark.parametrize("dilation", [1, 3])
def test_no_pixel_reaches_further_than_the_halo(stem: int, dilation: int) -> None:
    net = made({**SMALL, "stem": stem, "dilations": [dilation]}).double().eval()
    assert net.halo is not None
    size = 2 * net.halo + 3 * net.stride
    for place in (net.halo + net.stride, net.halo + 2 * net.stride - 1):  # the first and the last pixel of a deepest cell
        picture = torch.rand(1, 3, size, size, dtype=torch.float64)
        changed = picture.clone()
        changed[..., place, place] = 1 - changed[..., place, place]
        with torch.inference_mode():
            moved = (net(changed) != net(picture))[0, 0].nonzero()
        assert len(moved) > 0
        assert net.halo // 4 < int((moved - place).abs().max()) <= net.halo


def test_networks_that_may_look_everywhere_say_so() -> None:
    assert made({**SMALL, "fusion": "adaptive"}).halo is None
    assert made(RESNET).halo is None


def test_raising_equals_the_transposed_convolution() -> None:
    torch.manual_seed(0)
    layer = Raise(5, 7).double()
    x = torch.randn(2, 5, 3, 4, dtype=torch.float64)
    assert torch.allclose(layer(x), F.conv_transpose2d(x, layer.weight, layer.bias, stride=2), atol=1e-12)


def test_a_published_pyramid_equals_its_formula() -> None:
    torch.manual_seed(0)
    pyramid = Pyramid([3, 4, 5, 6], 8, shuffle=False).double()
    maps = [torch.randn(1, 3 + k, 16 >> k, 8 >> k, dtype=torch.float64) for k in range(4)]
    lateral = [layer(x) for layer, x in zip(pyramid.lateral, maps, strict=True)]
    for level in (2, 1, 0):
        lateral[level] = lateral[level] + lateral[level + 1].repeat_interleave(2, -1).repeat_interleave(2, -2)
    wanted = [
        out(x).repeat_interleave(2**k, -1).repeat_interleave(2**k, -2) for k, (out, x) in enumerate(zip(pyramid.out, lateral, strict=True))
    ]
    for one, two in zip(pyramid(maps), reversed(wanted), strict=True):
        assert torch.allclose(one, two, atol=1e-12)


def test_the_fusion_weighs_each_level_between_nothing_and_itself() -> None:
    torch.manual_seed(0)
    fusion = AdaptiveFusion(16, 4)
    levels = [torch.ones(1, 4, 6, 5) * (k + 1) for k in range(4)]
    said = fusion(levels).detach()
    assert said.shape == (1, 16, 6, 5)
    for k in range(4):
        part = said[:, 4 * k : 4 * k + 4]
        assert torch.equal(part[:, :1].expand_as(part), part)  # one weight for all channels of a level
        assert 0 < float(part.min()) <= float(part.max()) < k + 1


def test_a_head_gives_one_logit_a_pixel() -> None:
    for shuffle in (False, True):
        assert head(8, -2.0, shuffle)(torch.rand(1, 8, 3, 5)).shape == (1, 1, 12, 20)


def test_the_step_is_a_half_where_the_maps_meet_and_steep_around() -> None:
    p = torch.tensor([0.3, 0.5, 0.7], requires_grad=True)
    step = differentiable_step(p, torch.full((3,), 0.5))
    assert step.tolist() == pytest.approx([1 / (1 + torch.e**10), 0.5, 1 / (1 + torch.e**-10)], rel=1e-4)
    step.sum().backward()
    assert p.grad is not None
    assert float(p.grad[1]) == pytest.approx(50 / 4)


@pytest.mark.parametrize(("stride", "dilation"), [(1, 1), (2, 1), (1, 2)])
def test_a_deformable_convolution_without_offsets_is_half_a_convolution(stride: int, dilation: int) -> None:
    torch.manual_seed(0)
    plain = nn.Conv2d(3, 4, 3, stride, dilation, dilation, bias=False)
    x = torch.randn(2, 3, 9, 7)
    assert torch.allclose(DeformableConv2d(plain)(x), plain(x) / 2, atol=1e-5)


def test_sampling_looks_where_the_offsets_say() -> None:
    """Every tap moved by (dy, dx) sees the picture moved by as much; half a pixel sees the mean of two."""
    x = torch.arange(30.0, dtype=torch.float64).reshape(1, 1, 5, 6)
    weight = torch.ones(1, 1, 1, 1, dtype=torch.float64)
    offset = torch.zeros(1, 2, 5, 6, dtype=torch.float64)
    offset[:, 0], offset[:, 1] = 1.0, -0.5
    said = by_sampling(x, offset, weight, 1, 0, 1, torch.ones(1, 1, 5, 6, dtype=torch.float64))[0, 0]
    wanted = torch.zeros(5, 6, dtype=torch.float64)
    left = F.pad(x[0, 0], (1, 0))[:, :-1]
    wanted[:4] = (x[0, 0, 1:] + left[1:]) / 2
    assert torch.allclose(said, wanted, atol=1e-12)


@pytest.mark.skipif(not has_operator(), reason="torchvision's compiled operators do not load into this torch")
@pytest.mark.parametrize(("stride", "dilation"), [(1, 1), (2, 1), (1, 2)])
def test_torchvisions_operator_equals_the_sampling(stride: int, dilation: int) -> None:
    from torchvision.ops import deform_conv2d

    torch.manual_seed(0)
    x, weight = torch.randn(2, 3, 11, 9), torch.randn(4, 3, 3, 3)
    height, width = -(-11 // stride), -(-9 // stride)
    offset, mask = 2 * torch.randn(2, 18, height, width), torch.rand(2, 9, height, width)
    fast = deform_conv2d(x, offset, weight, None, stride, dilation, dilation, mask)
    assert torch.allclose(fast, by_sampling(x, offset, weight, stride, dilation, dilation, mask), atol=1e-4)


def test_the_three_deeper_stages_are_deformed() -> None:
    net = made({**RESNET, "deformable": True})
    places = [name for name, module in net.named_modules() if isinstance(module, DeformableConv2d)]
    assert len(places) == 12  # four 3 x 3 convolutions a stage of ResNet-18
    assert {name.split(".")[1] for name in places} == {"layer2", "layer3", "layer4"}


@pytest.mark.parametrize(
    ("variant", "says"),
    [
        ({"inner": 10}, "multiple of 4"),
        ({"fusion": "sum"}, "choose one of concat, adaptive"),
        ({"widths": [8, 8]}, "four positive numbers"),
        ({"dilations": []}, "at least one"),
        ({"outline": 1.5}, "outline = 1.5: 0 to 1"),
        ({"deformable": True}, "has none"),
        ({"backbone": "resnet19"}, "did you mean resnet18"),
        ({"backbone": "tu-mobilenetv3_large_100", "deformable": True}, "no 3 x 3 convolutions to deform"),
        ({"depth": 3}, "unknown key variant"),
    ],
)
def test_wrong_variants_are_refused(variant: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        made(variant)


def test_the_config_is_data() -> None:
    assert DBNetConfig().backbone == "compact"
