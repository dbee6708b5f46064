"""Feed many pages through one model: python many_pages.py FOLDER OUT"""

import sys
from pathlib import Path

import docbin
from docbin.errors import DocbinError


def main(scans: Path, out: Path) -> None:
    model = docbin.load("bitunet")  # opened once, kept for all pages
    out.mkdir(parents=True, exist_ok=True)
    done = 0
    for path in sorted(scans.iterdir()):
        try:
            for page in docbin.read_pages(path):  # one page in memory at a time
                ink = model(page)
                docbin.write_page(ink, out / f"{path.stem}.p{page.number:04d}.png", dpi=page.dpi)
                done += 1
        except DocbinError as error:  # a broken file must not stop the others
            print(error, file=sys.stderr)
    print(f"{done} pages", file=sys.stderr)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
