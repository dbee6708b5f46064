"""Output is there whole or not at all: failures at every step leave the old file, and nothing else."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import stat
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from docbin import files
from docbin.errors import FileAccessError
from docbin.files import atomic

from .builders import INK

FORMATS = tuple(name for name, row in files.formats().items() if row.ink)


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Path]:
    """A TIFF that exists; afterwards it must be the only file in its folder, and unchanged, unless the test says otherwise by removing it."""
    folder = tmp_path / "out"
    folder.mkdir()
    path = folder / "page.tif"
    path.write_bytes(b"old")
    yield path
    left = list(folder.iterdir())
    assert left in ([path], []), left
    if left:
        assert path.read_bytes() == b"old"


def test_an_error_between_pages_keeps_the_old_file(target: Path) -> None:
    def pages() -> Iterator[tuple[np.ndarray, float]]:
        yield INK, 300
        raise RuntimeError("page 2 cannot be read")

    with pytest.raises(RuntimeError, match="page 2"):
        files.write_pages(pages(), target)


def test_control_c_keeps_the_old_file(target: Path) -> None:
    def pages() -> Iterator[tuple[np.ndarray, float]]:
        yield INK, 300
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        files.write_pages(pages(), target)


def test_nothing_stands_under_the_name_before_the_end(tmp_path: Path) -> None:
    path = tmp_path / "page.tif"
    with files.PageWriter(path) as writer:
        writer.add(INK)
        assert not path.exists()
        (temporary,) = tmp_path.iterdir()
        assert temporary.name.startswith(files.TEMPORARY_PREFIX)
        assert temporary.suffix == files.TEMPORARY_SUFFIX
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize(
    ("code", "words"), [(errno.ENOSPC, "the disk is full; free space"), (errno.EACCES, "permission denied"), (errno.EIO, "the disk")]
)
def test_a_failing_last_step(target: Path, monkeypatch: pytest.MonkeyPatch, step: str, code: int, words: str) -> None:
    def fail(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(atomic.os, step, fail)
    with pytest.raises(FileAccessError) as error:
        files.write_page(INK, target, 300)
    assert str(error.value).startswith(f"{target}: cannot write: {words}")
    assert error.value.exit_code == 5


@pytest.mark.parametrize("format", FORMATS)
def test_a_disk_that_fills_while_writing(tmp_path: Path, format: str) -> None:
    """A process that may write 2000 bytes a file (a real limit of the kernel, as a full disk is) gets a typed error and leaves no trace."""
    path = tmp_path / f"page.{format}"
    path.write_bytes(b"old")
    program = textwrap.dedent("""
        import resource, signal, sys
        import numpy as np
        from docbin import files
        from docbin.errors import FileAccessError
        noise = np.random.default_rng(0).random((300, 300)) < 0.5
        import pikepdf, PIL.TiffImagePlugin  # before the limit: their byte code may have to be written
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
        try:
            files.write_page(noise, sys.argv[1], 300)
        except FileAccessError as error:
            print(error)
    """)
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"{path}: cannot write: the file would grow beyond the size limit"), done.stdout + done.stderr
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == b"old"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("format", FORMATS)
def test_a_full_device(format: str) -> None:
    with pytest.raises(FileAccessError, match="/dev/full: cannot write: the disk is full; free space"):
        files.write_page(np.random.default_rng(0).random((900, 900)) < 0.5, "/dev/full", 300, format)
    assert stat.S_ISCHR(Path("/dev/full").stat().st_mode)


def test_a_full_file_system(tmp_path: Path) -> None:
    """A file system of 64 kB, where this process may mount one."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("this process may not mount a file system")
    try:
        path = folder / "page.tif"
        files.write_page(INK, path, 300)
        before = path.read_bytes()
        with pytest.raises(FileAccessError, match="the disk is full"):
            files.write_page(np.random.default_rng(0).random((2000, 2000)) < 0.5, path, 300)
        assert list(folder.iterdir()) == [path]
        assert path.read_bytes() == before
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "folder.tif").mkdir()
    cases = {
        tmp_path / "missing" / "page.tif": "does not exist; make it first",
        tmp_path / "folder.tif": "it is a folder; name a file",
    }
    for path, words in cases.items():
        with pytest.raises(FileAccessError) as error:
            files.write_page(INK, path)
        assert words in str(error.value)
        assert str(path) in str(error.value)


def test_a_folder_without_permission(tmp_path: Path) -> None:
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o555)
    if os.geteuid() == 0:
        os.seteuid(65534)
    try:
        with pytest.raises(FileAccessError, match="permission denied"):
            files.write_page(INK, folder / "page.tif")
    finally:
        if os.getuid() == 0:
            os.seteuid(0)
    assert not list(folder.iterdir())


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_permissions_follow_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        files.write_page(INK, tmp_path / "page.png")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "page.png").stat().st_mode) == 0o666 & ~umask


def test_existing_files_are_kept_when_asked(target: Path) -> None:
    with pytest.raises(FileAccessError, match="it exists already; allow it to be replaced"):
        files.write_page(INK, target, overwrite=False)


def test_a_file_that_appears_meanwhile_is_kept(target: Path) -> None:
    target.unlink()

    def pages() -> Iterator[tuple[np.ndarray, float]]:
        yield INK, 300
        target.write_bytes(b"old")

    with pytest.raises(FileAccessError, match="it exists already"):
        files.write_pages(pages(), target, overwrite=False)


@pytest.mark.parametrize("links", [True, False])
def test_without_overwrite_a_new_file_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool) -> None:
    if not links:  # a file system without hard links

        def fail(*_: object) -> None:
            raise OSError(errno.EPERM, "Operation not permitted")

        monkeypatch.setattr(atomic.os, "link", fail)
    files.write_page(INK, tmp_path / "page.png", overwrite=False)
    assert [path.name for path in tmp_path.iterdir()] == ["page.png"]


def test_a_symbolic_link_is_replaced_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious.tif").write_bytes(b"old")
    (tmp_path / "link.tif").symlink_to("precious.tif")
    files.write_page(INK, tmp_path / "link.tif")
    assert (tmp_path / "precious.tif").read_bytes() == b"old"
    assert not (tmp_path / "link.tif").is_symlink()


def test_devices_and_pipes_are_written_through() -> None:
    files.write_page(INK, os.devnull, format="png")
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)
    program = "import numpy as np; from docbin import files; files.write_page(np.eye(3, dtype=bool), '/dev/stdout', format='pbm')"
    done = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, check=True)
    assert done.stdout == b"P4\n3 3\n\x80\x40\x20"


def test_a_reader_that_has_gone(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    with pytest.raises(FileAccessError, match="the program reading it has gone"), os.fdopen(write, "wb", buffering=0) as stream:
        files.write_page(INK, stream, format="png")


@pytest.mark.parametrize("format", FORMATS)
def test_no_temporary_files_are_left_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format: str) -> None:
    spool = tmp_path / "spool"
    spool.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(spool))
    (tmp_path / "out").mkdir()
    path = tmp_path / "out" / f"page.{format}"
    files.write_page(INK, path)
    writer = files.PageWriter(path)
    writer.add(INK)
    writer.abandon()
    assert list(path.parent.iterdir()) == [path]
    assert not list(spool.iterdir())


def test_a_killed_writer_leaves_the_old_file(tmp_path: Path) -> None:
    """SIGKILL while pages are being added: the old file is whole; only a hidden .part file remains, which no folder scan takes for a page."""
    path = tmp_path / "page.tif"
    files.write_page(INK, path)
    before = path.read_bytes()
    program = textwrap.dedent("""
        import sys, numpy as np
        from docbin import files
        with files.PageWriter(sys.argv[1]) as writer:
            while True:
                writer.add(np.ones((50, 50), bool))
                print("page", flush=True)
    """)
    with subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"page\n"
        time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        with contextlib.suppress(OSError):
            process.stdout.read()
    assert path.read_bytes() == before
    left = [other for other in tmp_path.iterdir() if other != path]
    assert all(other.suffix == files.TEMPORARY_SUFFIX and other.name.startswith(".") for other in left)
    assert all(other.suffix not in files.readable_suffixes for other in left)


def test_memory_of_a_long_output_is_that_of_one_page(tmp_path: Path) -> None:
    import tracemalloc

    page = np.random.default_rng(0).random((400, 500)) < 0.5
    for format in ("tiff", "pbm"):
        tracemalloc.start()
        try:
            files.write_pages(((page, 300) for _ in range(150)), tmp_path / f"long.{format}")
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        size = (tmp_path / f"long.{format}").stat().st_size
        assert peak < size / 10, (format, peak, size)
