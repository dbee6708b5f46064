"""What a PDF says beyond its pages: title, outline, page labels; and what of it a PDF made of 1-bit pages cannot keep.

A rebuilt PDF holds a picture a page. Metadata, bookmarks and page labels are carried over (:func:`apply`); text layers, links, fields, attachments
and tags are not, and :attr:`docbin.files.document_record.DocumentRecord.lost` names them, so that nothing goes without a word.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from docbin.files.document_record import Bookmark, DocumentRecord
from docbin.pdf.pdf_structure import unpacked

_INFO = ("/Title", "/Author", "/Subject", "/Keywords", "/Creator")
_MOST_BOOKMARKS = 20_000
_MOST_DEPTH = 32
_PAGES_LOOKED_AT = 50
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
    return DocumentRecord(metadata, _outline(pdf), _labels(pdf), _lost(pdf))


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
    target = item.destination
    if target is None and item.action is not None and item.action.get("/S") == "/GoTo":
        target = item.action.get("/D")
    if isinstance(target, int):
        return target + 1
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
    try:
        return places.get(target[0].objgen) if target is not None else None
    except (TypeError, IndexError, AttributeError):
        return None


def _labels(pdf: Any) -> tuple[str, ...]:
    try:
        return tuple(str(page.label) for page in pdf.pages) if "/PageLabels" in pdf.Root else ()
    except Exception:
        return ()


def _lost(pdf: Any) -> tuple[str, ...]:
    """What pages of pictures cannot hold, in words."""
    lost = []
    links = notes = text = False
    try:
        root = pdf.Root
        for page in pdf.pages[:_PAGES_LOOKED_AT]:
            text = text or _writes(page.obj)
            kinds = {str(annotation.get("/Subtype")) for annotation in page.obj.get("/Annots", ())}
            links |= "/Link" in kinds
            notes |= bool(kinds - {"/Link", "/Widget", "/Popup"})
        names = root.get("/Names", {})
        for word, there in (
            ("text (searchable or of an OCR layer)", text),
            ("links", links),
            ("form fields", bool(root.get("/AcroForm", {}).get("/Fields"))),
            ("annotations as such", notes),
            ("attachments", "/EmbeddedFiles" in names),
            ("tags for screen readers", "/StructTreeRoot" in root),
            ("layers", "/OCProperties" in root),
        ):
            if there:
                lost.append(word)
    except Exception:  # wrong types
        pass
    return tuple(lost)


def _writes(page: Any) -> bool:
    """Whether the page, or a form that it names, holds text-showing operators."""
    contents = page.get("/Contents")
    streams = [] if contents is None else [contents] if hasattr(contents, "read_raw_bytes") and "/Length" in contents else list(contents)
    forms = [thing for thing in page.get("/Resources", {}).get("/XObject", {}).values() if thing.get("/Subtype") == "/Form"]
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
