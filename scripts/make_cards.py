"""Write the tables of scores of the model cards from the JSON files of ``docbin evaluate``.

    docbin evaluate dibco2011 dibco2013 -m unet --json out/unet.json
    python scripts/make_cards.py out/unet.json

Every model folder whose name is a method of the results gets its table; the rest of the card stays. Running it twice changes nothing.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from docbin.zoo.cards import SCORES, scores_table, with_table


def main(argv: Sequence[str] | None = None) -> int:
    """Replace the tables; returns 0, or 1 with a message if a file or its markers are missing or no model was evaluated."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("results", nargs="+", type=Path, help="JSON files of `docbin evaluate --json`")
    parser.add_argument("--models", type=Path, default=Path("models"), help="the folder of the model folders (default: %(default)s)")
    options = parser.parse_args(argv)
    done = 0
    try:
        results = [one for path in options.results for one in json.loads(path.read_text(encoding="utf-8"))]
        for name in dict.fromkeys(Path(one["method"]).name for one in results):
            card = options.models / name / "card.md"
            if not card.parent.joinpath("config.toml").is_file():
                continue
            table = scores_table(one for one in results if Path(one["method"]).name == name)
            try:
                card.write_text(with_table(card.read_text(encoding="utf-8"), SCORES, table), encoding="utf-8")
            except ValueError as error:
                raise ValueError(f"{card}: {error}") from None
            print(card)
            done += 1
    except (OSError, ValueError) as error:
        print(f"make_cards: {error}", file=sys.stderr)
        return 1
    if not done:
        print(f"make_cards: none of the methods is a model in {options.models}", file=sys.stderr)
    return 0 if done else 1


if __name__ == "__main__":
    sys.exit(main())
