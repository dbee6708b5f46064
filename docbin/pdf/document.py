"""What a PDF says beyond its pages: title, outline, page labels; and what of it a PDF made of 1-bit pages cannot keep.

A rebuilt PDF holds a picture a page. Metadata, bookmarks and page labels are carried over (:func:`apply`); text layers, links, fields, attachments
and tags are not, and :attr:`docbin.files.document_record.DocumentRecord.lost` names them, so that nothing goes without a word.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from docbin.files.document_record import Bookmark, DocumentRecord
from docbin.pdf.page_pictures import resources_of
from docbin.pdf.pdf_structure import is_dictionary, unpacked

_INFO = ("/Title", "/Author", "/Subject", "/Keywords", "/Creator")
_MOST_BOOKMARKS = 20_000
_MOST_DEPTH = 32
_MOST_FIELDS = 100_000
_MOST_TEXT = 8 << 20
_SHOWS = re.compile(rb"[)>\]]\s*(?:Tj|TJ|'|\")(?![A-Za-z])")


def record_of(pdf: Any) -> DocumentRecord:
    """The record of a pikepdf document; an empty one where `pdf` is None. Damaged parts are left out."""
    if pdf is None:
        return DocumentRecord()
    metadata = {}
    for key in _INFO:
        try:
            value = str(pdf.docinfo.get(key, "")).strip()
        except Exception:  # wrong types
            value = ""
        if value:
            metadata[key[1:]] = value[:4000]
    try:
        with pdf.open_metadata(set_pikepdf_as_editor=False, update_docinfo=False) as xmp:
            for name, key in (("dc:title", "Title"), ("dc:description", "Subject"), ("dc:creator", "Author")):
                found = xmp.get(name)
                if key not in metadata and found:
                    metadata[key] = str(found if isinstance(found, str) else ", ".join(map(str, found)))[:4000]
    except Exception:  # no XML
        pass
    return DocumentRecord(metadata, _outline(pdf), _labels(pdf), _lost(pdf), True, _signed(pdf), _locked(pdf))


def _signed(pdf: Any) -> bool:
    """Whether a signature field of the document is signed."""
    try:
        return "/Perms" in pdf.Root or any("/V" in node for node in _signature_fields(pdf))
    except Exception:  # wrong types
        return False


def _signature_fields(pdf: Any) -> list[Any]:
    """The signature fields of the form, and those that stand on pages though no form lists them."""
    found = []
    waiting = [(field, None) for field in pdf.Root.get("/AcroForm", {}).get("/Fields", [])]
    for page in pdf.pages:
        waiting += [(note, None) for note in page.obj.get("/Annots", ()) if is_dictionary(note) and note.get("/FT") == "/Sig"]
    for _ in range(_MOST_FIELDS):
        if not waiting:
            break
        field, inherited = waiting.pop()
        if not is_dictionary(field):
            continue
        kind = field.get("/FT", inherited)
        if kind == "/Sig":
            found.append(field)
        waiting.extend((kid, kind) for kid in field.get("/Kids", []))
    return found


def _locked(pdf: Any) -> bool:
    """Whether the owner of an encrypted document forbids to change its content."""
    try:
        return bool(pdf.is_encrypted and not pdf.allow.modify_other and not pdf.owner_password_matched)
    except Exception:
        return bool(pdf.is_encrypted)


def without_signatures(pdf: Any) -> None:
    """Take signatures out of a pikepdf document; their fields stay, unsigned."""
    for field in _signature_fields(pdf):
        for key in ("/V", "/Lock", "/SV"):
            if key in field:
                del field[key]
    for key in ("/Perms", "/DSS"):
        if key in pdf.Root:
            del pdf.Root[key]
    form = pdf.Root.get("/AcroForm")
    if form is not None and "/SigFlags" in form:
        del form["/SigFlags"]


def keep_pages(pdf: Any, pages: Sequence[int]) -> None:
    """Keep only these pages, from 1, in this order, with the outline, labels and fields that belong to them."""
    import pikepdf

    record = DocumentRecord({}, (), _labels(pdf))
    kept = [pdf.pages[number - 1] for number in pages]
    names = {page.obj.objgen for page in kept}
    gone = [page.obj for page in pdf.pages if page.obj.objgen not in names]
    del pdf.pages[:]
    pdf.pages.extend(kept)
    for page in gone:  # links, fields and tags that lead there find an empty page; nothing of it is kept
        for key in list(page.keys()):
            if key != "/Type":
                del page[key]
    empty = {page.objgen for page in gone}
    with contextlib.suppress(Exception), pdf.open_outline() as outline:
        _prune(outline.root, lambda item: _page_of(pdf, item) in empty)
    form = pdf.Root.get("/AcroForm")
    if form is not None and "/Fields" in form:
        form.Fields = pikepdf.Array([field for field in form.Fields if not _stands_on(field, empty)])
    if "/PageLabels" in pdf.Root:
        del pdf.Root["/PageLabels"]
    apply(pdf, record, pages)


def _prune(items: Any, gone: Callable[[Any], bool]) -> None:
    """Take bookmarks that lead to removed pages out of an outline, unless others lie below them."""
    for item in list(items):
        _prune(item.children, gone)
        if gone(item) and not item.children:
            items.remove(item)


def _page_of(pdf: Any, item: Any) -> tuple[int, int] | None:
    """The page that a bookmark leads to, by its object."""
    target = _resolved(pdf, item)
    try:
        return None if target is None else tuple(target[0].objgen)
    except (TypeError, IndexError, AttributeError):
        return None


def _stands_on(field: Any, pages: set[tuple[int, int]]) -> bool:
    """Whether a field with all its parts stands on these pages."""
    parts = [field, *field.get("/Kids", [])]
    places = [part["/P"].objgen for part in parts if "/P" in part]
    return bool(places) and all(place in pages for place in places)


def _outline(pdf: Any) -> tuple[Bookmark, ...]:
    found: list[Bookmark] = []
    try:
        places = {page.objgen: number for number, page in enumerate(pdf.pages, 1)}

        def walk(items: Sequence[Any], level: int) -> None:
            for item in items:
                if len(found) >= _MOST_BOOKMARKS or level > _MOST_DEPTH:
                    return
                page = _target(pdf, item, places)
                if page is not None:
                    found.append(Bookmark(str(item.title)[:1000], page, level))
                walk(item.children, level + 1)

        with pdf.open_outline() as outline:
            walk(outline.root, 0)
    except Exception:  # circles, wrong types: what was found so far stays
        pass
    return tuple(found)


def _target(pdf: Any, item: Any, places: Mapping[tuple[int, int], int]) -> int | None:
    target = _resolved(pdf, item)
    if isinstance(target, int):
        return target + 1
    try:
        return places.get(target[0].objgen) if target is not None else None
    except (TypeError, IndexError, AttributeError):
        return None


def _resolved(pdf: Any, item: Any) -> Any:
    """The destination of a bookmark, names looked up; a page number where it is one, None where it has none."""
    target = item.destination
    if target is None and item.action is not None and item.action.get("/S") == "/GoTo":
        target = item.action.get("/D")
    if isinstance(target, int):
        return target
    if target is not None and not hasattr(target, "objgen"):
        return None
    if target is not None and type(target).__name__ in ("String", "Name"):
        import pikepdf

        name = str(target)
        old = pdf.Root.get("/Dests")
        found = old.get(name) if old is not None and name.startswith("/") else None
        if found is None and "/Names" in pdf.Root and "/Dests" in pdf.Root.Names:
            found = dict(pikepdf.NameTree(pdf.Root.Names.Dests)).get(name)
        target = found.get("/D") if found is not None and hasattr(found, "keys") and "/D" in found else found
    return target


def _labels(pdf: Any) -> tuple[str, ...]:
    try:
        return tuple(str(page.label) for page in pdf.pages) if "/PageLabels" in pdf.Root else ()
    except Exception:
        return ()


def _lost(pdf: Any) -> tuple[str, ...]:
    """What pages of pictures cannot hold, in words."""
    text, kinds = False, set()
    for page in pdf.pages:
        with contextlib.suppress(Exception):  # wrong types
            text = text or _writes(page.obj)
        with contextlib.suppress(Exception):
            kinds |= {str(annotation.get("/Subtype")) for annotation in page.obj.get("/Annots", ())}
    checks: tuple[tuple[str, Callable[[], bool]], ...] = (
        ("text (searchable or of an OCR layer)", lambda: text),
        ("links", lambda: "/Link" in kinds),
        ("form fields", lambda: "/Widget" in kinds or bool(pdf.Root.get("/AcroForm", {}).get("/Fields"))),
        ("annotations as such", lambda: bool(kinds - {"/Link", "/Widget", "/Popup", "/FileAttachment"})),
        ("attachments", lambda: "/FileAttachment" in kinds or "/EmbeddedFiles" in pdf.Root.get("/Names", {}) or "/AF" in pdf.Root),
        ("tags for screen readers", lambda: "/StructTreeRoot" in pdf.Root),
        ("layers", lambda: "/OCProperties" in pdf.Root),
        ("signatures", lambda: _signed(pdf)),
    )
    lost = []
    for word, there in checks:
        with contextlib.suppress(Exception):
            if there():
                lost.append(word)
    return tuple(lost)


def _writes(page: Any) -> bool:
    """Whether the page, or a form that it names, holds text-showing operators."""
    contents = page.get("/Contents")
    streams = [] if contents is None else [contents] if hasattr(contents, "read_raw_bytes") and "/Length" in contents else list(contents)
    resources = resources_of(page)
    things = {} if resources is None else resources.get("/XObject", {})
    forms = [thing for thing in things.values() if thing.get("/Subtype") == "/Form"]
    return any(_SHOWS.search(unpacked(stream, _MOST_TEXT)[0]) for stream in (*streams, *forms))


def apply(pdf: Any, record: DocumentRecord, pages: Sequence[int]) -> None:
    """Put metadata, outline and labels of `record` into a pikepdf document whose n-th page was page ``pages[n]`` (from 1) of the old one."""
    import pikepdf

    for key, value in record.metadata.items():
        pdf.docinfo[f"/{key}"] = value
    if record.metadata:
        with pdf.open_metadata(set_pikepdf_as_editor=False) as xmp:
            xmp.load_from_docinfo(pdf.docinfo, delete_missing=False)
    places = {number: index for index, number in reversed(list(enumerate(pages)))}
    with pdf.open_outline() as outline:
        branch: list[tuple[int, Any]] = []
        for mark in record.outline:
            if mark.page not in places:
                continue
            item = pikepdf.OutlineItem(mark.title, places[mark.page])
            while branch and branch[-1][0] >= mark.level:
                branch.pop()
            (branch[-1][1].children if branch else outline.root).append(item)
            branch.append((mark.level, item))
    labels = [record.labels[number - 1] if number <= len(record.labels) else "" for number in pages]
    if any(labels):
        numbers = [part for index, text in enumerate(labels) for part in (index, pikepdf.Dictionary(P=text))]
        pdf.Root.PageLabels = pikepdf.Dictionary(Nums=pikepdf.Array(numbers))
