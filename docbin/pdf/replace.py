"""A PDF kept whole: the pictures of its scanned pages replaced by their ink, everything else as it was.

Text layers, fonts, outlines, links, annotations, fields, page labels, boxes, rotation, UserUnit, attachments, metadata, tags and optional
content stay, because nothing of them is touched: a page's picture gets another object under its name (:mod:`docbin.pdf.page_pictures`). A claim
of PDF/A stays true: both codes are allowed at every level, and a file without an output intent gets ink in a calibrated grey, for device colours
would break the claim. A file that was linearized is linearized, one that was encrypted is encrypted as before.

The codes of the new pictures wait in a file of the caller's folder until they are written (:mod:`docbin.pdf.deferred_streams`), so memory does not
grow with them; an encrypted document is the exception.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docbin.errors import DocbinError, InputError
from docbin.pdf.deferred_streams import DeferredStreams
from docbin.pdf.document import keep_pages, without_signatures
from docbin.pdf.ink_picture import InkPicture
from docbin.pdf.layer_state import is_shown
from docbin.pdf.page_layers import PageLayers, coded_streams, codes, page_object, without_codes
from docbin.pdf.page_pictures import empty_form, own_pictures, picture_draws, repoint, without_inline_pictures
from docbin.pdf.pdf_structure import mend_page_tree
from docbin.pdf.place import Place

_VERSION = "1.4"
"""The first with JBIG2."""


@dataclass(frozen=True, slots=True)
class Replacement:
    """What comes in the place of a page's pictures: ink alone, or layers; stored as `place` says."""

    place: Place
    picture: InkPicture | PageLayers


class PictureReplacer:
    """Replaces pictures of the PDF at `source`: `add` a page's replacement, as they come; `write` the new file.

    Parameters
    ----------
    source : the PDF; not changed
    name : what messages call it; None: its path
    folder : for files of its own; the caller removes it
    """

    def __init__(self, source: Path, folder: Path, name: str | None = None) -> None:
        self._source = source
        self._name = name or str(source)
        self._streams = DeferredStreams(folder)
        self._replacements: list[tuple[int, Replacement, list[int]]] = []

    def add(self, number: int, replacement: Replacement) -> None:
        """Take the replacement of page `number`, from 1.

        Raises
        ------
        OSError
            It cannot be written into the folder.
        """
        kept = [self._streams.keep(code) for code in codes(replacement.picture)]
        self._replacements.append((number, Replacement(replacement.place, without_codes(replacement.picture)), kept))

    def write(self, target: Path, pages: Sequence[int] | None = None, *, break_signatures: bool = False) -> None:
        """Write the new PDF.

        Parameters
        ----------
        target : the file, replaced where it exists
        pages : the pages to keep, from 1, in this order; None: all, as they are
        break_signatures : take the signatures out, which the change makes void, and leave their fields

        Raises
        ------
        InputError
            The source cannot be opened any more, or is damaged in a way that shows only now.
        OSError
            The target cannot be written.
        """
        import pikepdf

        try:
            pdf = pikepdf.open(self._source)
        except (pikepdf.PdfError, pikepdf.PasswordError) as error:
            raise InputError(f"{self._name}: it cannot be read any more ({error}); try again") from error
        with pdf:
            try:
                self._write(pdf, target, pages, break_signatures)
            except (DocbinError, OSError, MemoryError):
                raise
            except Exception as error:  # qpdf's and pikepdf's own errors, and whatever a dictionary of wrong types is the cause of
                raise InputError(
                    f"{self._name}: its scans cannot be replaced, for its structure is damaged ({type(error).__name__}: {error}); --pdf rebuild "
                    "makes a new PDF of its pages"
                ) from error

    def _write(self, pdf: Any, target: Path, pages: Sequence[int] | None, break_signatures: bool) -> None:
        import pikepdf

        linearized, encrypted = pdf.is_linearized, pdf.is_encrypted
        mend_page_tree(pdf)
        calibrated = _calibrated(pdf)
        for number, replacement, kept in self._replacements:
            picture = pdf.make_indirect(page_object(pdf, replacement.picture))
            for stream, code in zip(coded_streams(picture), kept, strict=True):
                self._streams.defer(stream, code)
            _put(pdf, pdf.pages[number - 1].obj, replacement.place, picture, calibrated)
        if break_signatures:
            without_signatures(pdf)
        if pages is not None and list(pages) != list(range(1, len(pdf.pages) + 1)):
            keep_pages(pdf, pages)
        untouched = {"deterministic_id": True, "stream_decode_level": pikepdf.StreamDecodeLevel.none}
        options: dict[str, Any] = {"encryption": True, "compress_streams": True} if encrypted else untouched
        self._streams.save(pdf, target, linearize=linearized, min_version=_VERSION, **options)

    def close(self) -> None:
        """Forget what waits."""
        self._streams.close()


def _calibrated(pdf: Any) -> tuple[bool, bool]:
    """Whether grey, and whether colours, must not be the device's: the document claims to be PDF/A, which allows grey with any output intent, and
    red, green and blue with an intent of such colours only."""
    try:
        claims = b"pdfaid" in bytes(pdf.Root.Metadata.read_bytes())
    except Exception:  # no metadata, or none that can be read
        return False, False
    profiles = [intent.get("/DestOutputProfile") for intent in pdf.Root.get("/OutputIntents", ())]
    channels = [int(profile.get("/N", 3)) for profile in profiles if profile is not None]
    return claims and not profiles, claims and 3 not in channels


def _put(pdf: Any, page: Any, place: Place, picture: Any, calibrated: tuple[bool, bool]) -> None:
    """Let a page show `picture` where its pictures were."""
    import pikepdf

    if calibrated[picture.get("/Subtype") != "/Image"]:
        _calibrate(picture)
    draws = picture_draws(page)
    things = own_pictures(page)
    if place.picture is not None:
        nothing = None
        for index, draw in enumerate(draws):
            if index == place.picture:
                _keep_links(things, draw.path, picture)
                repoint(pdf, things, draw.path, picture)
            elif index < place.picture:  # hidden under the scan
                nothing = nothing or empty_form(pdf)
                repoint(pdf, things, draw.path, nothing)
        return
    nothing = empty_form(pdf)
    shown = [draw for draw in draws if all(is_shown(pdf, layer) for layer in draw.layers)]
    for path in dict.fromkeys(draw.path for draw in shown):  # pictures of hidden layers are no part of what was seen
        repoint(pdf, things, path, nothing)
    layers = {layer.objgen: layer for draw in shown for layer in draw.layers[:1]}
    if len(layers) == 1 and all(len(draw.layers) == 1 for draw in shown):
        (picture["/OC"],) = layers.values()
    if place.inline:
        without_inline_pictures(pdf, page)
    name = next(name for name in (f"/DocbinInk{count}" for count in range(1000)) if name not in things)
    things[name] = picture
    left, bottom, right, top = place.box
    content = f"q {right - left:.10g} 0 0 {top - bottom:.10g} {left:.10g} {bottom:.10g} cm {name} Do Q\n".encode()
    pikepdf.Page(page).contents_add(pdf.make_stream(content), prepend=True)


def _keep_links(things: Any, path: tuple[str, ...], picture: Any) -> None:
    """What ties the old picture to optional content and to the tags of the document ties the new one."""
    scope = things
    for name in path[:-1]:
        scope = scope[name].get("/Resources", {}).get("/XObject", scope)
    old = scope[path[-1]]
    for key in ("/OC", "/StructParent", "/StructParents"):
        if key in old:
            picture[key] = old[key]


def _calibrate(picture: Any) -> None:
    """Grey and colours by the white of the sRGB standard instead of the device's."""
    import pikepdf

    white = [0.9505, 1.0, 1.089]
    grey = pikepdf.Array([pikepdf.Name.CalGray, pikepdf.Dictionary(WhitePoint=white, Gamma=2.2)])
    if picture.get("/Subtype") == "/Image":
        picture.ColorSpace = grey
        return
    matrix = [0.4124, 0.2126, 0.0193, 0.3576, 0.7152, 0.1192, 0.1805, 0.0722, 0.9505]
    colour = pikepdf.Dictionary(WhitePoint=white, Gamma=[2.2, 2.2, 2.2], Matrix=matrix)
    picture.Resources.ColorSpace = pikepdf.Dictionary(DefaultGray=grey, DefaultRGB=pikepdf.Array([pikepdf.Name.CalRGB, colour]))
