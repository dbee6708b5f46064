"""``docbin enhance``: what it writes with a tiny untrained model, and what it says when there is none."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pictures

from docbin.cli.enhance import command
from docbin.enhancing import TASKS, enhance, model_config
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


def test_a_page_comes_out_in_colour_or_grey_with_its_resolution(page: Path, model: Path, tmp_path: Path) -> None:
    command([page], tmp_path / "colour.png", model=str(model))
    command([page], tmp_path / "grey.tif", model=str(model), grey=True)
    with Pictures.open(page) as before, Pictures.open(tmp_path / "colour.png") as after:
        wanted = enhance(np.asarray(before), model=model)
        assert np.array_equal(np.asarray(after), wanted)
        assert wanted.shape == (23, 31, 3)
        assert after.info["dpi"] == pytest.approx((300, 300), abs=0.1)
    with Pictures.open(tmp_path / "grey.tif") as grey:
        assert grey.mode == "L"
        assert grey.info["dpi"] == pytest.approx((300, 300), abs=0.1)


def test_every_page_of_a_file_comes_out_in_order(page: Path, model: Path, tmp_path: Path) -> None:
    with Pictures.open(page) as first:
        pages = [first.convert("L").resize((20 + 3 * k, 16)) for k in range(3)]
    pages[0].save(tmp_path / "book.tif", save_all=True, append_images=pages[1:])
    command([tmp_path / "book.tif", page], tmp_path / "out", model=str(model))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["book.tif", "page.png"]
    with Pictures.open(tmp_path / "out" / "book.tif") as book:
        assert book.n_frames == 3
        for number, picture in enumerate(pages):
            book.seek(number)
            assert np.array_equal(np.asarray(book), enhance(np.asarray(picture), model=model))
    with pytest.raises(UsageError, match="holds one page"):
        command([tmp_path / "book.tif"], tmp_path / "book.png", model=str(model))
    assert not (tmp_path / "book.png").exists()


def test_wrong_outputs_are_refused(page: Path, model: Path, tmp_path: Path) -> None:
    for out, words in (("page.jpg", "cannot be written"), ("page.png", "overwritten")):
        with pytest.raises(UsageError, match=words):
            command([page], tmp_path / out, model=str(model))
    (tmp_path / "there.png").touch()
    with pytest.raises(UsageError, match="--overwrite"):
        command([page], tmp_path / "there.png", model=str(model))
    command([page], tmp_path / "there.png", model=str(model), overwrite=True)
    with pytest.raises(UsageError, match="name a folder"):
        command([page, page], tmp_path / "two.png", model=str(model))
    with pytest.raises(UsageError, match="under one name"):
        command([page, page], tmp_path / "out", model=str(model))


def test_a_missing_model_is_named_with_the_way_out(page: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match=r"'no-such-model' is neither a model of docbin nor a folder"):
        command([page], tmp_path / "out.png", model="no-such-model")
    with pytest.raises(UsageError, match=r"nowhere' is neither"):
        model_config("uniform", tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(MissingExtra, match=r"no config\.toml"):
        model_config("uniform", tmp_path / "empty")
    shutil.copy(model / "config.toml", tmp_path / "empty")
    with pytest.raises(FileAccessError, match=r"weights\.safetensors: cannot read the weights"):
        model_config("uniform", tmp_path / "empty")
    monkeypatch.setattr("docbin.zoo.folders.shipped", dict)
    with pytest.raises(MissingExtra, match=r"its model deepotsu did not come with this docbin.* --model FOLDER"):
        command([page], tmp_path / "out.png")
    with pytest.raises(UsageError, match="choose one of uniform, clean-up, deblur, watermark, binarize"):
        command([page], tmp_path / "out.png", task="iron")
    assert not (tmp_path / "out.png").exists()


def test_every_task_names_a_model_that_docbin_can_train() -> None:
    models = Path(__file__).resolve().parents[2] / "models"
    assert [row.model for row in TASKS.values() if not (models / row.model / "recipe.toml").is_file()] == []


def test_the_command_line_reads_its_words(page: Path, model: Path, tmp_path: Path) -> None:
    import typer
    from typer.testing import CliRunner

    app = typer.Typer()
    app.command()(command)
    said = CliRunner().invoke(app, [str(page), "-o", str(tmp_path / "o.png"), "--task", "uniform", "--model", str(model), "--grey"])
    assert said.exit_code == 0
    with Pictures.open(tmp_path / "o.png") as picture:
        assert picture.mode == "L"
    assert isinstance(CliRunner().invoke(app, [str(page), "-o", str(tmp_path / "p.png"), "--task", "iron"]).exception, UsageError)
