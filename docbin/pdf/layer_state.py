"""Whether a viewer shows what belongs to a layer of a PDF (optional content, ISO 32000-1, 8.11), by the document's default configuration.

The rules are those that PDFium draws by, so that what is called hidden here is what it leaves out of a page: groups that are on or off, what their
usage says of viewing, membership by a policy or by an expression.
"""

from __future__ import annotations

from typing import Any

from docbin.pdf.pdf_structure import is_dictionary

_MOST_DEPTH = 32


def is_shown(pdf: Any, layer: Any) -> bool:
    """Whether `layer`, an optional content group or membership of the pikepdf document `pdf`, is shown when the document is opened."""
    try:
        settings = pdf.Root.OCProperties.D
    except (AttributeError, KeyError):
        return True
    return _shown(settings, layer)


def _shown(settings: Any, layer: Any) -> bool:
    if layer.get("/Type") != "/OCMD":
        return _is_on(settings, layer)
    expression = layer.get("/VE")
    if expression is not None:
        return _holds(settings, expression, 0)
    groups = layer.get("/OCGs")
    states = [_is_on(settings, group) for group in _groups(groups)]
    if not states:
        return True
    policy = str(layer.get("/P", "/AnyOn"))
    return {"/AllOn": all(states), "/AnyOff": not all(states), "/AllOff": not any(states)}.get(policy, any(states))


def _groups(groups: Any) -> list[Any]:
    """The groups of an entry that is one, or an array of some; nulls left out."""
    if groups is None:
        return []
    return [groups] if is_dictionary(groups) else [group for group in groups if is_dictionary(group)]


def _is_on(settings: Any, group: Any) -> bool:
    def named(key: str) -> bool:
        return any(one.objgen == group.objgen for one in _groups(settings.get(key, ())))

    on = settings.get("/BaseState") != "/OFF"
    on = (on or named("/ON")) and not named("/OFF")
    for event in _groups(settings.get("/AS", ())):
        if event.get("/Event") == "/View" and any(one.objgen == group.objgen for one in _groups(event.get("/OCGs", ()))):
            view = group.get("/Usage", {}).get("/View")
            if view is not None:
                return bool(view.get("/ViewState") != "/OFF")
    return on


def _holds(settings: Any, expression: Any, depth: int) -> bool:
    """The value of a visibility expression: a group, or an array of And, Or or Not and what it is about."""
    if is_dictionary(expression):
        return _is_on(settings, expression)
    operator, *parts = list(expression)
    if depth > _MOST_DEPTH:
        return True
    values = [_holds(settings, part, depth + 1) for part in parts]
    if operator == "/Not":
        return not (values and values[0])
    return any(values) if operator == "/Or" else all(values)
