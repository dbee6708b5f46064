"""Train the edge step of a network alone, on whole pages whose head's logits are computed once.

    python scripts/train_edge.py runs/bitunet/final.safetensors --minutes 4 --out runs/bitunet/edge.safetensors

Behind a network that stays as it is, a step of ten thousand weights is left to learn; in the loop of `docbin train` nearly all the time would go
into the network before it. Here what it sees (``Stem.levels``) and the head's logits are computed once a page, so it learns from ten times the
crops: pieces of the pages of the checkpoint's recipe as they are, turned and mirrored, sets mixed by the recipe's weights. Rendered pages, which
live by their degradations, are left out, but for those of failing kinds: without them the step forgets pale strokes within minutes. Held-out
pages are scored every minute; what is written is the average of the weights, as a checkpoint for ``docbin package``.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from docbin import engine, export, metrics
from docbin.data.pages import dataset_of
from docbin.data.store import LabelledPage
from docbin.errors import DocbinError, UsageError
from docbin.kernels.depth import depth_plane
from docbin.nets import build
from docbin.nets.bitunet import BitUNet
from docbin.nets.edge import Edge
from docbin.nets.inference import to_tensor, with_depth
from docbin.nets.unet import UNet
from docbin.page import to_grey
from docbin.processes.memory import keep_freed_memory
from docbin.train import checkpoint
from docbin.train.ema import Ema
from docbin.train.feed import sides
from docbin.train.losses import weighted
from docbin.train.recipe import Recipe, recipe_of
from docbin.train.schedule import warmup_cosine

Network = BitUNet | UNet

UNFINISHED = ("rendered", "rendered-no-plasma", "comics")
"""Sets of rendered pages that live by their degradations; pages of failing kinds are as they are to be read."""


@dataclasses.dataclass(frozen=True, slots=True)
class Seen:
    """A page as the edge step gets it, in cells of 2 x 2 pixels: levels (channels, h, w), the head's logits (4, h, w) and truth bool
    (4, h, w); `shape` is the page's in pixels, which the cells may exceed."""

    name: str
    dataset: str
    levels: Tensor
    logits: Tensor
    truth: Tensor
    shape: tuple[int, int]


def seen_by(net: Network, pages: Sequence[LabelledPage]) -> list[Seen]:
    """What the edge step of `net` sees of pages."""
    if isinstance(net, UNet):
        return [_by_floats(net, page) for page in pages]
    graph = engine.loads(export.to_packed(net))
    graph = engine.Graph(graph.nodes[: graph.head + 1], graph.sizes[: graph.head + 1])
    return [_by_bits(net, graph, page) for page in pages]


def _by_bits(net: BitUNet, graph: engine.Graph, page: LabelledPage) -> Seen:
    grey = np.ascontiguousarray(to_grey(np.ascontiguousarray(page.image)))
    height, width = grey.shape
    pad = ((0, -height % net.stride), (0, -width % net.stride))
    padded, truth = np.pad(grey, pad, mode="edge"), np.pad(page.truth, pad)
    depth = np.pad(depth_plane(grey), pad, mode="edge")

    def cells(plane: np.ndarray) -> Tensor:
        return F.pixel_unshuffle(torch.from_numpy(plane)[None, None].float(), 2)

    with torch.no_grad():
        given = torch.from_numpy(padded)[None, None].float(), torch.from_numpy(depth)[None, None].float() if net.depth else None
        levels = net.stem.levels(*given)[0].to(torch.int8)
    # The head's logits of the padded page; the depth plane that the engine makes of it is the page's but at the edges of what was padded.
    logits = cells(engine.logits(graph, padded))[0]
    return Seen(page.name, page.dataset, levels, logits, cells(truth)[0] > 0.5, (height, width))


def _by_floats(net: UNet, page: LabelledPage) -> Seen:
    given = to_tensor(with_depth(np.ascontiguousarray(page.image)) if net.depth else np.ascontiguousarray(page.image))
    height, width = page.shape
    after = (0, -width % net.stride, 0, -height % net.stride)
    given = F.pad(given, after, mode="replicate")
    truth = F.pad(torch.from_numpy(page.truth)[None, None].float(), after)
    with torch.inference_mode():
        levels, logits = net.levels(given)[0], net.cells(given)[0]
    return Seen(page.name, page.dataset, levels.half().clone(), logits.clone(), F.pixel_unshuffle(truth, 2)[0] > 0.5, (height, width))


def batches(pages: Sequence[Seen], weights: dict[str, float], size: int, batch: int, seed: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Endless batches of pieces of `size` cells: levels, logits, truth, float32."""
    rng = np.random.default_rng(seed)
    pages = [page for page in pages if min(page.logits.shape[1:]) >= size]
    if not pages:
        raise UsageError(f"--size {size}: no page has so many cells each way")
    share = np.array([weights[page.dataset] / sum(other.dataset == page.dataset for other in pages) for page in pages])
    share /= share.sum()
    while True:
        drawn: list[Tensor] = []
        while len(drawn) < batch:
            page = pages[int(rng.choice(len(pages), p=share))]
            top, left = (int(rng.integers(side - size + 1)) for side in page.logits.shape[1:])
            place = (slice(None), slice(top, top + size), slice(left, left + size))
            if not page.truth[place].any() and rng.random() < 0.85:
                continue
            planes = torch.cat([part[place].float() for part in (page.levels, page.logits, page.truth)])[None]
            drawn.append(_turned(planes, int(rng.integers(8))))
        whole = torch.cat(drawn)
        seen = whole.shape[1] - 8
        yield whole[:, :seen], whole[:, seen : seen + 4], whole[:, seen + 4 :]


def _turned(cells: Tensor, how: int) -> Tensor:
    """Channels of four pixels a cell, mirrored and transposed as the page they come from would be."""
    plane = F.pixel_shuffle(cells, 2)
    if how & 1:
        plane = plane.flip(2)
    if how & 2:
        plane = plane.flip(3)
    if how & 4:
        plane = plane.transpose(2, 3)
    return F.pixel_unshuffle(plane, 2)


@torch.no_grad()
def scores(edge: Edge, pages: Sequence[Seen]) -> dict[str, float]:
    """FM of each page by name."""
    found = {}
    for page in pages:
        height, width = page.shape
        ink, truth = (
            F.pixel_shuffle(part, 2)[0, 0, :height, :width].numpy()
            for part in (edge(page.levels[None].float(), page.logits[None]) >= 0, page.truth[None])
        )
        found[page.name] = metrics.score(ink, truth, pseudo=False, distances=False).fm
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Train, print the scores of the held-out pages, write the checkpoint."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("checkpoint", type=Path, help="final.safetensors or best.safetensors of a run of bitunet or unet")
    parser.add_argument("--out", type=Path, required=True, help="the checkpoint to write")
    parser.add_argument("--data-root", type=Path, default=Path("../shared/data"), help="folder of the benchmarks (default: %(default)s)")
    parser.add_argument("--minutes", type=float, default=4.0, help="of training (default: %(default)s)")
    parser.add_argument("--filters", type=int, default=0, help="a new step of so many filters (default: go on with the checkpoint's)")
    parser.add_argument("--rate", type=float, default=3e-3, help="peak learning rate (default: %(default)s)")
    parser.add_argument("--size", type=int, default=64, help="side of a piece in cells (default: %(default)s)")
    parser.add_argument("--batch", type=int, default=8, help="pieces a step (default: %(default)s)")
    options = parser.parse_args(argv)
    try:
        state = checkpoint.load(options.checkpoint)
        recipe = recipe_of(state["about"]["recipe"])
        recipe = dataclasses.replace(recipe, net=dataclasses.replace(recipe.net, init=str(options.checkpoint)))
        if options.filters:
            variant = {**recipe.net.variant, "edge": options.filters}
            recipe = dataclasses.replace(recipe, net=dataclasses.replace(recipe.net, variant=variant))
        net = build(recipe.net.name, recipe.net.variant)
        if not isinstance(net, BitUNet | UNet) or net.edge is None:
            raise UsageError(
                f"{options.checkpoint}: {recipe.net.name} without an edge step; train one with net.variant.edge, or set --filters"
            )
        weights = state["net"]
        if options.filters:
            weights = {name: value for name, value in weights.items() if not name.startswith("edge.")}
        net.load_state_dict(weights, strict=not options.filters)
        _train(net.eval(), recipe, options)
        about = {**state["about"], "recipe": dataclasses.asdict(recipe), "minutes": state["about"]["minutes"] + options.minutes}
        checkpoint.save(options.out, {"about": about, "net": net.state_dict()})
    except DocbinError as error:
        print(f"train_edge: {error}", file=sys.stderr)
        return 1
    print(options.out)
    return 0


def _train(net: Network, recipe: Recipe, options: argparse.Namespace) -> None:
    """Train ``net.edge``; it holds the averaged weights afterwards."""
    keep_freed_memory(None)
    sets = {name: weight for name, weight in recipe.data.weights.items() if weight > 0 and name not in UNFINISHED}
    weights = {dataset_of(name): weight for name, weight in sets.items()}
    training = seen_by(net, sides(recipe.data, sets, options.data_root)[0])
    held_out = seen_by(net, sides(recipe.data, recipe.data.validation, options.data_root)[1])
    edge, loss = net.edge, weighted(recipe.loss.terms)
    assert edge is not None
    average = Ema(edge, 0.998)
    optimizer = torch.optim.AdamW(edge.parameters(), lr=options.rate, weight_decay=1e-3)

    def tell(step: int) -> None:
        found = scores(average.net, held_out)  # type: ignore[arg-type]
        print(
            f"step {step}: FM {np.mean(list(found.values())):.2f};", ", ".join(f"{name} {fm:.2f}" for name, fm in found.items()), flush=True
        )

    began = told = time.monotonic()
    source = batches(training, weights, options.size, options.batch, recipe.run.seed)
    for step, (levels, logits, truth) in enumerate(source):
        now = time.monotonic()
        progress = (now - began) / (60 * options.minutes)
        if progress >= 1 or now - told > 60 or step == 0:
            tell(step)
            told = now
        if progress >= 1:
            break
        for group in optimizer.param_groups:
            group["lr"] = options.rate * warmup_cosine(progress, 0.02, 0.01)
        value, _ = loss(F.pixel_shuffle(edge.train()(levels, logits), 2), F.pixel_shuffle(truth, 2))
        optimizer.zero_grad(set_to_none=True)
        value.backward()
        optimizer.step()
        average.update(edge, step + 1)
    edge.load_state_dict(average.net.state_dict())


if __name__ == "__main__":
    sys.exit(main())
