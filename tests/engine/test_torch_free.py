"""The engine and the packed runtime serve a page in a process where importing torch, or any other extra, fails."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from docbin import engine
from docbin.bench.page import text_page
from tests.engine import graphs

EXTRAS = ("torch", "torchvision", "onnx", "onnxruntime", "openvino", "nncf", "segmentation_models_pytorch", "albumentations", "maxflow")
PROGRAM = """
import sys
for module in {extras!r}:
    sys.modules[module] = None  # importing it raises ImportError
import numpy as np
import docbin
from docbin.cli import main
model, page = {model!r}, np.load("page.npy")
ink = docbin.binarize(page, model)
assert docbin.load(model).runtime.name == "packed"
assert np.array_equal(ink, docbin.load(model).probability(page) >= 0.5)
np.save("ink.npy", ink)
assert main(["binarize", "page.png", "-m", model, "-o", "out.png"]) == 0
assert main(["models", "show", model]) == 0
assert main(["export", model, "--to", "packed", "-o", "again.packed"]) == 0
"""


def test_a_packed_model_needs_no_extra(tmp_path: Path) -> None:
    page, _ = text_page((150, 200))
    np.save(tmp_path / "page.npy", page)
    Image.fromarray(page).save(tmp_path / "page.png")
    model = graphs.folder(tmp_path / "bits")
    program = PROGRAM.format(extras=EXTRAS, model=str(model))
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False, env=os.environ | {"DOCBIN_THREADS": "1"}
    )
    assert done.returncode == 0, done.stderr
    wanted = engine.ink(graphs.graph(), page)
    assert 0.02 < wanted.mean() < 0.98
    assert np.array_equal(np.load(tmp_path / "ink.npy"), wanted)
    with Image.open(tmp_path / "out.png") as ink:
        assert np.array_equal(~np.asarray(ink), wanted)
    assert (tmp_path / "again.packed").read_bytes() == (model / "packed.safetensors").read_bytes()
