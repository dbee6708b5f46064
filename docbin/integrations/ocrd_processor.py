"""docbin as a processor of OCR-D: ``ocrd-docbin-binarize -I OCR-D-IMG -O OCR-D-BIN -P method sauvola``.

It takes the image of each page, region or line (cropped and deskewed as the workspace says, but not yet binarized), and adds a 1-bit image to it,
with "binarized" among its features. Parallel pages, existing output, missing pages and timeouts are OCR-D's own: it runs
:meth:`Binarize.process_page_pcgts` for one page at a time, in forked processes where ``OCRD_MAX_PARALLEL_PAGES`` says so.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import numpy as np
from ocrd import Processor
from ocrd.decorators import ocrd_cli_options, ocrd_cli_wrap_processor
from ocrd.processor.ocrd_page_result import OcrdPageResult, OcrdPageResultImage
from ocrd_models.ocrd_page import AlternativeImageType
from ocrd_utils import config, getLogger

from docbin.errors import DocbinError, InputError, UsageError
from docbin.files.given import pixels_of
from docbin.integrations import ocrd_tool
from docbin.integrations.page_filter import PageFilter

UNWANTED = "binarized"
"""Features of an image that is not taken: its grey levels are gone."""


class Binarize(Processor):
    """Binarize pages, regions or lines. Each gets an AlternativeImage; its features are those of the image it was made from, and "binarized"."""

    filter: PageFilter
    threads: int

    @property
    def metadata_filename(self) -> str:
        """Where the package has its ``ocrd-tool.json``."""
        return "integrations/ocrd-tool.json"

    @property
    def executable(self) -> str:
        """As in ``ocrd-tool.json``; by default OCR-D takes the running file's name."""
        return ocrd_tool.EXECUTABLE

    def setup(self) -> None:
        """Check the method's parameters and load its model: once, before OCR-D forks the workers of pages."""
        given = {name: value for name, value in self.parameter.items() if name not in ocrd_tool.OWN}
        model = self.parameter["model"]
        method = self._resource(model) if model else self.parameter["method"]
        self.filter = PageFilter.create(method, given, self.parameter["polarity"])
        self.filter.row.prepare()
        cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
        self.threads = max(1, cpus // max(1, config.OCRD_MAX_PARALLEL_PAGES))

    def _resource(self, model: str) -> str:
        try:
            return str(self.resolve_resource(model))
        except FileNotFoundError as error:
            raise UsageError(
                f"model {model!r}: there is no such folder, nor a resource of {ocrd_tool.EXECUTABLE} of that name; give the folder that 'docbin "
                "package' made"
            ) from error

    def process_page_pcgts(self, *input_pcgts: Any, page_id: str | None = None) -> OcrdPageResult:
        """One page of the workspace. A region or line whose image cannot be had (a polygon without area, above all) costs itself alone."""
        (pcgts,) = input_pcgts
        result = OcrdPageResult(pcgts)
        page = pcgts.get_Page()
        level = self.parameter["level-of-operation"]
        image, coordinates, _ = self.workspace.image_from_page(page, page_id, feature_filter=UNWANTED)
        _check_depth(self.workspace, page, str(page_id))
        if level == "page":
            result.images.append(self._binarized(page, image, coordinates, "", str(page_id)))
            return result
        regions = page.get_AllRegions(classes=["Text", "Table"])
        if not regions:
            self.logger.warning(
                "page %s has no regions, so nothing of it is binarized; segment it first, or take level-of-operation page", page_id
            )
        taken: set[str] = set()
        for region in regions:
            label = f"{page_id}, region {region.id}"
            cut = self._image_of(region, image, coordinates, label)
            if cut is None:
                continue
            if level == "region":
                self._add(result, region, cut, _suffix(region.id, taken), label)
                continue
            for line in _lines(region):
                label = f"{page_id}, line {line.id}"
                line_cut = self._image_of(line, *cut, label)
                if line_cut is not None:
                    self._add(result, line, line_cut, _suffix(f"{region.id}_{line.id}", taken), label)
        return result

    def _image_of(self, element: Any, image: Any, coordinates: Any, label: str) -> tuple[Any, Any] | None:
        """The image of a region or line, cut from its parent's, and its coordinates; None where there is none, which is said."""
        try:
            cut, found = self.workspace.image_from_segment(element, image, coordinates, feature_filter=UNWANTED)
        except Exception as error:
            self.logger.error("page %s: left out, for its image cannot be had (%s: %s)", label, type(error).__name__, error)
            return None
        if 0 in cut.size:
            self.logger.error("page %s: left out, for its polygon has no area", label)
            return None
        return cut, found

    def _add(self, result: OcrdPageResult, element: Any, cut: tuple[Any, Any], suffix: str, label: str) -> None:
        try:
            result.images.append(self._binarized(element, *cut, suffix, label))
        except DocbinError as error:
            self.logger.error("page %s: left out: %s", label, error)

    def _binarized(self, element: Any, image: Any, coordinates: Any, suffix: str, label: str) -> OcrdPageResultImage:
        """The element's new image, entered in PAGE; its file is OCR-D's to write."""
        from PIL import Image

        filtered = self.filter.apply(pixels_of(image), self.threads)
        if filtered.reasons:
            self.logger.warning("page %s: the result may be wrong: %s", label, "; ".join(filtered.reasons))
        features = ",".join(part for part in (coordinates["features"], "binarized") if part)
        alternative = AlternativeImageType(comments=features)
        element.add_AlternativeImage(alternative)
        return OcrdPageResultImage(Image.fromarray(~filtered.ink), f"{suffix}.IMG-BIN", alternative)


def _check_depth(workspace: Any, page: Any, label: str) -> None:
    """Refuse a page's image of which OCR-D leaves nothing: of integers of 32 bits it keeps the highest 8, floats it takes for 0..1."""
    from PIL import Image

    unbinarized = [other.get_filename() for other in page.get_AlternativeImage() if UNWANTED not in (other.get_comments() or "").split(",")]
    name = unbinarized[-1] if unbinarized else page.get_imageFilename()
    path = Path(workspace.directory, name)
    if not path.is_file():  # an address; where it was fetched to, METS knows
        fetched = next(iter(workspace.mets.find_files(url=name)), None)
        if fetched is None or not fetched.local_filename:
            return
        path = Path(workspace.directory, fetched.local_filename)
    with Image.open(path) as image:
        if image.mode not in ("I", "F"):
            return
        most = float(np.asarray(image).max())
    if most < 1 << 24 if image.mode == "I" else most > 1:
        reads = "of 32-bit integers it keeps the highest 8 bits" if image.mode == "I" else "it takes floats for 0..1"
        raise InputError(f"page {label}: {name} has samples up to {most:g}, which OCR-D cannot read ({reads}); convert it to 8 or 16 bit")


def _suffix(name: str, taken: set[str]) -> str:
    """The part of a file's name for an element, no two equal: other programs write an id twice, or with signs that METS refuses."""
    plain = re.sub(r"[^\w.-]", "_", name)
    suffix, number = plain, 1
    while suffix in taken:
        number += 1
        suffix = f"{plain}_{number}"
    taken.add(suffix)
    return suffix


def _lines(region: Any) -> Iterator[Any]:
    """Lines of a text region; a table's are its cells', which are regions of their own."""
    yield from getattr(region, "get_TextLine", list)()


@click.command()
@ocrd_cli_options
def main(*arguments: Any, **options: Any) -> Any:
    """The command ``ocrd-docbin-binarize``."""
    try:
        return ocrd_cli_wrap_processor(Binarize, *arguments, **options)
    except DocbinError as error:
        getLogger("ocrd.processor.Binarize").critical("%s", error)
        sys.exit(error.exit_code)
