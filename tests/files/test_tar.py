"""Pages in tar archives: each under its member's name, read where it lies; links, damage and early ends are told, not passed over."""

from __future__ import annotations

import contextlib
import io
import tarfile
import tracemalloc
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from docbin.errors import InputError, RefusedInput
from docbin.files import open_pages
from docbin.files.kinds import sniff
from docbin.files.limits import ReadOptions
from docbin.files.read_tar import TarReader


def picture(value: int, kind: str = "PNG", pages: int = 1) -> bytes:
    stream = io.BytesIO()
    frames = [Image.fromarray(np.full((6, 8), value + number, np.uint8)) for number in range(pages)]
    more = {"save_all": True, "append_images": frames[1:]} if pages > 1 else {}
    frames[0].save(stream, kind, dpi=(300, 300), **more)
    return stream.getvalue()


def archive(members: Sequence[tuple[str, bytes]], format: int = tarfile.PAX_FORMAT) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=format) as made:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            made.addfile(info, io.BytesIO(data))
    return stream.getvalue()


@pytest.mark.parametrize("format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_members_are_pages_in_the_archives_order(format: int) -> None:
    long = f"{'d' * 90}/{'e' * 90}.png"  # needs a second header in two of the formats
    made = archive(
        [("b.png", picture(7)), ("b.json", b"{}"), ("./a.tif", picture(9, "TIFF")), (long, picture(5)), (".hid.png", b"x")], format
    )
    with open_pages(made, name="s.tar") as file:
        assert (file.kind, file.count, file.names) == ("tar", 3, ("b.png", "a.tif", long))
        assert [int(page.pixels[0, 0]) for page in file] == [7, 9, 5]
        assert file.page(2).dpi == (300, 300)
        assert file.label(2) == "a.tif in s.tar"


def test_the_first_members_name_does_not_decide_the_kind() -> None:
    for name in ("BM1.png", "P5 x.png", "%PDF-1.png"):
        assert sniff(archive([(name, picture(1))])[:1024]) == "tar"
    torn = bytearray(archive([("BM1.png", picture(1))]))
    torn[0] ^= 1  # the checksum is wrong now
    assert sniff(bytes(torn)[:1024]) != "tar"


def test_of_a_name_that_comes_twice_the_last_counts() -> None:
    with open_pages(archive([("a.png", picture(1)), ("b.png", picture(2)), ("./a.png", picture(3))])) as file:
        assert file.names == ("a.png", "b.png")
        assert int(file.page(1).pixels[0, 0]) == 3


def test_what_is_no_page_fails_alone() -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as made:
        for name, kind in (("soft.png", tarfile.SYMTYPE), ("hard.png", tarfile.LNKTYPE), ("pipe.png", tarfile.FIFOTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            made.addfile(info)
        for name, data in (
            ("book.tif", picture(1, "TIFF", 2)),
            ("inner.png", archive([("a.png", picture(1))])),
            ("empty.png", b""),
            ("text.png", b"hello"),
            ("good.png", picture(4)),
        ):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            made.addfile(info, io.BytesIO(data))
    with open_pages(stream.getvalue(), name="s.tar") as file:
        for number, words in enumerate(("a link", "a link", "a link"), 1):
            with pytest.raises(InputError, match=words):
                file.page(number)
        with pytest.raises(RefusedInput, match=r"book\.tif in s\.tar: 2 pages, and a member"):
            file.page(4)
        with pytest.raises(RefusedInput, match="an archive within an archive"):
            file.page(5)
        with pytest.raises(InputError, match=r"empty\.png in s\.tar: the file is empty"):
            file.page(6)
        with pytest.raises(InputError, match=r"text\.png in s\.tar: not a picture or PDF but text"):
            file.page(7)
        assert int(file.page(8).pixels[0, 0]) == 4


def test_an_archive_that_lost_members_is_refused() -> None:
    made = archive([(f"{n}.png", picture(n)) for n in range(4)])
    header = made.index(b"2.png")
    for cut in (header + 10, header + 520, header + 512 + 90):
        with pytest.raises(InputError, match=r"s\.tar: the archive ends early"):
            open_pages(made[:cut], name="s.tar")
    damaged = bytearray(made)
    damaged[header] ^= 1
    with pytest.raises(InputError, match=rf"no member begins at byte {header:,}"):
        open_pages(bytes(damaged), name="s.tar")
    with open_pages(made[:header], name="s.tar") as file:  # without the zeros at the end, as some programs leave it
        assert file.count == 2


def test_other_archives_and_empty_ones() -> None:
    import gzip

    with pytest.raises(InputError, match="no page files in this archive"):
        open_pages(archive([("a.txt", b"x")]))
    with pytest.raises(InputError, match="a gzip archive"):
        open_pages(gzip.compress(archive([("a.png", picture(1))])))


def test_memory_holds_names_and_places(tmp_path: Path) -> None:
    block = bytes(1 << 16)
    (tmp_path / "big.tar").write_bytes(archive([(f"{n:05d}.png", block) for n in range(400)]))  # 26 MB
    with (tmp_path / "big.tar").open("rb") as stream:
        tracemalloc.start()
        reader = TarReader(stream, "big.tar", "tar", ReadOptions())
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert reader.count == 400
    assert peak < 400_000


def header(size: int, kind: bytes = tarfile.REGTYPE) -> bytes:
    info = tarfile.TarInfo("a.png")
    info.size, info.type = size, kind
    return info.tobuf(tarfile.GNU_FORMAT)


@pytest.mark.parametrize(
    "made",
    [
        header(-1024) + picture(1).ljust(1024, b"\0"),  # sends the reader back to this header
        archive([("b.png", picture(1))])[:1024] + header(-1536),
        header(-1024, tarfile.GNUTYPE_LONGNAME) + bytes(1024),
        header(1 << 40, tarfile.XHDTYPE) + bytes(1024),
        header(1 << 40, tarfile.GNUTYPE_LONGNAME) + bytes(1024),
    ],
)
def test_headers_that_no_program_writes_end_the_reading(made: bytes) -> None:
    with pytest.raises(InputError, match=r"s\.tar: damaged tar archive: a (member|record of names) of"):
        open_pages(made, name="s.tar")


@pytest.mark.filterwarnings("ignore:Metadata Warning")
def test_whatever_is_damaged_is_an_error_with_a_name() -> None:
    made = archive([("b.png", picture(7)), (f"{'d' * 120}.png", picture(5)), ("a.tif", picture(9, "TIFF"))])
    random = np.random.default_rng(3)
    read, said = 0, []
    for _ in range(300):
        torn = bytearray(made)
        for at in random.integers(0, len(made) // 2, 3):
            torn[at] = int(random.integers(256))
        for start in range(0, len(torn), 512):  # with right checksums, or nothing would be looked at
            if torn[start + 257 : start + 262] == b"ustar":
                summed = sum(torn[start : start + 148]) + sum(torn[start + 156 : start + 512]) + 256
                torn[start + 148 : start + 156] = b"%06o\0 " % summed
        try:
            with open_pages(bytes(torn), name="s.tar") as file:
                for number in range(1, file.count + 1):
                    with contextlib.suppress(InputError, RefusedInput):
                        file.page(number)
                        read += 1
        except (InputError, RefusedInput) as error:
            said.append(str(error))
    assert said
    assert all(words.startswith("s.tar: ") for words in said)
    assert read > 100
