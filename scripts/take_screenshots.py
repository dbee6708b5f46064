"""Take the README's three screenshots of the demo, or one of every tab in both themes and at two widths, to look at before a release.

    python scripts/take_screenshots.py                     # app/assets/demo-*.jpg
    python scripts/take_screenshots.py --tour out/tour     # out/tour/<tab>-<width>-<theme>.png, the whole page each

The demo is started for it and driven with Playwright in a Chromium of the system (Debian: ``apt-get install chromium``); every tab works on one of
docbin's own pages. Nothing is waited for by the clock, so a busy machine takes the same pictures, only later.
"""

from __future__ import annotations

import argparse
import shutil
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ASSETS = Path(__file__).resolve().parent.parent / "app" / "assets"
TABS = ("Binarize", "Whole files", "Compare", "Look inside", "Find text", "Benchmarks")
WIDTHS = {1280: 800, 390: 844}
"""Width of the window -> its height."""
SAMPLE = "Writing that shines through"
SHOTS = (
    ("demo-binarize.jpg", "Binarize", "light", ""),
    ("demo-compare.jpg", "Compare", "light", ".docbin:has(> .scroll > table)"),
    ("demo-look-inside.jpg", "Look inside", "dark", ".docbin .bar"),
)
"""Of the README: file, tab, theme, and the first thing that is shown; where none is named, the whole window."""
PATIENCE = 600_000
"""Milliseconds that anything may take."""
DRAWN = """() => document.fonts.status === "loaded"
  && [...document.images].filter(image => image.offsetParent !== null).every(image => image.complete && image.naturalWidth > 0)
  && document.getAnimations().every(one => one.playState !== "running" || one.effect?.getComputedTiming().iterations === Infinity)"""


@contextmanager
def visit(width: int, height: int, theme: str) -> Iterator[Any]:
    """A window on a demo of its own, with one of docbin's pages chosen and turned to ink."""
    from playwright.sync_api import sync_playwright

    from docbin.demo.server import running

    path = next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None)
    if path is None:
        raise SystemExit("take_screenshots needs a Chromium (Debian: apt-get install chromium)")
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = int(one.getsockname()[1])
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
    with running(port=port) as address, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=quiet)
        page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=theme)
        page.set_default_timeout(PATIENCE)
        page.goto(address)
        page.get_by_role("button", name=SAMPLE).click()
        page.wait_for_function("() => !document.querySelector('.docbin-result-binarize').inert")
        page.locator(".docbin-slider img.before").wait_for()
        yield page
        browser.close()


def work(page: Any, tab: str) -> None:
    """Open a tab and let it do its work."""
    page.get_by_role("tab", name=tab).click()
    if tab in ("Compare", "Look inside"):
        page.get_by_role("button", name=tab, exact=True).click()
        page.locator(".docbin-sheet:visible figure").first.wait_for()
    page.mouse.move(0, 0)  # or a button shows that the pointer is over it
    page.wait_for_function(DRAWN)


def shots(folder: Path) -> Iterator[Path]:
    """The README's pictures, as a desk's window shows them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, tab, theme, top in SHOTS:
        with visit(1280, WIDTHS[1280], theme) as page:
            work(page, tab)
            clip = None
            if top:
                first = page.locator(top).locator("visible=true").first
                first.evaluate("node => window.scrollBy(0, node.getBoundingClientRect().top - 12)")
                left, upper = (first.bounding_box()[key] - 12 for key in ("x", "y"))
                clip = {"x": left, "y": upper, "width": 1280 - left, "height": WIDTHS[1280] - upper}
            page.screenshot(path=folder / name, type="jpeg", quality=76, clip=clip)
            yield folder / name


def tour(folder: Path) -> Iterator[Path]:
    """Every tab in both themes, on a desk and on a phone, each the whole length of the page."""
    folder.mkdir(parents=True, exist_ok=True)
    for width, height in WIDTHS.items():
        for theme in ("light", "dark"):
            with visit(width, height, theme) as page:
                for tab in TABS:
                    work(page, tab)
                    path = folder / f"{tab.lower().replace(' ', '-')}-{width}-{theme}.png"
                    page.screenshot(path=path, full_page=True)
                    yield path


def main(argv: Sequence[str] | None = None) -> int:
    """Take the pictures and name the files."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=ASSETS, help="folder of the README's pictures (default: app/assets)")
    parser.add_argument("--tour", type=Path, metavar="FOLDER", help="take every tab instead, into this folder")
    given = parser.parse_args(argv)
    for path in shots(given.out.resolve()) if given.tour is None else tour(given.tour.resolve()):
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
