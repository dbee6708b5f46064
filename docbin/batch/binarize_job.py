"""The job of ``docbin binarize``: pages to ink."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from docbin.batch.job import Job, Result, check_page_choices, check_pdf_way, enlarged_dpi
from docbin.errors import UsageError

if TYPE_CHECKING:
    from docbin.assessment import Quality
    from docbin.catalogue import Method
    from docbin.files.output import Format
    from docbin.page import FloatMap, Image, Mask, Page
    from docbin.pdf.ink_picture import InkPicture
    from docbin.pdf.page_layers import PageLayers

DOCUMENT_FORMATS = ("tiff", "pdf")
"""Formats in which a document of several pages stays one file. (Raw PBM could hold several too, but most readers would see the first alone.)"""


@dataclass(frozen=True, slots=True)
class Binarize(Job):
    """See :class:`docbin.batch.job.Job`. `probability`: write the probability map instead of the ink. `editable`: write page and ink as layers of an
    OpenRaster file. `enlarge`: see :data:`docbin.batch.job.ENLARGE`. `polarity`: of the writing, "dark", "light", or "auto" (:mod:`docbin.polarity`).
    `second_look`: see :data:`docbin.batch.job.SECOND_LOOK`. `compression`: "g4" or "jbig2"; None: the format's own
    (:class:`docbin.files.PageWriter`). `min_quality`: see :meth:`least_quality`. `pdf`: how a PDF becomes a PDF, by pictures replaced in it
    ("replace") or anew, of ink alone ("rebuild"). `layers`: PDF pages keep paper and pictures, small, under the ink (:mod:`docbin.pdf.layering`).
    `break_signatures`: a signed PDF may be changed."""

    row: Method
    probability: bool = False
    editable: bool = False
    enlarge: str = "1"
    polarity: str = "auto"
    second_look: str = "auto"
    compression: str | None = None
    min_quality: float | None = None
    pdf: str = "replace"
    layers: bool = False
    break_signatures: bool = False
    task: ClassVar[str] = "binarize"

    @classmethod
    def create(cls, method: str | Method | None = None, params: Mapping[str, Any] | None = None, **options: Any) -> Binarize:
        """A checked job by a method's name (None: the default) or row, its parameters, and the attributes of :class:`docbin.batch.job.Job`.

        Raises
        ------
        UsageError
            Unknown method, parameter or format, a value out of range, pages that cannot be read, a probability map from a method that has none.
        MissingExtra
            The method needs something that is not installed.
        """
        from docbin import catalogue

        row = method if isinstance(method, catalogue.Method) else catalogue.get(method)
        job = cls(row, row.parse(params or {}), **options)
        job.check()
        return job

    def check(self) -> None:
        """As :meth:`docbin.batch.job.Job.check`."""
        if self.layers and (self.probability or self.editable):
            raise UsageError("--layers writes PDF pages of ink over their paper; leave it out, or --probability and --editable")
        if self.layers and self.format not in (None, "pdf"):
            raise UsageError(f"--layers writes PDF, which alone holds ink over its paper; leave out --format {self.format}")
        Job.check(self)
        check_page_choices(self.polarity, self.enlarge, self.second_look)
        if self.editable and (self.probability or self.format is not None):
            raise UsageError("--editable writes OpenRaster files; leave out --format and --probability")
        check_pdf_way(self.pdf)
        self._check_compression()
        if self.min_quality is not None and not 0 <= self.min_quality <= 1:
            raise UsageError(f"--min-quality {self.min_quality:g}: an expected F-measure of 0 to 1 is wanted, for instance 0.8")
        if not self.probability:
            return
        if self.row.probability is None:
            raise UsageError(
                f"{self.row.name} has no probability map to write; 'docbin methods' lists the methods, leave out --probability"
            )
        if self.format is not None and not self.formats()[self.format].grey:
            able = ", ".join(name for name, known in self.formats().items() if known.grey)
            raise UsageError(f"format {self.format!r} cannot hold a probability map; choose one of {able}")

    def _check_compression(self) -> None:
        from docbin.files.output import check_compression

        if self.compression is None:
            return
        if self.probability or self.editable:
            raise UsageError(f"compression {self.compression!r} is for 1-bit pages; leave it out, or --probability and --editable")
        known = list(dict.fromkeys(name for format in self.formats().values() for name in format.compressions))
        if self.compression not in known:
            raise UsageError(f"compression {self.compression!r} does not exist; choose one of {', '.join(known)}")
        if self.format is not None:
            check_compression(self.formats()[self.format], self.compression)

    def settings(self) -> dict[str, Any]:
        """As :meth:`docbin.batch.job.Job.settings`."""
        return (
            Job.settings(self)
            | {"probability": self.probability, "polarity": self.polarity}
            | ({"editable": True} if self.editable else {})
            | ({"compression": self.compression} if self.compression else {})
            | ({"enlarge": self.enlarge} if self.enlarge != "1" else {})
            | ({"second_look": self.second_look} if self.second_look != "auto" else {})
            | ({"pdf": self.pdf} if self.pdf != "replace" else {})
            | ({"layers": True} if self.layers else {})
        )

    def least_quality(self) -> float | None:
        return self.min_quality

    def formats(self) -> Mapping[str, Format]:
        from docbin.files import Format, formats

        if self.editable:
            return {"ora": Format("ora", (".ora",), "OpenRaster, page and ink as layers", False, True, False, "")}
        return {name: format for name, format in formats().items() if format.ink and (format.layers or not self.layers)}

    def usual_format(self, kind: str, count: int) -> str:
        if self.probability or self.editable:
            return "ora" if self.editable else "png"
        return "pdf" if kind == "pdf" or self.layers else "tiff" if count > 1 else "png"

    def document_formats(self) -> tuple[str, ...]:
        return () if self.probability or self.editable else tuple(name for name in DOCUMENT_FORMATS if name in self.formats())

    def replaces(self, kind: str, format: str) -> bool:
        return kind == format == "pdf" and self.pdf == "replace" and not self.probability and not self.editable

    def picture(self, made: Any, pixels: Image, dpi: tuple[float, float] | None) -> InkPicture | PageLayers:
        if self.layers:
            from docbin.pdf.layering import layered

            return layered(pixels, made, dpi, self.compression)
        from docbin.pdf.ink_picture import encoded

        return encoded(made, self.compression)

    def in_layers(self) -> bool:
        return self.layers

    def one_page_is(self, format: str) -> str:
        return "a probability map" if self.probability else "an OpenRaster file" if self.editable else format

    def prepare(self) -> None:
        self.row.prepare()

    def work(self, page: Page, name: str, staged: Path | None, format: str) -> Result:
        from concurrent.futures import ThreadPoolExecutor

        import numpy as np

        from docbin import automatic, catalogue, kernels
        from docbin.enlarging import doubled, ink_of, on_fitting_grid
        from docbin.files import PageWriter, write_page, write_probability
        from docbin.polarity import grey_upright, upright
        from docbin.second_look import remarked

        if self.row.grey and self.enlarge == "1":  # once for all; (enlarged are the colours)
            pixels, polarity = grey_upright(page.pixels, self.polarity)
        else:
            pixels, polarity = upright(page.pixels, self.polarity)
        choices: list[automatic.Choice] = []

        def run(image: Image) -> tuple[Mask, FloatMap | None]:
            if self.row.name == catalogue.AUTO:
                choices.append(automatic.choose(image, second_look=self.second_look == "auto", **self.params))  # type: ignore[arg-type]
                return _checked(choices[-1].ink, image, self.row.name), None
            probability = _checked(self.row.probability_map(image, **self.params), image, self.row.name)
            return np.asarray(probability >= 0.5), probability

        probability = None
        if self.probability or self.row.name == catalogue.AUTO:
            found = on_fitting_grid(pixels, self.enlarge, run)
            mask, probability, seen, scale = found.ink, found.probability, found.page, found.scale
        else:
            mask, seen, scale = ink_of(self.row, pixels, self.enlarge, **self.params)
            _checked(mask, seen, self.row.name)
        dpi = enlarged_dpi(page.dpi, scale)

        def written(ink: Mask) -> bytes | None:
            """The page of this ink as a file, or as packed bits where it belongs to a document."""
            if self.probability:
                assert staged is not None
                assert probability is not None
                write_probability(probability, staged, dpi=dpi, format=format)
            elif self.editable:
                from docbin.files.open_raster import write_open_raster

                assert staged is not None
                write_open_raster(page.pixels if scale == 1 else doubled(page.pixels), ink, staged, dpi)
            elif staged is not None and self.layers:
                with PageWriter(staged, format) as writer:
                    writer.add_layers(self.picture(ink, page.pixels, page.dpi), dpi)
            elif staged is not None:
                write_page(ink, staged, dpi=dpi, format=format, compression=self.compression)
            else:
                return np.packbits(ink, axis=1).tobytes()
            return None

        reader = None if self.probability or self.second_look == "off" else self.row.reader(self.params, scale)
        once, afar = mask, self.row.model is not None
        verdict: Quality | None
        if choices:
            bits, verdict = written(mask), choices[-1].quality
        elif kernels.threads() == 1:
            mask, verdict = remarked(seen, mask, reader, afar)
            bits = written(mask)
        else:
            with ThreadPoolExecutor(1) as beside:  # compressing a page takes half as long as judging it
                writing = beside.submit(written, once)
                mask, verdict = remarked(seen, mask, reader, afar)
            bits = writing.result() if mask is once else written(mask)
        share = float(np.count_nonzero(mask) / mask.size)
        made = Result(ink=share, data=bits, polarity=polarity, scale=scale).judged(verdict, mask, self.enlarge)
        return replace(made, chosen=choices[-1].method, verdicts=choices[-1].verdicts) if choices else made


def _checked(result: Any, image: Image, method: str) -> Any:
    """A method's result must have the page's shape and, where it is a map, hold finite numbers: whatever else is the method's bug, not the page's."""
    import numpy as np

    shape = image.shape[:2]
    if result.shape != shape:
        raise ValueError(f"{method}'s result has shape {result.shape} for a page of {shape}")
    if result.dtype != np.bool_ and not bool(np.isfinite(result).all()):
        raise ValueError(f"{method}'s probability map holds NaN or infinity")
    return result
