"""The command ``ocrd-docbin-binarize``: it is there in every install, OCR-D is not."""

from __future__ import annotations

import sys
from typing import Any


def main() -> Any:
    """Run the processor; returns 3 and says what to install where OCR-D is absent."""
    try:
        from docbin.integrations.ocrd_processor import main as command
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in ("ocrd", "ocrd_models", "ocrd_utils"):
            raise
        print("ocrd-docbin-binarize needs OCR-D, which is not installed; run: pip install 'docbin[ocrd]'", file=sys.stderr)
        return 3
    return command()
