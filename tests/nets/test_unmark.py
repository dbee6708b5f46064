# ruff: noqa: E402 - torch is optional, so it is asked for before the imports that need it
"""`unmark`: what a mark did is taken back, nothing else changes, and pages of any size come back."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from docbin.nets import build
from docbin.nets.inference import clean_pages
from docbin.nets.unmark import STRONGEST, Unmark

SMALL = {"widths": [8, 16, 16], "encoder_blocks": [1, 1, 1], "decoder_blocks": [1, 1], "dilations": [1], "windows": [5], "head": 8}


def small() -> Unmark:
    torch.manual_seed(0)
    net = build("unmark", SMALL)
    assert isinstance(net, Unmark)
    return net.eval()


@pytest.mark.parametrize("over", [True, False])
def test_what_a_mark_did_is_taken_back(over: bool) -> None:
    """Over the page a colour is blended in, under the ink light is multiplied; both are a share taken and a colour added."""
    rng = np.random.default_rng(0)
    page = torch.from_numpy(rng.random((1, 3, 20, 30), dtype=np.float32))
    colour = torch.tensor([0.7, 0.1, 0.4]).view(1, 3, 1, 1)
    opacity = 0.4
    place = torch.zeros(1, 1, 20, 30)
    place[..., 5:12, 4:20] = 1
    taken = (opacity if over else opacity * (1 - colour)) * torch.ones(1, 3, 20, 30)
    added = (opacity * colour if over else 0.0) * torch.ones(1, 3, 20, 30)
    marked = torch.where(place > 0, page * (1 - taken) + added, page)
    sure = torch.where(place > 0, 40.0, -40.0)
    assert torch.allclose(Unmark.restored(marked, sure, taken, added), page, atol=1e-5)
    assert float(taken.max()) <= STRONGEST


def test_where_no_mark_is_said_to_be_the_page_stays_as_it_is() -> None:
    net = small()
    torch.nn.init.constant_(net.trunk.out.bias[:4], -40.0)
    torch.nn.init.zeros_(net.trunk.out.weight)
    page = np.random.default_rng(0).integers(0, 256, (77, 53, 3), dtype=np.uint8)
    assert np.array_equal(clean_pages(net, page)[-1], page)
    assert np.array_equal(clean_pages(net, page[..., 0])[-1], page[..., 0]), "a grey page comes back grey"


@pytest.mark.parametrize("size", [(1, 1), (7, 33), (50, 31)])
def test_any_size_comes_back(size: tuple[int, int]) -> None:
    net = small()
    page = torch.rand(2, 3, *size)
    with torch.no_grad():
        (clean,) = net.clean(page)
        assert clean.shape == page.shape
        assert net(page).shape == (2, 1, *size)
    assert bool(((clean >= 0) & (clean <= 1)).all())


def test_tiles_equal_the_page() -> None:
    net = small()
    torch.nn.init.normal_(net.trunk.out.weight, 0, 0.3)
    page = np.random.default_rng(1).integers(0, 256, (150, 190, 3), dtype=np.uint8)
    whole, tiled = (clean_pages(net, page, tile)[-1].astype(int) for tile in (4096, 64))
    assert np.abs(whole - tiled).max() <= 1
    assert (whole != page).any()


def test_the_weights_of_a_unet_become_the_trunks() -> None:
    torch.manual_seed(3)
    unet = build("unet", {**SMALL, "depth": True, "edge": 8}).eval()
    net = small()
    net.load_state_dict(net.adapted(unet.state_dict()))
    page = torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        wanted = unet._body(unet.stem_norm(unet.stem(unet._raw(torch.cat([page, torch.zeros(1, 1, 32, 32)], 1)))), ())
        said = net.trunk._body(net.trunk.stem_norm(net.trunk.stem(net.trunk._raw(page))), ())
    assert torch.allclose(said, wanted, atol=1e-5)
    again = small()
    again.load_state_dict(again.adapted(net.state_dict()))
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in net.state_dict().items())
