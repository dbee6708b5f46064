"""What a file is, decided by its first bytes.

Names lie: scanners write JPEG into ``.tif``, users rename. So the suffix only serves folder scans (:data:`READABLE_SUFFIXES`), and the first bytes
choose the decoder. Decoders come from this allow-list only; nothing else that Pillow could open (EPS, PSD, icons, ...) is ever tried, which keeps
the surface for hostile files small.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath

PDF_WINDOW = 1024
"""A PDF header may stand anywhere in the first 1024 bytes (ISO 32000-1, annex H, note 13)."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One readable kind of file: its name, the suffixes it usually has, the first bytes it always has."""

    name: str
    suffixes: tuple[str, ...]
    magic: tuple[bytes, ...]


_KINDS = (
    Kind("png", (".png", ".apng"), (b"\x89PNG\r\n\x1a\n",)),
    Kind("jpeg", (".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".mpo"), (b"\xff\xd8\xff",)),
    Kind("tiff", (".tif", ".tiff", ".tf8", ".btf"), (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")),
    Kind("bmp", (".bmp", ".dib"), (b"BM",)),
    Kind("pnm", (".pbm", ".pgm", ".ppm", ".pnm"), (b"P1", b"P2", b"P3", b"P4", b"P5", b"P6")),
    Kind("webp", (".webp",), (b"RIFF",)),
    Kind("jpeg2000", (".jp2", ".j2k", ".jpx", ".jpf", ".j2c", ".jpc"), (b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51")),
    Kind("gif", (".gif",), (b"GIF87a", b"GIF89a")),
    Kind("avif", (".avif",), ()),
    Kind("heic", (".heic", ".heif", ".hif"), ()),
    Kind("pdf", (".pdf",), (b"%PDF-",)),
)

SEVERAL_PAGES = frozenset({"tiff", "pnm", "pdf", "tar"})
"""Kinds whose files may hold several pages; of all others the first picture is the page."""

TAR_SUFFIX = ".tar"
"""A scan of a folder takes no archive for pages (it may hold a copy of what lies beside it); one that is named is read, by ``read_tar.py``."""

READABLE_SUFFIXES: frozenset[str] = frozenset(suffix for kind in _KINDS for suffix in kind.suffixes)
"""Suffixes, lower case with the dot, that a scan of a folder takes for pages."""

_FOREIGN = (
    (30, b"mimetypeimage/openraster", "an OpenRaster file, layers of an editor; name the page that it was made from"),
    (0, b"\xff\x0a", "a JPEG XL picture"),
    (0, b"\0\0\0\x0cJXL ", "a JPEG XL picture"),
    (0, b"8BPS", "a Photoshop file"),
    (0, b"%!PS", "a PostScript file"),
    (0, b"AT&TFORM", "a DjVu file"),
    (0, b"PK\x03\x04", "a ZIP archive (or an office document)"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (0, b"BZh", "a bzip2 archive"),
    (0, b"\xfd7zXZ\0", "an xz archive"),
    (0, b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (0, b"<svg", "an SVG drawing"),
    (0, b"<!DOCTYPE", "a web page"),
    (0, b"<html", "a web page"),
    (0, b"<?xml", "an XML file"),
    (0, b"P7\n", "a PAM picture"),
)


def readable_kinds() -> str:
    """The readable kinds in one line, for messages."""
    return "PNG, JPEG, TIFF, BMP, PNM, WebP, JPEG 2000, GIF, AVIF, HEIC (with docbin[heif]), PDF, and tar archives of these"


def sniff(head: bytes) -> str | None:
    """Kind of a file from its first bytes (give at least `PDF_WINDOW` of them where there are as many), None where it is none of ours."""
    if _is_tar(head):  # first, for a member's name stands where other kinds have their first bytes
        return "tar"
    for kind in _KINDS:
        if head.startswith(kind.magic):
            if kind.name == "webp" and head[8:12] != b"WEBP":
                continue
            if kind.name == "pnm" and not (head[2:3].isspace() or head[2:3] == b"#"):
                continue
            return kind.name
    if head[4:8] == b"ftyp":
        return _heif(head)
    return "pdf" if b"%PDF-" in head[:PDF_WINDOW] else None


def _is_tar(head: bytes) -> bool:
    """Whether the first block is the header of a tar archive (POSIX 1003.1 or GNU), with a checksum that is right."""
    if len(head) < 512 or head[257:262] != b"ustar":
        return False
    written = head[148:156].strip(b" \0")
    summed = sum(head[:148]) + sum(head[156:512]) + 8 * ord(" ")
    return written.lstrip(b"0") == f"{summed:o}".encode()


def _heif(head: bytes) -> str | None:
    """AVIF or HEIC by the brands of the file type box (ISO 23008-12), the major one first; None for films and the like."""
    end = min(int.from_bytes(head[:4], "big"), len(head), 256)
    brands = [head[8:12], *(head[at : at + 4] for at in range(16, end - 3, 4))]
    for brand in brands:
        if brand in (b"avif", b"avis"):
            return "avif"
        if brand in (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"):
            return "heic"
    return "heic" if brands[0] in (b"mif1", b"msf1") else None


def describe(head: bytes) -> str:
    """What an unreadable file seems to be, in words: "a HEIC picture", "text", "unknown bytes (89 41 42 ...)"."""
    for offset, magic, words in _FOREIGN:
        if head[offset : offset + len(magic)] == magic:
            return words
    try:
        text = head[:64].decode("ascii")
    except UnicodeDecodeError:
        return f"unknown bytes ({head[:8].hex(' ')} ...)"
    if all(character.isprintable() or character.isspace() for character in text):
        return f"text ({' '.join(text.split())[:24]!r} ...)"
    return f"unknown bytes ({head[:8].hex(' ')} ...)"


def mislabelled(name: str, kind: str) -> str | None:
    """A note where the suffix of `name` belongs to another readable kind than `kind`, else None."""
    suffix = PurePath(name).suffix.lower()
    claimed = next((row.name for row in _KINDS if suffix in row.suffixes), None)
    return f"named {suffix} but holds {kind.upper()}" if claimed not in (None, kind) else None
