"""The package as a user gets it: what the wheel holds, installs run from outside the checkout, the build without a compiler, a quick import."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import tarfile
import time
import tomllib
import venv
import zipfile
from email import message_from_string
from importlib.metadata import Distribution, distribution, distributions
from pathlib import Path

import numpy as np
import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from PIL import Image

import docbin
from docbin import engine, kernels
from docbin.bench.page import text_page
from tests.engine import graphs

CHECKOUT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
DATA = {"models": "docbin/zoo/models", "datasets": "docbin/benchmarks/datasets"}
REPOSITORY_ONLY = ("models/degan/", "models/degan-clean-up/", "models/degan-deblur/", "models/fourbi/", "models/unmark/")
"""Models of which a wheel has the recipes alone."""

# Prints what an install knows of itself, as JSON; the inks are those of every method on one small page.
ASK = """
import hashlib, json, numpy, docbin
from docbin import kernels
from importlib.resources import files
page = numpy.random.default_rng(5).integers(0, 256, (48, 37), dtype=numpy.uint8)
inks = {row["name"]: hashlib.sha256(docbin.binarize(page, row["name"]).tobytes()).hexdigest() for row in docbin.methods() if row["available"]}
rooms = {"models": "docbin.zoo.models", "datasets": "docbin.benchmarks.datasets"}
data = {name: sorted(entry.name for entry in files(room).iterdir()) for name, room in rooms.items()}
print(json.dumps({"file": docbin.__file__, "version": docbin.__version__, "levels": kernels.levels(), "inks": inks, "data": data}))
"""


def environment(**changes: str) -> dict[str, str]:
    """This process's environment for a build: build tools of this environment first, no outside wish for or against the core."""
    env = {
        name: value
        for name, value in os.environ.items()
        if name not in {"DOCBIN_REQUIRE_CORE", "DOCBIN_KERNELS", "PYTHONPATH", "CMAKE_ARGS"}
    }
    return env | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}"} | changes


def pip(*args: str | Path, python: Path | None = None, check: bool = True, **env: str) -> str:
    command = [sys.executable, "-m", "pip", *(["--python", str(python)] if python else []), "--disable-pip-version-check", *map(str, args)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(**env), cwd=CHECKOUT, check=False)
    assert done.returncode == 0 or not check, done.stdout + done.stderr
    return done.stdout + done.stderr


def build_wheel(source: Path, into: Path, *options: str | Path, **env: str) -> Path:
    pytest.importorskip("scikit_build_core", reason="building a wheel without a network needs the build requirements of docbin[dev]")
    pytest.importorskip("nanobind", reason="building a wheel without a network needs the build requirements of docbin[dev]")
    pip("wheel", "--no-build-isolation", "--no-deps", "--no-index", "-w", into, *options, source, **env)
    (wheel,) = into.glob("docbin-*.whl")
    return wheel


def python_and_site(folder: Path) -> tuple[Path, Path]:
    """Python of a virtual environment, and its folder of libraries."""
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    return python, Path(subprocess.run([python, "-c", ask], capture_output=True, text=True, check=True).stdout.strip())


def default_install() -> dict[str, Distribution]:
    """What a plain ``pip install docbin`` brings, by name, as it is installed here."""
    todo, found = list(PROJECT["dependencies"]), {}
    while todo:
        requirement = Requirement(todo.pop())
        name = canonicalize_name(requirement.name)
        if name in found or (requirement.marker is not None and not requirement.marker.evaluate({"extra": ""})):
            continue
        found[name] = distribution(name)
        todo += found[name].requires or []
    return found


def fresh_environment(folder: Path) -> Path:
    """Python of a new virtual environment that sees the libraries of this one, but none of its .pth files: not its docbin."""
    venv.create(folder, symlinks=os.name != "nt")
    python, site = python_and_site(folder)
    (site / "libraries.pth").write_text("\n".join(path for path in sys.path if path.endswith("site-packages")) + "\n")
    return python


def install(wheel: Path, folder: Path) -> Path:
    """Python of a :func:`fresh_environment` with the wheel installed."""
    python = fresh_environment(folder)
    pip("install", "--no-deps", "--no-index", "--ignore-installed", wheel, python=python)
    return python


def bare_environment(folder: Path) -> Path:
    """Python of a new virtual environment that sees what docbin declares to need, with what that needs, and nothing else of this one."""
    venv.create(folder, symlinks=os.name != "nt")
    python, site = python_and_site(folder)
    for installed in default_install().values():
        for top in {file.parts[0] for file in installed.files or [] if file.parts[0] not in ("..", "__pycache__")}:
            if not (site / top).exists():
                (site / top).symlink_to(str(installed.locate_file(top)))
    return python


def ask(python: Path, cwd: Path) -> dict[str, object]:
    done = subprocess.run([python, "-c", ASK], capture_output=True, text=True, cwd=cwd, env=environment(), check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def data_files(folder: str) -> set[str]:
    root = CHECKOUT / folder
    found = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    shipped = {name for name in found if not name.endswith("/golden.npz")}
    return {name for name in shipped if not f"{folder}/{name}".startswith(REPOSITORY_ONLY) or name.endswith("recipe.toml")}


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of the checkout with the compiled core; built in build/, so that only what changed is compiled."""
    if kernels.levels() == ("numpy",):
        pytest.skip("this install was built without a C++ compiler")
    return build_wheel(CHECKOUT, tmp_path_factory.mktemp("wheel"), DOCBIN_REQUIRE_CORE="1")


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Python of an environment with the wheel."""
    return install(wheel, tmp_path_factory.mktemp("installed") / "env")


@pytest.fixture(scope="session")
def knows(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """What the installed wheel knows of itself, asked outside the checkout."""
    return ask(installed, tmp_path_factory.mktemp("elsewhere"))


def test_the_wheel_holds_one_name_all_data_and_the_core_but_no_sources(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        metadata = message_from_string(archive.read(f"docbin-{PROJECT['version']}.dist-info/METADATA").decode())
        scripts = archive.read(f"docbin-{PROJECT['version']}.dist-info/entry_points.txt").decode()
    assert {name.split("/")[0] for name in names} == {"docbin", *(f"docbin-{PROJECT['version']}.{part}" for part in ("dist-info", "data"))}
    manual = {name.rsplit("/", 1)[1] for name in names if "/share/man/man1/" in name}
    assert manual == {path.name for path in (CHECKOUT / "docs" / "man").glob("*.1")}
    assert {name for name in names if ".data/" in name and "/share/man/man1/" not in name} == set()
    sources = {name for name in names if name.endswith((".cpp", ".hpp", ".h")) or "/csrc/" in name}
    assert sources == {"docbin/nets/native/kernels.cpp"}  # compiled on the machine that trains
    assert len([name for name in names if name.startswith("docbin/kernels/_core.") and name.endswith((".so", ".pyd"))]) == 1
    for folder, home in DATA.items():
        assert {name.removeprefix(f"{home}/") for name in names if name.startswith(f"{home}/")} == data_files(folder)
    modules = {path.relative_to(CHECKOUT).as_posix() for path in (CHECKOUT / "docbin").rglob("*.py") if "csrc" not in path.parts}
    assert {name for name in names if name.endswith(".py")} == modules
    assert set(metadata.get_all("Provides-Extra", [])) == set(PROJECT["optional-dependencies"])
    assert "docbin = docbin.cli:main" in scripts


def test_the_bill_of_materials_has_every_model_file_with_its_checksum(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        bill = json.loads(archive.read(f"docbin-{PROJECT['version']}.dist-info/sboms/docbin.cdx.json"))
        models = {part["name"]: part for part in bill["components"] if part["type"] == "machine-learning-model"}
        there = {
            name.split("/")[3] for name in archive.namelist() if name.startswith("docbin/zoo/models/") and name.endswith("/config.toml")
        }
        assert set(models) == there
        for name, part in models.items():
            for file in part["components"]:
                digest = hashlib.sha256(archive.read(f"docbin/zoo/models/{name}/{file['name']}")).hexdigest()
                assert file["hashes"] == [{"alg": "SHA-256", "content": digest}]
    assert bill["metadata"]["component"]["version"] == PROJECT["version"]


def test_the_wheel_is_no_larger_than_it_is_allowed_to_be(wheel: Path) -> None:
    assert wheel.stat().st_size < 25_000_000


def test_no_library_of_the_default_install_is_under_the_gpl() -> None:
    """All that a plain ``pip install docbin`` brings, by what the installed distributions say of themselves."""
    brought = default_install()
    for name, installed in brought.items():
        told = installed.metadata
        classified = [line for line in told.get_all("Classifier", []) if line.startswith("License ::")]
        words = " ".join([told.get("License-Expression") or "", (told.get("License") or "").split("\n")[0], *classified])
        assert words.strip(), f"{name} does not say its licence"
        free = re.sub(r"LGPL|Lesser General Public|Library or Lesser|GCC-exception|WITH GCC", "", words)
        assert not re.search(r"GPL|General Public License", free), f"{name}: {words}"
    assert {"numpy", "pillow"} <= set(brought)


def test_one_wheel_serves_every_python_that_has_the_stable_abi(wheel: Path) -> None:
    python, abi, platform = wheel.stem.split("-")[2:]
    if sys.version_info >= (3, 12) and sys.implementation.name == "cpython" and "t" not in getattr(sys, "abiflags", ""):
        assert (python, abi) == ("cp312", "abi3")
    else:
        assert python == f"cp{sys.version_info.major}{sys.version_info.minor}"
    assert platform != "any"


def test_the_wheel_works_outside_the_checkout(installed: Path, knows: dict[str, object]) -> None:
    assert Path(str(knows["file"])).is_relative_to(installed.parent.parent)
    assert knows["version"] == PROJECT["version"]
    assert knows["levels"] == list(kernels.levels())
    assert knows["data"] == {folder: sorted(entry.name for entry in (CHECKOUT / folder).iterdir()) for folder in DATA}


def test_the_command_is_installed_and_says_its_version(installed: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [installed.parent / "docbin", "--version"], capture_output=True, text=True, cwd=tmp_path, env=environment(), check=False
    )
    assert done.returncode == 0, done.stderr
    assert PROJECT["version"] in done.stdout


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="links libraries into an environment")
def test_where_there_is_no_torch_a_packed_model_and_the_default_method_binarize(wheel: Path, tmp_path: Path) -> None:
    python = bare_environment(tmp_path / "env")
    pip("install", "--no-deps", "--no-index", wheel, python=python)
    look = "import importlib.util as u; print([n for n in ('torch', 'onnxruntime', 'openvino', 'pytest', 'docbin') if u.find_spec(n)])"
    found = subprocess.run([python, "-c", look], capture_output=True, text=True, check=True, cwd=tmp_path, env=environment())
    assert found.stdout.strip() == "['docbin']"
    page, _ = text_page((300, 400))
    Image.fromarray(page).save(tmp_path / "page.png")
    folder = graphs.folder(tmp_path / "bits")
    for words in (["-m", folder, "-o", "bits.png"], ["-o", "default.png"]):
        command = [python.parent / "docbin", "binarize", "page.png", *words]
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment(), check=False)
        assert done.returncode == 0, done.stderr
    with Image.open(tmp_path / "bits.png") as ink:
        assert np.array_equal(~np.asarray(ink), engine.ink(graphs.graph(), page))
    with Image.open(tmp_path / "default.png") as ink:
        assert np.array_equal(~np.asarray(ink), docbin.binarize(page))


def test_an_editable_install_works_outside_the_checkout(tmp_path: Path) -> None:
    pytest.importorskip("scikit_build_core", reason="an editable install without a network needs the build requirements of docbin[dev]")
    python = fresh_environment(tmp_path / "env")
    pip("install", "--no-build-isolation", "--no-deps", "--no-index", "--ignore-installed", "-e", CHECKOUT, python=python)
    told = ask(python, tmp_path)
    assert Path(str(told["file"])) == CHECKOUT / "docbin" / "__init__.py"
    assert told["levels"] == list(kernels.levels())
    assert told["data"] == {folder: sorted(entry.name for entry in (CHECKOUT / folder).iterdir()) for folder in DATA}


def test_without_a_compiler_the_build_is_slower_but_gives_the_same_bits(knows: dict[str, object], tmp_path: Path) -> None:
    missing = str(tmp_path / "no-compiler-here")
    said = pip(
        "wheel", "-v", "--no-build-isolation", "--no-deps", "--no-index", "-w", tmp_path, "-C", f"build-dir={tmp_path}/build", CHECKOUT,
        CC=missing, CXX=missing,
    )  # fmt: skip
    assert "built WITHOUT its compiled core" in said
    (plain,) = tmp_path.glob("docbin-*.whl")
    assert plain.name == f"docbin-{PROJECT['version']}-py3-none-any.whl"
    told = ask(install(plain, tmp_path / "plain"), tmp_path)
    assert told["levels"] == ["numpy"] != knows["levels"]
    assert told["inks"] == knows["inks"]


def test_a_build_that_must_have_the_core_fails_without_a_compiler(tmp_path: Path) -> None:
    missing = str(tmp_path / "no-compiler-here")
    said = pip(
        "wheel", "--no-build-isolation", "--no-deps", "--no-index", "-w", tmp_path, "-C", f"build-dir={tmp_path}/build", CHECKOUT,
        CC=missing, CXX=missing, DOCBIN_REQUIRE_CORE="1", check=False,
    )  # fmt: skip
    assert list(tmp_path.glob("*.whl")) == []
    assert "CMake configuration failed" in said


@pytest.mark.slow
def test_the_source_archive_builds_and_its_tests_pass_in_it(tmp_path: Path) -> None:
    """A few test files stand for all: they ask for files of every part of the checkout."""
    pytest.importorskip("build", reason="needs docbin[dev]")
    command = [sys.executable, "-m", "build", "--sdist", "--no-isolation", "-o", str(tmp_path), str(CHECKOUT)]
    subprocess.run(command, check=True, capture_output=True, env=environment())
    (archive,) = tmp_path.glob("docbin-*.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(tmp_path, filter="data")
    source = tmp_path / archive.name.removesuffix(".tar.gz")
    assert {entry.name for entry in source.iterdir()} >= {"LICENSE", "README.md", "CMakeLists.txt", "pyproject.toml", "models", "datasets"}
    assert build_wheel(source, tmp_path, DOCBIN_REQUIRE_CORE="1").exists()
    tests = ["test_release.py", "test_github.py", "test_commands.py", "test_typed_config.py", "metrics"]
    command = [sys.executable, "-m", "pytest", "-q", *(f"tests/{name}" for name in tests)]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, env=environment())
    assert done.returncode == 0, done.stdout + done.stderr


def test_import_is_quick_and_light() -> None:
    seconds = []
    for _ in range(7):
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", "import sys, docbin; print(*sys.modules)"], capture_output=True, text=True, check=True, env=environment()
        )
        seconds.append(time.perf_counter() - start)
    assert (
        set(done.stdout.split()) & {"torch", "cv2", "skimage", "PIL", "scipy", "typer", "rich", "pypdfium2", "pikepdf", "safetensors"}
        == set()
    )
    assert min(seconds) < 0.2, f"the interpreter's start and `import docbin` took {min(seconds):.3f} s at best"


def test_the_default_install_asks_for_no_torch_and_no_gpl() -> None:
    names = {Requirement(line).name.lower() for line in PROJECT["dependencies"]}
    assert names & {"torch", "torchvision", "pymaxflow", "segmentation-models-pytorch", "onnxruntime"} == set()


def further(name: str) -> list[SpecifierSet]:
    """What the installed packages ask of one that pyproject.toml does not name."""
    lines = [line for package in distributions() for line in package.requires or () if "extra ==" not in line]
    return [requirement.specifier for requirement in map(Requirement, lines) if requirement.name == name]


def test_pinned_versions_are_allowed_by_the_requirements() -> None:
    wanted = [Requirement(line) for lines in (PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()) for line in lines]
    lines = (CHECKOUT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if line.strip() and not line.startswith("#"))
    assert {"torch", "torchvision"} <= set(pins)
    for name, version in pins.items():
        specifiers = [requirement.specifier for requirement in wanted if requirement.name == name] or further(name)
        assert specifiers, f"constraints.txt pins {name}, which nothing here asks for"
        assert all(version in specifier for specifier in specifiers), f"{name}=={version} against {specifiers}"


def test_the_build_requirements_stand_in_dev_too() -> None:
    system = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]["requires"]
    assert set(system) <= set(PROJECT["optional-dependencies"]["dev"])


def test_contributing_says_why_each_dependency_is_there() -> None:
    table = (CHECKOUT / "CONTRIBUTING.md").read_text(encoding="utf-8").split("## Why each dependency is there")[1].lower()
    build = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]["requires"]
    for line in (*build, *PROJECT["dependencies"], *(line for lines in PROJECT["optional-dependencies"].values() for line in lines)):
        name = Requirement(line).name.lower()
        assert name == "docbin" or name in table, f"CONTRIBUTING.md does not say why docbin needs {name}"
