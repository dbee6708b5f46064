"""Model folders: what ``models/<name>/`` holds, found and checked without torch.

A folder holds ``config.toml`` (which network, its variant, its files with their SHA-256, what it takes and gives), ``weights.safetensors``,
``card.md`` for people, and ``golden.npz``: a crop and what the weights make of it. Beside the weights there may be the same network in forms that
run without torch: ``model.onnx`` for ONNX Runtime and ``packed.safetensors`` for :mod:`docbin.engine`. A packed network is whole without the
float weights it was made from, which are many times larger and good for nothing but more training, so it may ship without them.
``docbin package`` writes all of them. A user's own folder, named by its path, is as good as one that came with docbin, and may hold no
more than a config with `net` and `weights` or `packed`. The folder of a training run is a model, too, for torch: its best weights, as they are.

Configs are refused for any key that is not known here: a misspelt ``treshold`` that is silently ignored is a worse model, not a smaller file. The
shipped folders are found through :mod:`importlib.resources` only, since they lie beside the package in a checkout and inside it in a wheel.

(The module is not called ``models``: that is the name of the data folder, as which it is installed beside this file.)
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from docbin.errors import DocbinError, FileAccessError, InputError, MissingExtra, UsageError
from docbin.typed_config import read_toml, refuse_device, suggestion, typed

FILE_LIMIT = 10_000_000
"""Bytes of a file of a shipped model."""
PACKED_LIMIT = 1_000_000
"""Bytes of a packed network that ships: being small is half of its point."""
ZOO_LIMIT = 45_000_000
"""Bytes of all shipped models together."""
EYE_HALO = 256
"""Pixels of surround that a tile of a variant with an eye (:mod:`docbin.nets.unet`) is handed in with, unless its maker says otherwise. It sees more
than twice as far, but what lies there moved none of 375 thousand pixels of ink to the other side, and tiles in torch would take twice the time."""
TASKS = ("binarize", "enhance", "detect", "regions")
ONNX_FILE = "model.onnx"
RUN_WEIGHTS = ("best.safetensors", "final.safetensors")
"""Weights that a training run leaves in its folder, in the order in which they are taken for a model."""
GREY = ("bitunet", "bitdbnet", "bitsauvola")
"""Architectures that see whole grey levels: whoever hands them colour must round as the packed engine does."""


@dataclass(frozen=True, slots=True)
class Weights:
    """``[weights]``: the tensors, a safetensors file; `type` and `numbers` (how many) are for people."""

    file: str
    sha256: str
    type: str = "float16"
    numbers: int = 0


@dataclass(frozen=True, slots=True)
class Onnx:
    """``[onnx]``: the network for ONNX Runtime and OpenVINO; its tensors are those of the weights file. `int8`: it says what its convolutions are
    handed, so that they can be computed in 8 bits.
    """

    file: str
    sha256: str
    opset: int
    int8: bool = False


@dataclass(frozen=True, slots=True)
class Packed:
    """``[packed]``: the network in bits for :mod:`docbin.engine`; `numbers` (how many weights) is for people."""

    file: str
    sha256: str
    numbers: int = 0


@dataclass(frozen=True, slots=True)
class Input:
    """``[input]``: what the network is handed.

    Attributes
    ----------
    channels : "RGB" (a grey page repeats its channel), or "grey" (a colour page is first made grey, :func:`docbin.page.to_grey`, whole levels)
    depth : whether docbin adds a channel, the depth plane of the page (:mod:`docbin.kernels.depth`)
    low, high : what 0 and 255 become
    tile : side of a tile in pixels, or what a strip of the page is measured by (:mod:`docbin.zoo.graphs`); changes memory and time
    halo : pixels of surround a tile is handed in with; None for the network's own, with which tiles equal the whole page
    """

    channels: str = "RGB"
    depth: bool = False
    low: float = 0.0
    high: float = 1.0
    tile: int = 1024
    halo: int | None = None


@dataclass(frozen=True, slots=True)
class Output:
    """``[output]``: the network gives logits of ink (a detector's, of words' kernels); a pixel is ink where its probability is at least
    `threshold`, and its stroke deep enough.

    Attributes
    ----------
    threshold : least probability, 0..1
    depth, faint, reach : which strokes stay, as :func:`docbin.kernels.depth.keep_deep` takes them; depth 0 keeps all
    regions : least probability of writing around a piece of ink (:mod:`docbin.zoo.text_regions`), 0..1; 0 keeps all
    """

    kind: str = "logit"
    threshold: float = 0.5
    depth: float = 0.0
    faint: float = 0.4
    reach: int = 20
    regions: float = 0.0


@dataclass(frozen=True, slots=True)
class Detect:
    """``[detect]``, of a model that finds words: what its pictures are scaled to and how its map becomes words (:mod:`docbin.detection`).

    Attributes
    ----------
    side : longer side in pixels of what the network is handed; 0 for the picture as it is
    score : a kernel is a word where its mean probability is at least this
    unclip : a kernel grows by area * unclip / perimeter; 0 undoes the shrinking of training
    shrink : the shrink ratio of training
    least : shortest side of a kernel, pixels of what the network is handed
    shape : "quad" or "polygon"
    """

    side: int = 1280
    score: float = 0.6
    unclip: float = 0.0
    shrink: float = 0.4
    least: float = 2.0
    shape: str = "quad"


@dataclass(frozen=True, slots=True)
class Training:
    """``[training]``: how long it learned."""

    steps: int = 0
    minutes: float = 0.0
    batch: int = 0


@dataclass(frozen=True, slots=True)
class Config:
    """A checked ``config.toml`` and the folder it lies in. `name` is the word on the command line: a shipped folder's name, or a path."""

    name: str
    net: str
    weights: Weights | None = None
    task: str = "binarize"
    summary: str = ""
    citation: str = ""
    licence: str = ""
    variant: Mapping[str, Any] = field(default_factory=dict)
    input: Input = Input()
    output: Output = Output()
    detect: Detect = Detect()
    training: Training = Training()
    onnx: Onnx | None = None
    packed: Packed | None = None
    folder: Path = Path()

    def verified(self, entry: Weights | Onnx | Packed) -> Path:
        """The path of one of the folder's files, once its bytes have the SHA-256 that the config names.

        Raises
        ------
        FileAccessError
            The file cannot be read.
        InputError
            It is another file, or damaged.
        """
        path = self.folder / entry.file
        kind = "weights" if isinstance(entry, Weights) else "network"
        try:
            digest = _digest(path)
        except OSError as error:
            raise FileAccessError(f"{path}: cannot read the {kind} ({error.strerror or error}); fetch the model folder again") from None
        if digest != entry.sha256:
            raise InputError(
                f"{path}: SHA-256 is {digest}, {self.folder / 'config.toml'} says {entry.sha256}; fetch the model folder again"
            )
        return path

    @property
    def kept(self) -> Weights | Packed:
        """The file that makes this model what it is: the weights, or the packed network where it ships without them."""
        entry = self.weights or self.packed
        assert entry is not None  # a config without either was refused
        return entry

    @property
    def sha256(self) -> str:
        """Of the file that makes this model what it is (:attr:`kept`)."""
        return self.kept.sha256

    @property
    def numbers(self) -> int:
        """How many weights the network has; 0 where the config does not say."""
        return max(entry.numbers if entry is not None else 0 for entry in (self.weights, self.packed))

    def card(self) -> str:
        """The text of ``card.md``; empty where there is none."""
        path = self.folder / "card.md"
        return path.read_text(encoding="utf-8") if path.is_file() else ""

    def size(self) -> int:
        """Bytes of the weights (:attr:`kept`), which is what tables give in MB: without graph, golden crop, card and recipe.

        Raises
        ------
        FileAccessError
            The file cannot be read.
        """
        path = self.folder / self.kept.file
        try:
            return path.stat().st_size
        except OSError as error:
            raise FileAccessError(f"{path}: cannot read the weights ({error.strerror or error}); fetch the model folder again") from None


def shipped() -> dict[str, Path]:
    """The folders that came with docbin, by name, in alphabetical order; those without a ``config.toml`` (no weights yet) are left out."""
    try:
        entries = list(resources.files("docbin.zoo.models").iterdir())
    except (ModuleNotFoundError, FileNotFoundError):  # an install without any model
        return {}
    folders = {entry.name: Path(str(entry)) for entry in entries if entry.is_dir()}
    return {name: folders[name] for name in sorted(folders) if (folders[name] / "config.toml").is_file()}


def onnx_file(config: Config) -> Path | None:
    """The graph for ONNX Runtime and OpenVINO: the one the config names, else a ``model.onnx`` that the user exported into the folder."""
    path = config.folder / (config.onnx.file if config.onnx is not None else ONNX_FILE)
    return path if config.onnx is not None or path.is_file() else None


def names() -> list[str]:
    """Names of the models that came with docbin."""
    return list(shipped())


def readable() -> Iterator[Config]:
    """The configs of the models that came with docbin; those that cannot be read are left out (``docbin models`` says what is wrong with them)."""
    for name in names():
        with contextlib.suppress(DocbinError):
            yield load_config(name)


def is_folder(name: str | os.PathLike[str]) -> bool:
    """Whether `name` is the path of a model folder, or of a training run with weights."""
    return (Path(name) / "config.toml").is_file() or _run_weights(Path(name)) is not None


def _run_weights(folder: Path) -> Path | None:
    """The weights file that makes the folder of a training run a model."""
    if not (folder / "recipe.json").is_file():
        return None
    return next((folder / name for name in RUN_WEIGHTS if (folder / name).is_file()), None)


def _digest(path: Path) -> str:
    """The SHA-256 of a file, read piece by piece; FileAccessError for a device or a pipe, OSError for what cannot be read."""
    refuse_device(path)
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def usual_halo(variant: Mapping[str, Any]) -> int | None:
    """``input.halo`` of a model made of a run: None, the network's own, but for a variant with an eye."""
    return EYE_HALO if variant.get("eye") else None


def read_run(folder: Path) -> Config:
    """The config of the folder of a training run: network and variant from its ``recipe.json``, everything else as a packaged model would have it.

    Raises
    ------
    FileAccessError, InputError
        The recipe or the weights cannot be read, or it is no recipe.
    """
    weights, path = _run_weights(folder), folder / "recipe.json"
    assert weights is not None
    try:
        recipe = json.loads(path.read_bytes())
        digest = _digest(weights)
        net, data = recipe["net"], recipe["data"]
        config = Config(
            str(folder),
            str(net["name"]),
            Weights(weights.name, digest, "float32"),
            task="detect" if recipe["task"] == "detection" else "binarize",
            summary="a training run",
            variant=dict(net["variant"]),
            input=Input("grey" if net["name"] in GREY else "RGB", bool(data["depth"]), halo=usual_halo(net["variant"])),
            detect=Detect(side=int(data["side"]) or 1280),
            folder=folder,
        )
    except OSError as error:
        raise FileAccessError(f"{error.filename}: cannot read the training run ({error.strerror})") from None
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise InputError(f"{path}: not the recipe of a training run ({error})") from None
    return config


def load_config(name: str | os.PathLike[str]) -> Config:
    """The config of a model that came with docbin, or of the model folder at a path.

    Raises
    ------
    UsageError
        Neither such a model nor such a folder (near names are suggested), or a config with unknown or missing keys or wrong types.
    MissingExtra
        A model folder without a config: the weights are not in this install.
    FileAccessError, InputError
        The config cannot be read, or is no TOML.
    """
    known = shipped()
    if isinstance(name, str) and name in known:
        return read_config(known[name], name)
    if (Path(name) / "config.toml").is_file():
        return read_config(Path(name))
    if is_folder(name):
        return read_run(Path(name))
    if Path(name).is_dir():
        raise MissingExtra(
            f"model {os.fspath(name)}: the folder has no config.toml and no weights of a training run; "
            "'docbin package RUN -o FOLDER' makes a model folder of a run"
        )
    have = suggestion(os.fspath(name).lower(), known) if known else "this install brings no weights"
    raise UsageError(
        f"model {os.fspath(name)!r} is neither a model of docbin nor a folder with config.toml; {have}; 'docbin models' lists them"
    )


def read_folder(folder: Path, name: str | None = None) -> Config:
    """The config of a model folder, or of the folder of a training run; errors as in :func:`load_config`."""
    if (folder / "config.toml").is_file() or _run_weights(folder) is None:
        return read_config(folder, name)
    return dataclasses.replace(read_run(folder), name=name or str(folder))


def read_config(folder: Path, name: str | None = None) -> Config:
    """The checked ``config.toml`` of a folder; errors as in :func:`load_config`. `name` is the path where it is not given."""
    path = folder / "config.toml"
    table = read_toml(path, "the model's config", InputError)
    if "folder" in table:
        raise UsageError(f"{path}: unknown key folder")
    config = dataclasses.replace(typed(Config, {**table, "name": name or str(folder)}, str(path)), folder=folder)
    _check(config, str(path))
    return config


def _check(config: Config, where: str) -> None:
    """Values that no type can refuse."""
    if config.weights is None and (config.packed is None or config.onnx is not None):
        raise UsageError(f"{where}: missing weights (a packed network may come without them, nothing else)")
    for entry in (config.weights, config.onnx, config.packed):
        if entry is not None and (Path(entry.file).name != entry.file or entry.file in ("", ".", "..") or "\\" in entry.file):
            raise UsageError(f"{where}: file {entry.file!r}: the name of a file in the folder is wanted")
        if entry is not None and (len(entry.sha256) != 64 or set(entry.sha256) - set("0123456789abcdef")):
            raise UsageError(f"{where}: sha256 {entry.sha256!r}: 64 digits 0-9a-f are wanted")
    given = config.input
    for what, value, allowed in (
        ("task", config.task, TASKS),
        ("input.channels", given.channels, ("RGB", "grey")),
        ("output.kind", config.output.kind, ("logit",)),
        ("detect.shape", config.detect.shape, ("quad", "polygon")),
    ):
        if value not in allowed:
            raise UsageError(f"{where}: {what} is {value!r}; this docbin knows {', '.join(allowed)}")
    if (given.low, given.high) != (0.0, 1.0):
        raise UsageError(f"{where}: input.low and input.high are {given.low:g} and {given.high:g}; the networks take 0 to 1")
    for what, number, low, high in (
        ("input.tile", given.tile, 16, 1 << 16),
        ("input.halo", given.halo or 0, 0, 1 << 16),
        ("output.threshold", config.output.threshold, 0.0, 1.0),
        ("output.depth", config.output.depth, 0.0, 1.9),
        ("output.faint", config.output.faint, 0.0, 1.9),
        ("output.reach", config.output.reach, 0, 1000),
        ("output.regions", config.output.regions, 0.0, 1.0),
        ("detect.side", config.detect.side, 0, 1 << 14),
        ("detect.score", config.detect.score, 0.0, 1.0),
        ("detect.unclip", config.detect.unclip, 0.0, 100.0),
        ("detect.shrink", config.detect.shrink, 0.01, 0.99),
        ("detect.least", config.detect.least, 0.0, 1000.0),
    ):
        if not low <= number <= high:
            raise UsageError(f"{where}: {what} is {number:g}; allowed is {low:g} to {high:g}")
