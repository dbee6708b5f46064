"""The OCR-D processor on a real METS workspace, in OCR-D's own environment.

That environment is the one of DOCBIN_OCRD_PYTHON (a Python that can import ocrd and docbin), else ``.venv-ocrd`` in the checkout, which
``make test-integrations`` makes; where there is none, what needs it is skipped and says so.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.integrations.scans import LINES, coded, printed, shaded

CHECKOUT = Path(__file__).resolve().parent.parent.parent


def ocrd_python() -> Path | None:
    """The Python of OCR-D's environment; None where there is none."""
    for path in (os.environ.get("DOCBIN_OCRD_PYTHON"), CHECKOUT / ".venv-ocrd/bin/python"):
        if path and Path(path).exists():
            asked = subprocess.run([path, "-c", "import ocrd, docbin.kernels"], capture_output=True, text=True)
            if asked.returncode == 0:
                return Path(path)
    return None


@pytest.fixture(scope="module")
def environment() -> Path:
    found = ocrd_python()
    if found is None:
        pytest.skip("needs OCR-D's environment: 'make test-integrations' makes it, or DOCBIN_OCRD_PYTHON names its Python")
    return found


def pages(folder: Path) -> Path:
    """Three scanned pages and a file that is none."""
    for number in range(3):
        (folder / f"p{number}.png").write_bytes(coded(shaded(printed(), seed=number), "PNG"))
    (folder / "broken.png").write_bytes(b"no picture")
    return folder


@pytest.fixture(scope="module")
def facts(environment: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = pages(tmp_path_factory.mktemp("workspace"))
    tessdata = next(iter(sorted(Path("/usr/share").glob("tesseract-ocr/*/tessdata"))), None)
    more = {"TESSDATA_PREFIX": str(tessdata)} if tessdata is not None else {}
    command = [str(environment), str(Path(__file__).with_name("ocrd_scenarios.py")), str(folder)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=550, env={**os.environ, **more})
    assert ended.returncode == 0, ended.stderr[-3000:]
    (line,) = [line for line in ended.stdout.splitlines() if line.startswith("FACTS")]
    found: dict[str, Any] = json.loads(line.removeprefix("FACTS"))
    return found


def test_the_description_is_that_of_the_method_table(load_script: Callable[[str], Any]) -> None:
    script = load_script("make_ocrd_tool")
    assert script.TARGET.read_text(encoding="utf-8") == script.text(), "run scripts/make_ocrd_tool.py"


def test_every_method_and_parameter_is_in_the_description() -> None:
    import docbin
    from docbin.integrations.ocrd_tool import EXECUTABLE, OWN, tool

    parameters = tool()["tools"][EXECUTABLE]["parameters"]
    rows = docbin.methods()
    assert parameters["method"]["enum"] == [row["name"] for row in rows]
    assert set(parameters) == set(OWN) | {param["name"] for row in rows for param in row["params"]}
    for name in set(parameters) - set(OWN):
        owners = [row["name"] for row in rows if any(param["name"] == name for param in row["params"])]
        assert all(owner in parameters[name]["description"] for owner in owners)
        assert "default" not in parameters[name]


def test_ocr_d_takes_the_description(facts: dict[str, Any]) -> None:
    assert facts["tool"] == '<report valid="true">\n</report>'
    assert set(facts["methods"].values()) == {'<report valid="true">\n</report>'}
    assert len(facts["methods"]) > 20
    assert facts["no such method"] is False


@pytest.mark.parametrize(
    ("level", "sizes", "features"),
    [
        ("page", {"page": [900, 420]}, "binarized"),
        ("region", {"r1": [800, 90], "r2": [800, 180]}, "binarized"),
        ("line", {"l1": [750, 70], "l2": [750, 70], "l3": [750, 80]}, "binarized"),
    ],
)
def test_each_level(facts: dict[str, Any], level: str, sizes: dict[str, list[int]], features: str) -> None:
    """Every element has an image, a file of the workspace, with docbin's own ink; an image that was binarized before is not taken."""
    said, found = facts[level]
    assert said == ""
    assert sorted(found) == ["P0", "P1", "P2"]
    for page, elements in found.items():
        assert elements.pop("valid"), elements["said"]
        del elements["said"]
        if level != "page":
            elements.pop("page", None)  # the image that the segmentation had
        assert {name: image["size"] for name, image in elements.items()} == sizes, page
        for image in elements.values():
            assert (image["mode"], image["features"], image["in METS"], image["equal"]) == ("1", features, True, True)


def test_the_default_method_and_chosen_pages(facts: dict[str, Any]) -> None:
    assert facts["default"] == ["", ["P1"]]


def test_a_page_without_regions_is_written_without_images(facts: dict[str, Any]) -> None:
    said, found = facts["no regions"]
    assert said == ""
    assert set(found["P0"]) == {"valid", "said"}


def test_wrong_parameters_end_before_any_page(facts: dict[str, Any]) -> None:
    assert "odd" in facts["wrong window"]
    assert "no parameter 'window'" in facts["foreign parameter"]


def test_existing_output(facts: dict[str, Any]) -> None:
    existing = facts["existing"]
    assert "already exists" in existing["ABORT"][0]
    assert existing["ABORT"][1:] == [0, 3]
    assert existing["SKIP"] == ["", 0, 3]
    assert existing["OVERWRITE"] == ["", 3, 3]


def test_missing_pages(facts: dict[str, Any]) -> None:
    assert facts["broken"] == ["", ["P0", "P1", "P2"]]
    assert "broken.png" in facts["broken, abort"]


def test_tesserocr_downstream(facts: dict[str, Any]) -> None:
    if "downstream" not in facts:
        pytest.skip("needs ocrd-tesserocr in OCR-D's environment")
    assert " ".join(facts["downstream"]).split() == " ".join(LINES).split()


@pytest.mark.slow
def test_parallel_pages_through_a_mets_server(environment: Path, tmp_path: Path) -> None:
    """The command itself, two pages at a time."""
    folder = pages(tmp_path)
    programs = environment.parent

    def ocrd(*arguments: str, **options: Any) -> None:
        ended = subprocess.run([str(programs / "ocrd"), "workspace", *arguments], cwd=folder, capture_output=True, text=True, **options)
        assert ended.returncode == 0, ended.stderr

    ocrd("init")
    ocrd("set-id", "docbin-test")
    for number in range(3):
        ocrd("add", "-g", f"P{number}", "-G", "IMG", "-i", f"IMG_{number}", "-m", "image/png", f"p{number}.png")
    server = subprocess.Popen(
        [str(programs / "ocrd"), "workspace", "-U", "mets.sock", "server", "start"], cwd=folder, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 120
        while not (folder / "mets.sock").exists() and time.monotonic() < deadline:
            time.sleep(0.5)
        command = [str(programs / "ocrd-docbin-binarize"), "-U", "mets.sock", "-I", "IMG", "-O", "BIN"]
        more = {"OCRD_MAX_PARALLEL_PAGES": "2", "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
        ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, env={**os.environ, **more}, timeout=300)
        assert ended.returncode == 0, ended.stderr
        ocrd("-U", "mets.sock", "server", "stop")
        server.wait(60)
    finally:
        server.kill()
    assert len(list(folder.glob("BIN/*.png"))) == 3
    assert (folder / "mets.xml").read_text().count('USE="BIN"') == 1


def test_without_ocr_d_the_command_says_what_to_install(tmp_path: Path) -> None:
    program = "import sys; sys.modules['ocrd'] = None; from docbin.integrations.ocrd_command import main; sys.exit(main())"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ended.returncode == 3
    assert "docbin[ocrd]" in ended.stderr


@pytest.mark.slow
def test_a_region_without_area_costs_itself_alone(facts: dict[str, Any]) -> None:
    """Ids of other programs: twice the same, or a path, which is no name of a file."""
    said, files = facts["odd regions"]
    assert said == ""
    assert files == ["CUT_0.xml", "CUT_0_.._r_3.IMG-BIN.png", "CUT_0_r1.IMG-BIN.png", "CUT_0_r1_2.IMG-BIN.png", "CUT_0_r2.IMG-BIN.png"]


@pytest.mark.slow
def test_ink_that_stands_in_the_alpha_channel_is_seen(facts: dict[str, Any]) -> None:
    said, pages = facts["ink in alpha"]
    assert said == ""
    width, height = pages["P0"]["page"]["size"]
    assert 0.01 < pages["P0"]["page"]["ink"] / (width * height) < 0.2


@pytest.mark.slow
def test_an_image_of_which_ocr_d_leaves_nothing_is_refused(facts: dict[str, Any]) -> None:
    """Of 32-bit integers OCR-D keeps the highest 8 bits: a grey page in them became black, and its ink the whole page."""
    assert facts["depths"]["whole"] == ""
    assert "InputError" in facts["depths"]["dark"]
    assert "InputError" in facts["depths"]["floats"]
    assert facts["depths"]["https://example.org/p0.png"] == ""
    assert "InputError" in facts["depths"]["https://example.org/dark.tif"]


@pytest.mark.slow
def test_a_model_that_is_nowhere_is_named(facts: dict[str, Any]) -> None:
    assert facts["no such model"].startswith("UsageError: model 'nowhere': there is no such folder, nor a resource")
