"""Write ``docbin/integrations/ocrd-tool.json`` from the method table: after a new method, a changed parameter, and a new version.

python scripts/make_ocrd_tool.py
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from docbin.integrations import ocrd_tool

TARGET = Path(__file__).resolve().parent.parent / "docbin" / "integrations" / "ocrd-tool.json"


def text() -> str:
    """The file as it should be."""
    return json.dumps(ocrd_tool.tool(), indent=2, ensure_ascii=False) + "\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Write the file; returns 0."""
    argparse.ArgumentParser(description=__doc__.partition("\n")[0]).parse_args(argv)
    TARGET.write_text(text(), encoding="utf-8")
    print(TARGET)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
