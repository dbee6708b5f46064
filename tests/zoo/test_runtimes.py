# ruff: noqa: E402 - torch is optional, so it is asked for before the imports that need it
"""A model made here, packaged, exported and run in every way there is: all agree, and what cannot be is said."""

from __future__ import annotations

import importlib.util
import json
import math
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pictures

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

import docbin
from docbin import batch, catalogue, export
from docbin.cli import main
from docbin.errors import InputError, MissingExtra, UsageError
from docbin.kernels.shine_through import drop_shine_through
from docbin.nets import build
from docbin.nets.inference import probability, to_tensor, with_depth
from docbin.nets.pretrained import load as load_net
from docbin.page import Image, to_grey
from docbin.train import package_model
from docbin.train.recipe import recipe_of
from docbin.zoo import cards, folders, graphs, runtimes
from docbin.zoo.graphs import STRIP
from docbin.zoo.onnx_runtime import OnnxNet
from tests.nets.variants import UNET

VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "unet": {**UNET, "edge": 4},
    "bitunet": {
        "windows": [3, 7, 9],
        "depths": 8,
        "filters": [64, 64],
        "decoder_filters": [64],
        "narrow": [64],
        "thresholds": 1,
        "encoder_convs": [1, 1],
        "decoder_convs": [1],
        "planes": 2,
    },
}
BITS = "bits"  # a folder of bitunet as it ships: packed alone


def packaged(net: str, folder: Path, seed: int = 5, exact: bool = False, **words: Any) -> Path:
    """A folder as the zoo holds it, of a network with random weights and the statistics of a trained one."""
    torch.manual_seed(seed)
    module = build(net, VARIANTS[net])
    with torch.no_grad():
        for _ in range(3):
            module(torch.rand(4, 4, 32, 32))
        (module.out.bias if net == "unet" else module.head.bias).zero_()  # ink and paper in equal shares
    recipe = recipe_of({"net": {"name": net, "variant": dict(VARIANTS[net])}, "data": {"weights": {"dibco2009": 1.0}}})
    about = {"step": 7, "minutes": 1.5, "recipe": json.loads(recipe.to_json())}
    if not exact:  # so that what is kept in float16 is the same network
        module.load_state_dict({name: value.half().to(value.dtype) for name, value in module.state_dict().items()})
    package_model.package(module.state_dict(), about, folder, package_model.PackageOptions(**{"tile": 64, **words}))
    module.eval()
    if not words.get("with_weights") and net == "bitunet":
        assert (folder / "packed.safetensors").read_bytes() == export.to_packed(module)
    return folder


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Pages this small are slower with two threads, and on a busy machine much slower."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCBIN_THREADS", "1")
        yield


@pytest.fixture(scope="module")
def package() -> Callable[..., Path]:
    """:func:`packaged` by what ``docbin package`` does."""
    return packaged


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, package: Callable[..., Path]) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("models")
    return {net: package(net, root / net, with_weights=True) for net in VARIANTS} | {BITS: package("bitunet", root / BITS)}


@pytest.fixture
def unet(made: dict[str, Path], tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    return Path(shutil.copytree(made["unet"], tmp_path / "unet"))


def page(height: int = 151, width: int = 203) -> Image:
    """Strokes on noise, and the black margins of a scanner."""
    rng = np.random.default_rng(0)
    pixels = rng.normal(190, 15, (height, width, 3)).clip(0, 255).astype(np.uint8)
    pixels[::17, 5:-5] = 60
    pixels[:, :25] = 0
    return pixels


def test_a_packaged_folder_is_what_ships(made: dict[str, Path]) -> None:
    for name, folder in made.items():
        config = folders.load_config(folder)
        assert cards.missing_sections(config.card()) == []
        assert (config.packed is not None) == (name != "unet")
        assert (config.onnx is not None) == (name == "unet")
        assert (config.weights is None) == (name == BITS)
        assert config.numbers > 1000
        assert config.summary
        assert config.citation
    names = {path.name for path in made["unet"].iterdir()}
    common = {"card.md", "config.toml", "golden.npz", "recipe.json"}
    assert names == common | {"model.onnx", "weights.safetensors"}
    assert {path.name for path in made[BITS].iterdir()} == common | {"packed.safetensors"}


def test_bits_are_packed_as_they_were_trained(tmp_path: Path) -> None:
    """Not as float16 has them, where that is not kept: thresholds are whole numbers, which rounding moves."""
    exact = packaged("bitunet", tmp_path / "exact", exact=True)
    rounded = packaged("bitunet", tmp_path / "rounded")
    assert (exact / "packed.safetensors").read_bytes() != (rounded / "packed.safetensors").read_bytes()


def test_a_folder_of_bits_alone_runs_and_says_what_it_cannot(
    made: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, out = made[BITS], tmp_path / "out.packed"
    assert np.array_equal(docbin.binarize(page(), str(folder)), docbin.load(made["bitunet"], "torch")(page()))
    with pytest.raises(UsageError, match="packed bits alone, without the float weights that torch needs"):
        docbin.load(folder, "torch")
    with pytest.raises(UsageError, match="packed bits alone, without the float weights that PyTorch needs"):
        load_net(folder)
    with pytest.raises(UsageError, match="only says where ink is"):
        docbin.enhance(page(), model=folder)
    assert main(["export", str(folder), "--to", "onnx"]) == 1
    assert "--to packed" in capsys.readouterr().err
    assert main(["export", str(folder), "--to", "packed", "-o", str(out)]) == 0
    assert out.read_bytes() == (folder / "packed.safetensors").read_bytes()
    assert main(["models", "show", str(folder)]) == 0
    assert "Runtimes: packed\n" in capsys.readouterr().out


@pytest.mark.parametrize("size", [(151, 203), (64, 64), (1, 1), (33, 130)])
def test_onnx_runtime_gives_torchs_probabilities_tile_by_tile(made: dict[str, Path], size: tuple[int, int]) -> None:
    image = page(*size)
    with torch.inference_mode():
        whole = torch.sigmoid(load_net(made["unet"])(to_tensor(with_depth(image))))[0, 0].numpy()
    for name in ("onnx", "torch", *(["openvino-float32"] if importlib.util.find_spec("openvino") else [])):
        model = docbin.load(made["unet"], name)
        assert np.abs(model.probability(image) - whole).max() < 1e-4, name
        assert np.array_equal(model(image), model.probability(image) >= 0.5)
        assert np.array_equal(model(image[..., 0]), model(np.repeat(image[..., :1], 3, 2))), name
    if importlib.util.find_spec("openvino"):
        off = np.abs(docbin.load(made["unet"], "openvino").probability(image) - whole)
        assert off.max() < 0.06
    assert whole.size < 100 or 0.1 < (whole >= 0.5).mean() < 0.9
    assert whole.size < 100 or whole.max() - whole.min() > 0.01


def test_a_model_may_drop_what_shines_through_and_its_user_may_not(
    package: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = package("unet", tmp_path / "deep", depth=0.7)
    assert folders.load_config(folder).output.depth == 0.7
    model, image = docbin.load(folder), page()
    said = model.probability(image) >= 0.5
    assert np.array_equal(model(image), drop_shine_through(said, to_grey(image), 0.7, 0.4, 20))
    assert np.array_equal(model(image, depth=0.0), said)
    asked = []
    monkeypatch.setattr("docbin.kernels.shine_through.drop_shine_through", lambda ink, grey, *rule: asked.append(rule) or ~ink)
    assert np.array_equal(model(image, depth=1.5), ~said)
    assert np.array_equal(model(image, depth=0.0), said)
    assert asked == [(1.5, 0.4, 20)]


def test_no_tile_is_larger_for_a_larger_page(made: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory beside the page and its result is that of one tile."""
    net = OnnxNet(folders.load_config(made["unet"]))
    infer, sizes = net._infer, []

    def watched(given: dict[str, np.ndarray]) -> np.ndarray:
        sizes.append(4 * math.prod(given["raw"].shape[2:]))
        return infer(given)

    monkeypatch.setattr(net, "_infer", watched)
    for side in (200, 400, 800):
        sizes.clear()
        assert net.ink(np.full((side, 200, 3), 200, np.uint8), 0.5).shape == (side, 200)
        assert max(sizes) <= STRIP * 64**2
        assert 1 < len(sizes) <= -(-side // 64) * 4


def test_a_page_smaller_than_a_strip_is_one(made: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    net = OnnxNet(folders.load_config(made["unet"]))
    infer, sizes = net._infer, []
    monkeypatch.setattr(net, "_infer", lambda given: sizes.append(given["raw"].shape) or infer(given))
    net.ink(np.full((101, 130), 200, np.uint8), 0.5)
    assert [shape[2:] for shape in sizes] == [(52, 66)]


def test_a_file_for_other_programs_stands_alone(made: dict[str, Path], tmp_path: Path) -> None:
    assert main(["export", str(made["unet"]), "--to", "onnx", "-o", str(tmp_path / "out.onnx")]) == 0
    session = onnxruntime.InferenceSession(str(tmp_path / "out.onnx"), providers=["CPUExecutionProvider"])
    net = load_net(made["unet"])
    for size in ((61, 75), (64, 32)):
        image = page(*size)
        (logits,) = session.run(None, {"page": to_tensor(with_depth(image)).numpy()})
        assert np.abs(1 / (1 + np.exp(-logits[0, 0])) - probability(net, image, tile=4096)).max() < 1e-4


def test_the_packed_engine_gives_torchs_bits_without_an_extra(made: dict[str, Path]) -> None:
    model = docbin.load(made["bitunet"])
    assert (model.runtime.name, model.runtime.extra) == ("packed", None)
    other = docbin.load(made["bitunet"], "torch")
    assert 0.1 < model(page()).mean() < 0.9
    assert np.array_equal(model(page()), other(page()))
    assert np.abs(model.probability(page()) - other.probability(page())).max() < 1e-6
    assert np.array_equal(model(page(), 0.2), model.probability(page()) >= 0.2)


def test_what_is_served_without_torch_never_imports_it(made: dict[str, Path]) -> None:
    code = (
        "import sys\nimport numpy as np\nimport docbin\nsys.modules['torch'] = None\n"
        f"page = np.full((40, 50), 200, np.uint8)\n"
        f"print(docbin.binarize(page, {str(made['unet'])!r}).shape, docbin.binarize(page, {str(made['bitunet'])!r}).shape)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "(40, 50) (40, 50)", done.stderr


def without(monkeypatch: pytest.MonkeyPatch, *missing: str) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name in missing else real(name, *more))


def everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if every library were installed."""
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: real("json") if name == "openvino" else real(name, *more))


def test_the_best_installed_runtime_is_taken_and_a_missing_one_named(unet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = folders.load_config(unet)
    everything(monkeypatch)
    assert runtimes.choose(config).name == "openvino"
    without(monkeypatch, "openvino")
    assert runtimes.choose(config).name == "onnx"
    without(monkeypatch, "openvino", "onnxruntime")
    assert runtimes.choose(config).name == "torch"
    assert catalogue.get(str(unet)).extra == "train"
    without(monkeypatch, "openvino", "onnxruntime", "torch")
    row = catalogue.get(str(unet))
    assert (row.available, row.extra) == (False, "openvino")
    with pytest.raises(MissingExtra, match=r"pip install 'docbin\[openvino\]'"):
        row.binarize(page())
    with pytest.raises(MissingExtra, match=r"'docbin\[openvino\]' \(OpenVINO\) or 'docbin\[onnx\]' \(ONNX Runtime\) or 'docbin\[train\]'"):
        docbin.load(unet)
    assert runtimes.choose(config, "torch").installed is False
    with pytest.raises(UsageError, match="no file for the runtime packed"):
        docbin.load(unet, "packed")
    with pytest.raises(UsageError, match="choose one of auto, packed, openvino-int8, openvino, onnx, openvino-float32, torch"):
        docbin.load(unet, "tensorrt")


def test_a_model_is_loaded_once_and_again_when_it_changed(unet: Path, package: Callable[..., Path]) -> None:
    first = docbin.load(unet)
    assert docbin.load(str(unet)) is first
    before = first(page())
    package("unet", unet, seed=6)
    assert docbin.load(unet) is not first
    assert not np.array_equal(docbin.load(unet)(page()), before)


def test_damaged_files_are_refused(unet: Path) -> None:
    graph = (unet / "model.onnx").read_bytes()
    (unet / "model.onnx").write_bytes(graph[:-1] + bytes([graph[-1] ^ 1]))
    with pytest.raises(InputError, match=r"model\.onnx: SHA-256"):
        docbin.load(unet, "onnx")
    (unet / "model.onnx").write_bytes(graph)
    weights = (unet / "weights.safetensors").read_bytes()
    (unet / "weights.safetensors").write_bytes(weights[:-1] + bytes([weights[-1] ^ 1]))
    with pytest.raises(InputError, match=r"weights\.safetensors: SHA-256"):
        docbin.load(unet, "onnx")


def test_a_users_own_onnx_file_in_the_folder_is_used_if_it_fits(unet: Path, tmp_path: Path, package: Callable[..., Path]) -> None:
    config = (unet / "config.toml").read_text(encoding="utf-8")
    (unet / "config.toml").write_text(config.split("[onnx]")[0], encoding="utf-8")
    (unet / "model.onnx").unlink()
    assert runtimes.choose(folders.load_config(unet)).name == "torch"
    assert main(["export", str(unet), "--to", "onnx", "-o", str(unet / "model.onnx")]) == 0
    model = docbin.load(unet, "onnx")
    assert np.abs(model.probability(page()) - docbin.load(unet, "torch").probability(page())).max() < 1e-4
    other = package("unet", tmp_path / "other", seed=9)
    assert main(["export", str(other), "--to", "onnx", "-o", str(unet / "model.onnx")]) == 0
    runtimes._load.cache_clear()
    with pytest.raises(InputError, match="was not exported from"):
        docbin.load(unet, "onnx")


def test_a_network_that_cannot_be_exported_says_why(made: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", str(made["bitunet"]), "--to", "onnx"]) == 1
    assert "bits, which ONNX has no operators for" in capsys.readouterr().err
    assert main(["export", str(made["unet"]), "--to", "packed"]) == 1
    assert "float layers" in capsys.readouterr().err
    others: list[tuple[str, dict[str, Any], str]] = [
        ("deepotsu", {"widths": [4], "steps": 1}, "one threshold of the whole page"),
        ("fourbi", {"width": 4}, "Fourier"),
        ("sauvolanet", {}, "norm is over the whole page"),
    ]
    for net, variant, why in others:
        with pytest.raises(UsageError, match=why):
            export.to_onnx(build(net, variant))


def test_models_join_the_method_table(made: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        folders, "shipped", lambda: {"tiny": made["unet"], "tiny-bits": made["bitunet"], "gone": made["unet"].parent / "gone"}
    )
    without(monkeypatch, "openvino")
    table = catalogue._Table(catalogue._ROWS)
    monkeypatch.setattr(catalogue, "METHODS", table)
    assert list(table) == [*(row.name for row in catalogue._ROWS), "tiny", "tiny-bits"]
    assert len(table) == len(list(table))
    rows = {row["name"]: row for row in docbin.methods()}
    assert (rows["tiny"]["family"], rows["tiny"]["needs"], rows["tiny-bits"]["needs"]) == ("learned", "docbin[onnx]", None)
    image = page()
    assert np.array_equal(docbin.binarize(image, "tiny", threshold=0.4), docbin.load("tiny").probability(image) >= 0.4)
    assert catalogue.get("tiny").probability_map(image, runtime="torch").dtype == np.float32
    assert docbin.binarize(image, "tiny-bits").shape == image.shape[:2]
    with pytest.raises(UsageError, match="choose one of auto, openvino, onnx, openvino-float32, torch"):
        docbin.binarize(image, "tiny", runtime="packed")
    with pytest.raises(docbin.errors.DocbinError, match=r"config\.toml"):
        catalogue.get("gone")


def test_a_model_for_another_task_is_no_method(unet: Path) -> None:
    config = (unet / "config.toml").read_text(encoding="utf-8")
    (unet / "config.toml").write_text(config.replace('task = "binarize"', 'task = "enhance"'), encoding="utf-8")
    for ask in (catalogue.get, docbin.load):
        with pytest.raises(UsageError, match="its task is enhance"):
            ask(str(unet))


def test_the_resume_key_knows_the_weights(unet: Path, package: Callable[..., Path]) -> None:
    key = batch.Binarize.create(str(unet)).key("scan.png", 1, 2)
    assert batch.Binarize.create(str(unet)).key("scan.png", 1, 2) == key
    package("unet", unet, seed=6)
    assert batch.Binarize.create(str(unet)).key("scan.png", 1, 2) != key


def test_the_command_line_takes_a_model(
    made: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], load_script: Callable[[str], Any]
) -> None:
    for folder in ("images", "gt"):
        (tmp_path / "set" / folder).mkdir(parents=True)
    Pictures.fromarray(page()).save(tmp_path / "set" / "images" / "a.png")
    Pictures.fromarray(np.where(page()[..., 0] < 100, 0, 255).astype(np.uint8)).save(tmp_path / "set" / "gt" / "a.png")
    source, model = str(tmp_path / "set" / "images" / "a.png"), str(made["unet"])
    assert main(["binarize", source, "-m", model, "-p", "threshold=0.3", "-o", str(tmp_path / "ink.png")]) == 0
    with Pictures.open(tmp_path / "ink.png") as ink:
        assert np.array_equal(~np.asarray(ink), docbin.load(made["unet"])(page(), 0.3))
    assert main(["binarize", source, "-m", model, "--probability", "-o", str(tmp_path / "map.png")]) == 0
    with Pictures.open(tmp_path / "map.png") as grey:
        wanted = 255 * (1 - docbin.load(made["unet"]).probability(page()))
        assert np.abs(np.asarray(grey, np.float32) - wanted).max() <= 1
    capsys.readouterr()
    assert main(["evaluate", str(tmp_path / "set"), "-m", model, "--json", "-", "--pictures", str(tmp_path / "report")]) == 0
    (result,) = json.loads(capsys.readouterr().out)
    assert result["method"] == model
    assert len(result["images"]) == 1
    (tmp_path / "scores.json").write_text(json.dumps([result]), encoding="utf-8")
    assert load_script("make_cards").main([str(tmp_path / "scores.json"), "--models", str(made["unet"].parent)]) == 0
    assert "| set | 1 |" in (made["unet"] / "card.md").read_text(encoding="utf-8")


def test_models_are_listed_and_shown(made: dict[str, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(folders, "shipped", lambda: {"tiny": made["unet"], "gone": made["unet"].parent / "gone"})
    assert main(["models"]) == 0
    told = capsys.readouterr().out
    assert "tiny (binarize, unet," in told
    assert f"runs with {runtimes.choose(folders.load_config(made['unet'])).name}" in told
    assert "gone [damaged:" in told
    assert main(["models", "list", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert rows[0]["name"] == "tiny"
    assert rows[0]["variant"] == VARIANTS["unet"]
    assert main(["models", "show", "tiny"]) == 0
    assert "## Time and machine" in capsys.readouterr().out
    assert main(["models", "show", "tiny", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["card"].startswith("# unet")
    assert main(["models", "show"]) == 1
    assert main(["models", "list", "tiny"]) == 1
    assert main(["models", "show", "tinny"]) == 1
    assert "did you mean tiny" in capsys.readouterr().err


def test_the_metadata_of_a_graph_are_read_without_a_library(made: dict[str, Path]) -> None:
    import onnx

    data = (made["unet"] / "model.onnx").read_bytes()
    metadata = graphs.graph_metadata(data)
    assert metadata == {pair.key: pair.value for pair in onnx.load_from_string(data).metadata_props}
    assert list(json.loads(metadata["docbin.planes"])) == ["raw", "seen"]
    for length in (1, 100, len(data) - 3):
        with pytest.raises(ValueError, match="protocol buffer"):
            graphs.graph_metadata(data[:length])
    with pytest.raises(ValueError, match="protocol buffer"):
        graphs.graph_metadata(bytes(range(255, 0, -1)))


def test_the_cheapest_tiles_are_strips_of_a_page_and_squares_of_a_large_sheet() -> None:
    from docbin.zoo.tiles import cheapest_tile, tiles

    def cost(size: tuple[int, int], tile: tuple[int, int]) -> float:
        parts = [(rows.stop - rows.start) * (columns.stop - columns.start) for rows, columns, _, _ in tiles(*size, tile, 208)]
        assert max(parts) <= 5 * 1024**2
        return sum(parts) / (size[0] * size[1])

    strips = cheapest_tile(3520, 2480, 208, 16, 5 * 1024**2, 1024)
    assert strips == (1760, 2480)
    assert cost((3520, 2480), strips) < 1.15
    sheet = (9920, 14032)
    assert cost(sheet, cheapest_tile(*sheet, 208, 16, 5 * 1024**2, 1024)) < 1.6
    assert cheapest_tile(100, 30, 208, 16, 5 * 1024**2, 1024) == (112, 32)
    assert cheapest_tile(9000, 9000, 208, 16, 1000, 64) == (64, 64)  # nothing fits: then the least
