"""``docbin bench``: speed on this machine, beside what a user could pick instead."""

from __future__ import annotations

import importlib
import json
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

from docbin.cli import messages
from docbin.cli.options import Argument, Option
from docbin.errors import MissingExtra, UsageError

BENCHES: Mapping[str, str] = {
    "methods": "docbin.bench.methods",
    "kernels": "docbin.bench.kernels",
    "networks": "docbin.bench.networks",
    "engine": "docbin.bench.engine_profile",
}
"""What can be measured -> a module with ``run() -> rows`` (plain data) and ``show(rows) -> str``."""


RANDOM = ("bitunet", "bitunet-fast")
"""Model folders whose recipes say which networks stand in, with random weights, where no packed network is installed."""


@contextmanager
def _networks(names: Sequence[str]) -> Iterator[list[Any]]:
    """What the bench of networks is called with: the named packed networks, else those of the zoo, else random ones in a folder of their own."""
    from docbin.bench import networks

    if names or networks.shipped():
        yield [[networks.packed(name) for name in names] or None]
        return
    try:
        import torch
    except ImportError:
        raise MissingExtra(
            "no packed network is installed, and making one needs torch; name a packed file or run: pip install 'docbin[train]'"
        ) from None
    from docbin.export import to_packed
    from docbin.nets import build

    messages.note("no packed network is installed; networks with random weights stand in, which take the same time")
    recipes = resources.files("docbin.zoo.models")
    with tempfile.TemporaryDirectory(prefix="docbin-bench-") as spool:
        made = []
        for name in RANDOM:
            net = tomllib.loads((recipes / name / "recipe.toml").read_text(encoding="utf-8"))["net"]
            torch.manual_seed(0)
            path = Path(spool) / f"{name}.safetensors"
            path.write_bytes(to_packed(build(net["name"], net["variant"]).eval()))
            made.append(networks.Packed(name, path, random=True))
        yield [made]


def _parted(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Names of packed networks, and of float models that are measured beside them; names of nothing are left to :func:`_networks` to refuse."""
    from docbin.bench import networks

    floats = [name for name in names if networks.is_float(name)]
    return [name for name in names if name not in floats], floats


def command(
    what: Annotated[str, Argument(metavar=f"[{'|'.join(BENCHES)}]", help="What to measure. [default: methods]", show_default=False)] = next(
        iter(BENCHES)
    ),
    models: Annotated[
        list[str] | None,
        Argument(
            metavar="[MODEL]...",
            help="Packed networks, for bench networks and engine; for bench networks float ones, too. [default: all packed ones that are installed]",
            show_default=False,
        ),
    ] = None,
    json_file: Annotated[
        str | None,
        Option("--json", metavar="FILE", help="Write the rows as JSON too; - prints them instead of the table. [default: none]"),
    ] = None,
) -> None:
    """Measure speed: docbin and its peers in turns, on the same page. Takes a minute or two.

    Methods and kernels have one thread each; networks two, and each a process of its own. The engine's own page is taken apart, op by op. Packed
    networks may be named by model, folder or file, float ones by model or folder:

    docbin bench networks bitunet runs/new/packed.safetensors runs/float
    """
    if what not in BENCHES:
        raise UsageError(f"bench {what!r}: choose from {', '.join(BENCHES)}")
    if models and what not in ("networks", "engine"):
        raise UsageError(f"bench {what} takes no models; 'docbin bench networks {models[0]}' does")
    bench: Any = importlib.import_module(BENCHES[what])
    named, beside = models or [], {}
    if what == "networks" and named:
        named, floats = _parted(named)
        beside = {"floats": floats} if floats else {}
    with ExitStack() as stack:
        given = stack.enter_context(_networks(named)) if what in ("networks", "engine") else []
        messages.note("measuring; leave the machine alone meanwhile")
        rows = bench.run(*given, **beside)
    text = json.dumps(rows, indent=2)
    if json_file == "-":
        print(text)
        return
    print(bench.show(rows))
    if json_file is not None:
        from docbin.files.atomic import write_whole

        write_whole(json_file, f"{text}\n".encode())
