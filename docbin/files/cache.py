"""Where docbin keeps what it can make again."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder(kind: str) -> Path:
    """``docbin/<kind>`` under XDG_CACHE_HOME, or under ``~/.cache``; it need not exist."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "docbin" / kind
