"""A folder received from somebody holds a ``.docbin`` that docbin did not make: nothing of the user is read, replaced or written outside of it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from docbin.batch.output_folder import MANIFEST, OutputFolder
from docbin.errors import DocbinError, FileAccessError
from tests.batch.pages import binarize, grey, ink_of, make_job, save

EVIL = b"#!/bin/sh\necho taken over\n"


def record(**changes: Any) -> dict[str, Any]:
    """A page's record as a manifest holds it."""
    told: dict[str, Any] = {
        "input": "page.png",
        "page": 1,
        "pages": 1,
        "method": "otsu",
        "parameters": {},
        "size": [80, 60],
        "dpi": None,
        "ink": 0.1,
        "words": None,
        "seconds": 0.1,
        "warnings": [],
        "reasons": [],
    }
    return told | changes


def line(name: Any, content: bytes = EVIL, **changes: Any) -> dict[str, Any]:
    """A line of a manifest that promises `name` from the unfinished file ``run-dead/1.png``."""
    told: dict[str, Any] = {
        "key": "k",
        "input": "/somewhere/page.png",
        "stem": "page",
        "page": None,
        "wanted": 1,
        "records": [record()],
        "output": name,
        "staged": "run-dead/1.png",
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    return told | changes


def received(folder: Path, *lines: Any) -> Path:
    """A page in a folder with a manifest of these lines and a dead run's finished file."""
    page = save(folder / "page.png", 1)
    run = folder / ".docbin/run-dead"
    run.mkdir(parents=True)
    (run / "1.png").write_bytes(EVIL)
    (run / "lock").write_bytes(b"")
    text = "".join((each if isinstance(each, str) else json.dumps(each)) + "\n" for each in lines)
    (folder / ".docbin" / MANIFEST).write_text(text)
    return page


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A file of the user, outside the received folder."""
    path = tmp_path / "home/precious.png"
    path.parent.mkdir()
    path.write_text("mine")
    return path


def everything(folder: Path) -> dict[str, bytes | str]:
    """Every file and link below a folder, but for docbin's own files."""
    found = [path for path in folder.rglob("*") if ".docbin" not in path.parts and not path.is_dir()]
    return {path.relative_to(folder).as_posix(): str(path.readlink()) if path.is_symlink() else path.read_bytes() for path in found}


@pytest.mark.parametrize("resume", [False, True])
@pytest.mark.parametrize(
    "name", ["{absolute}", "../home/precious.png", "deep/../../home/precious.png", "link/precious.png", "./../home/precious.png"]
)
def test_no_name_of_a_manifest_leads_out_of_the_folder(tmp_path: Path, mine: Path, name: str, resume: bool) -> None:
    folder = tmp_path / "received"
    page = received(folder, line(name.format(absolute=mine)))
    (folder / "link").symlink_to(mine.parent)
    (folder / "deep").mkdir()
    summary, _ = binarize([page], None, tmp_path / "spool", resume=resume)
    assert mine.read_text() == "mine"
    assert summary.counts == {"done": 1}
    assert everything(tmp_path / "home") == {"precious.png": b"mine"}
    assert set(everything(folder)) == {"page.png", "page.ink.png"}


@pytest.mark.parametrize(
    "name", ["page.png", "notes.txt", ".bashrc", "autostart/.x.png", "evil.desktop", "run.sh", ".docbin/manifest.jsonl"]
)
def test_nothing_of_the_user_in_the_folder_is_replaced_and_no_program_is_planted(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "received"
    page = received(folder, line(name))
    (folder / "notes.txt").write_text("mine")
    before = everything(folder)
    binarize([page], None, tmp_path / "spool", resume=True)
    after = everything(folder)
    assert {key: value for key, value in after.items() if key != "page.ink.png"} == before


def test_a_finished_page_is_renamed_with_resume_only_and_only_if_it_is_what_the_line_says(tmp_path: Path) -> None:
    for number, (told, resume, there) in enumerate(
        [
            (line("new.png"), True, True),
            (line("new.png"), False, False),
            (line("new.png", sha256="0" * 64), True, False),
            (line("new.png", size=3), True, False),
        ]
    ):
        folder = tmp_path / str(number)
        page = received(folder, told)
        binarize([page], None, tmp_path / "spool", resume=resume)
        assert (folder / "new.png").exists() == there
        assert not (folder / ".docbin/run-dead").exists()


@pytest.mark.parametrize("resume", [False, True])
@pytest.mark.parametrize("stem", ["../home/precious", "/tmp/precious", "a/../../home/precious", ""])
def test_a_remembered_stem_does_not_climb(tmp_path: Path, mine: Path, stem: str, resume: bool) -> None:
    folder = tmp_path / "received"
    page = received(folder)
    (folder / ".docbin" / MANIFEST).write_text(json.dumps(line("x.png", input=str(page.absolute()), stem=stem)) + "\n")
    binarize([page], folder / "out", tmp_path / "spool", resume=resume)
    (folder / "out/.docbin").mkdir(parents=True, exist_ok=True)
    (folder / "out/.docbin" / MANIFEST).write_text(json.dumps(line("x.png", input=str(page.absolute()), stem=stem)) + "\n")
    (folder / "out/page.png").unlink()
    binarize([page], folder / "out", tmp_path / "spool", resume=resume)
    assert (folder / "out/page.png").exists()
    assert everything(mine.parent) == {"precious.png": b"mine"}


HOSTILE = [
    "null",
    "[]",
    "3",
    '"text"',
    "{}",
    "[" * 100_000,
    '{"a":' * 50_000,
    line("x.png", key=None),
    line(["x.png"]),
    line(None),
    line("x.png", size="3"),
    line("x.png", size=True),
    line("x.png", size=None),
    line("x.png", stem={}),
    line("x.png", staged=5),
    line("x.png", records=None),
    line("x.png", records=[]),
    line("x.png", records=[None]),
    line("x.png", records=[{}]),
    line("x.png", records=[record(size=3)]),
    line("x.png", records=[record(parameters=[])]),
    line("x.png", records=[record(warnings=3)]),
    line("x.png", records=[record(reasons=[None])]),
    line("x.png", page="one"),
    line("x.png", wanted=[]),
    line("x.png", input="a\0b"),
    line("a\0.png"),
    line("x.png", sha256=7),
    line(""),
    line("."),
    line("\ud800.png"),
    '{"size": 1' + "0" * 10_000 + "}",
    "\x00\xff",
]


@pytest.mark.parametrize("each", HOSTILE, ids=range(len(HOSTILE)))
def test_a_manifest_of_wrong_types_is_no_manifest(tmp_path: Path, each: Any) -> None:
    page = received(tmp_path / "received", each)
    for _ in range(2):
        summary, _ = binarize([page], None, tmp_path / "spool", resume=True)
        assert summary.exit_code == 0
    assert (ink_of(tmp_path / "received/page.ink.png") == (grey(1) < 128)).all()


@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", ["pipe", "folder", "link", "loop", "device", "file"])
def test_every_kind_of_file_in_the_place_of_docbins_own(tmp_path: Path, mine: Path, kind: str) -> None:
    """A pipe, a device, a folder, a link, a link to itself: no hang, no traceback, nothing outside is touched."""
    kinds: dict[str, Callable[[Path], object]] = {
        "pipe": os.mkfifo,
        "folder": Path.mkdir,
        "link": lambda path: path.symlink_to(mine),
        "loop": lambda path: path.symlink_to(path.name),
        "device": lambda path: path.symlink_to("/dev/zero"),
        "file": lambda path: path.write_text("x"),
    }
    for number, place in enumerate(
        (".docbin", f".docbin/{MANIFEST}", ".docbin/run-dead", ".docbin/run-dead/lock", ".docbin/run-dead/1.png")
    ):
        folder = tmp_path / str(number)
        page = save(folder / "page.png", 1)
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        kinds[kind](folder / place)
        try:
            summary, _ = binarize([page], None, tmp_path / "spool", resume=True)
            code, said = summary.exit_code, str(folder)
        except DocbinError as error:
            code, said = error.exit_code, str(error)
        assert code in (0, 5, 6)
        assert str(folder) in said
        assert everything(mine.parent) == {"precious.png": b"mine"}


def test_a_link_in_the_output_folder_does_not_lead_out_of_it(tmp_path: Path, mine: Path) -> None:
    save(tmp_path / "scans/deep/precious.png", 1)
    (tmp_path / "out").mkdir()
    (tmp_path / "out/deep").symlink_to(mine.parent)
    summary, records = binarize([tmp_path / "scans"], tmp_path / "out", tmp_path / "spool", make_job(), overwrite=True)
    assert summary.counts == {"failed": 1}
    assert "leads out of" in next(record.error.message for record in records if record.error is not None)
    assert everything(mine.parent) == {"precious.png": b"mine"}


def test_of_two_runs_the_first_keeps_a_name(tmp_path: Path) -> None:
    first, second = (OutputFolder(tmp_path / "out", keep=True, remember=False) for _ in range(2))
    staged = {}
    for home, text in ((first, "first"), (second, "second")):
        home.open()
        home.check_free(tmp_path / "out/page.png", overwrite=False, resume=False)  # free for both
        staged[text] = home.staged(".png")
        staged[text].write_text(text)
    first.commit(staged["first"], tmp_path / "out/page.png", line("page.png"), overwrite=False, resume=False)
    with pytest.raises(FileAccessError, match="exists"):
        second.commit(staged["second"], tmp_path / "out/page.png", line("page.png"), overwrite=False, resume=False)
    assert (tmp_path / "out/page.png").read_text() == "first"
    assert len((tmp_path / "out/.docbin" / MANIFEST).read_bytes().splitlines()) == 1


def test_of_two_runs_without_a_manifest_the_first_keeps_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for links in (True, False):
        home = OutputFolder(tmp_path / "out", keep=False, remember=False)
        home.open()
        staged = home.staged(".png")
        staged.write_text("second")
        output = tmp_path / f"out/{links}.png"
        output.write_text("first")
        monkeypatch.setattr(home, "check_free", lambda *_, **__: None)  # as if it came in between
        if not links:
            monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(OSError(1, "no links here")))
        with pytest.raises(FileAccessError, match="meanwhile"):
            home.commit(staged, output, line("x"), overwrite=False, resume=False)
        assert output.read_text() == "first"
        home.close()


@pytest.mark.parametrize("written", [0, 1, 40])
def test_a_full_disk_tears_no_line_and_renames_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: int) -> None:
    home = OutputFolder(tmp_path / "out", keep=True, remember=False)
    home.open()
    good = home.staged(".png")
    good.write_text("good")
    home.commit(good, tmp_path / "out/good.png", line("good.png"), overwrite=False, resume=False)
    before = (tmp_path / "out/.docbin" / MANIFEST).read_bytes()
    staged = home.staged(".png")
    staged.write_text("page")
    real = os.write
    monkeypatch.setattr(os, "write", lambda number, data: real(number, data[:written]))
    with pytest.raises(DocbinError, match="the disk is full"):
        home.commit(staged, tmp_path / "out/page.png", line("page.png"), overwrite=False, resume=False)
    monkeypatch.undo()
    assert (tmp_path / "out/.docbin" / MANIFEST).read_bytes() == before
    assert not (tmp_path / "out/page.png").exists()
    home.commit(staged, tmp_path / "out/page.png", line("page.png"), overwrite=False, resume=False)
    home.close()
    again = OutputFolder(tmp_path / "out", keep=True, remember=True)
    assert again.manifest.last("page.png") is not None


def test_a_torn_tail_is_cut(tmp_path: Path) -> None:
    page = save(tmp_path / "p.png", 1)
    save(tmp_path / "q.png", 2)
    binarize([page], tmp_path / "out", tmp_path / "spool")
    manifest = tmp_path / "out/.docbin" / MANIFEST
    whole = manifest.read_bytes()
    manifest.write_bytes(whole + whole[:50])
    binarize([page, tmp_path / "q.png"], tmp_path / "out", tmp_path / "spool", resume=True)
    lines = manifest.read_bytes().splitlines(keepends=True)
    assert lines[0] == whole
    assert len(lines) == 2
    assert json.loads(lines[1])["output"] == "q.png"
