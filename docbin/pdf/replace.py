"""A PDF kept whole: the pictures of its scanned pages replaced by their ink, everything else as it was.

Text layers, fonts, outlines, links, annotations, fields, page labels, boxes, rotation, UserUnit, attachments, metadata, tags and optional
content stay, because nothing of them is touched: a page's picture gets another object under its name (:mod:`docbin.pdf.page_pictures`). A claim
of PDF/A stays true: both codes are allowed at every level, and a file without an output intent gets ink in a calibrated grey, for device colours
would break the claim. A file that was linearized is linearized, one that was encrypted is encrypted as before.

The new pictures wait in part files in a folder of the caller's. Known limit: while the whole is written, memory still grows with the codes of all
pictures (about 200 MB for 1,200 pages of 200 kB).
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docbin.errors import InputError
from docbin.pdf.document import keep_pages, without_signatures
from docbin.pdf.ink_picture import InkPicture
from docbin.pdf.page_layers import PageLayers, page_object
from docbin.pdf.page_pictures import empty_form, own_pictures, picture_draws, repoint, without_inline_pictures
from docbin.pdf.place import Place
from docbin.pdf.saving import save

_PART = 128
"""Pages whose pictures share a part file."""
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
    folder : for part files; the caller removes it
    """

    def __init__(self, source: Path, folder: Path) -> None:
        self._source = source
        self._folder = folder
        self._part: Any = None
        self._paths: list[Path] = []
        self._places: list[tuple[int, Place]] = []

    def add(self, number: int, replacement: Replacement) -> None:
        """Take the replacement of page `number`, from 1."""
        import pikepdf

        if self._part is None:
            self._part = pikepdf.new()
            self._part.Root.DocbinPictures = pikepdf.Array()
        self._part.Root.DocbinPictures.append(self._part.make_indirect(page_object(self._part, replacement.picture)))
        self._places.append((number, replacement.place))
        if len(self._part.Root.DocbinPictures) == _PART:
            self._store()

    def _store(self) -> None:
        if self._part is None:
            return
        path = self._folder / f"part-{len(self._paths)}.pdf"
        save(self._part, path)
        self._part.close()
        self._part = None
        self._paths.append(path)

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
            The source cannot be opened any more.
        OSError
            The target cannot be written.
        """
        import pikepdf

        self._store()
        try:
            pdf = pikepdf.open(self._source)
        except (pikepdf.PdfError, pikepdf.PasswordError) as error:
            raise InputError(f"{self._source}: it cannot be read any more ({error}); try again") from error
        with contextlib.ExitStack() as stack:
            stack.enter_context(pdf)
            linearized, encrypted = pdf.is_linearized, pdf.is_encrypted
            calibrated = _needs_calibrated_grey(pdf)
            numbered = iter(self._places)
            for path in self._paths:
                part = stack.enter_context(pikepdf.open(path))
                for picture in part.Root.DocbinPictures:
                    number, place = next(numbered)
                    _put(pdf, pdf.pages[number - 1].obj, place, pdf.copy_foreign(picture), calibrated)
            if break_signatures:
                without_signatures(pdf)
            if pages is not None and list(pages) != list(range(1, len(pdf.pages) + 1)):
                keep_pages(pdf, pages)
            untouched = {"deterministic_id": True, "stream_decode_level": pikepdf.StreamDecodeLevel.none}
            options: dict[str, Any] = {"encryption": True, "compress_streams": True} if encrypted else untouched
            save(pdf, target, linearize=linearized, min_version=_VERSION, **options)

    def close(self) -> None:
        """Forget what waits."""
        if self._part is not None:
            self._part.close()
            self._part = None


def _needs_calibrated_grey(pdf: Any) -> bool:
    """Whether the document claims to be PDF/A and has no output intent, which device colours would need."""
    try:
        claims = b"pdfaid" in bytes(pdf.Root.Metadata.read_bytes())
    except Exception:  # no metadata, or none that can be read
        return False
    return claims and not len(pdf.Root.get("/OutputIntents", []))


def _put(pdf: Any, page: Any, place: Place, picture: Any, calibrated: bool) -> None:
    """Let a page show `picture` where its pictures were."""
    import pikepdf

    if calibrated:
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
    for path in dict.fromkeys(draw.path for draw in draws):
        repoint(pdf, things, path, nothing)
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
