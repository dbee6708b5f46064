"""docbin turns pictures of text into ink.

>>> import docbin
>>> for page in docbin.read_pages("book.pdf"):                                # doctest: +SKIP
...     ink = docbin.binarize(page)                                           # bool (H, W), True = ink
...     docbin.write_page(ink, f"{page.number}.png", dpi=page.dpi)
>>> ink = docbin.binarize(page, "sauvola", window=51)                         # doctest: +SKIP

A page is a :class:`docbin.Page`, a uint8 array (grey (H, W) or RGB (H, W, 3)), a Pillow image, or the :class:`pathlib.Path` of a file with one page.
``docbin.methods("sauvola")`` tells a method's parameters, ``docbin.load("unet")`` keeps a model for many pages. Every name below is imported on first
use, so that ``import docbin`` stays cheap; nothing here imports torch.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any, overload

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO, Never

    from docbin.assessment import Quality
    from docbin.detection import Detector
    from docbin.files import PageRanges
    from docbin.files.given import Given
    from docbin.metrics import Scores
    from docbin.page import FloatMap, Image, Mask, Page
    from docbin.word import Word
    from docbin.zoo.runtimes import Model

    __version__: str

__all__ = [
    "Page",
    "Quality",
    "Scores",
    "Word",
    "__version__",
    "binarize",
    "clean",
    "detect",
    "enhance",
    "load",
    "methods",
    "quality",
    "read_pages",
    "score",
    "threshold",
    "write_page",
]


_TYPES = {"Page": "docbin.page", "Quality": "docbin.assessment", "Scores": "docbin.metrics", "Word": "docbin.word"}
"""Types of what the functions take and return, and where each is defined."""


def __getattr__(name: str) -> Any:
    """``__version__`` and the types, looked up when asked for: the lookup's imports are half of what ``import docbin`` would cost."""
    if name in _TYPES:
        import importlib

        return getattr(importlib.import_module(_TYPES[name]), name)
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    version = globals()["__version__"] = _version()  # asked for at every page of a batch, and 0.7 ms to look up
    return version


def _version() -> str:
    """The version that this install's metadata name, as ``importlib.metadata.version`` finds it, without that module's slow imports."""
    import os
    import sys

    for folder in sys.path:
        try:
            every = os.listdir(folder or ".")  # noqa: PTH208
        except OSError:  # no folder: a zip file, or nothing
            continue
        for name in every:
            if not (name.startswith("docbin-") and name.endswith(".dist-info")):
                continue
            try:
                with open(os.path.join(folder, name, "METADATA"), encoding="utf-8") as file:  # noqa: PTH118, PTH123
                    lines = (line.rstrip() for line in file)
                    return next(line.removeprefix("Version: ") for line in lines if line.startswith("Version: "))
            except (OSError, StopIteration):
                continue
    from importlib import metadata

    try:
        return metadata.version("docbin")
    except metadata.PackageNotFoundError:  # run from a bare checkout
        return "0+unknown"


def binarize(image: Given, method: str | None = "bitunet", *, enlarge: str | int = 1, polarity: str = "auto", **params: Any) -> Mask:
    """Ink mask of a page.

    Parameters
    ----------
    image : uint8 array, grey (H, W) or RGB (H, W, 3), 0 = black; or a :class:`docbin.Page`, a Pillow image, or the :class:`pathlib.Path` of a file
        with one page
    method : a name from :func:`methods`, or the path of a model folder or training run; None takes the default method
    enlarge : 2 decides on a grid of twice the pixels a side, "auto" does so where letters are small (:mod:`docbin.enlarging`)
    polarity : "dark" for dark writing on light paper, "light" for light writing on dark (the image is inverted first), "auto" to look which it is
        (:func:`docbin.polarity.polarity_of`)
    **params : parameters of the method (``docbin.methods("sauvola")["params"]``); unknown names and values out of range are errors

    Returns
    -------
    bool array (H, W), True = ink; enlarged, twice as high and wide

    Raises
    ------
    TypeError, ValueError
        `image` is no page; the message says what was given and what is wanted.
    docbin.errors.UsageError
        Unknown method, polarity or parameter, or a value out of range.
    docbin.errors.MissingExtra
        The method needs something that is not installed.

    Examples
    --------
    >>> import numpy as np, docbin
    >>> page = np.full((40, 60), 230, np.uint8)
    >>> page[10:14, 5:55] = 40
    >>> ink = docbin.binarize(page, "sauvola", window=31)
    >>> ink.dtype, ink.shape, int(ink.sum())
    (dtype('bool'), (40, 60), 200)
    """
    from docbin import catalogue
    from docbin.enlarging import ink_of
    from docbin.files.given import pixels_of
    from docbin.polarity import upright

    row = catalogue.get(method)
    return ink_of(row, upright(pixels_of(image), polarity)[0], enlarge, **params)[0]


def clean(
    image: Given,
    method: str | None = "bitunet",
    *,
    colour: bool = False,
    enlarge: str | int = 1,
    straighten: str = "auto",
    polarity: str = "auto",
    **params: Any,
) -> Image:
    """A clean page: white paper, ink in its own greys or colours with soft edges; for OCR, for print, for reading.

    Parameters
    ----------
    image : what :func:`binarize` takes
    method : what says where ink is; as in :func:`binarize`
    colour : keep the ink's colours where the page is in colour; else the result is grey
    enlarge : 2 for twice the pixels a side, "auto" for that where letters are small (:mod:`docbin.enlarging`)
    straighten : "auto" makes lines straight where a photograph has curved them (:mod:`docbin.straightening`); "off": every pixel stays in its place
    polarity : as in :func:`binarize`; the clean page is dark on white whichever it was, in colour with the hues it had
    **params : parameters of the method

    Returns
    -------
    uint8 array (H, W), or (H, W, 3) with `colour` and a page in colour; 0 = black, 255 = white. Enlarged, twice as high and wide;
    straightened, as wide and sometimes higher.

    Raises
    ------
    As :func:`binarize`.

    Examples
    --------
    >>> import numpy as np, docbin
    >>> page = np.full((40, 60), 150, np.uint8)
    >>> page[10:14, 5:55] = 40
    >>> clean = docbin.clean(page, "sauvola", window=31)
    >>> int(clean[30, 30]), int(clean[12, 30])
    (255, 68)
    """
    from docbin import catalogue
    from docbin.cleaning import clean_by
    from docbin.files.given import pixels_of
    from docbin.polarity import upright

    row = catalogue.get(method)
    upper, was = upright(pixels_of(image), polarity)
    return clean_by(row, upper, colour=colour, enlarge=enlarge, straighten=straighten, polarity=was, **params).page


def threshold(image: Given, method: str, **params: Any) -> FloatMap:
    """Threshold map of a page, float32 (H, W) on the grey scale: a pixel is ink where ``grey <= threshold``.

    Takes and raises what :func:`binarize` does, but looks for no light writing on dark; methods without a threshold map are a UsageError.
    """
    from docbin import catalogue
    from docbin.files.given import pixels_of

    return catalogue.get(method).threshold_map(pixels_of(image), **params)


@overload
def methods(name: None = None) -> list[dict[str, Any]]: ...
@overload
def methods(name: str) -> dict[str, Any]: ...
def methods(name: str | None = None) -> list[dict[str, Any]] | dict[str, Any]:
    """The table behind ``docbin methods``: a dict a method; the dict of one where `name` names it.

    A dict holds ``name``, ``family``, ``summary``, ``citation``, ``available`` (whether all it needs is installed), ``needs`` (the extra that brings
    it, or None) and ``params``, a list of dicts with ``name``, ``default``, ``min``, ``max`` (None: no limit), ``help`` and, where only some values
    are allowed, ``choices``.

    Raises
    ------
    docbin.errors.UsageError
        No such method; near names are suggested.

    Examples
    --------
    >>> import docbin
    >>> [param["name"] for param in docbin.methods("sauvola")["params"]]
    ['window', 'k', 'r']
    """
    from docbin import catalogue

    return catalogue.rows() if name is None else catalogue.rows([catalogue.get(name)])[0]


def detect(
    image: Given,
    model: str | Path | None = None,
    *,
    threshold: float | None = None,
    score: float | None = None,
    unclip: float | None = None,
    shape: str | None = None,
    least: float | None = None,
    side: int | None = None,
    accurate: bool = False,
    runtime: str = "auto",
    **unknown: Never,
) -> list[Word]:
    """Words in a picture, in reading order.

    Parameters
    ----------
    image : as for :func:`binarize`
    model : a detector of the zoo (``docbin models``), or the path of a model folder; None takes the default
    threshold : a pixel belongs to a word's kernel where its probability is at least this, 0..1
    score : a kernel is a word where its mean probability is at least this, 0..1
    unclip : growth of a kernel, area * unclip / perimeter, 0..100; 0 undoes the shrinking of training
    shape : "quad" for quadrilaterals, "polygon" for outlines of any form
    least : shortest side of a kernel, pixels of what the network sees
    side : longer side of what the network sees, pixels; 0: the picture as it is
    accurate : look at the picture at two sizes and average: three times the time
    runtime : what computes it: "packed", "openvino-int8", "openvino", "onnx", "openvino-float32" or "torch", best first; "auto" takes the best that
        the model has a file for, that is installed and that suits the CPU
    **unknown : any other name is a UsageError, as everywhere in docbin

    None stands for what the model's folder says.

    Returns
    -------
    list of words, each with ``polygon``, float32 (n, 2), x and y in pixels of the picture, and ``score``, 0..1

    Raises
    ------
    TypeError, ValueError
        `image` is no picture.
    docbin.errors.UsageError
        No such model, one that does not find words, or a value out of range.
    docbin.errors.MissingExtra
        Nothing that could run it is installed, or this install brings no detector.
    """
    from docbin.detection import table
    from docbin.files.given import pixels_of

    row = table.get(str(model) if model is not None else table.DEFAULT)
    rules = {"threshold": threshold, "score": score, "unclip": unclip, "shape": shape, "least": least, "side": side}
    given = {name: value for name, value in rules.items() if value is not None}
    return row.words(pixels_of(image), **given, accurate=accurate, runtime=runtime, **unknown)


def enhance(
    image: Given, task: str | None = None, model: str | Path | None = None, *, grey: bool = False, tile: int | None = None, **unknown: Never
) -> Image:
    """The page repaired, without deciding what is ink: uint8 (H, W), or (H, W, 3) where both the page and the model are in colour.

    Parameters
    ----------
    image : as for :func:`binarize`
    task : "uniform", "clean-up", "deblur", "watermark" or "binarize", see ``docbin enhance --help``; None takes the default
    model : a model of the zoo or a model folder, in place of the task's own
    grey : give a grey page also where the page is in colour
    tile : side of the tiles worked on, pixels, 64..16384; changes memory and time, not the result. None takes 1024.
    **unknown : any other name is a UsageError, as everywhere in docbin

    Raises
    ------
    TypeError, ValueError
        `image` is no page.
    docbin.errors.UsageError
        Unknown task or model, a value out of range, or a model that does not clean pages.
    docbin.errors.MissingExtra
        No torch, or no weights.
    docbin.errors.InputError, docbin.errors.FileAccessError
        The model's files are damaged or missing.
    """
    from docbin import enhancing
    from docbin.files.given import pixels_of

    given = {"grey": grey} | ({} if tile is None else {"tile": tile})
    return enhancing.get(task or enhancing.DEFAULT, model).enhance(pixels_of(image), **given, **unknown)


def load(name: str | Path, runtime: str = "auto") -> Model | Detector:
    """A trained model as a callable that keeps its state, for many pages: ``model(page)`` is its ink, ``model.probability(page)`` the map.

    Of a model that finds words, ``model(picture)`` is the list of words.

    Parameters
    ----------
    name : a model of the zoo (``docbin models``), or the path of a model folder or training run
    runtime : what computes it: "packed", "openvino-int8", "openvino", "onnx", "openvino-float32" or "torch", best first; "auto" takes the best that
        the model has a file for, that is installed and that suits the CPU

    Raises
    ------
    docbin.errors.UsageError
        No such model.
    docbin.errors.MissingExtra
        Nothing that could run it is installed; the message says what to install.
    """
    from docbin.zoo import folders, runtimes

    if folders.load_config(name).task == "detect":
        from docbin import detection

        return detection.load(name, runtime)
    return runtimes.load(name, runtime)


def score(prediction: Mask, truth: Mask) -> Scores:
    """DIBCO scores of an ink mask against the truth, both bool (H, W), True = ink; see :func:`docbin.metrics.score`."""
    from docbin import metrics

    return metrics.score(prediction, truth)


def quality(image: Given, ink: Mask) -> Quality:
    """Is this result any good? A verdict on the ink of a page, without a truth.

    Parameters
    ----------
    image : as for :func:`binarize`
    ink : bool (H, W), True = ink: the result of any method or program

    Returns
    -------
    Quality with ``value``, the F-measure to be expected, 0..1, and ``reasons``, a tuple of plain sentences, empty where nothing looks wrong

    Raises
    ------
    TypeError, ValueError
        `image` is no page, `ink` no mask, or they differ in shape.

    Examples
    --------
    >>> import numpy as np, docbin
    >>> page = np.full((400, 600), 230, np.uint8)
    >>> docbin.quality(page, page < 128)
    Quality(value=1.0, reasons=('hardly any ink (0.000% of the page): a blank page', 'low contrast (the page spans 0 of 255 grey levels)'))
    """
    from docbin import assessment
    from docbin.files.given import pixels_of

    return assessment.quality(pixels_of(image), ink)


def read_pages(
    path: str | Path | bytes,
    *,
    dpi: float | None = None,
    max_megapixels: float = 400.0,
    pages: Collection[int] | PageRanges | None = None,
) -> Iterator[Page]:
    """Pages of an image, multi-page TIFF or PDF file, one after the other, each read when it is asked for.

    Parameters
    ----------
    path : a file's path, or its content as bytes
    dpi : resolution for rendering PDF pages (None: a scanned page's own, else 300); also the resolution of pages whose file names none
    max_megapixels : pages with more pixels are refused before they are decoded
    pages : page numbers from 1, for instance ``[1, 3]``; None for all

    Raises
    ------
    docbin.errors.FileAccessError, docbin.errors.InputError, docbin.errors.UsageError
        As :func:`docbin.files.open_pages`, when the first page is asked for.
    """
    from docbin import files

    return files.read_pages(path, dpi=dpi, max_megapixels=max_megapixels, pages=pages)


def write_page(
    mask: Mask,
    path: str | Path | BinaryIO,
    dpi: float | tuple[float, float] | None = None,
    format: str | None = None,
    overwrite: bool = True,
    compression: str | None = None,
) -> None:
    """Write an ink mask as a 1-bit file, whole or not at all: PNG, G4 TIFF, PDF or PBM by the suffix of `path`.

    Parameters
    ----------
    mask : bool (H, W), True = ink
    path : file to write, or a binary stream (then `format` must be given)
    dpi : resolution to store, one number or (horizontal, vertical); None stores none
    format : "png", "tiff", "pdf" or "pbm" in place of the suffix
    overwrite : replace a file that is there; False makes that an error (:class:`docbin.errors.OutputExists`)
    compression : "g4" (TIFF, PDF) or "jbig2" (PDF), both without loss; None: the format's own, in a PDF the smaller of the two

    Raises
    ------
    TypeError, ValueError
        `mask` is no such array.
    docbin.errors.UsageError, docbin.errors.FileAccessError
        An unknown format, a compression that it does not have, or a file that cannot be written.
    """
    from docbin import files

    files.write_page(mask, path, dpi=dpi, format=format, overwrite=overwrite, compression=compression)
