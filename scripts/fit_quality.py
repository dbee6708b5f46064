"""Fit the verdicts of :mod:`docbin.assessment`, and check them on pages that they were not fitted to.

    python scripts/fit_quality.py fit --data-root DATA --work FOLDER      # writes docbin/assessment/fitted.npz, prints how held-out pages fare
    python scripts/fit_quality.py check nabuco --data-root DATA          # what the shipped verdicts say of another set

``fit`` reads the sets that docbin's models learn from and NoisyOffice, draws pages, degrades them, runs the methods, spoils results on purpose,
measures everything (all of that is kept in FOLDER, so that a second run starts where the first one ended), and fits: seven minutes of one CPU.
``check`` judges every method's result on every page of the sets, as it is and with a tenth of its text gone, prints the figures that
docs/experiments quotes and writes them as JSON. A test year is looked at once.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from docbin.assessment import Quality

FITTED = Path(__file__).parent.parent / "docbin" / "assessment" / "fitted.npz"
CHECKED = (
    "otsu",
    "sauvola",
    "wolf",
    "su",
    "nick",
    "bradley",
    "gatos",
    "isauvola",
    "bataineh",
    "singh",
    "phansalkar",
    "bitunet-fast",
    "bitunet",
)
"""Methods whose results ``check`` judges."""


SEED = 1021
"""Of the rendered pages: no network's training drew them, so networks fail on them as they fail on pages that are new to them."""


def make_pools(data_root: str, work: Path) -> None:
    """The parts of every pool that are not in `work` yet: labelled pages, and pages of docbin's own making that no network has seen."""
    from docbin.data.failing_pages import FailingPages
    from docbin.data.pages import TRAINING_SETS, load_pages
    from docbin.data.rendered_pages import RenderedPages
    from docbin.synth.page.failing_kinds import FAILING_KINDS
    from docbin.train.verdict_pages import BACK, PENCIL, make_parts

    cache, parts = work / "pages", work / "parts"
    turned = tuple(kind for kind in FAILING_KINDS if kind != "white-on-dark")  # turned dark on light before anybody sees it
    labelled = [page for name in TRAINING_SETS for page in load_pages([name], data_root, cache)[:: 2 if name == "smadi" else 1]]
    labelled += load_pages(["noisyoffice"], data_root, cache)[::4]
    make_parts(RenderedPages("drawn", 72, SEED, cache).pages(), parts, (0,))
    make_parts(labelled, parts, (0,))
    make_parts(FailingPages(3 * len(turned), SEED, cache, Path(data_root) / "paper", turned).pages(), parts, (0, 2))
    make_parts(RenderedPages("drawn", 24, SEED + 1, cache).pages(), parts, (1,))
    make_parts(RenderedPages("rendered", 30, SEED, cache).pages(), parts, (1, 3, PENCIL))
    for half in (0, 1):
        make_parts(labelled[half::2], parts, (2 + half,))
    make_parts([page for page in labelled if page.dataset not in ("smadi", "noisyoffice")], parts, (BACK, PENCIL))


def fit(data_root: str, work: Path) -> None:
    """Make what is missing in `work`, fit, print, write FITTED."""
    from docbin.train import fit_verdict
    from docbin.train.verdict_cases import gather, measure_parts

    make_pools(data_root, work)
    parts = work / "parts"
    measure_parts(parts, work / "features")
    cases = gather(work / "features")
    said = fit_verdict.held_out(cases)
    bounds = fit_verdict.bounds_of(cases, said)
    own, sets, good = (
        (np.char.find(cases.results, "+") < 0) & ~fit_verdict.in_pencil(cases),
        fit_verdict.sets_of(cases),
        fit_verdict.good_ones(cases),
    )
    told = np.any([said[name] > bound for name, bound in bounds.items()], axis=0)
    for name in dict.fromkeys(sets.tolist()):
        here = sets == name
        marked = f"{told[good & here].mean():.3f} of {int((good & here).sum())}" if (good & here).any() else "none there"
        print(
            f"{name}, held out: good results marked: {marked};",
            fit_verdict.check(cases, said, here & own & (cases.results != "truth")),
            flush=True,
        )
    everything = np.ones(len(sets), np.bool_)
    fit_verdict.save(FITTED, cases, fit_verdict.fit_all(cases, everything), bounds)


Row = tuple[str, str, float, float, "Quality", bool]
"""Page, result, F-measure, share of the truth missed, verdict, whether ``-m auto`` may take it for the default method's."""


def judge_sets(sets: Sequence[str], data_root: str) -> list[Row]:
    """The shipped verdicts on whole pages of other sets."""
    from docbin import automatic, benchmarks, catalogue
    from docbin.assessment import Signs, judge
    from docbin.augment.spoiled_ink import LOSSES, SPOILS
    from docbin.page import Mask, to_grey
    from docbin.train.verdict_cases import judged

    rows: list[Row] = []

    def note(page: str, name: str, ink: Mask, truth: Mask, view: Signs, default: tuple[Mask, Quality] | None = None) -> None:
        fm, missed, *_ = judged(ink, truth)
        quality = judge(view, ink)
        tried = default is not None and name in automatic.challengers(view, default[1])
        by = automatic.margin(view, name, ink, *default) if tried else None
        rows.append((page, name, fm, missed, quality, by is not None and automatic.beats(quality, default[1], by)))

    for name in sets:
        benchmark = benchmarks.load(name)
        for pair in benchmark.pairs(benchmarks.data_root_of(name, data_root)):
            image = benchmarks.read_picture(pair.image_path)
            truth = benchmarks.truth_mask(pair.truth_path, benchmark.polarity)
            grey, page = to_grey(image), f"{name}/{pair.stem}"
            view, rng, count = Signs(grey), np.random.default_rng(len(rows)), len({row[0] for row in rows})
            losses = [LOSSES[(count + step) % len(LOSSES)] for step in (0, 1)]
            note(page, "truth", truth, truth, view)
            for loss in losses:
                note(page, f"truth+{loss}", SPOILS[loss](rng, grey, truth, 0.1), truth, view)
            default = catalogue.get(catalogue.DEFAULT).binarize(image)
            its = judge(view, default)
            for method in CHECKED:
                ink = default if method == catalogue.DEFAULT else catalogue.get(method).binarize(image)
                note(page, method, ink, truth, view, (default, its))
                if method == "bitunet" and ink.any():
                    for loss in losses:
                        note(page, f"bitunet+{loss}", SPOILS[loss](rng, grey, ink, 0.1), truth, view)
    return rows


def figures_of(rows: Sequence[Row]) -> dict[str, object]:
    """How the verdicts compare with the truths."""
    from scipy.stats import spearmanr

    from docbin.train.fit_verdict import area_under_curve

    pages, names = (np.array([row[place] for row in rows]) for place in (0, 1))
    fm, missed = (np.array([row[place] for row in rows], float) for place in (2, 3))
    value = np.array([100 * row[4].value for row in rows])
    marked = np.array([row[4].suspect for row in rows])
    left = np.array([any("left out" in reason or "writing" in reason for reason in row[4].reasons) for row in rows])
    own = (np.char.find(names, "+") < 0) & (names != "truth")
    good = (np.char.find(names, "+") < 0) & (fm >= 90) & (missed <= 0.02)
    lost = (np.char.find(names, "_lost") > 0) & ((np.char.find(names, "truth") == 0) | np.isin(pages, pages[(names == "bitunet") & good]))
    low = fm[own] < 80
    figures: dict[str, object] = {
        "results": int(own.sum()),
        "mean absolute error": round(float(np.abs(fm - value)[own].mean()), 2),
        "bias": round(float((value - fm)[own].mean()), 2),
        "AUC of F-measure below 80": round(area_under_curve(low, -value[own]), 4) if 0 < low.sum() < len(low) else None,
        "rank correlation": round(float(spearmanr(fm[own], value[own])[0]), 3),
        "good results": int(good.sum()),
        "good results marked": round(float(marked[good].mean()), 4),
        "good results marked for missing text": round(float(left[good].mean()), 4),
        "truths marked": round(float(marked[names == "truth"].mean()), 4),
        "results with a tenth missing": int(lost.sum()),
        "of these marked": round(float(marked[lost].mean()), 4),
        "of these marked for it": round(float(left[lost].mean()), 4),
        "poor results (below 80) marked": round(float(marked[own & (fm < 80)].mean()), 4),
    }
    figures["-m auto"] = _automatic(pages, names, fm, value / 100, np.array([row[5] for row in rows]))
    for name in sorted(set(names[own])):
        chosen = names == name
        figures[name] = {
            "FM": round(float(fm[chosen].mean()), 2),
            "expected": round(float(value[chosen].mean()), 2),
            "error": round(float(np.abs(fm - value)[chosen].mean()), 2),
        }
    return figures


def _automatic(
    pages: NDArray[np.str_], names: NDArray[np.str_], fm: NDArray[np.float64], value: NDArray[np.float64], beats: NDArray[np.bool_]
) -> dict[str, object]:
    """What ``-m auto`` would have taken, by the rule of :mod:`docbin.automatic`: means, worst pages, and how often it took another."""
    from docbin import catalogue

    every: dict[str, dict[str, list[float]]] = {}
    changed = 0
    sets = np.array([page.split("/")[0] for page in pages])
    for page in dict.fromkeys(pages):
        here = {
            name: (float(fm[at]), float(value[at]), bool(beats[at])) for at in np.flatnonzero(pages == page) if (name := str(names[at]))
        }
        better = [name for name, (*_, wins) in here.items() if wins]
        taken = max(better, key=lambda name: here[name][1], default=catalogue.DEFAULT)
        changed += taken != catalogue.DEFAULT
        for name, (scored, *_) in {**here, "auto": here[taken]}.items():
            if "+" not in name and name != "truth":
                every.setdefault(name, {}).setdefault(page.split("/")[0], []).append(scored)
    means = {name: float(np.mean([np.mean(scores) for scores in own.values()])) for name, own in every.items()}
    worst = {name: min(min(scores) for scores in own.values()) for name, own in every.items()}
    best = max((name for name in means if name != "auto"), key=lambda name: means[name])
    return {
        "mean of the sets": round(means["auto"], 2),
        f"of {catalogue.DEFAULT}": round(means[catalogue.DEFAULT], 2),
        f"of the best single method judged ({best})": round(means[best], 2),
        "worst page": round(worst["auto"], 2),
        f"worst page of {catalogue.DEFAULT}": round(worst[catalogue.DEFAULT], 2),
        "pages": len(set(pages)),
        "pages on which it took another": changed,
        "sets": sorted(set(sets)),
    }


def main(argv: Sequence[str] | None = None) -> int:
    """See the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    fitting = commands.add_parser("fit", help="fit and write the numbers that ship")
    fitting.add_argument("--work", type=Path, required=True, help="folder for parts and features")
    checking = commands.add_parser("check", help="judge the methods' results on other sets")
    checking.add_argument("sets", nargs="+")
    checking.add_argument("--json", type=Path, help="write the figures here as well")
    for command in (fitting, checking):
        command.add_argument("--data-root", required=True, help="folder of the labelled pages")
    given = parser.parse_args(argv)
    if given.command == "fit":
        fit(given.data_root, given.work)
        return 0
    figures = figures_of(judge_sets(given.sets, given.data_root))
    text = json.dumps(figures, indent=1)
    print(text)
    if given.json is not None:
        given.json.write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
