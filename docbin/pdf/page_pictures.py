"""The pictures that a page draws, by the names that its content calls them, and a page's own resources.

A picture is replaced by pointing its name at another object; no content stream is rewritten (but for pictures that stand within one). Resources and
forms are shared between pages, so a page that is changed gets copies of its own first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from docbin.pdf.pdf_structure import is_stream, name_of, unpacked

_MOST_DEPTH = 20
_MOST_CONTENT = 64 << 20
_MOST_DRAWS = 20_000
_STEPS = re.compile(
    rb"/OC\s*/(?P<layer>[^\s/\[\]<>(){}%]+)\s+BDC(?![A-Za-z0-9])"
    rb"|(?<![A-Za-z0-9/])(?P<mark>BDC|BMC|EMC)(?![A-Za-z0-9])"
    rb"|/(?P<drawn>[^\s/\[\]<>(){}%]+)(?:\s|%[^\r\n]*[\r\n])+Do(?![A-Za-z0-9*'\"])"
)
"""What a content stream says of layers, other marks and things drawn."""


@dataclass(frozen=True, slots=True)
class Draw:
    """A picture drawn: the names that lead to it, from the page's resources through those of forms, its size in pixels, and the layers (optional
    content groups or memberships) that it belongs to."""

    path: tuple[str, ...]
    size: tuple[int, int]
    layers: tuple[Any, ...] = ()


def picture_draws(page: Any) -> list[Draw]:
    """The pictures that a page (a pikepdf dictionary) draws, in order, those of its forms among them; not those that stand within a content stream.

    Raises
    ------
    ValueError
        More pictures or deeper forms than a scan has.
    """
    found: list[Draw] = []
    content = b"\n".join(unpacked(stream, _MOST_CONTENT)[0] for stream in content_streams(page))
    _collect(content, resources_of(page), (), (), found, set())
    return found


def _collect(
    content: bytes, resources: Any, path: tuple[str, ...], layers: tuple[Any, ...], found: list[Draw], barren: set[tuple[int, int]]
) -> None:
    """Add what `content` draws to `found`. `barren`: forms that draw no picture, which are not looked at again, for a page may draw one by the
    thousand, or forms that each draw the next one twice."""
    if len(path) > _MOST_DEPTH:
        raise ValueError("forms nested too deep")
    things = resources.get("/XObject") if resources is not None else None
    if things is None:
        return
    properties = resources.get("/Properties", {})
    marks: list[Any] = []  # a layer, or None for another mark
    for step in _STEPS.finditer(content):
        if step["layer"] is not None:
            marks.append(properties.get(name_of(step["layer"])))
        elif step["mark"] == b"EMC":
            del marks[-1:]
        elif step["mark"] is not None:
            marks.append(None)
        if step["drawn"] is None:
            continue
        name = name_of(step["drawn"])
        thing = things.get(name)
        if thing is None or not is_stream(thing):
            continue
        within = (*layers, *(mark for mark in (*marks, thing.get("/OC")) if mark is not None))
        if thing.get("/Subtype") == "/Image":
            found.append(Draw((*path, name), (int(thing.get("/Width", 0)), int(thing.get("/Height", 0))), within))
        elif thing.get("/Subtype") == "/Form" and thing.objgen not in barren:
            before = len(found)
            _collect(unpacked(thing, _MOST_CONTENT)[0], thing.get("/Resources", resources), (*path, name), within, found, barren)
            if len(found) == before and "/Resources" in thing:  # else its names are those of whatever draws it
                barren.add(thing.objgen)
        if len(found) > _MOST_DRAWS:
            raise ValueError("more pictures than a scan has")


def content_streams(page: Any) -> list[Any]:
    """The content streams of a page."""
    contents = page.get("/Contents")
    return [] if contents is None else [contents] if is_stream(contents) else [stream for stream in contents if is_stream(stream)]


def resources_of(page: Any) -> Any:
    """The resources of a page, its own or inherited; None where it has none."""
    node: Any = page
    for _ in range(_MOST_DEPTH):
        if "/Resources" in node:
            return node["/Resources"]
        if "/Parent" not in node:
            return None
        node = node["/Parent"]
    return None


def own_pictures(page: Any) -> Any:
    """The page's dictionary of pictures and forms, now its own and no other page's."""
    import pikepdf

    inherited = resources_of(page)
    resources = pikepdf.Dictionary() if inherited is None else pikepdf.Dictionary(dict(inherited.items()))
    resources.XObject = pikepdf.Dictionary(dict(resources.get("/XObject", pikepdf.Dictionary()).items()))
    page.Resources = resources
    return page.Resources.XObject


def repoint(pdf: Any, things: Any, path: tuple[str, ...], to: Any) -> None:
    """Let a path of names lead to another object; the forms on the way are copied, so that other pages keep theirs.

    `things` : the page's own pictures (:func:`own_pictures`).
    """
    import pikepdf

    for name in path[:-1]:
        form = things[name]
        copy = pikepdf.Stream(
            pdf, form.read_raw_bytes(), pikepdf.Dictionary({key: value for key, value in form.items() if key != "/Length"})
        )
        if "/Resources" not in copy:  # names of the form are those of what draws it
            things[name] = pdf.make_indirect(copy)
            continue
        resources = pikepdf.Dictionary(dict(copy.Resources.items()))
        resources.XObject = pikepdf.Dictionary(dict(resources.get("/XObject", pikepdf.Dictionary()).items()))
        copy.Resources = resources
        things[name] = pdf.make_indirect(copy)
        things = things[name].Resources.XObject
    things[path[-1]] = to


def empty_form(pdf: Any) -> Any:
    """A form that draws nothing."""
    import pikepdf

    return pdf.make_indirect(
        pikepdf.Stream(pdf, b"", pikepdf.Dictionary(Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Form, BBox=[0, 0, 1, 1]))
    )


def without_inline_pictures(pdf: Any, page: Any) -> None:
    """Take the pictures that stand within the page's content streams out of them."""
    import pikepdf

    kept = [step for step in pikepdf.parse_content_stream(pikepdf.Page(page)) if not isinstance(step, pikepdf.ContentStreamInlineImage)]
    page.Contents = pdf.make_stream(pikepdf.unparse_content_stream(kept))
