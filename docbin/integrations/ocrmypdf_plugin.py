"""docbin as a plugin of OCRmyPDF: ``ocrmypdf --docbin in.pdf out.pdf``.

OCRmyPDF finds this module by the entry point group ``ocrmypdf``; installed but not asked for, it changes nothing.

``--docbin [METHOD]``
    The recognizer gets the clean grey page of ``docbin clean``: white paper, the writing in its own greys; with twice the pixels a side where
    letters are low. What a reader sees is not touched.
``--docbin-ink``
    The recognizer gets the ink, 1 bit a pixel.
``--docbin-final``
    The reader, too, sees ink: the scans of the pages become 1-bit pictures, in place. Page geometry, rotation, links and vector graphics stay,
    and so does a page whose result looks wrong. Where OCRmyPDF makes pages from pictures anyway (``--deskew``, ``--clean-final``,
    ``--force-ocr``), that picture is taken.
``--docbin-layers``
    As ``--docbin-final``, but paper and pictures stay, small, under the ink, which is sharp and in its colours (:mod:`docbin.pdf.layering`).
``--docbin-param KEY=VALUE``
    A parameter of the method.

``--docbin-ink``, ``--docbin-final`` and ``--docbin-layers`` ask for docbin with its default method where ``--docbin`` is not given. A page on which
anything goes wrong is left as it was, with a warning: OCRmyPDF's work on a document does not end for docbin's sake.

OCRmyPDF's filter hooks do not chain by themselves, the first result wins. So each hook here hands its result to the other plugins' hooks
(``subset_hook_caller``), OCRmyPDF's own included. OCRmyPDF runs pages in threads, and PDFium may be called by one thread at a time; it has a lock for
that, and docbin another. So nothing here uses PDFium.
"""

from __future__ import annotations

import functools
import json
import logging
import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

from docbin.errors import DocbinError, MissingExtra

if TYPE_CHECKING:
    from PIL.Image import Image as PillowImage

    from docbin.integrations.page_filter import PageFilter
    from docbin.integrations.scan_replacement import Place
    from docbin.pdf.ink_picture import InkPicture
    from docbin.pdf.page_layers import PageLayers

hookimpl = pluggy.HookimplMarker("ocrmypdf")
log = logging.getLogger("ocrmypdf.docbin")

_DEFAULT = "default"
"""The word that stands for the default method, whatever that is in this version."""


# --- options ---------------------------------------------------------------------------------------------------------------------------


@hookimpl
def add_options(parser: ArgumentParser) -> None:
    """The options; see the module."""
    group = parser.add_argument_group("docbin", "Clean pages for the recognizer, and 1-bit pages for the reader (plugin of docbin)")
    group.add_argument(
        "--docbin",
        nargs="?",
        const=_DEFAULT,
        metavar="METHOD",
        help="Hand OCR the page on white paper, cleaned by this method ('docbin methods' lists them) or docbin's default",
    )
    group.add_argument(
        "--docbin-ink", action="store_true", help="Hand OCR black ink on white, 1 bit a pixel, in place of the clean grey page"
    )
    group.add_argument(
        "--docbin-final",
        action="store_true",
        help="Make the scans on the output's pages 1-bit pictures, too; a page whose result looks wrong keeps its original",
    )
    group.add_argument(
        "--docbin-layers",
        action="store_true",
        help="Make the scans on the output's pages small, too, but keep their look: sharp ink in its colours over a small picture of the paper",
    )
    group.add_argument(
        "--docbin-param", action="append", default=[], metavar="KEY=VALUE", help="A parameter of the method; may be given several times"
    )
    parse = parser.parse_known_args

    def parse_known_args(args: Sequence[str] | None = None, namespace: Any = None) -> tuple[Namespace, list[str]]:
        return parse(with_method(sys.argv[1:] if args is None else args), namespace)

    parser.parse_known_args = parse_known_args  # type: ignore[assignment,method-assign]


def with_method(args: Sequence[str]) -> list[str]:
    """The command line with a method behind every ``--docbin`` that has none: argparse would take the input file for it."""
    out: list[str] = []
    for argument, following in zip(args, [*args[1:], None], strict=True):
        out.append(f"--docbin={_DEFAULT}" if argument == "--docbin" and (following is None or _is_file(following)) else argument)
    return out


def _is_file(argument: str) -> bool:
    """Whether what follows ``--docbin`` is an option or a file, not a method: methods' names have no dot, and model folders are folders."""
    if argument.startswith("-"):
        return True
    path = Path(argument)
    return not path.is_dir() and (path.exists() or "." in argument or os.sep in argument)


def _option(options: Any, name: str) -> Any:
    """An option of ours, None where the caller (the Python API) did not give it."""
    return getattr(options, name, None)


def _asked(options: Any) -> bool:
    return any(_option(options, name) not in (None, False) for name in ("docbin", "docbin_ink", "docbin_final", "docbin_layers"))


def _final(options: Any) -> bool:
    """Whether a reader, too, sees docbin's pages."""
    return bool(_option(options, "docbin_final") or _option(options, "docbin_layers"))


@functools.lru_cache(maxsize=8)
def _filter(method: str, params: tuple[str, ...]) -> PageFilter:
    from docbin import catalogue
    from docbin.integrations.page_filter import PageFilter

    name = None if method == _DEFAULT else method
    return PageFilter.create(name, catalogue.get(name).given(params, "--docbin-param"))


def _filter_of(options: Any) -> PageFilter:
    method = _option(options, "docbin")
    given = _option(options, "docbin_param") or ()
    return _filter(method if isinstance(method, str) else _DEFAULT, (given,) if isinstance(given, str) else tuple(given))


@hookimpl
def check_options(options: Any) -> None:
    """Refuse an unknown method or parameter before any page is touched, with OCRmyPDF's own exit codes."""
    from ocrmypdf.exceptions import BadArgsError, MissingDependencyError

    try:
        if _asked(options):
            _filter_of(options)
        elif _option(options, "docbin_param"):
            raise BadArgsError("--docbin-param: give --docbin METHOD besides, whose parameter this is")
    except MissingExtra as error:
        raise MissingDependencyError(f"--docbin: {error}") from error
    except DocbinError as error:
        raise BadArgsError(f"--docbin: {error}") from error


@hookimpl
def validate(pdfinfo: Any, options: Any) -> None:
    """Share the CPUs out: OCRmyPDF works on `jobs` pages at a time."""
    if not _asked(options):
        return
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    jobs = min(options.jobs or cpus, max(1, len(pdfinfo)))
    options.extra_attrs["docbin_threads"] = max(1, cpus // jobs)


# --- pages, in worker threads or processes ---------------------------------------------------------------------------------------------


@hookimpl(tryfirst=True)
def filter_ocr_image(page: Any, image: PillowImage) -> PillowImage | None:
    """What OCR sees. In passing, the page's scans are turned to ink for :func:`optimize_pdf`: no other hook is called for every page."""
    options = page.options
    if not _asked(options):
        return None
    if _final(options) and options.lossless_reconstruction:
        _ink_of_scans(page)
    cleaned = _for_ocr(page, image)
    if cleaned is None:
        return None
    others = page.plugin_manager.pluggy_manager.subset_hook_caller("filter_ocr_image", remove_plugins=[sys.modules[__name__]])
    further: PillowImage | None = others(page=page, image=cleaned)
    return cleaned if further is None else further


def _for_ocr(page: Any, image: PillowImage) -> PillowImage | None:
    """The clean page or the ink, None where the page is better left as it is."""
    from PIL import Image as pillow

    from docbin.files.given import pixels_of

    if image.mode == "1":
        return None  # there is nothing to clean in
    try:
        ink_alone = bool(_option(page.options, "docbin_ink"))
        filtered = _filter_of(page.options).apply_for_ocr(pixels_of(image), _option(page.options, "docbin_threads"), clean=not ink_alone)
        if filtered.reasons:
            log.info("docbin: OCR gets the page as it is: %s", "; ".join(filtered.reasons))
            return None
        cleaned = pillow.fromarray(~filtered.ink if filtered.clean is None else filtered.clean)
    except Exception as error:
        _warn("OCR gets the page as it is", error)
        return None
    cleaned.info["dpi"] = tuple(filtered.scale * value for value in image.info.get("dpi", (300, 300)))
    return cleaned


def _warn(what: str, error: Exception) -> None:
    log.warning("docbin: %s: %s", what, _said(error))
    log.debug("docbin: where it went wrong", exc_info=error)


def _said(error: Exception) -> str:
    """An error in a line; other programs' errors say little without their names."""
    return str(error) if isinstance(error, DocbinError) else f"{type(error).__name__}: {error}".removesuffix(": ")


@hookimpl(tryfirst=True)
def filter_page_image(page: Any, image_filename: Path) -> Path | None:
    """The picture that becomes the page, where OCRmyPDF makes one: as a G4 TIFF, which goes into the PDF unchanged."""
    if not _final(page.options):
        return None
    made = _inked_page(page, image_filename)
    if made is None:
        return None
    others = page.plugin_manager.pluggy_manager.subset_hook_caller("filter_page_image", remove_plugins=[sys.modules[__name__]])
    further: Path | None = others(page=page, image_filename=made)
    return made if further is None else further


def _inked_page(page: Any, image_filename: Path) -> Path | None:
    from PIL import Image as pillow

    from docbin.files import write_page
    from docbin.files.given import pixels_of
    from docbin.pdf.layering import layered

    try:
        with pillow.open(_before_jpeg(page, image_filename)) as image:
            dpi = image.info.get("dpi")
            if image.mode == "1":
                return None
            pixels = pixels_of(image)
            filtered = _filter_of(page.options).apply(pixels, _option(page.options, "docbin_threads"))
        if filtered.reasons:
            _note(page, filtered.reasons)
            return None
        made = Path(page.get_path("docbin_page.tif"))
        resolution = (float(dpi[0]), float(dpi[1])) if dpi else None
        write_page(filtered.ink, made, dpi=resolution)
        if _option(page.options, "docbin_layers"):
            _keep(made, (), layered(pixels, filtered.ink, resolution))
    except Exception as error:
        _warn("the page keeps its original", error)
        _note(page, [_said(error)])
        return None
    _note(page, [])
    return made


@hookimpl(tryfirst=True)
def filter_pdf_page(page: Any, image_filename: Path, output_pdf: Path) -> Path | None:
    """Code the ink of a page made from a picture as JBIG2, where that is smaller, or put it in layers."""
    if not _final(page.options) or Path(image_filename) != Path(page.get_path("docbin_page.tif")):
        return None
    _recode(Path(image_filename), Path(output_pdf))
    others = page.plugin_manager.pluggy_manager.subset_hook_caller("filter_pdf_page", remove_plugins=[sys.modules[__name__]])
    made: Path | None = others(page=page, image_filename=image_filename, output_pdf=output_pdf)
    return output_pdf if made is None else made


def _recode(image_filename: Path, pdf_file: Path) -> None:
    import numpy as np
    import pikepdf
    from PIL import Image as pillow

    from docbin.pdf.ink_picture import encoded
    from docbin.pdf.page_layers import page_object
    from docbin.pdf.page_pictures import own_pictures, picture_draws, repoint

    try:
        ink: InkPicture | PageLayers
        if image_filename.with_suffix(".place").exists():
            ink = _kept(image_filename)[1]
        else:
            with pillow.open(image_filename) as image:
                ink = encoded(~np.asarray(image))
            if ink.compression == "g4":
                return
        with pikepdf.open(pdf_file, allow_overwriting_input=True) as pdf:
            page = pdf.pages[0].obj
            (draw,) = picture_draws(page)
            repoint(pdf, own_pictures(page), draw.path, pdf.make_indirect(page_object(pdf, ink)))
            pdf.save(pdf_file)
    except Exception as error:
        _warn("the page's ink stays coded as G4", error)


def _before_jpeg(page: Any, image_filename: Path) -> Path:
    """OCRmyPDF codes the page anew as JPEG where all its pictures were; the PNG that it coded lies beside it, named by the last step that made it."""
    if Path(image_filename).name != Path(page.get_path("visible.jpg")).name:
        return image_filename
    steps = {"pp_clean.png": page.options.clean_final, "pp_deskew.png": page.options.deskew, "rasterize.png": True}
    for name, taken in steps.items():
        path = Path(page.get_path(name))
        if taken and path.exists():
            return path
    return image_filename


# --- the document, in the main process -------------------------------------------------------------------------------------------------


def _folder(context: Any) -> Path:
    folder = Path(context.work_folder) / "docbin"
    folder.mkdir(exist_ok=True)
    return folder


def _note(page: Any, reasons: Sequence[str]) -> None:
    """Remember for the end whether a page became ink, and why not."""
    _folder(page).joinpath(f"{page.pageno:06d}.json").write_text(json.dumps(list(reasons)), encoding="utf-8")


def _ink_of_scans(page: Any) -> None:
    """Turn the scans of a page of the original to ink, and keep its code for the end; a page is taken as a whole or not at all."""
    import pikepdf

    from docbin.integrations import scan_replacement
    from docbin.pdf.ink_picture import encoded
    from docbin.pdf.layering import layered

    try:
        inks: dict[Place, InkPicture | PageLayers] = {}
        with pikepdf.open(page.origin) as pdf:
            found = scan_replacement.scans(pdf.pages[page.pageno])
            if found and scan_replacement.is_layered(pdf.pages[page.pageno]):
                _note(page, ["it is in layers already: sharp writing over a picture of its paper"])
                return
            if not found and (reasons := scan_replacement.obstacles(pdf.pages[page.pageno])):
                _note(page, reasons)
            for scan in found:
                pixels = scan.pixels()
                filtered = _filter_of(page.options).apply(pixels, _option(page.options, "docbin_threads"))
                if filtered.reasons:
                    _note(page, filtered.reasons)
                    return
                in_layers = _option(page.options, "docbin_layers")
                dpi = scan.dpi(pdf.pages[page.pageno])
                inks[scan.place] = layered(pixels, filtered.ink, dpi) if in_layers else encoded(filtered.ink)
        for number, (place, ink) in enumerate(inks.items()):
            _keep(_folder(page) / f"{page.pageno:06d}-{number}", place, ink)
        if inks:
            _note(page, [])
    except Exception as error:
        _warn("the page keeps its original", error)
        _note(page, [_said(error)])


def _keep(stem: Path, place: Place, ink: InkPicture | PageLayers) -> None:
    """Leave a page's ink for the end, beside `stem`: ``.place`` says what it is, ``.code`` holds its codes."""
    from docbin.pdf.page_layers import codes, described

    parts = codes(ink)
    said = {"place": place, "lengths": [len(part) for part in parts], **described(ink)}
    stem.with_suffix(".code").write_bytes(b"".join(parts))
    stem.with_suffix(".place").write_text(json.dumps(said), encoding="utf-8")


def _kept(stem: Path) -> tuple[Place, InkPicture | PageLayers]:
    """What :func:`_keep` has left beside `stem`."""
    from docbin.pdf.page_layers import from_description

    said = json.loads(stem.with_suffix(".place").read_text(encoding="utf-8"))
    with stem.with_suffix(".code").open("rb") as file:
        parts = [file.read(length) for length in said["lengths"]]
    return tuple(said["place"]), from_description(said, parts)


def _inks(folder: Path) -> dict[int, dict[Place, InkPicture | PageLayers]]:
    """What :func:`_ink_of_scans` has left: page index -> place -> ink."""
    inks: dict[int, dict[Place, InkPicture | PageLayers]] = {}
    for path in sorted(folder.glob("*.place")):
        place, ink = _kept(path)
        inks.setdefault(int(path.name[:6]), {})[place] = ink
    return inks


def _with_ink(pdf_file: Path, context: Any, name: str) -> Path:
    """The PDF with its scans replaced, a new file in OCRmyPDF's folder; `pdf_file` itself where there is nothing to replace."""
    import pikepdf

    from docbin.integrations import scan_replacement

    inks = _inks(_folder(context))
    if not inks:
        return pdf_file
    try:
        with pikepdf.open(pdf_file) as pdf:
            if not scan_replacement.replace(pdf, inks):
                return pdf_file
            made = Path(context.get_path(name))
            pdf.save(made, **_save_settings(context))
    except Exception as error:
        _warn("the document keeps its scans", error)
        return pdf_file
    return made


def _save_settings(context: Any) -> Mapping[str, Any]:
    """How OCRmyPDF itself saves a PDF of this kind, so that a valid PDF/A stays one."""
    from ocrmypdf.pdfa import get_pdf_save_settings

    kind = context.options.output_type
    if kind == "auto":
        kind = context.options.extra_attrs.get("_actual_output_type", "pdf")
    settings: dict[str, Any] = dict(get_pdf_save_settings(kind))
    return settings


@hookimpl(tryfirst=True)
def generate_pdfa(
    pdf_pages: list[Path],
    pdfmark: Path,
    output_file: Path,
    context: Any,
    pdf_version: str,
    pdfa_part: str,
    progressbar_class: Any,
    stop_on_soft_error: bool,
) -> Path | None:
    """Ghostscript codes pictures anew, so that ink is put in before it."""
    if not _final(context.options):
        return None
    others = context.plugin_manager.pluggy_manager.subset_hook_caller("generate_pdfa", remove_plugins=[sys.modules[__name__]])
    made: Path | None = others(
        pdf_pages=[_with_ink(path, context, f"docbin_before_pdfa_{number}.pdf") for number, path in enumerate(pdf_pages)],
        pdfmark=pdfmark,
        output_file=output_file,
        context=context,
        pdf_version=pdf_version,
        pdfa_part=pdfa_part,
        progressbar_class=progressbar_class,
        stop_on_soft_error=stop_on_soft_error,
    )
    return made


@hookimpl(tryfirst=True)
def optimize_pdf(input_pdf: Path, output_pdf: Path, context: Any, executor: Any, linearize: bool) -> tuple[Path, Sequence[str]] | None:
    """Put the ink in, then let OCRmyPDF optimize. Ink is coded as JBIG2 or G4, whichever is smaller, both without loss; OCRmyPDF, where it finds a
    program jbig2, codes the G4 ones as JBIG2, too."""
    if not _final(context.options):
        return None
    made = _with_ink(input_pdf, context, f"docbin_{Path(output_pdf).name}")
    others = context.plugin_manager.pluggy_manager.subset_hook_caller("optimize_pdf", remove_plugins=[sys.modules[__name__]])
    result = others(input_pdf=made, output_pdf=output_pdf, context=context, executor=executor, linearize=linearize)
    path, messages = (made, ()) if result is None else result
    for line in _summary(_folder(context), "now in layers" if _option(context.options, "docbin_layers") else "became ink"):
        log.info(line)
    return path, messages


def _summary(folder: Path, became: str = "became ink") -> list[str]:
    """What became of the pages, for the user; a page of which nothing is noted was not OCRmyPDF's to change, or has no scan."""
    noted = {int(path.stem): json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))}
    inked = [number for number, reasons in noted.items() if not reasons]
    kept = [f"docbin: page {number + 1} keeps its original: {'; '.join(reasons)}" for number, reasons in noted.items() if reasons]
    if not noted:
        return ["docbin: no page has a scan that could become ink"]
    return [*([f"docbin: {len(inked)} {'page' if len(inked) == 1 else 'pages'} {became}"] if inked else []), *kept]
