"""``docbin enhance``: what it writes with a tiny untrained model, and what it says when there is none."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pictures

import docbin
from docbin import enhancing
from docbin.cli import main
from docbin.errors import FileAccessError, MissingExtra, UsageError


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as the zoo holds them, with random weights."""
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file

    from docbin.nets import build

    folder = tmp_path_factory.mktemp("model")
    torch.manual_seed(0)
    variant = {"widths": [4], "steps": 2, "channels": 3}
    save_file({name: value.half() for name, value in build("deepotsu", variant).state_dict().items()}, folder / "weights.safetensors")
    digest = hashlib.sha256((folder / "weights.safetensors").read_bytes()).hexdigest()
    lines = ['net = "deepotsu"', "[variant]", "widths = [4]", "steps = 2", "channels = 3", "[weights]"]
    lines += ['file = "weights.safetensors"', f'sha256 = "{digest}"']
    (folder / "config.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


@pytest.fixture
def page(tmp_path: Path) -> Path:
    pixels = np.random.default_rng(0).integers(0, 256, (23, 31, 3), dtype=np.uint8)
    Pictures.fromarray(pixels).save(tmp_path / "page.png", dpi=(300, 300))
    return tmp_path / "page.png"


def test_pages_come_out_in_colour_or_grey_with_their_resolution_report_and_resume(
    page: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Pictures.open(page) as first:
        frames = [first.resize((20 + 3 * k, 16)) for k in range(3)]
        wanted = docbin.enhance(np.asarray(first), model=model)
    frames[0].save(tmp_path / "book.tif", save_all=True, append_images=frames[1:])
    assert wanted.shape == (23, 31, 3)
    words = ["enhance", str(tmp_path / "book.tif"), str(page), "-o", str(tmp_path / "out"), "--model", str(model)]
    assert main([*words, "--report", str(tmp_path / "r.jsonl")]) == 0
    assert "experimental" in capsys.readouterr().err
    with Pictures.open(tmp_path / "out/page.png") as after:
        assert np.array_equal(np.asarray(after), wanted)
        assert after.info["dpi"] == pytest.approx((300, 300), abs=0.1)
    with Pictures.open(tmp_path / "out/book.tif") as book:
        assert book.n_frames == 3
        for number, picture in enumerate(frames):
            book.seek(number)
            assert np.array_equal(np.asarray(book), docbin.enhance(np.asarray(picture), model=model))
    lines = [json.loads(line) for line in (tmp_path / "r.jsonl").read_text().splitlines()]
    assert [line["status"] for line in lines] == ["done"] * 4
    assert main([*words, "--resume"]) == 0
    assert "4 pages done before" in capsys.readouterr().err
    assert main(["enhance", str(page), "-o", str(tmp_path / "grey.tif"), "--model", str(model), "--grey", "--task", "uniform"]) == 0
    with Pictures.open(tmp_path / "grey.tif") as grey:
        assert grey.mode == "L"
        assert grey.info["dpi"] == pytest.approx((300, 300), abs=0.1)
    assert main(["enhance", str(tmp_path / "book.tif"), "-o", str(tmp_path / "book.png"), "--model", str(model)]) == 1
    assert "a repaired page (png) holds one" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["-o", "page.gif"], "does not write .gif"),
        (["-o", "page.png"], "one of the inputs"),
        (["--format", "pbm"], "choose one of png, tiff"),
        (["--task", "watermarks"], "did you mean watermark?"),
    ],
)
def test_wrong_usage_is_refused(
    page: Path,
    model: Path,
    tmp_path: Path,
    words: list[str],
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["enhance", str(page), "--model", str(model), *words]) == 1
    assert says in capsys.readouterr().err


def test_a_missing_model_is_named_with_the_way_out_and_not_offered(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match=r"'no-such-model' is neither a model of docbin nor a folder"):
        enhancing.get("uniform", "no-such-model")
    (tmp_path / "empty").mkdir()
    with pytest.raises(MissingExtra, match=r"no config\.toml"):
        enhancing.get("uniform", tmp_path / "empty")
    shutil.copy(model / "config.toml", tmp_path / "empty")
    with pytest.raises(FileAccessError, match=r"weights\.safetensors: cannot read the weights"):
        enhancing.get("uniform", tmp_path / "empty")
    monkeypatch.setattr("docbin.zoo.folders.shipped", lambda: {"degan-deblur": model})
    assert enhancing.available() == ["deblur"]
    with pytest.raises(
        MissingExtra, match=r"its model deepotsu did not come with this docbin; this install can do deblur; .* --model FOLDER"
    ):
        enhancing.get("uniform")
    with pytest.raises(UsageError, match="choose one of deblur"):
        enhancing.get("iron")


def test_every_repair_names_a_model_that_docbin_can_train() -> None:
    models = Path(__file__).resolve().parents[2] / "models"
    assert [row.model for row in enhancing.REPAIRS.values() if not (models / str(row.model) / "recipe.toml").is_file()] == []


def test_a_pdf_stays_the_same_pdf(model: Path, tmp_path: Path) -> None:
    import pypdfium2

    from docbin.files import open_pages
    from tests.pdf.documents import rich

    source, out = rich(tmp_path / "in.pdf"), tmp_path / "out.pdf"
    assert main(["enhance", str(source), "-o", str(out), "--model", str(model), "--pages", "3"]) == 0
    with pypdfium2.PdfDocument(out) as document:
        assert "hidden words of page 3" in document[0].get_textpage().get_text_bounded()
    with open_pages(source) as before, open_pages(out) as after:
        old, new = before.scan(3), after.scan(1)
    assert old is not None
    assert new is not None
    wanted = docbin.enhance(old[0].pixels, model=model)
    assert np.abs(new[0].pixels.astype(int).mean() - wanted.mean()) < 3
    assert new[0].pixels.shape[:2] == wanted.shape[:2]
