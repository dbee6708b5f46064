"""Which `bitunet` to train under a time: the variants that fill it, and successive halving of short trainings.

    python scripts/search_architecture.py models/bitunet/recipe.toml --time-of bitunet-fast --list
    python scripts/search_architecture.py models/bitunet/recipe.toml --time-of bitunet-fast --data-root DIR --out runs/search \\
        --set data.size=128 --set 'options.teacher=""'

The time is what a packed model takes on one thread of this machine by the engine's cost model, times ``--share``. ``--list`` prints the
variants that fill it and trains none. Else ``--count`` of them that lie far apart and the model's own variant train to each of
``--rungs`` (steps in all), the better half by the F-measure of the recipe's held-out pages goes on. The same command again goes on where
it was stopped.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from docbin.bench import engine_cost
from docbin.errors import DocbinError, UsageError
from docbin.nets import config_of
from docbin.train import architecture_search as search
from docbin.train.bitunet_work import work_of
from docbin.train.feed import open_validation
from docbin.train.recipe import read_recipe
from docbin.train.validate import validate_packed
from docbin.zoo import folders

SHIPPED = "shipped"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("recipe", type=Path, help="how candidates are trained; its variant is replaced")
    parser.add_argument("--time-of", default="bitunet", metavar="MODEL", help="packed model whose time is the bound")
    parser.add_argument("--share", type=float, default=1.0, help="of that time")
    parser.add_argument("--list", action="store_true", help="print what fills the time, train nothing")
    parser.add_argument("--count", type=int, default=3, help="candidates beside the model's own variant")
    parser.add_argument("--rungs", type=int, nargs="+", default=[200, 400, 800], help="steps")
    parser.add_argument("--data-root", type=Path, help="folder of the benchmark pages")
    parser.add_argument("--out", type=Path, help="folder of the runs")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="settings", help="changes to the recipe")
    options = parser.parse_args(arguments)
    try:
        run(options)
    except DocbinError as error:
        print(f"search_architecture: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def run(options: argparse.Namespace) -> None:
    model = folders.load_config(options.time_of)
    if model.net != "bitunet":
        raise UsageError(f"--time-of {options.time_of}: a bitunet is wanted")
    cost = engine_cost.measure()
    shipped = config_of("bitunet", model.variant)
    own = cost.page(work_of(shipped))
    bound = options.share * own
    began = time.process_time()
    candidates = list(search.enumerate_variants(search.SPACE, cost))
    fill = search.maximal(candidates, bound)
    seconds = time.process_time() - began
    fitting = sum(one.time <= bound for one in candidates)
    print(
        f"{len(candidates)} variants weighed in {seconds:.0f} s of processor time; "
        f"{fitting} take at most {bound:.1f} ns a pixel, {len(fill)} of them fill it",
        file=sys.stderr,
    )
    if not fill:
        raise UsageError(f"--share {options.share}: no variant of the space is so fast")
    others = [one for one in fill if config_of("bitunet", one.variant) != shipped]  # which trains anyway
    taken = fill if options.list else search.spread(others or fill, options.count)
    variants = {"-".join(map(str, one.positions)): one.variant for one in taken}
    times = dict(zip(variants, (one.time for one in taken), strict=True))
    if options.list:
        print(f"| {' | '.join(search.SPACE)} | ns a pixel |\n|{'---|' * (len(search.SPACE) + 1)}")
        for one in taken:
            print(f"| {' | '.join(map(str, one.positions))} | {one.time:.2f} |")
        return
    if options.data_root is None or options.out is None:
        raise UsageError("training the candidates wants --data-root and --out")
    variants[SHIPPED], times[SHIPPED] = dict(model.variant), own
    torch.set_num_threads(1)
    recipe = read_recipe(options.recipe, options.settings)
    pages = open_validation(recipe, options.data_root)
    options.out.mkdir(parents=True, exist_ok=True)

    def score(net: torch.nn.Module) -> float:
        return validate_packed(net, pages)["mean"]

    train = search.trainer(recipe, variants, options.out, options.data_root, score)
    rungs = search.successive_halving(list(variants), options.rungs, train)
    print(f"| candidate | ns a pixel | {' | '.join(f'{rung.steps} steps' for rung in rungs)} |\n|{'---|' * (len(rungs) + 2)}")
    for name in variants:
        scores = [dict(rung.scores).get(name) for rung in rungs]
        print(f"| {name} | {times[name]:.2f} | {' | '.join('' if one is None else f'{one:.2f}' for one in scores)} |")
    kept = {
        "bound": bound,
        "times": times,
        "variants": variants,
        "rungs": [{"steps": rung.steps, "scores": dict(rung.scores)} for rung in rungs],
    }
    (options.out / "search.json").write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
