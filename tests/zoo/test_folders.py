"""Model folders: what a config may say, and what is said of one that may not."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from docbin.engine import packed as packed_network
from docbin.errors import FileAccessError, InputError, MissingExtra, UsageError
from docbin.zoo import cards, folders

DIGEST = hashlib.sha256(b"weights").hexdigest()
LEAST = f'net = "unet"\n[weights]\nfile = "weights.safetensors"\nsha256 = "{DIGEST}"\n'


def folder(path: Path, config: str = LEAST) -> Path:
    path.mkdir(parents=True)
    (path / "config.toml").write_text(config, encoding="utf-8")
    (path / "weights.safetensors").write_bytes(b"weights")
    return path


def test_the_least_config_has_the_defaults(tmp_path: Path) -> None:
    config = folders.load_config(folder(tmp_path / "mine"))
    assert (config.net, config.task, config.output.threshold, config.input.tile, config.input.halo) == ("unet", "binarize", 0.5, 1024, None)
    assert config.name == str(tmp_path / "mine")
    assert config.weights is not None
    assert config.verified(config.weights) == tmp_path / "mine" / "weights.safetensors"
    assert config.sha256 == DIGEST


def test_a_packed_network_may_come_without_weights(tmp_path: Path) -> None:
    packed = f'[packed]\nfile = "packed.safetensors"\nsha256 = "{DIGEST}"\nnumbers = 7\n'
    config = folders.load_config(folder(tmp_path / "mine", 'net = "bitunet"\n' + packed))
    assert config.weights is None
    assert (config.sha256, config.numbers) == (DIGEST, 7)
    with pytest.raises(UsageError, match="missing weights"):
        folders.load_config(folder(tmp_path / "other", f'net = "unet"\n{packed}[onnx]\nfile = "m"\nsha256 = "{DIGEST}"\nopset = 17\n'))


def test_a_variant_with_an_eye_has_a_halo_of_its_own() -> None:
    assert folders.usual_halo({"widths": [8, 16], "eye": ""}) is None
    assert folders.usual_halo({"widths": [8, 16]}) is None
    assert folders.usual_halo({"eye": "efficientnet-lite0"}) == folders.EYE_HALO
    assert folders.load_config("unet").input.halo == folders.EYE_HALO, "what ships is as what users make of it"


def test_a_full_config_is_read(tmp_path: Path) -> None:
    more = "[variant]\nwidths = [8, 16]\n[input]\ntile = 512\nhalo = 96\n[output]\nthreshold = 0.4\n"
    more += f'[onnx]\nfile = "model.onnx"\nsha256 = "{DIGEST}"\nopset = 17\n'
    config = folders.load_config(folder(tmp_path / "mine", 'name = "old"\nsummary = "s"\n' + LEAST + more))
    assert config.variant == {"widths": [8, 16]}
    assert (config.input.tile, config.input.halo, config.output.threshold) == (512, 96, 0.4)
    assert config.onnx == folders.Onnx("model.onnx", DIGEST, 17)


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ("treshold = 0.5\n" + LEAST, "unknown key treshold; known are name"),
        (LEAST + "[output]\ntreshold = 0.5\n", "unknown key output.treshold; did you mean threshold? known are kind, threshold"),
        ('folder = "/tmp"\n' + LEAST, "unknown key folder"),
        (LEAST.replace('net = "unet"\n', ""), "missing net"),
        ('net = "unet"\n', "missing weights"),
        ('net = "unet"\n[weights]\nfile = "a"\n', "weights: missing sha256"),
        ('net = "unet"\nweights = "a"\n', "weights = 'a': a table is wanted"),
        (LEAST + "[output]\nthreshold = 1.5\n", "output.threshold is 1.5; allowed is 0 to 1"),
        (LEAST + "[output]\nthreshold = true\n", "output.threshold = True: a number is wanted"),
        (LEAST + '[input]\ntile = "big"\n', "input.tile = 'big': a whole number is wanted"),
        (LEAST + "[input]\ntile = 4\n", "input.tile is 4"),
        (LEAST + '[input]\nchannels = "BGR"\n', "input.channels is 'BGR'; this docbin knows RGB, grey"),
        (LEAST + "[input]\nhigh = 255.0\n", "the networks take 0 to 1"),
        ('task = "guess"\n' + LEAST, "task is 'guess'; this docbin knows binarize"),
        (LEAST.replace("weights.safetensors", "../weights.safetensors"), "the name of a file in the folder is wanted"),
        (LEAST.replace(DIGEST, DIGEST[:-1]), "64 digits"),
    ],
)
def test_a_config_that_is_wrong_names_file_value_and_way_out(tmp_path: Path, config: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        folders.load_config(folder(tmp_path / "mine", config))
    assert says in str(caught.value)
    assert str(tmp_path / "mine" / "config.toml") in str(caught.value)


def test_a_config_that_is_no_toml(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a TOML file"):
        folders.load_config(folder(tmp_path / "mine", "net ="))
    with pytest.raises(InputError, match="nested too deep"):
        folders.load_config(folder(tmp_path / "deep", "net = " + "[" * 5000))


def test_other_bytes_than_the_config_names_are_refused(tmp_path: Path) -> None:
    config = folders.load_config(folder(tmp_path / "mine"))
    assert config.weights is not None
    (tmp_path / "mine" / "weights.safetensors").write_bytes(b"weight5")
    with pytest.raises(InputError, match=r"SHA-256 is .* says"):
        config.verified(config.weights)
    (tmp_path / "mine" / "weights.safetensors").unlink()
    with pytest.raises(FileAccessError, match="cannot read the weights"):
        config.verified(config.weights)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_a_received_folder_with_a_pipe_or_device_for_a_file_is_refused_at_once(tmp_path: Path, kind: str) -> None:
    """A pipe that nobody writes hangs whoever reads it, /dev/zero fills all memory."""
    packed = f'[packed]\nfile = "packed.safetensors"\nsha256 = "{DIGEST}"\n'
    mine = folder(tmp_path / "mine", LEAST + packed)
    (mine / "weights.safetensors").unlink()
    for name in ("weights.safetensors", "packed.safetensors"):
        os.mkfifo(mine / name) if kind == "pipe" else (mine / name).symlink_to("/dev/zero")
    config = folders.load_config(mine)
    for entry in (config.weights, config.packed):
        assert entry is not None
        with pytest.raises(FileAccessError, match="a device or a pipe, not a file"):
            config.verified(entry)
    with pytest.raises(FileAccessError, match="a device or a pipe, not a file"):
        packed_network.read(mine / "packed.safetensors")


def test_names_are_suggested_and_folders_without_weights_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        folders, "shipped", lambda: {"unet": folder(tmp_path / "unet")} if not (tmp_path / "unet").exists() else {"unet": tmp_path / "unet"}
    )
    assert folders.load_config("unet").name == "unet"
    with pytest.raises(UsageError, match="did you mean unet"):
        folders.load_config("unte")
    (tmp_path / "empty").mkdir()
    with pytest.raises(MissingExtra, match=r"no config\.toml"):
        folders.load_config(tmp_path / "empty")


def test_a_card_is_checked_and_its_table_replaced() -> None:
    card = "# m\n" + "".join(f"\n## {name}\n\ntext\n" for name in cards.SECTIONS if name != "Scores")
    assert cards.missing_sections(card) == ["Scores"]
    card += f"\n## Scores\n\n{cards.marked(cards.SCORES, 'old')}\n"
    assert cards.missing_sections(card) == []
    assert cards.missing_sections(card.replace("## Limits\n\ntext\n", "## Limits\n\n")) == ["Limits"]
    scores = {"fm": 91.234, "pfm": 92.0, "psnr": None, "drd": 3.0, "seconds": 1.0}
    table = cards.scores_table([{"dataset": "dibco2011", "images": [{}, {}], "mean": scores, "version": "1.0"}])
    assert "| dibco2011 | 2 | 91.23 | 92.00 | inf | 3.00 | 1.00 |" in table
    words = {"precision": 60.0, "recall": 50.0, "f": 54.5, "seconds": 0.1}
    table = cards.scores_table(
        [{"dataset": "d", "task": "detect", "protocol": "icdar2015", "images": [{}], "mean": words, "version": "1.0"}]
    )
    assert "| d | 1 | icdar2015 | 60.00 | 50.00 | 54.50 | 0.10 |" in table
    keys = ("pixel_f1", "global_f1", "relaxed_pixel_f1", "relaxed_global_f1", "quantity_precision", "quantity_recall", "seconds")
    masks = {key: float(number) for number, key in enumerate(keys)}
    table = cards.scores_table([{"dataset": "d", "task": "text-mask", "images": [{}], "mean": masks}])
    assert "| d | 1 | 0.00 | 1.00 | 2.00 | 3.00 | 4.00 | 5.00 | 6.00 |" in table
    new = cards.with_table(card, cards.SCORES, table)
    assert "old" not in new
    assert cards.with_table(new, cards.SCORES, table) == new
    with pytest.raises(ValueError, match="markers"):
        cards.with_table("# m\n", cards.SCORES, table)
