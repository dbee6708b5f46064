"""Turn a training checkpoint into a folder of the model zoo.

    python scripts/package_model.py runs/unet/best.safetensors models/unet --machine "2 cores" [--evaluation scores.json] [--notes notes.md]

Writes ``weights.safetensors`` (float16), ``config.toml`` (architecture, variant, checksum, input contract, how it was trained),
``golden.npz`` (a crop and what the packaged weights make of it) and ``card.md`` (generated: do not edit by hand). The recipe that the
checkpoint carries is written too, as ``recipe.json``, unless the folder has a ``recipe.toml``. The weights are read back from the folder
before the golden crop is computed, so what ships is what was checked.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from safetensors.torch import save_file

from docbin.nets import config_of
from docbin.nets.inference import probability
from docbin.nets.pretrained import load
from docbin.train import checkpoint

LIMIT = 8_000_000  # bytes of a model's weights


def main(argv: Sequence[str] | None = None) -> int:
    """Parse the command line, package, print what was written."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("checkpoint", type=Path, help="best.safetensors, final.safetensors or last.safetensors of a run")
    parser.add_argument("folder", type=Path, help="models/<name>")
    parser.add_argument("--machine", default="not recorded", help="what it was trained on, in words")
    parser.add_argument("--evaluation", type=Path, help="JSON of `docbin evaluate --json`, for the card's table")
    parser.add_argument("--notes", type=Path, help="Markdown: what the model is for and where it fails; goes into the card")
    options = parser.parse_args(argv)
    state = checkpoint.load(options.checkpoint)
    about = state.get("about") or {key: state[key] for key in ("recipe", "step", "minutes")}
    weights = state.get("net") or state.get("ema") or state["task"]["net"]
    evaluation = json.loads(options.evaluation.read_text(encoding="utf-8")) if options.evaluation else []
    notes = options.notes.read_text(encoding="utf-8") if options.notes else ""
    size = package(weights, about, options.folder, options.machine, evaluation, notes)
    print(f"{options.folder}: {size / 1e6:.2f} MB of weights")
    return 0


def package(
    weights: Mapping[str, torch.Tensor],
    about: Mapping[str, Any],
    folder: Path,
    machine: str,
    evaluation: Sequence[Mapping[str, Any]],
    notes: str,
) -> int:
    """Write the folder; returns the bytes of the weights file. Raises ValueError where they are above `LIMIT` or overflow float16."""
    folder.mkdir(parents=True, exist_ok=True)
    half = {
        name: value.half() if value.is_floating_point() else value
        for name, value in weights.items()
        if not name.endswith("num_batches_tracked")
    }
    for name, value in half.items():
        if value.is_floating_point() and not torch.isfinite(value).all():
            raise ValueError(f"{name}: does not fit float16")
    path = folder / "weights.safetensors"
    save_file({name: value.contiguous().clone() for name, value in half.items()}, path)
    size = path.stat().st_size
    if size > LIMIT:
        raise ValueError(f"{path}: {size} bytes, at most {LIMIT} ship")
    recipe = about["recipe"]
    config = config_toml(
        folder.name, recipe, about, hashlib.sha256(path.read_bytes()).hexdigest(), sum(value.numel() for value in half.values())
    )
    (folder / "config.toml").write_text(config, encoding="utf-8")
    if not (folder / "recipe.toml").exists():
        (folder / "recipe.json").write_text(json.dumps(recipe, indent=1) + "\n", encoding="utf-8")
    image = sample()
    said = probability(load(folder), image)
    np.savez_compressed(folder / "golden.npz", image=image, probability=said.astype(np.float16))
    (folder / "card.md").write_text(card(folder.name, about, machine, size, evaluation, notes), encoding="utf-8")
    return size


def config_toml(name: str, recipe: Mapping[str, Any], about: Mapping[str, Any], digest: str, numbers: int) -> str:
    """``config.toml`` as text: the whole variant is written out, so that a later change of a default does not change the model."""
    variant = config_of(recipe["net"]["name"], recipe["net"]["variant"])
    lines = [f"name = {json.dumps(name)}", 'task = "binarize"', f"net = {json.dumps(recipe['net']['name'])}", "", "[variant]"]
    lines += [f"{field} = {json.dumps(getattr(variant, field))}" for field in variant.__dataclass_fields__]
    lines += ["", "[weights]", 'file = "weights.safetensors"', f"sha256 = {json.dumps(digest)}", 'type = "float16"', f"numbers = {numbers}"]
    lines += ["", "[input]", 'channels = "RGB"', "low = 0.0", "high = 1.0  # uint8 / 255; a grey page repeats its channel"]
    lines += ["", "[output]", 'kind = "logit"', "threshold = 0.5  # of the probability: ink is above"]
    lines += ["", "[training]", f"steps = {about['step']}", f"minutes = {about['minutes']:.1f}", f"batch = {recipe['run']['batch']}"]
    return "\n".join([*lines, ""])


def card(name: str, about: Mapping[str, Any], machine: str, size: int, evaluation: Sequence[Mapping[str, Any]], notes: str) -> str:
    """``card.md`` as text, from the run's record and evaluation JSON."""
    recipe = about["recipe"]
    data, run = recipe["data"], recipe["run"]
    total = sum(data["weights"].values()) or 1.0
    lines = [f"# {name}", "", "Generated by `scripts/package_model.py`; edit its inputs, not this file.", ""]
    lines += [
        f"Architecture `{recipe['net']['name']}` (`docbin/nets/{recipe['net']['name']}.py`), {size / 1e6:.2f} MB of float16 weights.",
        "",
        notes.strip(),
        "",
    ]
    lines += ["## Data", "", "| set | share of crops |", "|---|---|"]
    lines += [f"| {dataset} | {weight / total:.0%} |" for dataset, weight in data["weights"].items()]
    lines += [
        "",
        f"{data['validation_share']:.0%} of each set's pages, whole pages, were held out (seed {data['split_seed']}) to choose the checkpoint;",
    ]
    lines += [
        f"scored were those of {', '.join(data['validation'])}. No page of any other year was seen in training or in choosing settings.",
        "",
    ]
    crops = about["step"] * run["batch"]
    lines += [
        "## Training",
        "",
        f"{about['step']} steps of {run['batch']} crops of {data['size']} x {data['size']} ({crops:,} crops), {about['minutes']:.0f} minutes",
    ]
    losses = " + ".join(f"{weight:g} {term}" for term, weight in recipe["loss"]["terms"].items())
    lines += [f"on {machine}; {losses}, AdamW {recipe['optim']['rate']:g}, EMA {recipe['optim']['ema']:g}, {run['precision']}.", ""]
    if evaluation:
        lines += ["## Scores", "", "| dataset | pages | FM | pFM | PSNR | DRD | s a page |", "|---|---|---|---|---|---|---|"]
        for table in evaluation:
            mean = table["mean"]
            scores = " | ".join(f"{mean[key]:.2f}" for key in ("fm", "pfm", "psnr", "drd", "seconds"))
            lines.append(f"| {table['dataset']} | {len(table['images'])} | {scores} |")
        lines.append("")
    return "\n".join(
        [*lines, "## Licence", "", "The weights are Apache-2.0 like the code. The pages they learned from keep their own terms.", ""]
    )


def sample(height: int = 160, width: int = 224) -> NDArray[np.uint8]:
    """A crop of our own to prove a model by: printed and drawn strokes on uneven paper with a stain, uint8 (height, width, 3)."""
    rng = np.random.default_rng(7)
    rows, columns = np.mgrid[0:height, 0:width]
    light = 205 - 0.25 * columns + 0.1 * rows - 60 * np.exp(-((rows - 110) ** 2 + (columns - 60) ** 2) / 900)
    ink = Image.new("L", (width, height), 0)
    draw = ImageDraw.Draw(ink)
    draw.text((12, 12), "Anno Domini", fill=255, font=ImageFont.load_default(28))
    draw.text((12, 52), "in folio verso, 1672", fill=170, font=ImageFont.load_default(18))
    draw.line([(12, 90), (60, 120), (110, 95), (160, 130), (210, 100)], fill=200, width=3, joint="curve")
    draw.text((30, 128), "faint and small", fill=90, font=ImageFont.load_default(14))
    cover = np.asarray(ink, np.float64)[..., None] / 255
    paper = light[..., None] * np.array([1.0, 0.93, 0.78])
    page = paper * (1 - cover) + np.array([40.0, 35.0, 45.0]) * cover + rng.normal(0, 5, (height, width, 1))
    return np.asarray(page.clip(0, 255).astype(np.uint8))


if __name__ == "__main__":
    sys.exit(main())
