"""Build the documentation site: docs/ and pages made from the code, as HTML in build/site that needs no network to be read.

    pip install '.[docs]'
    python scripts/build_docs.py            # build, then check every link
    python scripts/build_docs.py --serve    # the same, then show it on this machine

What can be taken from the code is not written by hand: commands and options, methods, models with their cards, pixel modes, limits, the 1-bit
methods, the Python functions. CHANGELOG, BENCHMARKS, SECURITY, CONTRIBUTING and the experiments are the project's own files. Every link and every
picture of the built pages is followed (but for addresses elsewhere), and a page that asks another address for a script, a style or a picture is
an error.
"""

from __future__ import annotations

import argparse
import functools
import html.parser
import http.server
import inspect
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

HOME = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(HOME / "scripts"))

import command_reference  # noqa: E402 - found through the line above

import docbin  # noqa: E402

SOURCE, PAGES, SITE = HOME / "docs", HOME / "build" / "docs", HOME / "build" / "site"
FILE_WORKER, FROM_ELSEWHERE = "file-worker.js", "https://unpkg.com/iframe-worker/shim"
"""Our script for search without a server, in place of the one that the plugin `offline` loads from elsewhere."""

NAVIGATION: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "Use",
        (
            ("index.md", "Start in five minutes"),
            ("choose-a-method.md", "Choosing a method"),
            ("commands.md", "Commands"),
            ("formats.md", "Files and pixel modes"),
            ("quality.md", "How far to trust a result"),
            ("clean.md", "Clean pages"),
            ("ocr.md", "OCR"),
            ("pdf.md", "PDF documents"),
            ("words.md", "Words in photographs"),
            ("ocrmypdf.md", "OCRmyPDF"),
            ("ocrd.md", "OCR-D"),
            ("recipes.md", "Recipes"),
            ("scale.md", "Many machines"),
            ("train-on-your-own-pages.md", "Train on your own pages"),
        ),
    ),
    ("Python", (("python.md", "Python"), ("notebook.md", "A walk through"), ("api.md", "Reference"))),
    ("What there is", (("methods.md", "Methods"), ("models.md", "Models"), ("benchmarks.md", "Benchmarks"))),
    (
        "How it works",
        (("engine.md", "The engine and its file"), ("one-bit-methods.md", "The 1-bit methods"), ("experiments/README.md", "Experiments")),
    ),
    (
        "Project",
        (
            ("extend.md", "How to add"),
            ("contributing.md", "Contributing"),
            ("security.md", "Security and limits"),
            ("changelog.md", "Release notes"),
        ),
    ),
)
"""(heading, (page, title)...); pages that are not there are left out, pages that are not named come last, under "More"."""

PROJECT_FILES = {
    "CHANGELOG.md": "changelog.md",
    "BENCHMARKS.md": "benchmarks.md",
    "CONTRIBUTING.md": "contributing.md",
    "README.md": "index.md",
}
"""Files of the checkout and the pages that they are, for links to them."""


# --- pages made from the code --------------------------------------------------------------------------------------------------------------


def commands_page() -> str:
    """Every command with its options."""
    told = "\n".join(command_reference.markdown(command) for command in command_reference.commands())
    return f"# Commands\n\nAs `docbin COMMAND --help` says; `man docbin` where man pages are installed.\n\n{told}"


def methods_page() -> str:
    """The method table."""
    rows = docbin.methods()
    lines = ["# Methods", "", f"The {len(rows)} methods of `docbin methods`, with their parameters, defaults and papers.", ""]
    for family in dict.fromkeys(row["family"] for row in rows):
        lines += [f"## {family.capitalize()}", ""]
        for row in (row for row in rows if row["family"] == family):
            lines += [f"### {row['name']}", "", f"{row['summary'].capitalize()}.", ""]
            if row["params"]:
                lines += ["| parameter | default | allowed | what it is |", "|---|---|---|---|"]
                lines += [f"| `{p['name']}` | {p['default']} | {_allowed(p)} | {p['help']} |" for p in row["params"]]
                lines.append("")
            needs = f" Needs `{row['needs']}`." if row["needs"] else ""
            lines += [f"*{row['citation']}*{needs}", ""]
    return "\n".join(lines)


def _allowed(param: dict[str, Any]) -> str:
    if "choices" in param:
        return ", ".join(param["choices"])
    if param["min"] is None:
        return ""
    return f"{param['min']:g} to {param['max']:g}" if param["max"] is not None else f"from {param['min']:g}"


def models_pages() -> dict[str, str]:
    """A page of all models, and one a card."""
    from docbin.zoo import folders

    says = "What came with this version. A model is a folder; its card tells what it learned from, how it scores and where it fails."
    lines = ["# Models", "", says, ""]
    lines += ["| model | task | weights | MB, folder | what it is |", "|---|---|---|---|---|"]
    pages = {}
    for name in folders.names():
        config = folders.load_config(name)
        lines.append(f"| [{name}](cards/{name}.md) | {config.task} | {config.numbers:,} | {config.size() / 1e6:.1f} | {config.summary} |")
        pages[f"cards/{name}.md"] = config.card()
    lines += ["", "## What is in a folder", "", _section((HOME / "models" / "README.md").read_text(encoding="utf-8"), None)]
    return {"models.md": "\n".join(lines), **pages}


def quantizers_table() -> str:
    """The 1-bit methods: paper, and whether they end as bits."""
    from docbin.quant import METHODS

    lines = ["| method | paper | in the engine | why |", "|---|---|---|---|"]
    for name, method in METHODS.items():
        kind, why = method.deployment()
        lines.append(f"| `{name}` | {method.citation} | {getattr(kind, 'value', kind)} | {why} |")
    return "\n".join(lines)


def modes_table() -> str:
    """The table of pixel modes, from the docstring of the module that keeps it."""
    from docbin.files import modes

    assert modes.__doc__ is not None
    body = modes.__doc__.split("=\n", 1)[1].split("\n====", 1)[0]
    rows: list[list[str]] = []
    for line in body.splitlines():
        if line[:22].strip():
            rows.append([line[:22].strip(), line[22:].strip()])
        elif line.strip():
            rows[-1][1] += f" {line.strip()}"
    return "\n".join(
        ["| mode (Pillow's name) | becomes |", "|---|---|", *(f"| `{mode}` | {says.replace('``', '`')} |" for mode, says in rows)]
    )


def limits_table() -> str:
    """The limits, from the constants that hold them."""
    from docbin.batch import job
    from docbin.demo import documents, work
    from docbin.demo.server import KEEP_SECONDS
    from docbin.engine import packed
    from docbin.files import limits, open_raster
    from docbin.zoo import folders

    rows = (
        ("Largest page, command line and Python", f"{limits.DEFAULT_MEGAPIXELS:g} megapixels", "`--max-megapixels`, `max_megapixels=`"),
        ("Memory for decoding a page", f"{limits.BYTES_A_PIXEL} bytes for each pixel of that limit", "`--max-megapixels`"),
        ("Pages of a file", f"{limits.MAX_PAGES:,}", "none"),
        ("A page is given up after", f"{job.PAGE_SECONDS:g} s, reading it after {job.READ_SECONDS:g} s", "`--page-timeout`"),
        ("Largest page in the demo", f"{work.MEGAPIXELS:g} megapixels", "`docbin demo --max-megapixels`"),
        ("Files at once in the demo", f"{documents.MOST_FILES}", "none"),
        ("A page in the demo is given up after", f"{documents.PAGE_SECONDS:g} s", "none"),
        ("Uploads to the demo are kept", f"{KEEP_SECONDS / 3600:g} h", "none"),
        ("A packed network", f"{packed.MAX_BYTES / 2**20:g} MiB", "none"),
        ("A layer of an OpenRaster file", f"{open_raster.LAYER_BYTES / 2**20:g} MiB unpacked", "none"),
        ("A file of a model that ships", f"{folders.FILE_LIMIT / 1e6:g} MB", "for packaging only"),
    )
    return "\n".join(["| what | limit | raised by |", "|---|---|---|", *(f"| {what} | {limit} | {way} |" for what, limit, way in rows)])


def gallery() -> str:
    """The gallery of docs/gallery as HTML."""
    told = json.loads((SOURCE / "gallery" / "gallery.json").read_text(encoding="utf-8"))
    parts = []
    for kind in told["kinds"]:
        parts.append(f'### {kind["caption"]}\n\n<div class="gallery" markdown="0">')
        parts.append(_figure(f"{kind['name']}.webp", "the page", f"{kind['size'][0]} x {kind['size'][1]}", False))
        best = max(result["fm"] for result in kind["results"])
        for result in kind["results"]:
            words = f"{result['fm']:.1f}, {result['ms']:,} ms"
            parts.append(_figure(f"{kind['name']}-{result['method']}.png", result["method"], words, result["fm"] == best))
        parts.append("</div>\n")
    parts.append(f"Written by `scripts/make_gallery.py` with docbin {told['docbin']} ({told['machine']}).")
    return "\n".join(parts)


def _figure(file: str, name: str, words: str, best: bool) -> str:
    mark = ' class="best"' if best else ""
    return (
        f'<figure{mark}><img src="gallery/{file}" alt="{name}: {words}" loading="lazy" width="400" height="300">'
        f"<figcaption><b>{name}</b> {words}</figcaption></figure>"
    )


def notebook_page() -> str:
    """docs/notebook.ipynb as Markdown, with the outputs that it was saved with."""
    book = json.loads((SOURCE / "notebook.ipynb").read_text(encoding="utf-8"))
    parts = []
    for cell in book["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(text)
            continue
        parts.append(f"```python\n{text}\n```")
        parts += [
            f"```text\n{''.join(output['text']).rstrip()}\n```" for output in cell.get("outputs", ()) if output["output_type"] == "stream"
        ]
    return "\n\n".join(parts) + "\n"


def api_page() -> str:
    """Every public name: its signature, and its docstring, whose sections (Parameters, Raises ...) are lists."""
    parts = []
    for name in docbin.__all__:
        thing = getattr(docbin, name)
        if inspect.isfunction(thing):
            parts.append(f"## docbin.{name}\n\n```python\n{_signature(name, thing)}\n```\n\n{_told(inspect.getdoc(thing) or '')}")
        elif inspect.isclass(thing):
            parts.append(f"## docbin.{name}\n\n{_told(inspect.getdoc(thing) or '')}")
    return "\n\n".join(parts)


def _signature(name: str, function: Any) -> str:
    """The call with one parameter a line, where it does not fit on one."""
    told = inspect.signature(function)
    words = [str(part).replace(repr(part.annotation), str(part.annotation)) for part in told.parameters.values()]  # annotations are quoted
    kinds = [part.kind for part in told.parameters.values()]
    if inspect.Parameter.KEYWORD_ONLY in kinds and inspect.Parameter.VAR_POSITIONAL not in kinds:
        words.insert(kinds.index(inspect.Parameter.KEYWORD_ONLY), "*")
    answer = f" -> {told.return_annotation}"
    line = f"docbin.{name}({', '.join(words)}){answer}"
    if len(line) <= 88:
        return line
    return f"docbin.{name}(\n" + "".join(f"    {word},\n" for word in words) + f"){answer}"


def _told(text: str) -> str:
    """A docstring in numpydoc's form as Markdown."""
    text = re.sub(r":(?:func|class|mod|data|meth):`~?([^`]+)`", r"`\1`", text).replace("``", "`")
    head, *rest = re.split(r"^(\w[\w ]*)\n-{3,}\n", text, flags=re.MULTILINE)
    parts = [head.strip()]
    for title, body in zip(rest[::2], rest[1::2], strict=True):
        if title == "Examples":
            parts.append(f"**Example**\n\n```pycon\n{body.strip()}\n```")
            continue
        entries: list[str] = []
        after: list[str] = []
        for line in body.rstrip().splitlines():
            if after or (line and not line[0].isspace() and entries and entries[-1] == ""):
                after.append(line)  # a paragraph below the list
            elif not line.strip():
                entries.append("")
            elif line[0].isspace() and entries:
                joint = " " if " : " in entries[-1] or not entries[-1].startswith("docbin.") else ": "
                entries[-1] += f"{joint}{line.strip()}"
            else:
                entries.append(line)
        parts.append(f"**{title}**\n\n" + "\n".join(_entry(entry, title) for entry in entries if entry))
        if after:
            parts.append("\n".join(after))
    return "\n\n".join(parts)


def _entry(entry: str, title: str) -> str:
    name, colon, says = entry.partition(" : ")
    if title in ("Parameters", "Attributes") and colon:
        return f"- `{name}`: {says}"
    return f"- {entry}"


def _section(text: str, heading: str | None) -> str:
    """What stands under a heading of a Markdown file, up to the next of its level; None: all below the title."""
    if heading is None:
        return text.split("\n", 1)[1].strip()
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found is not None, heading
    return found[1].strip()


# --- the tree of pages ---------------------------------------------------------------------------------------------------------------------


def lay_out() -> None:
    """Fill build/docs."""
    shutil.rmtree(PAGES, ignore_errors=True)
    skipped = shutil.ignore_patterns("*.ipynb", "man", "mkdocs.yml", "examples")
    shutil.copytree(SOURCE, PAGES, ignore=skipped)
    shutil.copytree(HOME / "app" / "assets", PAGES / "assets", dirs_exist_ok=True)
    texts = {path.relative_to(PAGES).as_posix(): path.read_text(encoding="utf-8") for path in PAGES.rglob("*.md")}
    read = {name: (HOME / name).read_text(encoding="utf-8") for name in ("CHANGELOG.md", "BENCHMARKS.md", "CONTRIBUTING.md", "SECURITY.md")}
    texts |= models_pages() | {
        "commands.md": commands_page(),
        "methods.md": methods_page(),
        "notebook.md": notebook_page(),
        "changelog.md": read["CHANGELOG.md"],
        "benchmarks.md": read["BENCHMARKS.md"],
        "contributing.md": read["CONTRIBUTING.md"],
        "extend.md": f"# How to add\n\n{_section(read['CONTRIBUTING.md'], 'How to add')}\n",
        "security.md": f"{read['SECURITY.md']}\n## Limits\n\nFrom the constants in the code.\n\n{limits_table()}\n",
    }
    marks = {"gallery": gallery, "modes": modes_table, "quantizers": quantizers_table, "api": api_page}
    for name, text in texts.items():
        for mark, make in marks.items():
            if f"<!-- {mark} -->" in text:
                text = text.replace(f"<!-- {mark} -->", make())
        text = re.sub(r"<!-- example: (\S+) -->", lambda found: f"```python\n{(SOURCE / 'examples' / found[1]).read_text()}```", text)
        path = PAGES / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_links(text, name), encoding="utf-8")


def _links(text: str, page: str) -> str:
    """Links to files of the checkout: to the page that such a file is, where it is one, else its name as code."""
    here = Path(page).parent

    def replaced(found: re.Match[str]) -> str:
        words, address = found[1], found[2]
        target, _, anchor = address.partition("#")
        if not target or "://" in target or target.startswith("mailto:"):
            return found[0]
        name = os.path.normpath(here / target) if (PAGES / here / target).exists() else os.path.normpath(target)
        if name in PROJECT_FILES:
            name = PROJECT_FILES[name]
        elif name.startswith("docs/"):
            name = name.removeprefix("docs/")
        elif name.startswith("app/assets/"):
            name = name.removeprefix("app/")
        elif re.fullmatch(r"models/[\w-]+/card\.md", name):
            name = f"cards/{name.split('/')[1]}.md"
        if name in _known() or (PAGES / name).exists():
            return f"[{words}]({os.path.relpath(name, here)}{'#' + anchor if anchor else ''})"
        return f"`{words}`" if (HOME / target).exists() else found[0]

    text = re.sub(r"(!\[[^\]]*\])\(app/(assets/[^)\s]+)\)", lambda found: f"{found[1]}({os.path.relpath(found[2], here)})", text)
    return re.sub(r"(?<!!)\[([^\]]*)\]\(([^)\s]+)\)", replaced, text)


@functools.cache
def _known() -> frozenset[str]:
    """Pages that are made later than the first links are looked at."""
    from docbin.zoo import folders

    made = {
        "commands.md",
        "methods.md",
        "models.md",
        "notebook.md",
        "changelog.md",
        "benchmarks.md",
        "contributing.md",
        "extend.md",
        "security.md",
    }
    return frozenset(made | {f"cards/{name}.md" for name in folders.names()})


def navigation() -> list[str]:
    """The ``nav`` of mkdocs.yml."""
    lines, named = ["nav:"], set()
    for heading, pages in NAVIGATION:
        there = [(page, title) for page, title in pages if (PAGES / page).is_file()]
        named |= {page for page, _ in there}
        if there:
            lines.append(f"  - {heading}:")
            lines += [f"      - {title}: {page}" for page, title in there]
    others = sorted(path.name for path in PAGES.glob("*.md") if path.name not in named)
    if others:
        lines.append("  - More:")
        lines += [f"      - {_title(PAGES / name)}: {name}" for name in others]
    return lines


def _title(path: Path) -> str:
    found = re.search(r"^# (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return json.dumps(found[1].replace("`", "")) if found else path.stem


def build() -> None:
    """mkdocs, which must not warn."""
    config = HOME / "build" / "mkdocs.yml"
    text = (SOURCE / "mkdocs.yml").read_text(encoding="utf-8")
    text = text.replace("docs_dir: ../build/docs", "docs_dir: docs").replace("site_dir: ../build/site", "site_dir: site")
    quiet = ["not_in_nav: |", "  cards/", "  experiments/"]
    config.write_text("\n".join([text.rstrip(), *quiet, *navigation(), ""]), encoding="utf-8")
    shutil.rmtree(SITE, ignore_errors=True)
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-f", str(config)]
    subprocess.run(command, check=True, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"})
    shutil.copy(SOURCE / FILE_WORKER, SITE / FILE_WORKER)
    for path in SITE.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(FROM_ELSEWHERE, "../" * (len(path.relative_to(SITE).parts) - 1) + FILE_WORKER), encoding="utf-8")
    lost = SITE / "404.html"
    lost.write_text(from_its_folder(lost.read_text(encoding="utf-8")), encoding="utf-8")


def from_its_folder(page: str) -> str:
    """A page of the site's top folder with addresses from there, in the place of those from the root of a server: mkdocs writes 404.html for a site
    that is at such a root; this one is read from a disk, too, and below a project's name."""
    page = re.sub(r'(\s(?:href|src)=")/(?!/)(?:\.(?="))?', r"\1./", page)
    return page.replace('new URL("/",location)', 'new URL(".",location)').replace('"base": "/"', '"base": "."')


# --- the check of links --------------------------------------------------------------------------------------------------------------------


class _Page(html.parser.HTMLParser):
    """What a page links to, loads, and what may be linked to in it."""

    LOADS = frozenset({("img", "src"), ("script", "src"), ("iframe", "src"), ("source", "src"), ("video", "src")})

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.anchors: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        for name, value in given.items():
            fetched = tag == "link" and name == "href" and given.get("rel") in ("stylesheet", "preconnect", "icon", "preload")
            if (tag, name) in self.LOADS or fetched:
                self.loaded.append(value)
            elif (tag, name) == ("a", "href"):
                self.links.append(value)


def broken(site: Path) -> Iterator[str]:
    """What is wrong with the links of the built pages, a sentence each."""
    read: dict[Path, _Page] = {}
    for path in sorted(site.rglob("*.html")):
        read[path] = _Page()
        read[path].feed(path.read_text(encoding="utf-8"))
    for path, page in read.items():
        name = path.relative_to(site)
        for address in page.loaded:
            if urlsplit(address).netloc:
                yield f"{name}: loads {address} from another place"
        for address in [*page.loaded, *page.links]:
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if target.is_dir():
                target /= "index.html"
            if not target.is_file():
                yield f"{name}: {address} leads nowhere"
            elif parts.fragment and target in read and unquote(parts.fragment) not in read[target].anchors:
                yield f"{name}: {address}: no such place on that page"


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--serve", metavar="PORT", nargs="?", type=int, const=8000, help="show the site on this machine afterwards")
    options = parser.parse_args(argv)
    lay_out()
    build()
    problems = list(broken(SITE))
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"{len(list(SITE.rglob('*.html')))} pages in {SITE.relative_to(HOME)}, {len(problems)} broken links", file=sys.stderr)
    if options.serve is not None and not problems:
        handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(SITE))
        print(f"http://127.0.0.1:{options.serve}", file=sys.stderr)
        http.server.ThreadingHTTPServer(("127.0.0.1", options.serve), handler).serve_forever()
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
