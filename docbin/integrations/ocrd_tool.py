"""``ocrd-tool.json``, the description that OCR-D wants of a processor, made from the method table (``scripts/make_ocrd_tool.py`` writes it).

A parameter of OCR-D has one schema, whatever the method. So methods' parameters of one name share an entry: its range is the widest, its
description says which methods have it, with their own ranges and defaults, and it has no default, for a value that was not given is the method's.
What a method makes of a value is checked by its row when the processor starts.
"""

from __future__ import annotations

from typing import Any

EXECUTABLE = "ocrd-docbin-binarize"
LEVELS = ("page", "region", "line")
REPOSITORY = ""
"""OCR-D asks for the address of the sources, and takes an empty one while there is no public one."""
OWN = ("level-of-operation", "method", "model", "polarity")
"""Parameters of the processor; whatever else is given is the method's."""


def tool() -> dict[str, Any]:
    """The whole of ``ocrd-tool.json``."""
    import docbin

    return {
        "version": ".".join([*docbin.__version__.split("+")[0].split("."), "0", "0"][:3]),
        "git_url": REPOSITORY,
        "tools": {
            EXECUTABLE: {
                "executable": EXECUTABLE,
                "description": "Binarize pages, regions or lines with docbin's thresholds and networks",
                "categories": ["Image preprocessing"],
                "steps": ["preprocessing/optimization/binarization"],
                "input_file_grp_cardinality": 1,
                "output_file_grp_cardinality": 1,
                "parameters": _own_parameters() | _method_parameters(),
            }
        },
    }


def _own_parameters() -> dict[str, Any]:
    from docbin import catalogue
    from docbin.polarity import POLARITIES

    return {
        "level-of-operation": {
            "type": "string",
            "enum": list(LEVELS),
            "default": "page",
            "description": "PAGE element whose images are binarized",
        },
        "method": {
            "type": "string",
            "enum": [row["name"] for row in _rows()],
            "default": catalogue.DEFAULT,
            "description": "Method; 'docbin methods' describes them",
        },
        "model": {
            "type": "string",
            "default": "",
            "description": "Folder of a model of your own (from 'docbin package'), or its name as an OCR-D resource; in place of method",
        },
        "polarity": {
            "type": "string",
            "enum": list(POLARITIES),
            "default": "auto",
            "description": "dark: dark writing on light ground; light: light on dark, turned to dark on light; auto: looked at in each image",
        },
    }


def _rows() -> list[dict[str, Any]]:
    from docbin import catalogue

    return catalogue.rows()


def _method_parameters() -> dict[str, Any]:
    from docbin import catalogue
    from docbin.registry import Param

    users: dict[str, list[tuple[str, Param]]] = {}
    for row in _rows():
        for param in catalogue.get(row["name"]).params:
            users.setdefault(param.name, []).append((row["name"], param))
    return {name: _entry(users[name]) for name in sorted(users)}


def _entry(users: list[tuple[str, Any]]) -> dict[str, Any]:
    """One parameter of all methods that have it."""
    params = [param for _, param in users]
    kinds = {type(param.default) for param in params}
    said: dict[str, list[str]] = {}
    for method, param in users:
        said.setdefault(f"{param.help}{_range(param)}", []).append(f"{method} {_shown(param.default)}")
    description = "; ".join(f"{meaning} (default: {', '.join(methods)})" for meaning, methods in said.items())
    if kinds == {bool}:
        return {"type": "boolean", "required": False, "description": description}
    if kinds == {str}:
        choices = list(dict.fromkeys(choice for param in params for choice in param.choices))
        return {"type": "string", "required": False, "description": description} | ({"enum": choices} if choices else {})
    if not kinds <= {int, float}:
        raise TypeError(f"a parameter of several kinds: {', '.join(method for method, _ in users)}")
    entry = {"type": "number", "format": "integer" if kinds == {int} else "float", "required": False, "description": description}
    if all(param.min is not None for param in params):
        entry["minimum"] = min(param.min for param in params)
    if all(param.max is not None for param in params):
        entry["maximum"] = max(param.max for param in params)
    return entry


def _range(param: Any) -> str:
    if param.choices or (param.min is None and param.max is None):
        return ""
    low = "" if param.min is None else f"{param.min:g}"
    high = "" if param.max is None else f"{param.max:g}"
    return f", {low}..{high}{', odd' if param.odd else ''}"


def _shown(default: Any) -> str:
    return f"{default:g}" if isinstance(default, float) else str(default)
