"""Choose a detector's size and thresholds on the validation photographs, and look at the test photographs once.

    python scripts/choose_detector.py models/dbnet --data-root DATA --out runs/dbnet/chosen.json --write
    python scripts/choose_detector.py models/dbnet --data-root DATA --out runs/dbnet/chosen.json --final

The first call scores every size, threshold, growth of kernels and least score on icdar2015-validation, by F of all words together, and counts which
photographs without writing get an outline all the same (those that no training saw: of the others a detector knows nearly all). It prints the best
of each size and with ``--write`` puts the best into the folder's ``config.toml``. (A picture's probability is computed once a size, its words once a
threshold and growth; least scores only leave words out.) A setting that outlines more than ``--false`` of the photographs without writing is not
chosen: 12 of 100, for what a good detector outlines there is mostly writing, credits and signs far away. And a size that is less than ``--worth`` of
F better than a smaller one is not worth its time.

The second call runs the folder as it stands on icdar2015, the official test photographs, and on all photographs without writing. It refuses a second
look with the same ``--out`` file: who chooses by the test photographs has none any more.
"""

from __future__ import annotations

import argparse
import itertools
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from docbin import benchmarks, detection
from docbin.benchmarks.descriptors import PagePair
from docbin.detection.rules import Rules
from docbin.errors import UsageError
from docbin.metrics.words import Counts, icdar2015, small_words, total
from docbin.page import Image

VALIDATION, TEST, EMPTY = "icdar2015-validation", "icdar2015", "without-text"


@dataclass(frozen=True, slots=True)
class Setting:
    """A way to use the detector, and what it scored, percent."""

    side: int
    accurate: bool
    threshold: float
    unclip: float
    score: float
    precision: float
    recall: float
    f: float
    false: float
    """Photographs without writing that get an outline, percent."""


@dataclass(frozen=True, slots=True)
class Grid:
    """What is tried at every size: thresholds of the probability, factors by which kernels grow (0: what training shrank), least scores."""

    thresholds: Sequence[float]
    unclips: Sequence[float]
    scores: Sequence[float]


@dataclass(frozen=True, slots=True)
class Labelled:
    """A picture's outlines of the truth, and which are don't-care."""

    words: list[Any]
    ignore: list[bool]


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, choose or look, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("model", type=Path, help="a model folder of a detector")
    parser.add_argument("--data-root", type=Path, help="folder of the benchmark data (default: DOCBIN_DATA)")
    parser.add_argument("--out", type=Path, required=True, help="JSON file of all that was scored")
    parser.add_argument(
        "--sides", type=int, nargs="+", default=[960, 1138, 1280], help="longer sides to try, pixels (default: %(default)s)"
    )
    parser.add_argument(
        "--thresholds", type=float, nargs="+", default=[0.2, 0.25, 0.3, 0.35, 0.4, 0.5], help="of the probability (default: %(default)s)"
    )
    parser.add_argument(
        "--scores", type=float, nargs="+", default=[0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75], help="least scores (default: %(default)s)"
    )
    parser.add_argument(
        "--unclips",
        type=float,
        nargs="+",
        default=[0.0, 1.4, 1.5, 1.6],
        help="how kernels grow, 0: by what training shrank (default: %(default)s)",
    )
    parser.add_argument("--limit", type=int, help="the first so many photographs only")
    parser.add_argument("--accurate", action="store_true", help="try the average of two sizes beside each size")
    parser.add_argument("--worth", type=float, default=0.3, help="F in percent that a larger size must gain (default: %(default)s)")
    parser.add_argument(
        "--false", type=float, default=12.0, help="photographs without writing that may get an outline, percent (default: %(default)s)"
    )
    parser.add_argument("--write", action="store_true", help="put the best into the folder's config.toml")
    parser.add_argument("--final", action="store_true", help="look at the test photographs, once")
    options = parser.parse_args(argv)
    told = json.loads(options.out.read_text(encoding="utf-8")) if options.out.is_file() else {}
    if options.final:
        if "test" in told:
            raise UsageError(f"{options.out}: the test photographs were looked at already; a second look would be choosing by them")
        told["test"] = final(options.model, options.data_root, options.limit)
        print(json.dumps(told["test"], indent=1))
    else:
        detector = detection.load(options.model)
        sides = sorted(set(options.sides))
        grid = Grid(options.thresholds, options.unclips, options.scores)
        table = search(detector, options.data_root, sides, grid, options.accurate, options.limit)
        best = choose([one for one in table if not one.accurate], options.worth, options.false)
        for side, accurate in sorted({(one.side, one.accurate) for one in table}):
            print(told_of(max((one for one in table if (one.side, one.accurate) == (side, accurate)), key=lambda one: one.f)))
        print("chosen:", told_of(best))
        told = {**told, "chosen": asdict(best), "validation": [asdict(one) for one in table]}
        if options.write:
            write(options.model / "config.toml", best)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    return 0


def told_of(one: Setting) -> str:
    """A setting as a line."""
    how = f"side {one.side}" + (", two sizes averaged" if one.accurate else "")
    scores = (
        f"precision {one.precision:.1f}, recall {one.recall:.1f}, F {one.f:.2f}, outlines on {one.false:.0f} % of pictures without writing"
    )
    return f"{how}: threshold {one.threshold:g}, unclip {one.unclip:g}, score {one.score:g}: {scores}"


def pictures(name: str, root: Path | None, limit: int | None) -> list[tuple[PagePair, benchmarks.Benchmark]]:
    """The pictures of a benchmark."""
    bench = benchmarks.load(name)
    return [(pair, bench) for pair in bench.pairs(benchmarks.data_root_of(name, root))[:limit]]


def search(
    detector: detection.Detector,
    root: Path | None,
    sides: Sequence[int],
    grid: Grid,
    accurate: bool = False,
    limit: int | None = None,
    name: str = VALIDATION,
) -> list[Setting]:
    """Every setting's scores on the pictures of a benchmark."""
    ways = [(side, both) for side in sides for both in ((False, True) if accurate else (False,))]
    counts: dict[tuple[int, bool, float, float, float], list[Counts]] = {}
    for pair, bench in pictures(name, root, limit):
        image, truth = benchmarks.read_words(bench, pair)
        labelled = Labelled([word.polygon for word in truth], [word.ignore for word in truth])
        for side, both in ways:
            for setting, count in of_picture(detector, image, labelled, side, both, grid).items():
                counts.setdefault((side, both, *setting), []).append(count)
    nothing, false = Labelled([], []), dict.fromkeys(counts, 0)
    empty = pictures_without_writing(root)[1][:limit]
    for picture in empty:
        image = benchmarks.read_picture(picture)
        for side, both in ways:
            for setting, count in of_picture(detector, image, nothing, side, both, grid).items():
                false[side, both, *setting] += count.found > 0
    share = 100 / max(len(empty), 1)
    scores = {way: total(some).scores() for way, some in counts.items()}
    return [Setting(*way, one.precision, one.recall, one.f, share * false[way]) for way, one in scores.items()]


def of_picture(
    detector: detection.Detector,
    image: Image,
    truth: Labelled,
    side: int,
    accurate: bool,
    grid: Grid,
) -> dict[tuple[float, float, float], Counts]:
    """(threshold, unclip, score) -> counts of a picture."""
    height, width = image.shape[:2]
    probability = detector.averaged(image, side) if accurate else detector.probability(image, side)
    found = {}
    for threshold, unclip in itertools.product(grid.thresholds, grid.unclips):
        rules: Rules = replace(detector.rules, threshold=threshold, unclip=unclip, score=min(grid.scores))
        words = detection.find_words(probability, rules, (width, height))
        for score in grid.scores:
            kept = [word.polygon for word in words if word.score >= score]
            found[threshold, unclip, score] = icdar2015(kept, truth.words, truth.ignore)
    return found


def choose(table: Sequence[Setting], worth: float, false: float = 100.0) -> Setting:
    """The smallest size that no larger one beats by `worth` of F, at its best thresholds of those that outline at most `false` percent of the
    pictures without writing.

    Raises
    ------
    UsageError
        Every setting outlines more.
    """
    least = min(one.false for one in table)
    table = [one for one in table if one.false <= false]
    if not table:
        raise UsageError(
            f"every setting outlines at least {least:g} % of the photographs without writing, --false {false:g} was given: try higher --scores"
        )
    best = {side: max((one for one in table if one.side == side), key=lambda one: one.f) for side in {one.side for one in table}}
    most = max(one.f for one in best.values())
    return next(best[side] for side in sorted(best) if best[side].f > most - worth)


def write(config: Path, best: Setting) -> None:
    """Put a setting into a model's config; everything else of the file stays.

    Raises
    ------
    UsageError
        The file lacks one of the four lines.
    """
    text = config.read_text(encoding="utf-8")
    for key, value in (("threshold", best.threshold), ("side", best.side), ("score", best.score), ("unclip", best.unclip)):
        text, count = re.subn(rf"(?m)^{key} = [0-9.e-]+", f"{key} = {value}", text)
        if count != 1:
            raise UsageError(f"{config}: has {count} lines '{key} = ...', one is wanted; package the model again")
    config.write_text(text, encoding="utf-8")


def final(model: Path, root: Path | None, limit: int | None) -> dict[str, Any]:
    """What the folder as it stands does on the test photographs and on those without writing that no training saw."""
    detector = detection.load(model)
    counts, small = [], np.zeros(2, int)
    for pair, bench in pictures(TEST, root, limit):
        image, truth = benchmarks.read_words(bench, pair)
        words, ignore = [word.polygon for word in truth], [word.ignore for word in truth]
        found = [word.polygon for word in detector(image)]
        counts.append(icdar2015(found, words, ignore))
        small += small_words(found, words, ignore)
    learned, held_out = pictures_without_writing(root)
    false = [[len(detector(benchmarks.read_picture(picture))) for picture in some[:limit]] for some in (learned, held_out)]
    return {
        "pictures": len(counts),
        **total(counts).scores().as_dict(),
        "small_words": int(small[0]),
        "small_recall": 100 * int(small[1]) / int(small[0]) if small[0] else None,
        "without_text": {name: told_of_false(some) for name, some in zip(("learned_from", "held_out"), false, strict=True)},
    }


def pictures_without_writing(root: Path | None) -> tuple[list[Path], list[Path]]:
    """The photographs without writing: those that trainings learn from, the first two thirds, and those that they do not."""
    every = [pair.image_path for pair, _ in pictures(EMPTY, root, None)]
    learned = len(every) - round(len(every) / 3)
    return every[:learned], every[learned:]


def told_of_false(found: Sequence[int]) -> dict[str, float | int | None]:
    """Outlines of each of some photographs without writing, in sum."""
    return {
        "pictures": len(found),
        "false_outlines_a_picture": sum(found) / len(found) if found else None,
        "pictures_with_false_outlines": sum(count > 0 for count in found),
    }


if __name__ == "__main__":
    sys.exit(main())
