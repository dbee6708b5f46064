"""One table: method name -> family, parameters, citation, and how to run it.

The table is data. A row names its functions as ``"module:function"`` and they are imported when the method is first used, so reading the table
(``docbin methods``) costs nothing and a method whose extra is missing can still be listed.

(The module is not called ``methods`` because ``docbin.methods()`` is the public function: importing a submodule of that name would replace it.)

A new method is one function (or file) in its room and one row in ``METHODS``. The contract of the functions:

``ink(image, **params) -> bool (H, W)``
    Always there. `image` has passed :func:`docbin.page.check_image`; every parameter of the row arrives, validated.
``threshold(image, **params) -> float32 (H, W)``
    The threshold map, where the method has one: ``ink == (grey <= threshold)`` holds exactly.
``probability(image, **params) -> float32 (H, W)`` in 0..1
    Where the method has one.
``ink_and_probability(image, **params) -> (ink, probability)``
    Where the method has a probability: the two of one pass.

Trained models join the table by themselves: a valid folder of :mod:`docbin.zoo.folders` is a row of the family "learned", made when the table is
first listed or the name first asked for; its functions get the model's name as keyword `model`. A user's own model folder is a method by its path.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docbin.errors import UsageError
from docbin.registry import Param, Row

if TYPE_CHECKING:
    from docbin.page import FloatMap, Image, Mask
    from docbin.zoo.folders import Config


@dataclass(frozen=True, slots=True)
class Method(Row):
    """One row of the table; see the module docstring for the contract of `ink`, `threshold` and `probability`."""

    ink: str
    threshold: str | None = None
    probability: str | None = None
    ink_and_probability: str | None = None
    grey: bool = True
    """What comes out follows from the page's grey (:func:`docbin.page.to_grey`), so that a caller who has that need not give the colours."""

    def prepare(self) -> None:
        """As :meth:`docbin.registry.Row.prepare`."""
        self.function(self.ink)
        if self.model is not None:
            from docbin.zoo import runtimes

            runtimes.load(self.model)

    def binarize(self, image: Image, **params: Any) -> Mask:
        """Ink mask of a page; see :func:`docbin.binarize`."""
        from docbin.page import check_image, check_mask

        parsed = self.parse(params)
        return check_mask(self.function(self.ink)(check_image(image), **parsed), f"{self.name}'s result")

    def reader(self, params: Mapping[str, Any], scale: int) -> Callable[[Image], Mask] | None:
        """:meth:`binarize` by these parameters, for :mod:`docbin.second_look`; None where that is not asked: a method without a network, whose ink
        knows no page, and a page on `scale` times the pixels (:mod:`docbin.enlarging`)."""
        return functools.partial(self.binarize, **params) if self.model is not None and scale == 1 else None

    def threshold_map(self, image: Image, **params: Any) -> FloatMap:
        """Threshold map of a page; see :func:`docbin.threshold`."""
        if self.threshold is None:
            have = ", ".join(name for name, method in METHODS.items() if method.threshold)
            raise UsageError(f"{self.name} has no threshold map; these have one: {have}")
        from docbin.page import check_image

        parsed = self.parse(params)
        return self.function(self.threshold)(check_image(image), **parsed)  # type: ignore[no-any-return]

    def probability_map(self, image: Image, **params: Any) -> FloatMap:
        """Probability-of-ink map of a page, 0..1."""
        if self.probability is None:
            have = ", ".join(name for name, method in METHODS.items() if method.probability) or "none yet"
            raise UsageError(f"{self.name} has no probability map; these have one: {have}")
        from docbin.page import check_image

        parsed = self.parse(params)
        return self.function(self.probability)(check_image(image), **parsed)  # type: ignore[no-any-return]

    def ink_with_probability(self, image: Image, **params: Any) -> tuple[Mask, FloatMap | None]:
        """Ink mask and probability map of a page; None in its place where the method has none. A network runs once for both."""
        if self.ink_and_probability is None:
            return self.binarize(image, **params), None if self.probability is None else self.probability_map(image, **params)
        from docbin.page import check_image, check_mask

        parsed = self.parse(params)
        ink, probability = self.function(self.ink_and_probability)(check_image(image), **parsed)
        return check_mask(ink, f"{self.name}'s result"), probability


AUTO = "auto"
"""The row that chooses among the others, page by page (:mod:`docbin.automatic`)."""


# Parameters that several methods share; a method with another default replaces it by dataclasses.replace.
def _window(default: int, help: str = "side of the square window, pixels") -> Param:
    return Param("window", default, help, min=3, max=100_001, odd=True)


_ROWS: tuple[Method, ...] = (
    # --- global thresholds -------------------------------------------------------------------------------------------------------------
    Method(
        "otsu",
        "global threshold",
        "one threshold for the page: the greatest variance between ink and paper",
        "N. Otsu, IEEE Trans. Syst. Man Cybern. 9(1), 1979, doi:10.1109/TSMC.1979.4310076",
        ink="docbin.classical.otsu:otsu_ink",
        threshold="docbin.classical.otsu:otsu_threshold",
    ),
    Method(
        "multi-otsu",
        "global threshold",
        "Otsu with several classes; the darkest ones are ink",
        "P.-S. Liao, T.-S. Chen, P.-C. Chung, J. Inf. Sci. Eng. 17(5), 2001",
        ink="docbin.classical.otsu:multi_otsu_ink",
        threshold="docbin.classical.otsu:multi_otsu_threshold",
        params=(
            Param("classes", 3, "classes of greys", min=2, max=16),
            Param("ink_classes", 1, "how many of the darkest classes are ink; below classes", min=1, max=15),
        ),
    ),
    # --- local (windowed) thresholds ---------------------------------------------------------------------------------------------------
    Method(
        "niblack",
        "local threshold",
        "a number of standard deviations from the local mean",
        "Niblack, An Introduction to Digital Image Processing, 1986",
        "docbin.classical.niblack:niblack_ink",
        threshold="docbin.classical.niblack:niblack",
        params=(
            _window(15),
            Param("k", -0.2, "standard deviations from the mean, negative for dark ink", min=-10, max=10),
        ),
    ),
    Method(
        "sauvola",
        "local threshold",
        "local mean, lowered where the contrast is low",
        "Sauvola and Pietikäinen, Pattern Recognition 33, 2000",
        "docbin.classical.sauvola:sauvola_ink",
        threshold="docbin.classical.sauvola:sauvola",
        params=(
            _window(25),
            Param("k", 0.2, "share by which flat paper's threshold lies below its mean", min=-10, max=10),
            Param("r", 128.0, "standard deviation of full contrast, grey levels", min=1.0, max=1000.0),
        ),
    ),
    Method(
        "multiscale-sauvola",
        "local threshold",
        "Sauvola at the scale that fits each object, for large and small text on one page",
        "Lazzara and Géraud, IJDAR 17, 2014",
        "docbin.classical.multiscale_sauvola:multiscale_sauvola_ink",
        threshold="docbin.classical.multiscale_sauvola:multiscale_sauvola",
        params=(
            _window(101, "side of the square window at the finest scale, pixels of the page"),
            Param("k", 0.34, "share by which flat paper's threshold lies below its mean", min=-10, max=10),
            Param("r", 128.0, "standard deviation of full contrast, grey levels", min=1.0, max=1000.0),
            Param("scales", 3, "reduced copies of the page", min=1, max=6),
            Param("reduction", 3, "reduction of the first copy; each further one is half as large", min=1, max=8),
        ),
    ),
    Method(
        "wolf",
        "local threshold",
        "Sauvola with the page's own contrast range",
        "Wolf and Jolion, Pattern Analysis and Applications 6, 2004",
        "docbin.classical.wolf:wolf_ink",
        threshold="docbin.classical.wolf:wolf",
        params=(
            _window(41),
            Param("k", 0.5, "how far flat paper's threshold moves from its mean to the darkest grey", min=-10, max=10),
        ),
    ),
    Method(
        "nick",
        "local threshold",
        "Niblack with the root mean square, quiet on plain paper",
        "Khurshid, Siddiqi, Faure and Vincent, Proc. SPIE 7247, 2009",
        "docbin.classical.niblack:nick_ink",
        threshold="docbin.classical.niblack:nick",
        params=(
            _window(19),
            Param("k", -0.1, "-0.2 (little noise) to -0.1 (all text)", min=-10, max=10),
        ),
    ),
    Method(
        "singh",
        "local threshold",
        "local mean, lowered by the pixel's distance from it",
        "Singh, Roy, Singh, Sinam and Singh, IJCSI 8, 2011",
        "docbin.classical.local_mean:singh_ink",
        threshold="docbin.classical.local_mean:singh",
        params=(
            _window(25),
            Param("k", 0.1, "how far the threshold lies below the mean", min=-10, max=10),
        ),
    ),
    Method(
        "phansalkar",
        "local threshold",
        "Sauvola with a lift for dark regions",
        "Phansalkar, More, Sabale and Joshi, ICCSP, 2011",
        "docbin.classical.sauvola:phansalkar_ink",
        threshold="docbin.classical.sauvola:phansalkar",
        params=(
            _window(31),
            Param("k", 0.25, "weight of the contrast", min=-10, max=10),
            Param("r", 0.5, "standard deviation of full contrast, share of the grey range", min=0.001, max=10.0),
            Param("p", 2.0, "height of the lift in dark windows", min=0.0, max=1000.0),
            Param("q", 10.0, "how fast the lift fades with the mean", min=0.0, max=1000.0),
        ),
    ),
    Method(
        "bradley",
        "local threshold",
        "some per cent darker than the mean of a large window",
        "Bradley and Roth, Journal of Graphics Tools 12, 2007",
        "docbin.classical.local_mean:bradley_ink",
        threshold="docbin.classical.local_mean:bradley",
        params=(
            Param("window", 0, "side of the square window, pixels, odd; 0: an eighth of the page's width", min=0, max=100_001),
            Param("t", 0.15, "share by which ink is darker than the mean", min=-1.0, max=1.0),
        ),
    ),
    Method(
        "wan",
        "local threshold",
        "Sauvola with the window's largest grey in the mean, for faint strokes",
        "Mustafa and Abdul Kader, J. Phys.: Conf. Ser. 1019, 2018",
        "docbin.classical.sauvola:wan_ink",
        threshold="docbin.classical.sauvola:wan",
        params=(
            _window(75),
            Param("k", 0.2, "share by which flat paper's threshold lies below its base", min=-10, max=10),
            Param("r", 128.0, "standard deviation of full contrast, grey levels", min=1.0, max=1000.0),
        ),
    ),
    Method(
        "bernsen",
        "local threshold",
        "middle between the darkest and the brightest grey of the window",
        "Bernsen, Proc. 8th ICPR, 1986",
        "docbin.classical.bernsen:bernsen_ink",
        threshold="docbin.classical.bernsen:bernsen",
        params=(
            _window(31),
            Param("contrast", 15, "grey levels; a window that spans no more is of one class", min=0, max=255),
            Param("threshold", 128, "grey level that tells which class such a window is", min=0, max=255),
        ),
    ),
    # --- document methods of several steps ---------------------------------------------------------------------------------------------
    Method(
        "adotsu",
        "document method",
        "Otsu's threshold of every window, where it is near the page's own",
        "R. Farrahi Moghaddam, M. Cheriet, Pattern Recognition 45(6), 2012, doi:10.1016/j.patcog.2011.12.013",
        ink="docbin.classical.adotsu:adotsu_ink",
        threshold="docbin.classical.adotsu:adotsu_threshold",
        params=(
            _window(75),
            Param("k", 1.0, "factor on the local threshold", min=0.0, max=10.0),
            Param("r", 0.1, "how far local and page threshold may differ, share of 255", min=0.0, max=2.0),
            Param("grid", 1, "distance of the computed nodes, pixels; 1 computes every pixel, half a window is fast", min=1, max=100_000),
        ),
    ),
    Method(
        "isauvola",
        "document method",
        "Sauvola with a small k, kept only where strokes touch high contrast",
        "Z. Hadjadj et al., ICIAR 2016, doi:10.1007/978-3-319-41501-7_82",
        ink="docbin.classical.contrast:isauvola_ink",
        threshold="docbin.classical.contrast:isauvola_threshold",
        params=(
            _window(15),
            Param("k", 0.01, "Sauvola's sensitivity", min=-1.0, max=1.0),
            Param("r", 128.0, "dynamic range of the standard deviation, grey levels", min=1.0, max=255.0),
        ),
    ),
    Method(
        "su",
        "document method",
        "a local threshold from the greys of high-contrast pixels (Su, Lu and Tan)",
        "B. Su, S. Lu, C. L. Tan, DAS 2010, doi:10.1145/1815330.1815351",
        ink="docbin.classical.contrast:su_ink",
        threshold="docbin.classical.contrast:su_threshold",
        params=(
            _window(25, "side of the square window, pixels; larger than the strokes are wide"),
            Param("min_count", 0, "high-contrast pixels that the window must hold; 0 takes the window's side", min=0, max=1_000_000_000),
            Param("spread", 0.5, "standard deviations above the mean up to which a pixel is ink", min=0.0, max=10.0),
        ),
    ),
    Method(
        "gatos",
        "document method",
        "ink lies far enough below an estimated surface of the paper",
        "B. Gatos, I. Pratikakis, S. J. Perantonis, Pattern Recognition 39(3), 2006, doi:10.1016/j.patcog.2005.09.010",
        ink="docbin.classical.gatos:gatos_ink",
        threshold="docbin.classical.gatos:gatos_threshold",
        params=(
            _window(75, "side of Sauvola's square window for the first estimate, pixels"),
            Param("k", 0.2, "Sauvola's sensitivity", min=-1.0, max=1.0),
            Param("r", 128.0, "dynamic range of the standard deviation, grey levels", min=1.0, max=255.0),
            Param("glyph", 60, "reach of the background's mean to either side, pixels; about the height of a character", min=1, max=50_000),
            Param("q", 0.6, "depth asked of ink, share of the mean depth", min=0.0, max=2.0),
            Param("p1", 0.5, "where the asked depth falls, share of the mean paper", min=0.0, max=0.99),
            Param("p2", 0.8, "asked depth on dark paper, share of the full one", min=0.0, max=1.0),
            Param(
                "depth_from",
                "surface",
                "grey at which the depth is taken: the surface (paper) or the mask (Doxa)",
                choices=("surface", "mask"),
            ),
        ),
    ),
    Method(
        "bataineh",
        "document method",
        "tiles that fit the page, each with its own threshold; no parameters",
        "B. Bataineh, S. N. H. S. Abdullah, K. Omar, Pattern Recognition Letters 32(14), 2011, doi:10.1016/j.patrec.2011.08.001",
        ink="docbin.classical.bataineh:bataineh_ink",
        threshold="docbin.classical.bataineh:bataineh_threshold",
    ),
    Method(
        "howe",
        "document method",
        "least Laplacian energy by graph cuts, tuned to the page by stability; slow",
        "N. R. Howe, Int. J. Document Analysis and Recognition 16(3), 2013, doi:10.1007/s10032-012-0192-x",
        ink="docbin.classical.howe:howe_ink",
        params=(
            Param("tune", "both", "what is tuned to the page: c and t_hi, c alone, or nothing", choices=("both", "c", "none")),
            Param("c", 160.0, "cost of a border between ink and paper, grey levels; used where it is not tuned", min=1.0, max=100_000.0),
            Param("t_hi", 0.4, "Canny's high threshold, share of the steepest gradient; used where it is not tuned", min=0.0, max=1.0),
            Param("t_lo", 0.1, "Canny's low threshold, share of the steepest gradient", min=0.0, max=1.0),
            Param("sigma", 0.6, "Canny's smoothing, pixels", min=0.1, max=20.0),
            Param("steps", 17, "candidates for c between 20 and 5120", min=5, max=129),
        ),
        needs=("maxflow",),
        extra="howe",
        memory=260,
    ),
    # --- a choice among the others -----------------------------------------------------------------------------------------------------
    Method(
        AUTO,
        "choice",
        "the default method, or a threshold whose result is judged better: nearly the same on crisp pages, or rid of a back or pattern",
        "docbin.assessment: expected F-measure without a truth",
        ink="docbin.automatic:ink",
        grey=False,
        params=(
            Param("enough", 0.97, "expected F-measure with which the default's result is taken without another look", min=0.0, max=1.0),
        ),
    ),
)


def _learned(config: Config) -> Method:
    """The row of a trained model: what it needs is what the best runtime for it needs here."""
    from docbin.zoo import runtimes

    runtime = runtimes.choose(config)
    return Method(
        config.name,
        "learned",
        config.summary or f"a trained {config.net}",
        config.citation or "unpublished",
        ink="docbin.zoo.runtimes:ink",
        probability="docbin.zoo.runtimes:probability",
        ink_and_probability="docbin.zoo.runtimes:ink_and_probability",
        params=(
            Param("threshold", config.output.threshold, "a pixel is ink where its probability is at least this", min=0.0, max=1.0),
            Param(
                "depth",
                config.output.depth,
                "strokes of the back go: nowhere this dark (1: as the page's ink) and blurrier than its strokes; 0 keeps all",
                min=0.0,
                max=1.9,
            ),
            Param(
                "regions",
                config.output.regions,
                "ink outside the written area goes: among writing at least as likely as this, seen from further away; 0 keeps all",
                min=0.0,
                max=1.0,
            ),
            runtimes.parameter(config),
        ),
        needs=(runtime.module,) if runtime.module else (),
        extra=runtime.extra,
        grey=config.input.channels == "grey",
        model=config.name,
        sha256=config.sha256,
    )


class _Table(Mapping[str, Method]):
    """The rows by name: those above, and a row a model of the zoo. The zoo is read once, when something needs it that is not above."""

    def __init__(self, fixed: tuple[Method, ...]) -> None:
        self._fixed = {row.name: row for row in fixed}

    @functools.cached_property
    def _zoo(self) -> dict[str, Method]:
        from docbin.zoo import folders

        binarizers = (config for config in folders.readable() if config.task == "binarize" and config.name not in self._fixed)
        return {config.name: _learned(config) for config in binarizers}

    def __getitem__(self, name: str) -> Method:
        return self._fixed[name] if name in self._fixed else self._zoo[name]

    def __iter__(self) -> Iterator[str]:
        yield from self._fixed
        yield from self._zoo

    def __len__(self) -> int:
        return len(self._fixed) + len(self._zoo)


METHODS: Mapping[str, Method] = _Table(_ROWS)

DEFAULT = "bitunet"
"""The method where none is named: on the command line, in its help and its list of methods, and in :func:`docbin.binarize`."""


def get(name: str | None) -> Method:
    """The row of a method, or of the model folder at a path; None: of :data:`DEFAULT`.

    Raises
    ------
    UsageError
        An unknown name (near names are suggested), or a model folder whose model does not tell ink from paper.
    MissingExtra, InputError, FileAccessError
        A model folder that cannot be used.
    """
    if name is None:
        name = DEFAULT
    if name in METHODS:
        return METHODS[name]
    if "\0" in name:
        raise UsageError(f"method {name!r} does not exist; 'docbin methods' lists them all")
    from docbin.zoo import folders

    if folders.is_folder(name) or name in folders.names():
        config = folders.load_config(name)
        if config.task != "binarize":
            raise UsageError(
                f"model {name}: its task is {config.task}, it does not tell ink from paper; 'docbin models' lists those that do"
            )
        return _learned(config)
    if Path(name).is_dir():
        folders.load_config(name)  # says what the folder lacks
    if "/" in name or os.sep in name:
        raise UsageError(f"method {name!r}: no such model folder; check the path, or take a name of 'docbin methods'")
    import difflib

    near = difflib.get_close_matches(name.lower(), METHODS, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else "'docbin methods' lists them all"
    raise UsageError(f"method {name!r} does not exist; {hint}")


def rows(methods: Iterable[Method] | None = None) -> list[dict[str, Any]]:
    """Rows (None: all) as plain data, in the form that ``docbin methods --json`` prints."""
    return [
        {
            "name": row.name,
            "family": row.family,
            "summary": row.summary,
            "params": [
                {"name": p.name, "default": p.default, "min": p.min, "max": p.max, "help": p.help}
                | ({"choices": [*p.choices]} if p.choices else {})
                for p in row.params
            ],
            "citation": row.citation,
            "available": row.available,
            "needs": f"docbin[{row.extra}]" if row.extra else None,
        }
        for row in (METHODS.values() if methods is None else methods)
    ]
