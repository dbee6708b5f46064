"""The demo as a visitor meets it: a real server, a real browser, every tab used. Run by ``make test-browser``.

The machine may be busy: nothing here waits by the clock, every look at the page is repeated until it shows what is wanted, and only then, after
:data:`PATIENCE`, is it a failure. How long the two timed steps took is printed in any case.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
from PIL import Image

import docbin
from docbin import catalogue
from docbin.cli import main
from docbin.demo import choices
from tests.demo import pages

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright (pip install playwright)")
pytest.importorskip("gradio", reason="needs the extra app")

pytestmark = [pytest.mark.browser, pytest.mark.timeout(1800)]
T = TypeVar("T")
SAMPLE = "Writing that shines through"
TABS = ("Binarize", "Whole files", "Compare", "Look inside", "Find text", "Benchmarks")
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def load() -> float:
    """Processes that want a core, on average over the last minute; 0 where the system does not say."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0


PATIENCE = round(60_000 * min(5.0, 1 + load() / CORES))
"""Milliseconds that anything may take: more where the machine is busy with other things."""
DRAWN = """() => document.fonts.status === "loaded"
  && [...document.images].filter(image => image.offsetParent !== null).every(image => image.complete && image.naturalWidth > 0)
  && document.getAnimations().every(one => one.playState !== "running" || one.effect?.getComputedTiming().iterations === Infinity)"""
"""Whether a page has come to rest: fonts and pictures are there, nothing changes its colour or place any more."""


def chromium() -> str:
    """A Chromium of the system: DOCBIN_CHROMIUM, or by name."""
    names = (os.environ.get("DOCBIN_CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome")
    found = next((path for name in names if name and (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("needs Chromium (Debian: apt-get install chromium; or DOCBIN_CHROMIUM=/path/to/it)")
    return found


class Demo:
    """``docbin demo`` as a process."""

    def __init__(self) -> None:
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            self.port = int(one.getsockname()[1])
        self.started = time.monotonic()
        command = [sys.executable, "-m", "docbin.cli", "demo", "--port", str(self.port)]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert self.process.stderr is not None
        line = self.process.stderr.readline()
        assert "the demo is at" in line, line
        self.address = f"http://127.0.0.1:{self.port}/"

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(PATIENCE / 1000)


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    chromium()
    demo = Demo()
    yield demo
    assert demo.stop() == 0


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    path = chromium()
    with playwright.sync_playwright() as driver:
        args = ["--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]
        args += ["--no-sandbox"] if getattr(os, "geteuid", lambda: 1)() == 0 else []
        browser = driver.chromium.launch(executable_path=path, args=args, timeout=PATIENCE)
        yield browser
        browser.close()


class Visitor:
    """A page of the browser that notes what it should not have to."""

    def __init__(self, browser: Any, demo: Demo, width: int = 1360, height: int = 900, scheme: str = "light", touch: bool = False) -> None:
        self.complaints: list[str] = []
        self.context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, accept_downloads=True, has_touch=touch
        )
        self.page = page = self.context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("console", lambda message: self.complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self._note(request.url))
        page.goto(demo.address)
        page.get_by_role("button", name="Turn into ink").wait_for()

    def _note(self, url: str) -> None:
        if not re.match(r"(http://(127\.0\.0\.1|localhost):\d+/|data:|blob:)", url):
            self.complaints.append(f"asked for {url}")

    def upload(self, path: Path, place: str = "#docbin-upload") -> None:
        self.page.locator(f"{place} input[type=file]").set_input_files(path)
        if place == "#docbin-upload":  # the page that stands there is greyed until this one's result is there
            self.page.wait_for_function("() => !document.querySelector('.docbin-result-binarize').inert")

    def sample(self, name: str = SAMPLE) -> None:
        self.page.get_by_role("button", name=name).click()  # which greys the page that stands there
        self.page.wait_for_function("() => !document.querySelector('.docbin-result-binarize').inert")
        self.page.locator(".docbin-slider img.before").wait_for(state="attached")

    def tab(self, name: str) -> None:
        self.page.get_by_role("tab", name=name).click()

    def soon(self, read: Callable[[], T], wanted: Callable[[T], bool]) -> T:
        """What `read` says, as soon as that is `wanted`; the last it said where it never is."""
        until = time.monotonic() + PATIENCE / 1000
        while not wanted(said := read()) and time.monotonic() < until:
            self.page.wait_for_timeout(50)
        return said

    def rest(self) -> None:
        """Wait until everything is drawn."""
        self.page.wait_for_function(DRAWN)

    def told(self, words: str) -> None:
        """Wait for `words` among the facts of the page or of its ink."""
        self.page.locator("dl.facts:visible", has_text=words).first.wait_for()

    def alert(self) -> str:
        alert = self.page.locator("[role=alert].wrong:visible")
        alert.wait_for()
        return str(alert.inner_text())


@pytest.fixture
def visitor(browser: Any, demo: Demo) -> Iterator[Visitor]:
    visitor = Visitor(browser, demo)
    yield visitor
    visitor.context.close()
    assert visitor.complaints == []


# --- Binarize ----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "says"), [("good.png", "300 dpi"), ("print.jpg", "colour"), ("deep.png", "PNG, grey")])
def test_a_page_of_any_kind_becomes_ink(visitor: Visitor, tmp_path: Path, name: str, says: str) -> None:
    visitor.upload(pages.good(tmp_path)[name][0])
    visitor.page.locator(".docbin-slider img.before").wait_for()
    visitor.told(says)
    visitor.told(name)
    assert not visitor.page.locator("#docbin-number").is_visible()


@pytest.mark.parametrize(("name", "count"), [("book.tif", 3), ("scan.pdf", 2)])
def test_a_file_of_several_pages_has_a_picker(visitor: Visitor, tmp_path: Path, name: str, count: int) -> None:
    visitor.upload(pages.good(tmp_path)[name][0])
    visitor.page.get_by_text(f"1 of {count}").wait_for()
    number = visitor.page.locator("#docbin-number input[type=number]")
    number.fill(str(count))
    number.press("Enter")
    visitor.page.get_by_text(f"{count} of {count}").wait_for()


@pytest.mark.parametrize("name", ["bomb.png", "letter.png", "nothing.png"])
def test_a_bad_file_is_a_sentence_and_the_next_page_works(visitor: Visitor, tmp_path: Path, name: str) -> None:
    path, says = pages.bad(tmp_path)[name]
    visitor.upload(path)
    assert says in visitor.alert()
    visitor.sample()


def test_a_sample_and_its_ink_stand_there_at_first(visitor: Visitor) -> None:
    visitor.page.locator(".docbin-slider img.before").wait_for()
    visitor.told("handwritten-bleedthrough.png")
    visitor.told(catalogue.DEFAULT)


def test_without_a_page_the_button_says_so(visitor: Visitor, tmp_path: Path) -> None:
    visitor.upload(pages.good(tmp_path)["good.png"][0])
    visitor.told("good.png")
    visitor.page.locator("#docbin-upload").get_by_role("button", name=re.compile("clear|remove", re.IGNORECASE)).first.click()
    visitor.page.get_by_role("button", name="Turn into ink").click()
    assert "Choose a page first" in visitor.alert()


def test_the_slider_moves_by_keyboard_and_by_hand_and_zooms(visitor: Visitor) -> None:
    visitor.sample()
    page = visitor.page
    before, line = page.locator(".docbin-slider img.before"), page.locator(".docbin-slider .line")

    def covered() -> float:
        """Share of the picture that the page covers."""
        top, *rest = re.findall(r"([\d.]+)px", before.evaluate("node => node.style.clipPath"))  # one number stands for all four sides
        return 1 - float(rest[0] if rest else top) / float(before.evaluate("node => node.clientWidth"))

    visitor.rest()
    assert visitor.soon(lambda: before.evaluate("node => node.style.clipPath"), bool)
    assert visitor.soon(covered, lambda share: abs(share - 0.5) < 0.02) == pytest.approx(0.5, abs=0.02)
    slider = page.get_by_role("slider", name="How much of the page covers its ink")
    slider.focus()
    page.keyboard.press("End")
    assert visitor.soon(covered, lambda share: share > 0.98) == pytest.approx(1, abs=0.02)
    page.keyboard.press("Home")
    assert visitor.soon(covered, lambda share: share < 0.02) == pytest.approx(0, abs=0.02)
    box, stage = line.bounding_box(), page.locator(".docbin-slider .stage").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 200)
    page.mouse.down()
    page.mouse.move(stage["x"] + stage["width"] * 0.3, box["y"] + 210, steps=4)
    page.mouse.up()
    edge = (
        before.evaluate("node => node.parentNode.offsetLeft"),
        before.evaluate("node => node.clientWidth"),
    )  # the page is narrower than its stage
    there = (0.3 * stage["width"] - edge[0]) / edge[1]
    assert 0.1 < there < 0.4
    assert visitor.soon(covered, lambda share: abs(share - there) < 0.03) == pytest.approx(there, abs=0.03)
    page.get_by_role("group", name="Zoom").get_by_role("button", name="200 %").click()
    assert before.evaluate("node => node.clientWidth") == pytest.approx(2 * 960, abs=1)
    assert page.get_by_role("button", name="200 %").get_attribute("aria-pressed") == "true"


WHERE = """node => ({left: node.scrollLeft, top: node.scrollTop, wide: node.firstChild.offsetWidth, high: node.firstChild.offsetHeight,
  x: node.firstChild.offsetLeft, y: node.firstChild.offsetTop, room: node.clientHeight, across: node.clientWidth})"""


def test_wheel_and_drag_move_the_page_and_the_point_under_the_pointer_stays(visitor: Visitor) -> None:
    visitor.sample()
    visitor.rest()
    page, stage = visitor.page, visitor.page.locator(".docbin-slider .stage")
    whole = visitor.soon(lambda: stage.evaluate(WHERE), lambda now: 0 < now["high"] <= now["room"])
    assert whole["high"] <= whole["room"]
    assert whole["wide"] <= whole["across"]
    box = stage.bounding_box()
    x, y = whole["x"] + 0.25 * whole["wide"], 0.4 * whole["high"]
    page.mouse.move(box["x"] + x + 1, box["y"] + y + 1)

    def zoomed(times: float) -> tuple[dict[str, float], float, float]:
        """Where the page is once it is so many times as wide as the whole, and its point under the pointer, in shares of it."""
        while stage.evaluate(WHERE)["wide"] < times * whole["wide"]:
            page.mouse.wheel(0, -300)
            page.wait_for_timeout(50)
        now: dict[str, float] = stage.evaluate(WHERE)
        return now, (now["left"] + x - now["x"]) / now["wide"], (now["top"] + y - now["y"]) / now["high"]

    _, *before = zoomed(2)  # up to here it stands in the middle, for there is nothing to scroll
    near, *after = zoomed(5)
    assert after == pytest.approx(before, abs=0.01)
    assert before[1] == pytest.approx(0.4, abs=0.02)
    page.mouse.move(box["x"] + 60, box["y"] + 200)
    page.mouse.down()
    page.mouse.move(box["x"] + 20, box["y"] + 120, steps=4)
    page.mouse.up()
    moved = visitor.soon(lambda: stage.evaluate(WHERE), lambda now: now["top"] > near["top"] + 70)
    assert moved["left"] - near["left"] == pytest.approx(40, abs=2)
    assert moved["top"] - near["top"] == pytest.approx(80, abs=2)
    page.get_by_role("group", name="Zoom").get_by_role("button", name="Fit").click()
    assert stage.evaluate(WHERE)["high"] <= whole["room"]


def test_two_fingers_zoom_the_page_about_the_point_between_them(browser: Any, demo: Demo) -> None:
    """On a phone: apart makes the page larger, together smaller again, and the browser itself zooms nothing."""
    visitor = Visitor(browser, demo, width=390, height=800, touch=True)
    visitor.sample()
    visitor.rest()
    page, stage = visitor.page, visitor.page.locator(".docbin-slider .stage")
    stage.scroll_into_view_if_needed()
    whole = visitor.soon(lambda: stage.evaluate(WHERE), lambda now: 0 < now["high"] <= now["room"])
    box = stage.bounding_box()
    x, y = whole["x"] + 0.4 * whole["wide"], 0.45 * whole["high"]
    fingers = visitor.context.new_cdp_session(page)

    def touch(kind: str, apart: float) -> None:
        points = [{"x": box["x"] + 1 + x + side * apart / 2, "y": box["y"] + 1 + y} for side in (-1, 1)]
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points if kind != "touchEnd" else []})

    def pinched(widths: list[float]) -> dict[str, float]:
        touch("touchStart", widths[0])
        for apart in widths[1:]:
            touch("touchMove", apart)
        touch("touchEnd", 0)
        now: dict[str, float] = stage.evaluate(WHERE)
        return now

    near = pinched([40, 60, 90, 120, 160, 200])
    assert near["wide"] == pytest.approx(5 * whole["wide"], rel=0.2)  # a browser may swallow the first move
    assert (near["left"] + x - near["x"]) / near["wide"] == pytest.approx(0.4, abs=0.03)
    assert (near["top"] + y - near["y"]) / near["high"] == pytest.approx(0.45, abs=0.03)
    assert page.evaluate("() => window.visualViewport.scale") == 1
    smaller = pinched([200, 160, 120])
    assert smaller["wide"] == pytest.approx(near["wide"] * 0.6, rel=0.25)
    assert pinched([200, 120, 60, 20])["wide"] == pytest.approx(whole["wide"], rel=0.02)  # never smaller than the whole page
    assert visitor.complaints == []
    visitor.context.close()


GREYED = "() => { const node = document.querySelector('.docbin-result-%s'); return node.inert && node.classList.contains('docbin-stale'); }"


def test_a_changed_setting_greys_the_result_at_once_and_brings_the_new_one(visitor: Visitor) -> None:
    visitor.sample()
    page = visitor.page
    page.get_by_label("Method", exact=True).select_option("otsu")
    visitor.told("otsu")
    page.wait_for_function(f"() => !({GREYED % 'binarize'})()")
    select = page.get_by_label("Method", exact=True)
    script = f"node => {{ node.value = 'multi-otsu'; node.dispatchEvent(new Event('change')); return ({GREYED % 'binarize'})(); }}"
    assert select.evaluate(script) is True
    visitor.told("multi-otsu")
    page.wait_for_function(f"() => !({GREYED % 'binarize'})()")


def test_whole_files_go_in_and_come_out(visitor: Visitor, tmp_path: Path) -> None:
    good = pages.good(tmp_path)
    visitor.tab("Whole files")
    page = visitor.page
    page.get_by_label("Method for the files").select_option("otsu")
    page.locator("#docbin-files input[type=file]").set_input_files([good["book.tif"][0], good["good.png"][0]])
    page.locator("#docbin-files").get_by_text("good").first.wait_for()
    page.locator("#docbin-all").click()
    page.get_by_text("Done: 4 pages.").wait_for()
    with page.expect_download() as waiting:
        page.locator("#docbin-download-all").click()
    assert waiting.value.suggested_filename == "ink.zip"


def test_a_batch_is_cancelled(visitor: Visitor, tmp_path: Path) -> None:
    large = [Image.fromarray(pages.page(2400, 2400, seed)) for seed in range(3)]
    large[0].save(tmp_path / "large.tif", save_all=True, append_images=large[1:])
    visitor.tab("Whole files")
    page = visitor.page
    page.get_by_label("Method for the files").select_option("gatos")
    page.locator("#docbin-files input[type=file]").set_input_files(tmp_path / "large.tif")
    page.locator("#docbin-files").get_by_text("large").first.wait_for()
    page.locator("#docbin-all").click()
    page.locator("#docbin-cancel:enabled").click()
    assert "Cancelled" in visitor.alert()
    page.wait_for_function(f"() => !({GREYED % 'documents'})()")
    assert page.locator("#docbin-all").is_enabled()
    page.wait_for_timeout(3000)  # nothing comes after it
    assert "Cancelled" in visitor.alert()
    assert page.locator("#docbin-download-all").is_disabled()


def test_what_is_shown_is_the_ink_without_loss(visitor: Visitor, tmp_path: Path) -> None:
    path = pages.good(tmp_path)["good.png"][0]
    visitor.upload(path)
    picture = visitor.page.locator(".docbin-slider img:not(.before)")
    picture.wait_for()
    data = visitor.context.request.get(picture.get_attribute("src")).body()
    with Image.open(BytesIO(data)) as shown:
        assert shown.mode == "1"
        assert np.array_equal(~np.asarray(shown), docbin.binarize(pages.page(), catalogue.DEFAULT))


@pytest.mark.parametrize("format", ["png", "tiff", "pdf"])
def test_a_download_is_the_command_lines_file(visitor: Visitor, tmp_path: Path, format: str) -> None:
    path = pages.good(tmp_path)["good.png"][0]
    visitor.upload(path)
    visitor.page.locator(".docbin-slider img.before").wait_for()
    label = {"png": "1-bit PNG", "tiff": "G4 TIFF", "pdf": "PDF"}[format]
    with visitor.page.expect_download() as waiting:
        visitor.page.get_by_role("button", name=f"Download {label}").click()
    suffix = {"png": ".png", "tiff": ".tif", "pdf": ".pdf"}[format]
    assert waiting.value.suggested_filename == f"good.ink{suffix}"
    waiting.value.save_as(tmp_path / f"saved{suffix}")
    out = tmp_path / f"cli{suffix}"
    assert main(["-q", "binarize", str(path), "-o", str(out)]) == 0
    assert (tmp_path / f"saved{suffix}").read_bytes() == out.read_bytes()
    if format != "pdf":
        with Image.open(out) as saved:
            assert saved.mode == "1"
            assert saved.info["dpi"] == pytest.approx((300, 300), abs=0.01)


def test_a_method_brings_its_settings_and_a_wrong_one_is_said(visitor: Visitor) -> None:
    visitor.sample()
    page = visitor.page
    select = page.get_by_label("Method", exact=True)
    assert select.locator("option:checked").inner_text() == f"{catalogue.DEFAULT} (default)"
    assert select.locator("option").count() == len(catalogue.METHODS)
    assert select.locator("option:disabled").count() == sum(not row.available for row in catalogue.METHODS.values())
    select.select_option("wolf")
    window = page.get_by_label("window", exact=True)
    assert window.input_value() == "41"
    assert (window.get_attribute("min"), window.get_attribute("max")) == ("3", "100001")
    assert "Wolf and Jolion" in page.locator(".docbin-chooser:visible").inner_text()
    window.fill("40")
    page.get_by_role("button", name="Turn into ink").click()
    assert "wolf: window=40: an odd number is wanted" in visitor.alert()
    page.get_by_role("button", name="Reset the settings").click()
    assert window.input_value() == "41"
    page.get_by_role("button", name="Turn into ink").click()
    page.get_by_text("wolf", exact=True).locator("visible=true").wait_for()


# --- the other tabs ----------------------------------------------------------------------------------------------------------------------


def test_methods_are_compared_and_scored(visitor: Visitor, tmp_path: Path) -> None:
    visitor.upload(pages.good(tmp_path)["good.png"][0])
    visitor.page.locator(".docbin-slider img.before").wait_for()
    visitor.tab("Compare")
    page = visitor.page
    page.get_by_role("checkbox", name="su", exact=True).check()
    page.get_by_text("4 of at most 4 methods chosen.").wait_for()
    assert page.get_by_role("checkbox", name="nick").is_disabled()
    go = page.get_by_role("button", name="Compare", exact=True)
    go.click()
    figures = page.locator(".docbin-sheet:visible figure")
    figures.nth(4).wait_for()
    assert page.locator(".docbin table:visible").count() == 0
    truth = tmp_path / "truth.png"
    Image.fromarray(~pages.truth_of()).save(truth)
    page.get_by_role("button", name="Score them against the truth").click()
    visitor.upload(truth, "#docbin-truth")
    page.locator("#docbin-truth a[href]").first.wait_for()  # it is up there; "truth" alone is in the label as well
    go.click()
    page.locator(".docbin table:visible tbody tr").nth(3).wait_for()
    scores = docbin.score(docbin.binarize(pages.page(), "su"), pages.truth_of())
    assert f"{scores.fm:.2f}" in page.locator(".docbin table:visible tbody tr", has_text=re.compile("^su")).inner_text()
    page.get_by_text("missed ink").wait_for()
    assert visitor.soon(figures.count, lambda count: count == 5 + 4) == 5 + 4


def test_a_look_inside(visitor: Visitor) -> None:
    visitor.sample()
    visitor.tab("Look inside")
    page = visitor.page
    select = page.get_by_label("What to look at")
    rows = choices.views()
    assert select.locator("option:disabled").count() == sum(not row["available"] for row in rows)
    for row in rows:
        if not row["available"]:
            assert row["label"] in page.locator(".docbin-chooser:visible").inner_text()
    go = page.get_by_role("button", name="Look inside", exact=True)
    go.click()
    page.get_by_text(f"probability by {catalogue.DEFAULT}").wait_for()
    for view, says in (
        ("threshold:wolf", "(grey level)"),
        ("threshold:otsu", "everywhere"),
        (f"bits:{catalogue.DEFAULT}", "each one bit a pixel:"),
    ):
        select.select_option(view)
        go.click()
        page.get_by_text(says).locator("visible=true").first.wait_for()


def test_words_on_a_photograph_are_outlined_and_listed(visitor: Visitor, tmp_path: Path) -> None:
    page = visitor.page
    table = choices.detectors()
    if not any(row["available"] for row in table):
        visitor.tab("Find text")
        page.get_by_text("no trained model for it is installed").wait_for()
        return
    visitor.upload(pages.sign(tmp_path))
    visitor.tab("Find text")
    page.get_by_role("button", name="Find text").click()
    heading = page.get_by_text(re.compile(r"^\d+ words? found$")).locator("visible=true")
    heading.wait_for()
    count = int(str(heading.inner_text()).split()[0])
    rows = page.locator('table[aria-label^="Surest"]:visible tbody tr')
    assert visitor.soon(rows.count, lambda said: said == count) == count
    with page.expect_download() as told:
        page.get_by_role("button", name="Download JSON").click()
    words = json.loads(Path(told.value.path()).read_text(encoding="utf-8"))["words"]
    assert len(words) == count
    # The float detector, first in the table, knows the sign; whether one in bits does is its own affair.
    assert not table[0]["available"] or any(min(x for x, _ in word["polygon"]) < 480 < max(x for x, _ in word["polygon"]) for word in words)


def test_benchmarks_are_a_picture_and_a_table(visitor: Visitor) -> None:
    visitor.tab("Benchmarks")
    page = visitor.page
    assert page.locator("svg.plot:visible").count() == 1
    points = page.locator("svg.plot:visible g.point")
    said = page.locator("svg.plot:visible > .said")
    assert said.count() == 0
    points.filter(has_text="wolf").focus()
    said.get_by_text("wolf").wait_for()
    points.filter(has_text="bernsen").hover()
    said.get_by_text("bernsen").wait_for()
    assert said.count() == 1
    first = page.locator(".docbin table:visible").inner_text()
    page.get_by_role("combobox", name="Pages").click()
    page.get_by_role("option", name="dibco2013").click()
    page.get_by_text("Means over the pages of dibco2013").wait_for()
    assert visitor.soon(page.locator(".docbin table:visible").inner_text, lambda text: text != first) != first


# --- everybody and everywhere ------------------------------------------------------------------------------------------------------------


NOTE_THE_QUEUE = """() => new MutationObserver(() => window.place_in_queue ||= document.body.innerText.match(/queue: \\d+\\/\\d+/)?.[0])
  .observe(document.body, {childList: true, subtree: true, characterData: true}) ?? null"""
"""The place is shown only until the job begins, so it is noted when it comes up."""


def test_ten_visitors_at_once_wait_in_line_and_are_all_served(browser: Any, demo: Demo) -> None:
    crowd = [Visitor(browser, demo) for _ in range(10)]
    for visitor in crowd:
        visitor.sample()
        visitor.tab("Compare")
        visitor.page.get_by_role("checkbox", name="adotsu").check()
        visitor.page.evaluate(NOTE_THE_QUEUE)
    for visitor in crowd:
        visitor.page.get_by_role("button", name="Compare", exact=True).click()
    told = []
    for visitor in crowd:
        visitor.page.locator(".docbin-sheet:visible figure").nth(4).wait_for(timeout=3 * PATIENCE)
        told.append(visitor.page.evaluate("() => window.place_in_queue"))
        assert visitor.complaints == []
        visitor.context.close()
    assert any(told), "nobody was told a place in the queue"


def test_nothing_outside_is_served_to_a_browser(visitor: Visitor, demo: Demo) -> None:
    for path in ("gradio_api/file=/etc/passwd", "gradio_api/file=https://example.org/", "gradio_api/proxy=https://example.org/"):
        answer = visitor.context.request.get(demo.address + path)
        assert answer.status in (403, 404)
        assert "root:" not in answer.text()


UNNAMED = """() => [...document.querySelectorAll("button, input, select, a[href], [role=slider], [tabindex='0']")]
  .filter(node => node.offsetParent !== null && node.type !== "file" && !node.closest("[aria-hidden=true]"))
  .filter(node => !["aria-label", "aria-labelledby", "title"].some(name => node.getAttribute(name)))
  .filter(node => !(node.labels?.length || node.textContent.trim()))
  .map(node => node.outerHTML.slice(0, 200))"""

FAINT = """() => {
  const numbers = text => text.match(/[\\d.]+/g).map(Number);
  const light = rgb => rgb.slice(0, 3).map(v => v / 255).map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = node => {
    for (; node; node = node.parentElement) {
      const colour = numbers(getComputedStyle(node).backgroundColor);
      if (colour.length === 3 || colour[3] > 0.9) return colour;
    }
    return [255, 255, 255];
  };
  const words = ".docbin :is(p, li, label, dt, dd, legend, td, th, button, figcaption span), #docbin-head h1";
  return [...document.querySelectorAll(words)]
    .filter(node => node.offsetParent !== null && node.textContent.trim() && !node.querySelector(":disabled"))
    .map(node => { const [a, b] = [light(numbers(getComputedStyle(node).color)), light(ground(node))];
      return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), node.outerHTML.slice(0, 120)]; })
    .filter(([contrast]) => contrast < 4.5);
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1360, 390])
def test_every_tab_fits_its_width_is_named_and_can_be_read(browser: Any, demo: Demo, scheme: str, width: int) -> None:
    visitor = Visitor(browser, demo, width=width, scheme=scheme)
    page = visitor.page
    dark = sum(map(int, re.findall(r"\d+", page.evaluate("() => getComputedStyle(document.body).backgroundColor"))[:3])) < 200
    assert dark == (scheme == "dark")
    visitor.sample()
    for tab in TABS:
        visitor.tab(tab)
        if tab in ("Compare", "Look inside"):
            page.get_by_role("button", name=tab, exact=True).click()
            page.locator(".docbin-sheet:visible figure").first.wait_for()
        visitor.rest()
        wide = visitor.soon(lambda: page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth"), lambda more: more <= 0)
        assert wide <= 0, tab
        for script in (UNNAMED, FAINT):
            assert visitor.soon(lambda script=script: page.evaluate(script), lambda found: found == []) == [], tab
    visitor.context.close()
    assert visitor.complaints == []


def test_on_a_phone_the_result_comes_into_view(browser: Any, demo: Demo) -> None:
    visitor = Visitor(browser, demo, width=390, height=800)
    visitor.sample()
    stage = visitor.page.locator(".docbin-slider .stage")
    top = visitor.soon(lambda: stage.bounding_box()["y"], lambda top: -50 < top < 400)
    assert -50 < top < 400
    visitor.context.close()


def test_first_paint_and_a_sample_come_in_time(browser: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Five seconds from the command to the first paint, two from the click on a sample to its ink by the default method. Both are printed; a
    machine that has more to do than cores to do it is not held to them, for what it gives to this test nobody knows, and any is granted a second
    of the first, for gradio's own import has taken from two to more than three."""
    before = load()
    demo = Demo()
    try:
        visitor = Visitor(browser, demo)
        paint = time.monotonic() - demo.started
        visitor.rest()
        clicked = time.monotonic()
        visitor.sample()
        shown = time.monotonic() - clicked
        visitor.context.close()
    finally:
        demo.stop()
    busy = max(before, load())
    with capsys.disabled():
        print(f"\nfirst paint after {paint:.2f} s (5 asked), click to picture {shown:.2f} s (2 asked), load {busy:.1f} on {CORES} cores")
    if busy < CORES:
        assert paint < 6
        assert shown < 2
