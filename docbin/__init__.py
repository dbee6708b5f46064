"""docbin turns pictures of text into ink.

>>> import docbin
>>> ink = docbin.binarize(page, "sauvola", window=51)   # bool (H, W), True = ink       # doctest: +SKIP

Every name below is imported on first use, so that ``import docbin`` stays cheap; nothing here imports torch.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docbin.detection import Detector
    from docbin.metrics import Scores
    from docbin.page import FloatMap, Image, Mask, Page
    from docbin.word import Word
    from docbin.zoo.runtimes import Model

    __version__: str

__all__ = [
    "Page",
    "Scores",
    "Word",
    "__version__",
    "binarize",
    "detect",
    "enhance",
    "load",
    "methods",
    "read_pages",
    "score",
    "threshold",
    "write_page",
]


_TYPES = {"Page": "docbin.page", "Scores": "docbin.metrics", "Word": "docbin.word"}
"""Types of what the functions take and return, and where each is defined."""


def __getattr__(name: str) -> Any:
    """``__version__`` and the types, looked up when asked for: the lookup's imports are half of what ``import docbin`` would cost."""
    if name in _TYPES:
        import importlib

        return getattr(importlib.import_module(_TYPES[name]), name)
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import metadata

    try:
        return metadata.version("docbin")
    except metadata.PackageNotFoundError:  # run from a bare checkout
        return "0+unknown"


def binarize(image: Image, method: str | None = None, *, polarity: str = "auto", **params: Any) -> Mask:
    """Ink mask of a page.

    Parameters
    ----------
    image : uint8 array, grey (H, W) or RGB (H, W, 3)
    method : a name from :func:`methods`; None takes the default method
    polarity : "dark" for dark writing on light paper, "light" for light writing on dark (the image is inverted first), "auto" to look which it is
        (:func:`docbin.polarity.polarity_of`)
    **params : parameters of the method; unknown names and values out of range are errors

    Returns
    -------
    bool array (H, W), True = ink

    Raises
    ------
    TypeError, ValueError
        `image` is not such an array.
    docbin.errors.UsageError
        Unknown method, polarity or parameter, or a value out of range.
    docbin.errors.MissingExtra
        The method needs something that is not installed.
    """
    from docbin import catalogue
    from docbin.polarity import upright

    row = catalogue.get(method or catalogue.DEFAULT)
    return row.binarize(upright(image, polarity)[0], **params)


def threshold(image: Image, method: str, **params: Any) -> FloatMap:
    """Threshold map of a page, float32 (H, W) on the grey scale: a pixel is ink where ``grey <= threshold``.

    Takes and raises what :func:`binarize` does; methods without a threshold map are a UsageError.
    """
    from docbin import catalogue

    return catalogue.get(method).threshold_map(image, **params)


def methods() -> list[dict[str, Any]]:
    """The table behind ``docbin methods``: a dict a method with name, family, summary, params, citation, available, needs."""
    from docbin import catalogue

    return catalogue.rows()


def detect(image: Image, model: str | Path | None = None, **params: Any) -> list[Word]:
    """Words in a picture, in reading order.

    Parameters
    ----------
    image : uint8 array, grey (H, W) or RGB (H, W, 3)
    model : a detector of the zoo (``docbin models``), or the path of a model folder; None takes the default
    **params : ``threshold``, ``score``, ``unclip``, ``shape`` ("quad", "polygon"), ``least``, ``side``, ``accurate``,
        ``runtime``; see ``docbin detect --help``

    Returns
    -------
    list of words, each with ``polygon``, float32 (n, 2), x and y in pixels of the picture, and ``score``, 0..1

    Raises
    ------
    TypeError, ValueError
        `image` is not such an array.
    docbin.errors.UsageError
        No such model, one that does not find words, an unknown parameter or a value out of range.
    docbin.errors.MissingExtra
        Nothing that could run it is installed, or this install brings no detector.
    """
    from docbin.detection import table

    return table.get(str(model) if model is not None else table.DEFAULT).words(image, **params)


def enhance(image: Image, task: str | None = None, model: str | Path | None = None, **params: Any) -> Image:
    """The page repaired, without deciding what is ink: uint8 (H, W), or (H, W, 3) where both the page and the model are in colour.

    Parameters
    ----------
    image : uint8 array, grey (H, W) or RGB (H, W, 3)
    task : "uniform", "clean-up", "deblur", "watermark" or "binarize", see ``docbin enhance --help``; None takes the default
    model : a model of the zoo or a model folder, in place of the task's own
    **params : ``grey`` (a grey page whatever came), ``tile`` (side of the tiles worked on, pixels; changes memory and time, not the result)

    Raises
    ------
    TypeError, ValueError
        `image` is not such an array.
    docbin.errors.UsageError
        Unknown task, model or parameter, a value out of range, or a model that does not clean pages.
    docbin.errors.MissingExtra
        No torch, or no weights.
    docbin.errors.InputError, docbin.errors.FileAccessError
        The model's files are damaged or missing.
    """
    from docbin import enhancing

    return enhancing.get(task or enhancing.DEFAULT, model).enhance(image, **params)


def load(name: str | Path, runtime: str = "auto") -> Model | Detector:
    """A trained model as a callable that keeps its state, for many pages: ``model(image)`` is its ink, ``model.probability(image)`` the map.

    Of a model that finds words, ``model(image)`` is the list of words.

    Parameters
    ----------
    name : a model of the zoo (``docbin models``), or the path of a model folder
    runtime : "packed", "onnx" or "torch"; "auto" takes the best installed

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


def read_pages(path: str | Path, **options: Any) -> Iterator[Page]:
    """Pages of an image, multi-page TIFF or PDF file, lazily; see :func:`docbin.files.read_pages`."""
    from docbin import files

    return files.read_pages(path, **options)


def write_page(mask: Mask, path: str | Path, dpi: float | tuple[float, float] | None = None, **options: Any) -> None:
    """Write an ink mask as a 1-bit file (format by suffix), atomically; see :func:`docbin.files.write_page`."""
    from docbin import files

    files.write_page(mask, path, dpi=dpi, **options)
