"""Hold the imports of a checkout against the contracts in its ``pyproject.toml`` (import-linter), from its own source files.

    scripts/check_imports.py [CHECKOUT]

The command ``lint-imports`` asks the interpreter where the package is, and an editable install answers with folders far outside the package, too (the
data folders lie beside it). So its answer is left out here.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path


def main(arguments: Sequence[str] | None = None) -> int:
    given = sys.argv[1:] if arguments is None else list(arguments)
    root = Path(given[0]).resolve() if given else Path(__file__).resolve().parent.parent
    sys.meta_path[:] = [finder for finder in sys.meta_path if not type(finder).__module__.startswith("_editable_")]
    sys.path.insert(0, str(root))
    from importlinter.cli import lint_imports

    return int(lint_imports(config_filename=str(root / "pyproject.toml"), no_cache=True))


if __name__ == "__main__":
    sys.exit(main())
