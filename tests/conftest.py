"""Fixtures that several rooms' tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def benchmark_pages() -> Path:
    """The folder ``pages`` of the benchmark data (DOCBIN_DATA, else ../shared/data beside the checkout); skips where it is absent."""
    root = Path(os.environ.get("DOCBIN_DATA", CHECKOUT.parent / "shared" / "data"))
    if not (root / "pages").is_dir():
        pytest.skip(f"needs the benchmark pages; {root}/pages is not there (set DOCBIN_DATA)")
    return root / "pages"


@pytest.fixture(scope="session")
def oracle() -> Path:
    """The folder of outside truth (../shared/oracle beside the checkout); skips where it is absent."""
    folder = CHECKOUT.parent / "shared" / "oracle"
    if not folder.is_dir():
        pytest.skip(f"needs the oracle pictures; {folder} is not there")
    return folder
