"""OpenRaster files: what is written is what other programs expect, and whatever an editor makes of it is read again as ink."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from docbin.errors import FileAccessError, InputError, RefusedInput
from docbin.files.open_raster import read_ink_layer, read_page_layer, write_open_raster


def sheet(colour: bool = False) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    rng = np.random.default_rng(7)
    page = rng.integers(0, 256, (37, 53, 3) if colour else (37, 53), dtype=np.uint8)
    return page, rng.random((37, 53)) < 0.2


@pytest.mark.parametrize("colour", [False, True])
def test_page_and_ink_come_back_bit_for_bit(colour: bool, tmp_path: Path) -> None:
    page, ink = sheet(colour)
    write_open_raster(page, ink, tmp_path / "a.ora", (300, 300))
    assert np.array_equal(read_page_layer(tmp_path / "a.ora").pixels, page)
    assert np.array_equal(read_ink_layer(tmp_path / "a.ora"), ink)


def test_the_archive_is_what_the_specification_asks(tmp_path: Path) -> None:
    page, ink = sheet()
    write_open_raster(page, ink, tmp_path / "a.ora", (300, 300))
    assert (tmp_path / "a.ora").read_bytes()[30:54] == b"mimetypeimage/openraster"  # where `file` and file managers look
    with zipfile.ZipFile(tmp_path / "a.ora") as archive:
        names = archive.namelist()
        assert names[0] == "mimetype"
        assert archive.getinfo("mimetype").compress_type == zipfile.ZIP_STORED
        root = ElementTree.fromstring(archive.read("stack.xml"))
        assert (root.get("w"), root.get("h"), root.get("xres")) == ("53", "37", "300")
        layers = root.findall("stack/layer")
        assert [layer.get("name") for layer in layers] == ["ink", "page"]  # the upper layer first
        for layer in layers:
            with Image.open(io.BytesIO(archive.read(layer.get("src", "")))) as picture:
                assert picture.size == (53, 37)
        with Image.open(io.BytesIO(archive.read("mergedimage.png"))) as picture:
            merged = np.asarray(picture)
        with Image.open(io.BytesIO(archive.read("Thumbnails/thumbnail.png"))) as picture:
            assert max(picture.size) <= 256
    assert np.array_equal(merged[~ink], np.repeat(page[..., None], 3, 2)[~ink])
    assert (merged[ink][:, 0].astype(int) > merged[ink][:, 1]).all()  # the ink is seen, in red


def edited(path: Path, stack: str, **layers: Image.Image) -> Path:
    """A file as an editor might have saved it."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "image/openraster")
        for name, picture in layers.items():
            stream = io.BytesIO()
            picture.save(stream, "PNG")
            archive.writestr(f"data/{name}.png", stream.getvalue())
        archive.writestr("stack.xml", stack)
    return path


def test_a_layer_that_was_cropped_grouped_and_painted_is_read_where_it_stands(tmp_path: Path) -> None:
    layer = np.zeros((10, 12, 4), np.uint8)
    layer[2:4, 1:11] = (0, 0, 120, 255)  # painted in blue
    layer[6, 1:11] = (255, 255, 255, 255)  # painted over in white: no ink
    layer[8, 1:11] = (0, 0, 0, 60)  # the faint rim of a brush
    stack = (
        '<image w="53" h="37"><stack><layer name="notes to myself" src="data/page.png"/><stack name="group">'
        '<layer name="Ink" src="data/ink.png" x="30" y="-3"/></stack><layer name="page" src="data/page.png"/></stack></image>'
    )
    path = edited(tmp_path / "b.ora", stack, ink=Image.fromarray(layer), page=Image.new("L", (53, 37), 200))
    wanted = np.zeros((37, 53), bool)
    wanted[0:1, 31:41] = True  # rows 2 and 3 of the layer are rows -1 and 0 of the picture
    assert np.array_equal(read_ink_layer(path), wanted)


@pytest.mark.parametrize(
    ("stack", "says"),
    [
        ('<image w="5" h="5"><stack><layer name="Layer 1" src="data/ink.png"/></stack></image>', "one layer named 'ink' is wanted"),
        ('<image w="5" h="5"><stack><layer name="ink" src="data/gone.png"/></stack></image>', "gone.png"),
        ('<image w="5" h="5"><stack><layer name="ink" src="data/ink.png" x="left"/></stack></image>', "not an OpenRaster file"),
        ("<image", "not an OpenRaster file"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><image w="5" h="5"/>', "declares entities"),
    ],
)
def test_a_file_that_is_not_as_it_should_be_says_what_is_wrong(stack: str, says: str, tmp_path: Path) -> None:
    path = edited(tmp_path / "c.ora", stack, ink=Image.new("RGBA", (5, 5)))
    with pytest.raises(InputError, match=says):
        read_ink_layer(path)


def test_damage_bombs_and_missing_files_are_typed_errors(tmp_path: Path) -> None:
    (tmp_path / "d.ora").write_bytes(b"no zip at all")
    with pytest.raises(InputError, match=r"d\.ora: not an OpenRaster file"):
        read_ink_layer(tmp_path / "d.ora")
    with pytest.raises(FileAccessError, match=r"e\.ora"):
        read_ink_layer(tmp_path / "e.ora")
    path = edited(tmp_path / "f.ora", '<image w="5" h="5">' + " " * (1 << 20) + "</image>")
    with pytest.raises(RefusedInput, match="unpacks to"):
        read_ink_layer(path)
    wide = '<image w="2000000" h="2000000"><stack><layer name="ink" src="data/ink.png"/></stack></image>'
    with pytest.raises(RefusedInput, match="megapixels"):
        read_ink_layer(edited(tmp_path / "g.ora", wide, ink=Image.new("RGBA", (5, 5))))


def test_a_cropped_page_is_refused(tmp_path: Path) -> None:
    stack = '<image w="53" h="37"><stack><layer name="page" src="data/page.png" x="3"/></stack></image>'
    with pytest.raises(InputError, match="does not fill the picture"):
        read_page_layer(edited(tmp_path / "h.ora", stack, page=Image.new("L", (50, 37))))
