"""Running a model: which program computes its network here, and the model as a callable that keeps it.

The same weights can run several ways. ``packed`` is docbin's own engine for 1-bit networks and needs nothing; ``openvino`` (extra ``openvino``) and
``onnx`` (ONNX Runtime, extra ``onnx``) need a graph beside the weights; ``torch`` (extra ``train``) runs everything. The rows stand in the order of
preference: the first that the model has a file for, whose library is installed and that this CPU can run, runs, unless the user names one.

All agree within 1e-4 in probability (the packed engine, bit for bit), but for two. ``openvino`` computes in bfloat16 where the CPU can: there a
probability may differ by some hundredths, and some ten pixels of a page, all of them at the threshold, change sides. ``openvino-int8`` rounds to 8
bits, where the CPU multiplies them faster (AVX-512 VNNI) and the model was packaged for it: some hundred pixels of a page change sides, and F-measure
stays (:mod:`docbin.zoo.openvino_runtime`). ``openvino-float32`` is as exact as the others.

A runtime is a row whose opener is named as ``"module:function"`` and imported when a model is first opened, so that listing costs nothing and the
serving wing never imports torch. An opened network computes one tile at a time with :func:`docbin.kernels.threads` threads; beside the page and
its result, memory is that of a tile whatever the page's size. It is opened once a process and kept.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from docbin import kernels
from docbin.errors import MissingExtra, UsageError
from docbin.registry import Param
from docbin.zoo import folders
from docbin.zoo.folders import Config

if TYPE_CHECKING:
    from docbin.engine import Graph
    from docbin.page import FloatMap, Image, Mask, Page

AUTO = "auto"


class Opened(Protocol):
    """A network ready to run on pages."""

    def probability(self, image: Image) -> FloatMap:
        """Probability of ink, float32 (H, W) in 0..1."""

    def ink(self, image: Image, threshold: float) -> Mask:
        """Ink mask: where the probability is at least `threshold`."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """One way to run a network.

    Attributes
    ----------
    name : the word that users ask for it by
    opener : "module:class" of an :class:`Opened`
    module : must be importable; None where nothing is needed
    extra : docbin's extra that brings it
    form : what it reads of a model's folder: "packed", "onnx", "int8" (a graph that tells ranges) or "weights"
    tolerance : a probability of the golden crop may differ by this much from the network's in torch (float16, in which it is stored, differs by half
        a thousandth)
    level : the kernel level (:func:`docbin.kernels.levels`) whose instructions the CPU must have; None for any CPU
    """

    name: str
    opener: str
    module: str | None
    extra: str | None
    summary: str
    form: str = "weights"
    tolerance: float = 1e-3
    level: str | None = None

    @property
    def suits(self) -> bool:
        """Whether this CPU can run it."""
        return self.level is None or self.level in kernels.levels()

    @property
    def installed(self) -> bool:
        """Whether its library is there."""
        return self.module is None or importlib.util.find_spec(self.module) is not None

    def runs(self, config: Config) -> bool:
        """Whether the model has what this runtime reads."""
        if self.form == "packed":
            return config.packed is not None
        if self.form == "int8":
            return config.weights is not None and config.onnx is not None and config.onnx.int8
        return config.weights is not None and (self.form != "onnx" or folders.onnx_file(config) is not None)


RUNTIMES: tuple[Runtime, ...] = (
    Runtime("packed", "docbin.zoo.runtimes:PackedNet", None, None, "docbin's engine for 1-bit networks", "packed"),
    Runtime(
        "openvino-int8",
        "docbin.zoo.openvino_runtime:OpenVinoInt8Net",
        "openvino",
        "openvino",
        "OpenVINO, in 8 bits",
        "int8",
        0.3,
        "avx512vnni",
    ),
    Runtime("openvino", "docbin.zoo.openvino_runtime:OpenVinoNet", "openvino", "openvino", "OpenVINO", "onnx", 0.06),
    Runtime("onnx", "docbin.zoo.onnx_runtime:OnnxNet", "onnxruntime", "onnx", "ONNX Runtime", "onnx"),
    Runtime(
        "openvino-float32", "docbin.zoo.openvino_runtime:OpenVinoFloatNet", "openvino", "openvino", "OpenVINO, single precision", "onnx"
    ),
    Runtime("torch", "docbin.nets.pretrained:TorchNet", "torch", "train", "PyTorch"),
)
"""Best first."""

NAMES = (AUTO, *(runtime.name for runtime in RUNTIMES))


def able(config: Config) -> tuple[str, ...]:
    """Names of the runtimes that a model has a file for, best first, installed or not."""
    return tuple(runtime.name for runtime in RUNTIMES if runtime.runs(config))


def parameter(config: Config) -> Param:
    """The parameter by which a user chooses what runs a model."""
    names = able(config)
    return Param("runtime", AUTO, f"what runs the network: {', '.join(names)}; auto: the best installed", choices=(AUTO, *names))


def choose(config: Config, asked: str = AUTO) -> Runtime:
    """The runtime for a model: the one asked for, else the best installed, else the one that takes least to install (not installed then).

    Raises
    ------
    UsageError
        No such runtime, or the model has no file for it.
    """
    running = [runtime for runtime in RUNTIMES if runtime.runs(config)]
    if asked == AUTO:
        suited = [runtime for runtime in running if runtime.suits]
        return next((runtime for runtime in suited if runtime.installed), suited[0])
    for runtime in running:
        if runtime.name == asked:
            if not runtime.suits:
                raise UsageError(f"{config.name}: the runtime {asked} needs a CPU with AVX-512 VNNI, which this one lacks; choose {AUTO}")
            return runtime
    if asked not in NAMES:
        raise UsageError(f"runtime {asked!r} does not exist; choose one of {', '.join(NAMES)}")
    has = ", ".join(able(config))
    if config.weights is None:
        raise UsageError(
            f"{config.name}: came as packed bits alone, without the float weights that {asked} needs; run it with {has}, "
            "or train it again from the recipe in its folder"
        )
    form = next(runtime.form for runtime in RUNTIMES if runtime.name == asked)
    way_out = {
        "packed": "that runs networks of 1-bit layers",
        "int8": "'docbin package RUN --int8 PAGES' makes a folder that has it of a finished training run",
        "onnx": f"'docbin export {config.name} --to onnx' makes one",
    }[form]
    raise UsageError(f"{config.name}: has no file for the runtime {asked}, it runs with {has}; {way_out}")


class Model:
    """A model of the zoo, loaded: call it with a page and get its ink.

    Attributes
    ----------
    config : what the model's folder says
    runtime : the row of what runs it
    """

    def __init__(self, config: Config, runtime: Runtime, opened: Opened) -> None:
        self.config, self.runtime, self._opened = config, runtime, opened

    def __repr__(self) -> str:
        return f"<docbin model {self.config.name} ({self.config.net}, {self.runtime.name})>"

    def __call__(
        self, image: Image | Page, threshold: float | None = None, depth: float | None = None, regions: float | None = None
    ) -> Mask:
        """Ink mask of a page, bool (H, W), True = ink.

        Parameters
        ----------
        image : uint8 (H, W) or (H, W, 3), or a :class:`docbin.Page`; dark writing on light paper (:func:`docbin.binarize` looks for the other kind)
        threshold : a pixel is ink where its probability is at least this, 0..1; None for the model's own
        depth : strokes that are nowhere this deep, in units of the page's ink, go if they are blurrier than the page's own, too
            (:func:`docbin.kernels.shine_through.drop_shine_through`); 0 keeps every stroke, None is the model's own
        regions : pieces of ink outside the written area go; it lies among writing that is at least as likely as this
            (:func:`docbin.zoo.text_regions.keep_writing`), 0..1; 0 keeps every piece, None is the model's own
        """
        from docbin.page import check_image

        pixels = check_image(image)
        ink = self._opened.ink(pixels, self.config.output.threshold if threshold is None else threshold)
        return self._writing(ink, pixels, depth, regions)

    def _writing(self, ink: Mask, image: Image, depth: float | None, regions: float | None) -> Mask:
        """The ink that is writing, and of this side of the page."""
        from docbin.page import to_grey

        output = self.config.output
        deep, likely = output.depth if depth is None else depth, output.regions if regions is None else regions
        if deep <= 0 and likely <= 0:
            return ink
        grey = to_grey(image)
        if likely > 0:
            from docbin.zoo.text_regions import keep_writing

            ink = keep_writing(ink, grey, likely)
        if deep > 0:
            from docbin.kernels.shine_through import drop_shine_through

            ink = drop_shine_through(ink, grey, deep, output.faint, output.reach)
        return ink

    def with_probability(
        self, image: Image | Page, threshold: float | None = None, depth: float | None = None, regions: float | None = None
    ) -> tuple[Mask, FloatMap]:
        """What calling the model gives and what :meth:`probability` gives, of one pass of the network."""
        from docbin.page import check_image

        pixels = check_image(image)
        least = self.config.output.threshold if threshold is None else threshold
        if isinstance(self._opened, PackedNet):
            ink, probability = self._opened.ink_and_probability(pixels, least)
        else:
            probability = self._opened.probability(pixels)
            ink = _at_least(probability, least)
        return self._writing(ink, pixels, depth, regions), probability

    def probability(self, image: Image | Page) -> FloatMap:
        """Probability of ink, float32 (H, W) in 0..1, of a page uint8 (H, W) or (H, W, 3)."""
        from docbin.page import check_image

        return self._opened.probability(check_image(image))


def load(name: str | os.PathLike[str], runtime: str = AUTO, task: str = "binarize") -> Model:
    """The model of that name (or folder), loaded once a process and kept.

    Parameters
    ----------
    name, runtime : as in :func:`docbin.load`
    task : what it must be for; the probabilities of a model that finds words are those of lying in a word's kernel

    Raises
    ------
    UsageError
        No such model, or one for another task.
    MissingExtra
        Nothing that could run it is installed; the message says what to install.
    InputError, FileAccessError
        Its files are damaged or missing.
    """
    asked = os.fspath(name), os.getcwd(), runtime, task, kernels.threads()  # noqa: PTH109 - a name may be a path from here
    if (kept := _RECENT.get(asked)) is not None and kept[0] == _stamp(kept[1].config.folder):
        return kept[1]
    model = _find(name, runtime, task)
    while len(_RECENT) >= _KEPT:
        _RECENT.pop(next(iter(_RECENT)), None)
    _RECENT[asked] = _stamp(model.config.folder), model
    return model


_KEPT = 4
_Stamp = tuple[tuple[int, int, int] | None, ...]
_RECENT: dict[tuple[str, str, str, str, int], tuple[_Stamp, Model]] = {}
"""The models asked for last, by what they were asked for: a page must not cost reading a config. A folder packaged again has another stamp."""


def _stamp(folder: Path) -> _Stamp:
    """What changes with the folder's config, with a graph that the user exports into it, and with a training run that goes on."""
    found: list[tuple[int, int, int] | None] = []
    for name in ("config.toml", folders.ONNX_FILE, *folders.RUN_WEIGHTS):
        try:
            info = (folder / name).stat()
            found.append((info.st_mtime_ns, info.st_size, info.st_ino))
        except OSError:
            found.append(None)
    return tuple(found)


def _find(name: str | os.PathLike[str], runtime: str, task: str) -> Model:
    config = folders.load_config(name)
    if config.task != task:
        what = "tell ink from paper" if task == "binarize" else "find words"
        raise UsageError(f"model {config.name}: its task is {config.task}, it does not {what}; 'docbin models' lists those that do")
    return _load(config.folder.resolve(), config.name, config.sha256, runtime, kernels.threads())


@lru_cache(maxsize=4)
def _load(folder: Path, name: str, sha256: str, asked: str, threads: int) -> Model:
    """Kept by what would make it another model: `sha256` notices a folder that was packaged again, `threads` a change of DOCBIN_THREADS."""
    config = folders.read_folder(folder, name)
    runtime = choose(config, asked)
    if not runtime.installed:
        ways: dict[str, str] = {}
        for one in RUNTIMES:
            if one.runs(config) and one.suits and one.extra:
                ways.setdefault(one.extra, one.summary)
        extras = " or ".join(f"'docbin[{extra}]' ({summary})" for extra, summary in ways.items())
        raise MissingExtra(f"model {name}: nothing that runs it is installed; run: pip install {extras}")
    module, function = runtime.opener.split(":")
    open_net: Callable[[Config], Opened] = getattr(importlib.import_module(module), function)
    return Model(config, runtime, open_net(config))


def ink(image: Image, *, model: str, threshold: float, depth: float, regions: float, runtime: str) -> Mask:
    """Ink mask by a model of the zoo; the method table's door."""
    return load(model, runtime)(image, threshold, depth, regions)


def probability(image: Image, *, model: str, threshold: float, depth: float, regions: float, runtime: str) -> FloatMap:
    """Probability map by a model of the zoo; `threshold`, `depth` and `regions` change nothing here. The method table's door."""
    return load(model, runtime).probability(image)


def ink_and_probability(image: Image, *, model: str, threshold: float, depth: float, regions: float, runtime: str) -> tuple[Mask, FloatMap]:
    """Both by a model of the zoo, of one pass; the method table's door."""
    return load(model, runtime).with_probability(image, threshold, depth, regions)


def _at_least(map: FloatMap, least: float) -> Mask:
    found: Mask = map >= least
    return found


class PackedNet:
    """A 1-bit network in docbin's engine."""

    def __init__(self, config: Config) -> None:
        from docbin import engine

        assert config.packed is not None
        self._graph: Graph = engine.read(config.verified(config.packed))

    def probability(self, image: Image) -> FloatMap:
        """See :class:`Opened`."""
        from docbin import engine
        from docbin.zoo import graphs

        return graphs.sigmoid(engine.logits(self._graph, image))

    def ink(self, image: Image, threshold: float) -> Mask:
        """See :class:`Opened`; at one half these are the engine's own bits."""
        from docbin import engine

        return engine.ink(self._graph, image) if threshold == 0.5 else _at_least(self.probability(image), threshold)

    def ink_and_probability(self, image: Image, threshold: float) -> tuple[Mask, FloatMap]:
        """Both of one pass, the ink as :meth:`ink` has it: at one half by the logits, which the probability rounds."""
        from docbin import engine
        from docbin.zoo import graphs

        logits = engine.logits(self._graph, image)
        bits = _at_least(logits, 0.0)
        probability = graphs.sigmoid(logits)
        return bits if threshold == 0.5 else _at_least(probability, threshold), probability
