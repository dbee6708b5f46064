"""The bill of materials that a wheel carries (PEP 770, CycloneDX 1.6): what is compiled in, and every file of every model with its SHA-256.

    python docbin/csrc/wheel_sbom.py OUT.json NANOBIND_VERSION

CMake runs it when a wheel is built, so it uses the standard library alone. What pip installs beside docbin is not listed: that is the metadata's
matter, and its versions are not docbin's to know. The same sources give the same file, byte for byte.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tomllib
from pathlib import Path
from typing import Any

HOME = Path(__file__).resolve().parents[2]
NOT_SHIPPED = ("golden.npz",)
"""Files of a model's folder that are for the tests of the repository, and in no wheel."""


def model(folder: Path) -> dict[str, Any]:
    """A model: its licence, and its files with their checksums."""
    config = tomllib.loads((folder / "config.toml").read_text(encoding="utf-8"))
    files = [
        {"type": "file", "name": path.name, "hashes": [{"alg": "SHA-256", "content": hashlib.sha256(path.read_bytes()).hexdigest()}]}
        for path in sorted(folder.iterdir())
        if path.is_file() and path.name not in NOT_SHIPPED
    ]
    return {
        "type": "machine-learning-model",
        "bom-ref": f"model:{folder.name}",
        "name": folder.name,
        "description": config.get("summary", ""),
        "licenses": [{"license": {"id": config.get("licence", "Apache-2.0")}}],
        "components": files,
    }


def bill(nanobind: str) -> dict[str, Any]:
    """The document."""
    table = tomllib.loads((HOME / "pyproject.toml").read_text(encoding="utf-8"))
    project = table["project"]
    compiled = [
        {
            "type": "library",
            "bom-ref": f"pkg:pypi/nanobind@{nanobind}",
            "name": "nanobind",
            "version": nanobind,
            "purl": f"pkg:pypi/nanobind@{nanobind}",
            "licenses": [{"license": {"id": "BSD-3-Clause"}}],
            "description": "the bindings, linked in statically",
        },
        {
            "type": "library",
            "bom-ref": "pkg:github/Tessil/robin-map",
            "name": "robin-map",
            "purl": "pkg:github/Tessil/robin-map",
            "licenses": [{"license": {"id": "MIT"}}],
            "description": "within nanobind",
        },
    ]
    left_out = {
        Path(pattern).parent.name for pattern in table["tool"]["scikit-build"]["wheel"]["exclude"] if pattern.endswith("/config.toml")
    }
    found = (folder for folder in sorted((HOME / "models").iterdir()) if (folder / "config.toml").is_file())
    models = [model(folder) for folder in found if folder.name not in left_out]
    reference = f"pkg:pypi/{project['name']}@{project['version']}"
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "library",
                "bom-ref": reference,
                "name": project["name"],
                "version": project["version"],
                "purl": reference,
                "licenses": [{"license": {"id": project["license"]}}],
            }
        },
        "components": [*compiled, *models],
        "dependencies": [{"ref": reference, "dependsOn": [part["bom-ref"] for part in (*compiled, *models)]}],
    }


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(bill(sys.argv[2]), indent=1) + "\n", encoding="utf-8")
