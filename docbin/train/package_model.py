"""A finished run to a folder of the model zoo: what ``docbin package`` does.

Writes ``weights.safetensors`` (float16), ``config.toml`` (architecture, variant, checksums, what it takes and gives, how it was trained),
``golden.npz`` (a crop and what the packaged weights make of it) and ``card.md`` (generated: do not edit by hand). Where the network can run without
torch, that form is written too: ``model.onnx``, a graph whose tensors are those of the weights file, or ``packed.safetensors`` for a network of
bits; where it cannot, the reason is printed. A network of bits ships without its float weights, unless they are asked for: they are many times as
large, and nothing but more training needs them. The recipe that the checkpoint carries is written as ``recipe.json``, unless the folder has a
``recipe.toml``.

The weights are read back from the folder before anything is made of them, so what ships is what was checked. The folder is checked at the end as
any user's install will check it, every installed runtime against the golden crop; a folder that fails is an error. Scores go into the card
after the model was evaluated, by ``scripts/make_cards.py``, or at once where its evaluation is given.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import safetensors.torch
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from torch import nn

from docbin import export
from docbin.batch.inputs import readable
from docbin.engine import fixed_point
from docbin.errors import DocbinError, UsageError
from docbin.files import read_pages
from docbin.kernels.shrunk import UNIT
from docbin.nets import build, config_of
from docbin.nets.pretrained import TorchNet, load
from docbin.page import Image as PageImage
from docbin.page import to_grey
from docbin.quant import quantizers
from docbin.train import checkpoint
from docbin.train.calibrate import input_ranges
from docbin.zoo import cards, runtimes
from docbin.zoo.folders import FILE_LIMIT, GREY, ONNX_FILE, PACKED_LIMIT, RUN_WEIGHTS, Config, read_config, usual_halo

WEIGHTS_FILE, PACKED_FILE = "weights.safetensors", "packed.safetensors"
TASK_OF = {"detection": "detect", "regions": "regions"}
"""What a model is for, by the task that it was trained with; of all others, to tell ink from paper."""
CHECKPOINTS = (*RUN_WEIGHTS, "last.safetensors")
"""Of a run, in the order in which they are taken."""
TOLERANCE = 1e-3
"""Of a probability against the golden crop, which is stored as float16."""

ROUNDED = 0.15
"""Of a probability of a network whose weights are rounded to 8 bits."""

RONNEBERGER = "Ronneberger, Fischer and Brox, MICCAI 2015, arXiv 1505.04597"
LIAO = "Liao, Wan, Yao, Chen and Bai, AAAI 2020, arXiv 1911.08947"
ABOUT: Mapping[str, tuple[str, str]] = {
    "unet": ("a U-Net of residual blocks made for CPUs; the accurate one", f"{RONNEBERGER}; the variant is docbin's own"),
    "bitunet": ("a U-Net in bits, with an 8-bit step for the edges of strokes", f"{RONNEBERGER}; the variant is docbin's own"),
    "bitsauvola": ("a U-Net in bits that chooses among local thresholds", f"{RONNEBERGER}; the variant and its head are docbin's own"),
    "smp": ("a U-Net with an encoder of an image classifier", RONNEBERGER),
    "dbnet": ("a text detector that two CPU cores can run", f"{LIAO}; the variant is docbin's own"),
    "bitdbnet": ("a text detector in bits from its first layer to its last; the fast one", f"{LIAO}; the variant is docbin's own"),
    "sauvolanet": ("Sauvola at many windows at once, weighed for every pixel", "Li, Wu, Zhu and Cheriet, ICDAR 2021, arXiv 2105.05521"),
    "deepotsu": (
        "a page refined step by step until one threshold does",
        "He and Schomaker, Pattern Recognition 91, 2019, doi:10.1016/j.patcog.2019.01.025",
    ),
    "degan": ("a conditional GAN's generator", "Souibgui and Kessentini, IEEE TPAMI 44(3), 2022, doi:10.1109/TPAMI.2020.3022406"),
    "unmark": (
        "a U-Net that finds a watermark and takes back what it did",
        f"{RONNEBERGER}; mask, mark and picture: Cun and Pun, AAAI 2021, arXiv 2012.07007; the variant is docbin's own",
    ),
    "textregions": (
        "where on a page there is writing, seen from further away",
        "Tan and Le, ICML 2019, arXiv 1905.11946 (EfficientNet-Lite0); the network is docbin's own",
    ),
    "fourbi": (
        "a U-Net that sees the whole window through its spectrum",
        "Quattrini, Pippi, Cascianelli and Cucchiara, ICDAR 2024, arXiv 2404.17243",
    ),
}
"""Architecture -> what a row of the method table says of it, and its paper."""


class PackageOptions(NamedTuple):
    """What the run itself does not know: for the card and the config."""

    machine: str = "a machine that was not recorded"
    notes: str = ""
    evaluation: Sequence[Mapping[str, Any]] = ()
    task: str = ""
    summary: str = ""
    citation: str = ""
    licence: str = "Apache-2.0"
    tile: int = 0
    halo: int | None = None
    depth: float = 0.0
    regions: float = 0.0
    with_weights: bool = False
    side: int | None = None
    score: float = 0.6
    threshold: float = 0.0
    shrink: float = 0.4
    int8: Path | None = None


def package_run(run: Path, folder: Path, options: PackageOptions) -> list[Path]:
    """Package a finished run: its folder (the best weights, else the last step's), or one of its checkpoints; returns the files.

    Raises
    ------
    FileAccessError, InputError
        No checkpoint there, or another file.
    ValueError
        As :func:`package`.
    """
    path = run
    if run.is_dir():
        path = next((run / name for name in CHECKPOINTS if (run / name).is_file()), run / CHECKPOINTS[0])
    state = checkpoint.load(path)
    about = state.get("about") or {key: state[key] for key in ("recipe", "step", "minutes")}
    return package(state.get("net") or state.get("ema") or state["task"]["net"], about, folder, options)


def package(weights: Mapping[str, torch.Tensor], about: Mapping[str, Any], folder: Path, options: PackageOptions) -> list[Path]:
    """Write the folder; returns its files. What was asked for is checked first, for a model that is there already is replaced.

    Raises
    ------
    UsageError
        The folder's ``config.toml`` is no model's; 8 bits for a network of bits, or without a page to measure on.
    InputError
        A page to measure on cannot be read.
    ValueError
        A weight is not finite, a file is above the limit of the zoo, or a runtime does not reproduce the golden crop.
    """
    task = options.task or TASK_OF.get(about.get("recipe", {}).get("task", ""), "binarize")
    options = options._replace(task=task, tile=options.tile or (2048 if task == "detect" else 1024))
    for name, value in weights.items():
        if value.is_floating_point() and not torch.isfinite(value).all():
            raise ValueError(f"{name}: holds numbers that are not finite")
    recipe = about["recipe"]
    # What is only packed, and then deleted, is packed as it was trained: its thresholds are whole numbers, which rounding moves.
    bits = task == "regions" or bool(quantizers(build(recipe["net"]["name"], recipe["net"]["variant"])))
    if bits and options.int8 is not None:
        what = "16-bit numbers" if task == "regions" else "bits"
        raise UsageError(f"--int8 {options.int8}: {recipe['net']['name']} is a network of {what} already; leave --int8 out")
    for _ in _pages(options.int8) if options.int8 is not None else ():
        pass  # each can be read
    _refuse_other_folder(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name in (ONNX_FILE, PACKED_FILE, WEIGHTS_FILE):
        (folder / name).unlink(missing_ok=True)  # of weights that were here before
    whole = bits and not options.with_weights
    kept = {name: value if whole else shortened(value) for name, value in weights.items() if not name.endswith("num_batches_tracked")}
    weights_file = folder / WEIGHTS_FILE
    weights_file.write_bytes(safetensors.torch.save({name: value.contiguous().clone() for name, value in kept.items()}))
    numbers = sum(value.numel() for value in kept.values())
    config = folder / "config.toml"
    tensors = ["", "[weights]", f'file = "{WEIGHTS_FILE}"', f"sha256 = {_toml(_digest(weights_file.read_bytes()))}", 'type = "float16"']
    tensors.append(f"numbers = {numbers}")
    config.write_text(config_toml(folder.name, recipe, about, options, tensors), encoding="utf-8")
    net, image = load(folder), sample()
    said = TorchNet(read_config(folder)).probability(image)
    np.savez_compressed(folder / "golden.npz", image=image, probability=said.astype(np.float16))
    packed = _packed(net, folder, numbers)
    if packed and not options.with_weights:
        weights_file.unlink()
        numbers_of = "16-bit numbers" if task == "regions" else "bits"
        made, shipped = packed, f"{(folder / PACKED_FILE).stat().st_size / 1e6:.2f} MB in {numbers_of}"
    else:
        made, shipped = [*tensors, *packed, *_onnx(net, folder, options.int8)], f"{weights_file.stat().st_size / 1e6:.2f} MB as float16"
    config.write_text(config_toml(folder.name, recipe, about, options, made), encoding="utf-8")
    if not (folder / "recipe.toml").exists():
        (folder / "recipe.json").write_text(json.dumps(recipe, indent=1) + "\n", encoding="utf-8")
    (folder / "card.md").write_text(card(folder.name, about, numbers, shipped, options), encoding="utf-8")
    _check(folder, image, said)
    return sorted(path for path in folder.iterdir() if path.is_file())


def _say(text: str) -> None:
    """A line about what was or was not made, for who waits."""
    print(text, file=sys.stderr)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _packed(net: nn.Module, folder: Path, numbers: int) -> list[str]:
    """The packed file, where the network is one of bits; its lines of the config."""
    try:
        data = export.to_packed(net)
    except UsageError as error:
        _say(f"no packed file: {error}")
        return []
    (folder / PACKED_FILE).write_bytes(data)
    return ["", "[packed]", f'file = "{PACKED_FILE}"', f'sha256 = "{_digest(data)}"', f"numbers = {numbers}"]


def _onnx(net: nn.Module, folder: Path, calibration: Path | None) -> list[str]:
    """The ONNX file, where the network can be one within the limit; its lines of the config. `calibration` are pages to measure ranges on."""
    weights = folder / WEIGHTS_FILE
    try:
        ranges = input_ranges(folder, _pages(calibration)) if calibration is not None else None
        data = export.to_onnx(net, {"docbin.weights": _digest(weights.read_bytes())}, weights, ranges)
    except UsageError as error:
        _say(f"no ONNX file: {error}")
        return []
    if len(data) > FILE_LIMIT:
        _say(f"no ONNX file: it has {len(data):,} bytes, at most {FILE_LIMIT:,} ship")
        return []
    (folder / ONNX_FILE).write_bytes(data)
    lines = ["", "[onnx]", f'file = "{ONNX_FILE}"', f'sha256 = "{_digest(data)}"', f"opset = {export.OPSET}"]
    return [*lines, *(["int8 = true  # it says what its convolutions are handed, for the runtime openvino-int8"] if ranges else [])]


def _pages(folder: Path) -> Iterator[PageImage]:
    """The pages of the files of a folder that are named like pages."""
    paths = [path for path in sorted(folder.iterdir()) if path.is_file() and readable(path.name)]
    if not paths:
        raise UsageError(f"--int8 {folder}: no pages in it; a folder of pictures or PDFs to measure on is wanted, a dozen do")
    for path in paths:
        yield from (page.pixels for page in read_pages(path))


def _refuse_other_folder(folder: Path) -> None:
    """Refuse a folder with a ``config.toml`` of something else, or with another program's ``model.onnx`` and the like, which would be replaced."""
    config = folder / "config.toml"
    if not config.exists():
        found = next((name for name in (WEIGHTS_FILE, ONNX_FILE, PACKED_FILE, "golden.npz", "card.md") if (folder / name).exists()), None)
        if found is not None:
            raise UsageError(
                f"{folder / found}: it exists, and the folder is no model's; choose a new or an empty folder with -o, or remove it"
            )
        return
    try:
        read_config(folder)
    except DocbinError as error:
        raise UsageError(
            f"{config}: it exists and is no model's ({error}); choose a new or an empty folder with -o, or remove it"
        ) from None


def _check(folder: Path, image: NDArray[np.uint8], said: NDArray[np.float32]) -> None:
    """The folder as an install will see it: limits, and every installed runtime against the golden crop."""
    for path in folder.iterdir():
        if path.is_file() and path.stat().st_size > FILE_LIMIT:
            raise ValueError(f"{path}: {path.stat().st_size:,} bytes, at most {FILE_LIMIT:,} ship")
    if (folder / PACKED_FILE).is_file() and (size := (folder / PACKED_FILE).stat().st_size) > PACKED_LIMIT:
        raise ValueError(f"{folder / PACKED_FILE}: {size:,} bytes, at most {PACKED_LIMIT:,} ship of a network of bits")
    config = read_config(folder)
    if config.task == "regions":
        off = float(np.abs(regions_of(config, image) - said).max())
        if not off < ROUNDED:
            raise ValueError(f"{folder}: 16-bit numbers are off by {off:.2g} in probability on the golden crop")
        _say(f"16-bit numbers: within {off:.1g} of the network on the golden crop")
    for runtime in runtimes.RUNTIMES:
        if config.task in ("binarize", "detect") and runtime.runs(config) and runtime.installed and runtime.suits:
            off = float(np.abs(runtimes.load(folder, runtime.name, config.task).probability(image) - said).max())
            if not off < max(TOLERANCE, runtime.tolerance):
                raise ValueError(f"{folder}: {runtime.name} is off by {off:.2g} in probability on the golden crop")
            _say(f"{runtime.name}: within {off:.1g} of the network on the golden crop")


def regions_of(config: Config, image: PageImage) -> NDArray[np.float32]:
    """The probability that ink lies in each cell of a page, float32 (h, w), by a model that says where text is."""
    assert config.packed is not None
    answer = fixed_point.run(fixed_point.read(config.verified(config.packed)), image, to_grey(image))
    return np.asarray(1 / (1 + np.exp(-answer.astype(np.float32) / UNIT)), np.float32)


def _sees_depth(variant: object) -> bool:
    """Whether a network of this variant takes the depth plane."""
    return bool(getattr(variant, "depth", False) or getattr(variant, "depths", 0))


def shortened(value: torch.Tensor) -> torch.Tensor:
    """A tensor in float16; in float32 where a number would overflow (a norm's variance may), and what is not floating point as it is."""
    if not value.is_floating_point():
        return value
    half = value.half()
    return half if torch.isfinite(half).all() else value.float()


def config_toml(name: str, recipe: Mapping[str, Any], about: Mapping[str, Any], options: PackageOptions, made: Sequence[str]) -> str:
    """``config.toml`` as text; `made` are the lines of its files. The variant is written out whole: a later change of a default must not touch it."""
    net = recipe["net"]["name"]
    variant = config_of(net, recipe["net"]["variant"])
    summary, citation = ABOUT.get(net, (f"a trained {net}", "unpublished"))
    texts = {"task": options.task, "net": net, "summary": options.summary or summary, "citation": options.citation or citation}
    lines = [f"{key} = {_toml(text)}" for key, text in {"name": name, **texts, "licence": options.licence}.items()]
    lines += ["", "[variant]", *(f"{field} = {_toml(getattr(variant, field))}" for field in variant.__dataclass_fields__)]
    lines += [
        "",
        "[input]",
        f'channels = "{"grey" if net in GREY else "RGB"}"',
        *(["depth = true  # docbin adds the depth plane of the page as a fourth channel"] if _sees_depth(variant) else []),
        "low = 0.0",
        "high = 1.0  # uint8 / 255; a grey page repeats its channel",
    ]
    lines += [f"tile = {options.tile}  # side in pixels; changes memory and time"]
    halo = usual_halo(recipe["net"]["variant"]) if options.halo is None else options.halo
    lines += [f"halo = {halo}  # pixels of surround, fewer than the network sees"] if halo is not None else []
    detects = options.task == "detect"
    meaning = "a word's kernel" if detects else "ink"
    least = options.threshold or (0.3 if detects else 0.5)
    lines += ["", "[output]", 'kind = "logit"', f"threshold = {least}  # of the probability: {meaning} is what has at least this"]
    if options.depth:
        lines += [
            f"depth = {options.depth}  # in units of the page's ink: a stroke is somewhere this deep ...",
            "faint = 0.4",
            "reach = 20  # pixels: or this near one",
        ]
    if options.regions:
        lines += [f"regions = {options.regions}  # least probability of writing around a piece of ink"]
    if detects:
        side = options.side if options.side is not None else recipe["data"].get("side", 0) or 1280
        lines += ["", "[detect]", f"side = {side}  # longer side in pixels of what the network is handed", f"score = {options.score}"]
        lines += ["unclip = 0.0  # kernels grow by what training shrank them, by the ratio", f"shrink = {options.shrink}", 'shape = "quad"']
    lines += ["", "[training]", f"steps = {about['step']}", f"minutes = {about['minutes']:.1f}", f"batch = {recipe['run']['batch']}"]
    return "\n".join([*lines, *made, ""])


def _toml(value: Any) -> str:
    """A text, number, truth value or list of them as TOML has it; in these JSON and TOML agree."""
    return json.dumps(value, ensure_ascii=False)


def card(name: str, about: Mapping[str, Any], numbers: int, shipped: str, options: PackageOptions) -> str:
    """``card.md`` as text, from the run's record, the notes and evaluation JSON."""
    recipe = about["recipe"]
    data, run, net = recipe["data"], recipe["run"], recipe["net"]["name"]
    total = sum(data["weights"].values()) or 1.0
    lines = [f"# {name}", "", "Generated by `docbin package`; edit its inputs, not this file.", ""]
    lines += [f"Architecture `{net}` (`docbin/nets/{net}.py`), {numbers:,} weights, {shipped}.", ""]
    lines += ["## Data", "", "| set | share of crops |", "|---|---|"]
    lines += [f"| {dataset} | {weight / total:.0%} |" for dataset, weight in data["weights"].items()]
    of_words = recipe["task"] == "detection"
    held = f"{data['validation_share']:.0%} of each set's pages, whole pages, were held out (seed {data['split_seed']}) to choose the checkpoint;"
    scored = f"scored were those of {', '.join(data['validation'])}. " if data["validation"] else ""
    if of_words:
        held = "The two hundred pictures of icdar2015-validation (of other sets, the last by name) were held out to choose the checkpoint;"
    lines += ["", held if data["validation"] else "No page was held out.", f"{scored}No page of any other set was seen in training.", ""]
    losses = " + ".join(f"{weight:g} {term}" for term, weight in recipe["loss"]["terms"].items())
    crops = f'crops of {data["size"]} x {data["size"]}, degradations "{data["degrade"]}"; task {recipe["task"]}, loss {losses};'
    rates = f"AdamW, peak rate {recipe['optim']['rate']:g}, EMA {recipe['optim']['ema']:g}, {run['precision']}, seed {run['seed']}."
    where = "`recipe.toml` or `recipe.json` in this folder has every setting; `docbin train` runs it."
    lines += ["## Recipe", "", crops.capitalize(), rates, where, ""]
    steps = f"{about['step']} steps of {run['batch']} crops ({about['step'] * run['batch']:,} crops), {about['minutes']:.0f} minutes"
    lines += ["## Time and machine", "", steps, f"on {options.machine.removeprefix('on ').rstrip('.')}.", ""]
    lines += ["## Scores", "", cards.marked(cards.SCORES, cards.scores_table(options.evaluation)), ""]
    limits = options.notes.strip() or "None written down yet. " + (
        "It learned from street photographs." if of_words else "It learned from scanned document pages; photographs are another matter."
    )
    lines += ["## Limits", "", limits, ""]
    lines += ["## Licence", "", f"The weights are {options.licence}, like the code. The pages they learned from keep their own terms.", ""]
    return "\n".join(lines)


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
