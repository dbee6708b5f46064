"""``docbin demo``: the demo in the browser."""

from __future__ import annotations

from typing import Annotated

from docbin.cli.options import Option


def command(
    host: Annotated[
        str,
        Option(
            "--host",
            metavar="H",
            help="Address to listen on; 0.0.0.0 lets other machines in. [default: 127.0.0.1, this machine alone]",
            show_default=False,
        ),
    ] = "127.0.0.1",
    port: Annotated[int, Option("--port", metavar="P", example=7860, help="Port to listen on. [default: 7860]", show_default=False)] = 7860,
    allow_host: Annotated[
        list[str] | None,
        Option(
            "--allow-host",
            metavar="NAME",
            help="A name that visitors may call this server by, besides localhost and --host; may be given several times. [default: none]",
            show_default=False,
        ),
    ] = None,
    max_megapixels: Annotated[
        float | None,
        Option(
            "--max-megapixels",
            metavar="N",
            example=40,
            help="Refuse larger pages, in millions of pixels. [default: 40]",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Try docbin in a browser on this machine: binarize, compare methods, look inside them. Ctrl-C ends it.

    Files up to 25 MB, pages up to 40 megapixels; nothing leaves the machine, files are deleted after an hour.
    Needs the extra: pip install 'docbin[app]'.
    """
    import logging

    from docbin.cli import messages
    from docbin.demo.server import serve

    if messages.loudness() > 0:
        logging.basicConfig(format="%(asctime)s %(message)s")
        logging.getLogger("docbin.demo").setLevel(logging.INFO)
    serve(host, port, say=messages.note, names=allow_host or (), max_megapixels=max_megapixels)
