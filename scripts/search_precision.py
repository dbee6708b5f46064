"""Which layers of a shipped `bitunet` should give more bits, and which fewer: sensitivities, the engine's cost, integer programming.

    python scripts/search_precision.py models/bitunet --data-root DIR --out out/precision.json

On crops of the recipe's held-out pages every group of layers is tried with every number of bits (:mod:`docbin.train.precision_search`); the cost is
that of one thread of this machine's engine, fitted first and checked against a whole page of the network (:mod:`docbin.bench.engine_cost`). For every
time in ``--times`` (of the network's own) integer programming then chooses, by what was measured and by what HAWQ-V2's trace predicts. Each choice is
scored on the held-out pages by the engine, nothing learned anew, and printed as the ``layer_thresholds`` of a recipe, from which training goes on:

    docbin train models/bitunet/recipe.toml --set net.init=bitunet --set "net.variant.layer_thresholds=[...]"
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from docbin import engine
from docbin.bench import engine_cost
from docbin.data.crops import NO_AUGMENT, CropSource
from docbin.data.store import LabelledPage
from docbin.errors import DocbinError, UsageError
from docbin.nets import config_of
from docbin.nets.bitunet_config import BitUNetConfig
from docbin.train import precision_search as search
from docbin.train.bitunet_work import work_of
from docbin.train.feed import collate, open_validation, sides
from docbin.train.recipe import read_recipe
from docbin.train.unpack import calibrate
from docbin.train.validate import validate_packed
from docbin.zoo import folders

BATCH = 8


def crops_of(pages: Sequence[LabelledPage], count: int, size: int) -> search.Crops:
    """So many plain cuts of pages, near ink, in batches."""
    source = CropSource(pages, size, seed=0, augment=NO_AUGMENT, depth=True)
    found = []
    for start in range(0, count, BATCH):
        images, truth = collate(source, range(start, min(start + BATCH, count)))
        found.append((images.permute(0, 3, 1, 2).float().div_(255), truth[:, None].float()))
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("model", help="name or folder of a packed model with its recipe")
    parser.add_argument("--data-root", type=Path, required=True, help="folder of the benchmark pages")
    parser.add_argument("--crops", type=int, default=16, help="crops that losses are measured on")
    parser.add_argument("--probes", type=int, default=4, help="random vectors a batch of crops, for the traces")
    parser.add_argument("--most", type=int, default=4, help="thresholds to try")
    parser.add_argument("--times", type=float, nargs="+", default=[1.1, 1.0, 0.95, 0.9], help="bounds, of the network's own time")
    parser.add_argument("--out", type=Path, help="JSON of all of it")
    options = parser.parse_args(arguments)
    try:
        run(options)
    except DocbinError as error:
        print(f"search_precision: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def table(allocations: Sequence[Mapping[str, Any]]) -> str:
    """What was chosen under each bound, and what came of it, as Markdown."""
    lines = [
        "| chosen by | bound | time | sum of losses | loss together | crops' FM | pages' FM | layer_thresholds, planes |",
        "|---" * 8 + "|",
    ]
    for one in allocations:
        losses = f"{one['sum'] * 1e3:+.2f} | {one['loss'] * 1e3:+.2f} | {one['crop_fm']:+.2f} | {one['pages']['mean']:.2f}"
        lines.append(
            f"| {one['by']} | {one['share']:.0%} | {one['cost']:.1%} | {losses} | {list(one['layer_thresholds'])}, {one['planes']} |"
        )
    return "\n".join(lines)


def run(options: argparse.Namespace) -> None:
    began = time.process_time()

    def say(text: str) -> None:
        print(f"[{time.process_time() - began:.0f} s of processor time] {text}", file=sys.stderr, flush=True)

    torch.set_num_threads(1)
    model = folders.load_config(options.model)
    if model.packed is None or model.net != "bitunet":
        raise UsageError(f"{options.model}: a packed bitunet is wanted")
    packed = model.verified(model.packed)
    recipe = read_recipe(packed.parent / "recipe.toml")
    config = config_of("bitunet", model.variant)
    assert isinstance(config, BitUNetConfig)
    graph = engine.read(packed)
    crops = crops_of(sides(recipe.data, recipe.data.validation, options.data_root)[1], options.crops, recipe.data.size)
    pages = open_validation(recipe, options.data_root)

    say("the engine's cost on this machine")
    cost = engine_cost.measure()
    checked = engine_cost.check(cost, {model.name: graph})
    now = cost.page(work_of(config))
    say(f"{len(crops)} batches of held-out crops, {options.probes} probes each")
    net = search.unpacked(graph, config).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    calibrate(net, [images for images, _ in crops[:1]])
    with search.measuring(net, own_statistics=True):
        loss, crop_fm = search.losses(net, crops)
    groups, rows = search.sensitivities(net, crops, cost, options.probes, options.most)
    as_it_is = validate_packed(search.unpacked(graph, config), pages)
    say(f"loss {loss:.5f}, FM of crops {crop_fm:.2f}, of pages {as_it_is['mean']:.2f}; {now:.1f} ns a pixel")

    chosen, allocations = {}, []
    for by in ("measured", "predicted"):
        for share in options.times:
            try:
                changes, variant, best = search.choose(config, groups, rows, (share - 1) * now, by)
            except UsageError as error:  # the bits alone do not make it so cheap
                say(f"{share:.0%}: {error}")
                continue
            title = f"{share:.0%} {by}"
            chosen[title] = changes
            with search.measuring(net, own_statistics=True), search.changed(net, changes):
                together, together_fm = search.losses(net, crops)
            scores = validate_packed(search.unpacked(graph, variant), pages)
            allocations.append(
                {
                    "by": by,
                    "share": share,
                    "cost": cost.page(work_of(variant)) / now,
                    "sum": best.loss,
                    "loss": together - loss,
                    "crop_fm": together_fm - crop_fm,
                    "pages": scores,
                    "layer_thresholds": variant.layer_thresholds,
                    "planes": variant.planes,
                }
            )
            say(f"{title}: {allocations[-1]}")
    print(f"{search.show(groups, rows, chosen)}\n\n{table(allocations)}")
    if options.out is not None:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        kept = {
            "model": model.name,
            "loss": loss,
            "crop_fm": crop_fm,
            "pages": as_it_is,
            "ns_pixel": now,
            "cost": dataclasses.asdict(cost),
            "checked": checked,
            "layers": [layer.name for layer in config.layers],
            "rows": [dataclasses.asdict(row) for row in rows],
            "allocations": allocations,
        }
        options.out.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
