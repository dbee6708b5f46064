"""The documentation: its examples run, its man pages are current, and the checker of links finds what is broken."""

from __future__ import annotations

import ast
import contextlib
import importlib.util
import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

CHECKOUT = Path(__file__).resolve().parent.parent
DOCS = CHECKOUT / "docs"


@pytest.fixture(scope="module")
def build_docs(load_script: Callable[[str], Any]) -> Any:
    return load_script("build_docs")


def test_the_notebook_runs_and_prints_what_it_was_saved_with() -> None:
    """Scores may move with new weights; whoever changes these runs the notebook again (every number is compared as the text that it is)."""
    book = json.loads((DOCS / "notebook.ipynb").read_text(encoding="utf-8"))
    space: dict[str, Any] = {}
    for cell in book["cells"]:
        if cell["cell_type"] != "code":
            continue
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec("".join(cell["source"]), space)
        saved = "".join("".join(output["text"]) for output in cell["outputs"])
        assert re.sub(r"[\d.]+", "#", out.getvalue()) == re.sub(r"[\d.]+", "#", saved)
        for now, then in zip(*(re.findall(r"F-measure ([\d.]+)", text) for text in (out.getvalue(), saved)), strict=True):
            assert abs(float(now) - float(then)) < 3, f"{now} is no longer {then}: run docs/notebook.ipynb again and save it"


def test_the_example_feeds_a_folder_through_one_model(tmp_path: Path) -> None:
    samples = CHECKOUT / "datasets" / "samples" / "images"
    (tmp_path / "scans").mkdir()
    for path in sorted(samples.iterdir())[:2]:
        with Image.open(path) as picture:
            picture.crop((100, 100, 420, 340)).save(tmp_path / "scans" / path.name)
    (tmp_path / "scans" / "broken.png").write_bytes(b"no picture")
    command = [sys.executable, str(DOCS / "examples" / "many_pages.py"), "scans", "out"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "broken.png" in done.stderr
    assert "2 pages" in done.stderr
    for path in (tmp_path / "out").iterdir():
        with Image.open(path) as ink:
            assert (ink.mode, ink.size) == ("1", (320, 240))
    assert len(list((tmp_path / "out").iterdir())) == 2


def defined(nodes: Iterable[ast.stmt]) -> dict[str, Any]:
    """The names that statements define or import, each with those of its own where it is a class."""
    found: dict[str, Any] = {}
    for node in nodes:
        if isinstance(node, ast.ClassDef):
            own = {part.attr for part in ast.walk(node) if isinstance(part, ast.Attribute) and isinstance(part.ctx, ast.Store)}
            found[node.name] = defined(node.body) | {name: {} for name in own} | {"": [ast.unparse(base) for base in node.bases]}
        elif isinstance(node, ast.FunctionDef):
            found[node.name] = {}
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {(name.asname or name.name): {} for name in node.names}
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            found |= {part.id: {} for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}
        else:
            found |= defined(part for part in ast.iter_child_nodes(node) if isinstance(part, ast.stmt))
    return found


def test_every_name_that_a_docstring_refers_to_is_there() -> None:
    """``:func:`docbin.files.open_pages``` and the like, and names of the module itself: what was renamed or moved is renamed in words, too."""
    texts = {path.relative_to(CHECKOUT): path.read_text(encoding="utf-8") for path in sorted((CHECKOUT / "docbin").rglob("*.py"))}
    modules = {
        ".".join(path.with_suffix("").parts).removesuffix(".__init__"): defined(ast.parse(text).body) for path, text in texts.items()
    }

    def is_there(words: Sequence[str]) -> bool:
        for count in range(len(words), 0, -1):
            place = modules.get(".".join(words[:count]))
            if place is not None:
                for word in words[count:]:
                    if word not in place and not place.get(""):  # a class may have it from its base
                        return False
                    place = place.get(word, {})
                return True
        return False

    lost = []
    for path, text in texts.items():
        module = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
        for name in re.findall(r":(?:mod|func|class|data|meth|attr):`~?(docbin[\w.]*)`", text):
            lost += [f"{path}: {name}"] * (not is_there(name.split(".")))
        for name in re.findall(r":(?:func|class|data):`~?([A-Za-z_]\w*)`", text):
            lost += [f"{path}: {name}"] * (not name.startswith("docbin") and name not in modules[module])
    assert lost == []


def test_the_man_pages_are_current() -> None:
    done = subprocess.run([sys.executable, str(CHECKOUT / "scripts" / "command_reference.py"), "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(shutil.which("groff") is None, reason="needs groff")
def test_groff_has_nothing_to_say_of_the_man_pages() -> None:
    for page in sorted((DOCS / "man").glob("*.1")):
        done = subprocess.run(["groff", "-man", "-ww", "-z", str(page)], capture_output=True, text=True)
        assert done.stderr == "", page.name


def test_every_option_is_in_the_reference(build_docs: Any) -> None:
    text = build_docs.commands_page()
    for words in ("docbin binarize", "`--resume`", "`-m METHOD`", "docbin train", "`--pages DIR`", "`-V`"):
        assert words in text, words


def test_the_gallery_has_nine_kinds_by_six_methods_and_every_picture() -> None:
    told = json.loads((DOCS / "gallery" / "gallery.json").read_text(encoding="utf-8"))
    assert len(told["kinds"]) == 9
    for kind in told["kinds"]:
        assert len(kind["results"]) == 6
        assert (DOCS / "gallery" / f"{kind['name']}.webp").is_file()
        for result in kind["results"]:
            assert 0 <= result["fm"] <= 100
            assert result["ms"] >= 0
            with Image.open(DOCS / "gallery" / f"{kind['name']}-{result['method']}.png") as picture:
                assert picture.mode == "1"


def test_no_command_of_the_docs_writes_over_its_input() -> None:
    """docbin refuses that, so such a line fails as it stands."""
    told = 0
    for path in [CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").glob("*.md"))]:
        for line in path.read_text(encoding="utf-8").splitlines():
            words = line.split("#")[0].split("|")[0].split()
            if words[:1] == ["docbin"] and "-o" in words[:-1]:
                out = words[words.index("-o") + 1]
                told += 1
                assert words.count(out) == 1, f"{path.name}: {line.strip()}"
    assert told > 20


def test_the_checker_finds_links_that_lead_nowhere(build_docs: Any, tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(
        '<h1 id="top"></h1><a href="b.html#here">1</a><a href="b.html#gone">2</a><a href="c.html">3</a><a href="#top">4</a>'
        '<img src="x.png"><script src="https://elsewhere/x.js"></script><a href="https://elsewhere/">5</a>'
    )
    (tmp_path / "b.html").write_text('<p id="here"></p>')
    assert list(build_docs.broken(tmp_path)) == [
        "a.html: loads https://elsewhere/x.js from another place",
        "a.html: x.png leads nowhere",
        "a.html: b.html#gone: no such place on that page",
        "a.html: c.html leads nowhere",
    ]


def test_the_page_of_what_is_not_there_is_whole_wherever_the_site_lies(build_docs: Any, tmp_path: Path) -> None:
    made = build_docs.from_its_folder(
        '<link rel="stylesheet" href="/s.css"><a href="/.">docbin</a><a href="/b/c.html#d">c</a><script src="/s.js"></script>'
        '<a href="https://elsewhere/">e</a><a href="//elsewhere/">f</a><script>a=new URL("/",location)</script><script>{"base": "/", "x": 1}</script>'
    )
    assert made == (
        '<link rel="stylesheet" href="./s.css"><a href="./">docbin</a><a href="./b/c.html#d">c</a><script src="./s.js"></script>'
        '<a href="https://elsewhere/">e</a><a href="//elsewhere/">f</a><script>a=new URL(".",location)</script><script>{"base": ".", "x": 1}</script>'
    )
    (tmp_path / "404.html").write_text('<a href="/index.html">here</a>')  # the check of links does not pass it over
    assert list(build_docs.broken(tmp_path)) == ["404.html: /index.html leads nowhere"]


def test_tables_are_taken_from_the_code(build_docs: Any) -> None:
    assert "| `F` | grey, finite values only" in build_docs.modes_table()
    assert "400 megapixels" in build_docs.limits_table()
    assert "`window`" in build_docs.methods_page()
    api = build_docs.api_page()
    assert "## docbin.binarize" in api
    assert "- `method`: a name from" in api
    assert "    image: Given,\n    method: str | None = 'bitunet',\n    *,\n" in api  # annotations without quotes, defaults with theirs
    assert "- `fm`: F-measure, percent" in api


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("mkdocs") is None or importlib.util.find_spec("material") is None, reason="needs docbin[docs]")
def test_the_site_builds_and_no_link_is_broken() -> None:
    command = [sys.executable, str(CHECKOUT / "scripts" / "build_docs.py")]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"PYTHONWARNINGS": "ignore"})
    assert done.returncode == 0, done.stderr
    assert " 0 broken links" in done.stderr


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("mkdocs") is None or importlib.util.find_spec("material") is None, reason="needs docbin[docs]")
@pytest.mark.skipif(
    shutil.which("chromium") is None or importlib.util.find_spec("playwright") is None, reason="needs playwright and Chromium"
)
def test_the_site_opened_from_a_disk_fetches_nothing_and_can_be_searched(build_docs: Any) -> None:
    from playwright.sync_api import sync_playwright

    if not (build_docs.SITE / build_docs.FILE_WORKER).is_file():
        assert build_docs.main([]) == 0
    fetched: list[str] = []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name in ("index.html", "cards/unet.html"):
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.on("request", lambda request: fetched.append(request.url))
            page.goto((build_docs.SITE / name).as_uri())
            page.click(".md-search__input")
            page.keyboard.type("polarity", delay=20)
            page.locator(".md-search-result__link").first.wait_for(timeout=60_000)
        browser.close()
    assert {address.partition(":")[0] for address in fetched} <= {"file", "data", "about"}
