"""Write the index of the experiment log: ``docs/experiments/README.md``, a line an experiment, newest first.

    scripts/index_experiments.py [--check] [FOLDER]

An experiment is one file ``YYYY-MM-DD-name.md`` that begins with ``# title``. ``--check`` writes nothing and fails where the index is not current.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "experiments"
NAME = re.compile(r"(\d{4}-\d{2}-\d{2})-[a-z0-9-]+\.md")
HEAD = """# Experiments

What was tried, so that nobody has to try it again blindly; failures stay in. One file an experiment, `YYYY-MM-DD-name.md`. It says

- **why** it was tried (what was expected, and from which paper or measurement),
- **what** changed, with the command that repeats it,
- **the number** before and after, on which pages, on which machine, and the seed where there is chance,
- **the verdict**: kept, dropped, or open.

Settings are chosen on held-out training pages only. A number that was looked at on a test year while choosing says so.
This page is written by `scripts/index_experiments.py`.

| day | experiment |
|---|---|
"""


def index(folder: Path) -> str:
    """The index of the experiments in `folder`.

    Raises
    ------
    ValueError
        A file that is not named after a day, or does not begin with a title.
    """
    rows = []
    for path in sorted(folder.glob("*.md"), reverse=True):
        if path.name == "README.md":
            continue
        named = NAME.fullmatch(path.name)
        if named is None:
            raise ValueError(f"{path}: a name like 2026-11-28-what-was-tried.md is wanted")
        title = path.read_text(encoding="utf-8").split("\n", 1)[0]
        if not title.startswith("# "):
            raise ValueError(f"{path}: the first line must be '# title', it is {title!r}")
        rows.append(f"| {named[1]} | [{title[2:]}]({path.name}) |\n")
    return HEAD + "".join(rows)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("folder", type=Path, nargs="?", default=FOLDER)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where the index is not current")
    options = parser.parse_args(arguments)
    page, text = options.folder / "README.md", index(options.folder)
    if options.check:
        if not page.is_file() or page.read_text(encoding="utf-8") != text:
            print(f"{page}: not current; run scripts/index_experiments.py", file=sys.stderr)
            return 1
        return 0
    page.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
