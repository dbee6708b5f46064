"""Make the folder that is pushed to a Hugging Face Space: the demo's launcher, and docbin as a wheel, since a Space installs from addresses only.

    python scripts/make_space.py OWNER/NAME [--wheel docbin-X.whl] [--out out/space]

Without ``--wheel`` one is built from this checkout, for this Python and this kind of machine; the Space is told to use that Python.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
ADDRESS = "https://huggingface.co/spaces/{space}/resolve/main/{wheel}#sha256={digest}"


def make(space: str, wheel: Path, out: Path) -> None:
    """Write the folder; `space` is OWNER/NAME."""
    found = re.fullmatch(r"docbin-[^-]+(?:-\d[^-]*)?-(?:cp|py)3(\d*)-.+\.whl", wheel.name)
    if found is None:
        raise ValueError(f"{wheel}: this is no wheel of docbin")
    out.mkdir(parents=True, exist_ok=True)
    app = CHECKOUT / "app"
    shutil.copyfile(app / "app.py", out / "app.py")
    shutil.copyfile(wheel, out / wheel.name)
    card = (app / "README.md").read_text(encoding="utf-8")
    if found[1]:
        card = re.sub(r"^python_version: .*$", f'python_version: "3.{found[1]}"', card, count=1, flags=re.MULTILINE)
    (out / "README.md").write_text(card, encoding="utf-8")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    address = ADDRESS.format(space=space, wheel=wheel.name, digest=digest)
    (out / "requirements.txt").write_text(f"docbin[app,onnx] @ {address}\n", encoding="utf-8")
    (out / ".gitattributes").write_text("*.whl filter=lfs diff=lfs merge=lfs -text\n", encoding="utf-8")


def main(argv: Sequence[str] | None = None) -> int:
    """Make the folder and name it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("space", metavar="OWNER/NAME", help="the Space, as in its address")
    parser.add_argument("--wheel", type=Path, help="a wheel of docbin for Linux (default: build one here)")
    parser.add_argument("--out", type=Path, default=Path("out/space"), help="the folder to write (default: %(default)s)")
    given = parser.parse_args(argv)
    try:
        if not re.fullmatch(r"[\w.-]+/[\w.-]+", given.space):
            raise ValueError(f"{given.space}: OWNER/NAME is wanted, as in the Space's address")
        with tempfile.TemporaryDirectory() as spool:
            wheel = given.wheel
            if wheel is None:
                command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", spool, str(CHECKOUT)]
                subprocess.run(command, check=True)
                (wheel,) = Path(spool).glob("docbin-*.whl")
            make(given.space, wheel, given.out)
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{given.out}: push it to https://huggingface.co/spaces/{given.space}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
