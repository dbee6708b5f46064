"""All models that ship: one sweep. It passes, and says so by skipping, while there is none."""

from __future__ import annotations

import numpy as np
import pytest

from docbin.zoo import cards, folders, runtimes

NAMES = folders.names()


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_model_is_whole(name: str) -> None:
    config = folders.load_config(name)
    for entry in (config.weights, config.onnx, config.packed):
        if entry is not None:
            config.verified(entry)
    assert config.summary
    assert config.citation
    assert config.licence
    assert cards.missing_sections(config.card()) == []
    assert f'name = "{name}"' in (config.folder / "config.toml").read_text(encoding="utf-8")
    for path in config.folder.iterdir():
        assert path.stat().st_size <= folders.FILE_LIMIT, path
    if config.packed is not None:
        assert config.verified(config.packed).stat().st_size <= folders.PACKED_LIMIT


def test_all_shipped_models_together_are_small_enough() -> None:
    assert sum(folders.load_config(name).size() for name in NAMES) <= folders.ZOO_LIMIT


RUNNABLE = [runtime for runtime in runtimes.RUNTIMES if runtime.installed and runtime.suits]


@pytest.mark.parametrize("runtime", RUNNABLE, ids=lambda runtime: runtime.name)
@pytest.mark.parametrize("name", NAMES)
def test_the_golden_crop_comes_out_as_it_was(name: str, runtime: runtimes.Runtime) -> None:
    config = folders.load_config(name)
    if config.task not in ("binarize", "detect") or not runtime.runs(config):
        pytest.skip(f"{name} does not run in {runtime.name}")
    with np.load(config.folder / "golden.npz", allow_pickle=False) as golden:
        image, wanted = golden["image"], golden["probability"].astype(np.float32)
    assert image.dtype == np.uint8
    model = runtimes.load(name, runtime.name, config.task)
    said = model.probability(image)
    assert np.abs(said - wanted).max() < runtime.tolerance
    assert np.array_equal(model(image, depth=0.0), said >= config.output.threshold)
    if config.task == "binarize":
        assert 0.005 < model(image).mean() < 0.5  # the crop has ink, and paper
