"""The files of .github: YAML that its schema allows, commands and files that exist, settings that a slip would leave open."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

yaml = pytest.importorskip("yaml")

CHECKOUT = Path(__file__).resolve().parent.parent
WORKFLOWS = sorted((CHECKOUT / ".github" / "workflows").glob("*.yml"))


FORMS = sorted((CHECKOUT / ".github" / "ISSUE_TEMPLATE").glob("[!c]*.yml"))
SCHEMAS = {
    "vendor.github-workflows": WORKFLOWS,
    "vendor.github-issue-forms": FORMS,
    "vendor.github-issue-config": [CHECKOUT / ".github" / "ISSUE_TEMPLATE" / "config.yml"],
    "vendor.dependabot": [CHECKOUT / ".github" / "dependabot.yml"],
    "vendor.citation-file-format": [CHECKOUT / "CITATION.cff"],
}
"""Schemas that check-jsonschema brings, and what has to keep to them."""


def against_schema(schema: str, paths: list[Path]) -> subprocess.CompletedProcess[str]:
    """The files held against a schema; exit code 1 where one does not keep to it."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *map(str, paths)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.skipif(importlib.util.find_spec("check_jsonschema") is None, reason="needs check-jsonschema of docbin[dev]")
@pytest.mark.parametrize("schema", SCHEMAS)
def test_every_file_keeps_to_its_schema(schema: str) -> None:
    assert SCHEMAS[schema]
    done = against_schema(schema, SCHEMAS[schema])
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(importlib.util.find_spec("check_jsonschema") is None, reason="needs check-jsonschema of docbin[dev]")
def test_a_misspelt_key_breaks_the_schema(tmp_path: Path) -> None:
    text = WORKFLOWS[0].read_text(encoding="utf-8")
    (tmp_path / "ci.yml").write_text(text.replace("runs-on:", "run-on:"), encoding="utf-8")
    done = against_schema("vendor.github-workflows", [tmp_path / "ci.yml"])
    assert done.returncode == 1
    assert "run-on" in done.stdout


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def steps(workflow: Any) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_has_limits_and_no_more_rights_than_it_needs(path: Path) -> None:
    workflow = read(path)
    assert workflow["permissions"] == {"contents": "read"}
    for name, job in workflow["jobs"].items():
        assert job["timeout-minutes"] <= 120, name
        assert "write-all" not in str(job.get("permissions")), name
    for step in steps(workflow):
        if "uses" in step:
            assert re.fullmatch(r"[\w-]+/[\w-]+@(v\d+(\.\d+)*|release/v\d+)", step["uses"]), step["uses"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_what_a_workflow_runs_is_there(path: Path) -> None:
    makefile = (CHECKOUT / "Makefile").read_text(encoding="utf-8")
    for step in steps(read(path)):
        for target in re.findall(r"\bmake ([a-z-]+)", step.get("run", "")):
            assert re.search(rf"^[\w \-]*\b{re.escape(target)}\b[\w \-]*:", makefile, re.MULTILINE), target
        for script in re.findall(r"scripts/[\w.]+", step.get("run", "")):
            assert (CHECKOUT / script).is_file(), script


def test_only_a_tag_publishes_and_only_with_every_wheel() -> None:
    workflow = read(CHECKOUT / ".github" / "workflows" / "wheels.yml")
    publish = workflow["jobs"]["publish"]
    assert workflow[True]["push"] == {"tags": ["v*"]}  # YAML's "on" is a truth value
    assert publish["if"] == "github.event_name == 'push'"
    assert set(publish["needs"]) == set(workflow["jobs"]) - {"publish"}
    assert publish["permissions"] == {"id-token": "write"}


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_a_form_has_a_name_and_fields_with_labels(path: Path) -> None:
    form = read(path)
    assert form["name"]
    assert form["description"]
    ids = [field["id"] for field in form["body"] if field["type"] != "markdown"]
    assert len(set(ids)) == len(ids)
    assert all(field["attributes"]["label"] for field in form["body"] if field["type"] != "markdown")
