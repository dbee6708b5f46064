"""The command line ``docbin``.

A command is one module in this room and one row in ``COMMANDS`` (:mod:`docbin.cli.commands`). Its module is imported when the command is called, and
imports the heavy libraries inside its function, so that ``docbin --help`` answers at once. Plain words, ``docbin --version`` among them, do without
typer (:mod:`docbin.cli.options`).

What holds for every command:

* stdout carries data only. Messages and bars go to stderr, bars only where stderr is a terminal.
* Errors made on purpose (:mod:`docbin.errors`) are one line on stderr and their exit code. Wrong usage is exit code 1. Anything else is a bug: a
  short message that asks for a report, and the traceback with ``-v``.
* ``-v`` and ``-q`` may stand before or behind the command's name.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import sys
from collections.abc import Sequence

import docbin
from docbin.cli import early_worker, messages
from docbin.errors import DocbinError

_LOUDNESS = re.compile(r"-[vq]+|--verbose|--quiet")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code. The console script calls this."""
    _open_standard_streams()
    words = _loudness_first(sys.argv[1:] if arguments is None else arguments)
    if words in (["--version"], ["-V"]):
        return _version()
    try:
        early_worker.start(words)  # a second processor imports the page's libraries while this one parses and plans
        from docbin.cli.commands import plain_call

        call = plain_call(words)
        if call is not None:
            os.getcwd()  # noqa: PTH109 - of a folder that was deleted nothing can be read; said at once
            result = call()
        else:
            import typer

            from docbin.cli.parser import app

            command = typer.main.get_command(app)
            result = command.main(args=words, prog_name="docbin", standalone_mode=False)
        sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except DocbinError as error:
        messages.error(messages.with_list(str(error)))
        return _with_stdout_written(error.exit_code)
    except (BrokenPipeError, SystemExit) as error:
        if isinstance(error, SystemExit) and not isinstance(error.__context__, BrokenPipeError):  # typer turns a broken pipe into an exit
            raise
        _forget_stdout()
        return 5
    except KeyboardInterrupt:
        messages.error("interrupted")
        return 130
    except OSError as error:
        return _system_refused(error)
    except Exception as error:
        return _unexpected(error, words)
    finally:
        early_worker.dismiss()


def _with_stdout_written(code: int) -> int:
    """The exit code of a command that printed its result and then failed on some pages; 5 where stdout cannot take what it printed."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _forget_stdout()
        return 5
    except OSError as error:
        return _system_refused(error)
    return code


def _version() -> int:
    """``docbin --version``."""
    try:
        print(f"docbin {docbin.__version__}", flush=True)
    except BrokenPipeError:
        _forget_stdout()
        return 5
    except OSError as error:
        return _system_refused(error)
    return 0


def _open_standard_streams() -> None:
    """Give stdin, stdout and stderr that are closed (cron, daemons, ``<&-``) a file each, or the next files opened would take their numbers.

    Reading from such a stdin and writing to such a stdout fail as what they are; what is said on such a stderr is lost.
    """
    for number, mode in ((0, os.O_WRONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, mode)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
            os.set_inheritable(number, True)  # else a child's pipe takes the number
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - for as long as the program runs
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="surrogateescape")  # names that are no text come out as the bytes they are


def _system_refused(error: OSError) -> int:
    """The system refused something of this process itself: stdout is full or closed, the current folder was deleted."""
    from docbin.files.access import access_error

    try:
        os.getcwd()  # noqa: PTH109
    except FileNotFoundError:
        messages.error("the current folder was deleted; change to another one (cd)")
        _forget_stdout()
        return 5
    if error.filename is None and error.errno in (errno.ENOSPC, errno.EBADF, errno.EIO, errno.EDQUOT, errno.EFBIG):
        messages.error(messages.one_line(str(access_error(error, "stdout", "write"))))
        _forget_stdout()
        return 5
    if error.filename is not None and error.errno is not None:
        messages.error(messages.one_line(str(access_error(error, str(error.filename), "open"))))
        return 5
    return _unexpected(error)


def _loudness_first(words: Sequence[str]) -> list[str]:
    """The words with ``-v`` and ``-q``, joined ones (``-qv``) among them, in front: they concern every command, so none declares them."""
    end = words.index("--") if "--" in words else len(words)
    loud = [word for word in words[:end] if _LOUDNESS.fullmatch(word)]
    return [*loud, *(word for word in words[:end] if word not in loud), *words[end:]]


def _unexpected(error: Exception, words: Sequence[str] = ()) -> int:
    if hasattr(error, "format_message"):  # typer's own: wrong usage
        from docbin.cli.usage import hint, refusal

        context = getattr(error, "ctx", None)
        if context is not None:
            messages.line(context.get_usage())
        messages.error(refusal(error, words))
        if context is not None:
            messages.line(f"Try '{context.command_path} --help'.{hint(error, words)}")
        return 1
    if type(error).__name__ == "Abort":
        messages.error("interrupted")
        return 130
    messages.error(messages.one_line(f"{type(error).__name__}: {error}"))
    messages.line(f"This is a bug in docbin {docbin.__version__}. Please report it, with the command line and what -v adds to this.")
    if messages.loudness() > 0:
        import traceback

        traceback.print_exc()
    return 1


def _forget_stdout() -> None:
    """The reader of stdout has gone; let the interpreter flush into nothing instead of complaining at exit."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.stdout.flush()
