"""Every example in the README that stands under ``<!-- run -->`` does what it says, in a folder that holds the files it names."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

CHECKOUT = Path(__file__).resolve().parent.parent
README = (CHECKOUT / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^<!-- run -->\n```(\w+)\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)


def letter(seed: int) -> tuple[Image.Image, Image.Image]:
    """A page of our own with uneven light and noise, and its exact truth (black = ink)."""
    truth = Image.new("1", (420, 300), 1)
    draw = ImageDraw.Draw(truth)
    for line in range(9):
        draw.text((20, 20 + 30 * line), f"Line {line} of letter {seed}: the quick brown fox", fill=0, font_size=18)
    random = np.random.default_rng(seed)
    light = np.linspace(150, 235, 420)[None, :] + random.normal(0, 5, (300, 420))
    grey = np.where(np.asarray(truth), light, light * 0.35)
    return Image.fromarray(grey.clip(0, 255).astype(np.uint8)), truth


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder with the files that the README's examples name."""
    pages = [letter(seed) for seed in (1, 2)]
    pages[0][0].save(tmp_path / "letter.jpg", dpi=(150, 150))
    pages[0][1].save(tmp_path / "letter-truth.png")
    pages[0][0].save(tmp_path / "book.tif", save_all=True, append_images=[pages[1][0]], dpi=(150, 150))
    for folder in ("scans", "mypages/images", "mypages/gt"):
        (tmp_path / folder).mkdir(parents=True)
    for number, (page, truth) in enumerate(pages):
        page.save(tmp_path / "scans" / f"{number}.png")
        page.save(tmp_path / "mypages" / "images" / f"{number}.png")
        truth.save(tmp_path / "mypages" / "gt" / f"{number}.png")
    return tmp_path


def run(command: list[str], desk: Path) -> str:
    """Standard output of a command run in the folder `desk`, with this environment's ``docbin`` first on the path."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(command, cwd=desk, capture_output=True, text=True, check=False, env=os.environ | {"PATH": path})
    assert done.returncode == 0, f"{command[-1]}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def example(language: str) -> str:
    (text,) = [text for spoken, text in EXAMPLES if spoken == language]
    return text


@pytest.mark.skipif(os.name == "nt", reason="the examples are for a POSIX shell")
def test_the_shell_examples_leave_what_they_promise(desk: Path) -> None:
    said = {line.split("#")[0].strip(): run(["bash", "-euc", line], desk) for line in example("sh").splitlines()}
    for name in ("letter.png", "letter.pbm"):
        with Image.open(desk / name) as ink:
            assert (ink.mode, ink.size) == ("1", (420, 300))
    assert (desk / "book.pdf").read_bytes().startswith(b"%PDF")
    assert sorted(path.name for path in (desk / "ink").glob("[!.]*")) == ["0.png", "1.png"]
    assert len((desk / "ink.jsonl").read_text().splitlines()) >= 2
    assert "sauvola" in said["docbin methods"]
    assert "sauvola" in (desk / "scores.csv").read_text()


def test_the_python_example_runs_and_scores_well(desk: Path) -> None:
    said = run([sys.executable, "-c", example("python")], desk)
    assert 90 < float(said) <= 100
    with Image.open(desk / "letter.tif") as ink:
        assert ink.info["compression"] == "group4"
        assert tuple(ink.info["dpi"]) == (150, 150)


@pytest.mark.skipif(
    not any(importlib.util.find_spec(name) for name in ("onnxruntime", "openvino")),
    reason="the default detector needs one of the two extras",
)
def test_the_detector_of_the_readme_draws_its_words(desk: Path) -> None:
    (command,) = re.findall(r"^    (docbin detect .*)$", README, flags=re.MULTILINE)
    letter(3)[0].save(desk / "photo.jpg")
    run(command.split(), desk)
    with Image.open(desk / "photo-words.jpg") as drawn:
        assert drawn.size == (420, 300)


def test_every_extra_of_the_readme_exists() -> None:
    extras = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    named = {name for names in re.findall(r"pip install '[^'\[]*\[([^]]+)\]'", README) for name in names.split(",")}
    assert {"openvino", "app", "ocrmypdf"} <= named <= set(extras)


def test_the_two_commands_of_the_readme_exist() -> None:
    makefile = (CHECKOUT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^    make (\w+)", README, flags=re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target


def test_links_to_files_of_the_project_lead_somewhere() -> None:
    for name in ("README.md", "CONTRIBUTING.md"):
        for link in re.findall(r"\]\(([^)#:]+)\)", (CHECKOUT / name).read_text(encoding="utf-8")):
            assert (CHECKOUT / link).exists(), f"{name} links to {link}"
