"""The method table: parsing of parameters and the contract that every row keeps."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

import docbin
from docbin import catalogue
from docbin.catalogue import Method
from docbin.errors import MissingExtra, UsageError
from docbin.page import to_grey
from docbin.registry import Param

ROW = Method(
    "demo",
    "family",
    "a row",
    "nobody",
    "x:y",
    params=(Param("window", 25, "side, pixels", min=3, max=99, odd=True), Param("k", 0.2, "weight")),
)


def test_defaults_are_overridden_by_what_is_given() -> None:
    assert ROW.parse({"window": "31"}) == {"window": 31, "k": 0.2}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"window": "30"}, "odd number is wanted, for instance 31"),
        ({"window": "1"}, "allowed is 3 to 99"),
        ({"window": "2.5"}, "whole number"),
        ({"k": "nan"}, "finite"),
        ({"k": "abc"}, "a number is wanted"),
        ({"radius": 3}, "no parameter 'radius'; it has window, k"),
    ],
)
def test_a_wrong_parameter_names_method_value_and_way_out(given: dict[str, object], says: str) -> None:
    with pytest.raises(UsageError, match="demo") as caught:
        ROW.parse(given)
    assert says in str(caught.value)


def test_importing_the_table_leaves_the_public_function_alone() -> None:
    assert isinstance(docbin.methods(), list)


def test_an_unknown_method_suggests_near_names() -> None:
    with pytest.raises(UsageError, match="does not exist"):
        catalogue.get("sauvolla")


def test_a_path_that_is_no_model_folder_is_called_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such model folder; check the path"):
        catalogue.get(str(tmp_path / "runs" / "new"))
    with pytest.raises(MissingExtra, match=r"the folder has no config.toml"):
        catalogue.get(str(tmp_path))


def test_methods_that_are_said_to_see_grey_levels_alone_do() -> None:
    rng = np.random.default_rng(3)
    page = np.full((70, 90, 3), (230, 205, 170), np.uint8)
    cv2.putText(page, "grey", (4, 45), cv2.FONT_HERSHEY_COMPLEX, 1.0, (40, 20, 120), 2, cv2.LINE_AA)
    page = np.clip(page + rng.normal(0, 6, page.shape), 0, 255).astype(np.uint8)
    grey = to_grey(page)
    rows = [row for row in catalogue.METHODS.values() if row.grey and row.available]
    assert {"sauvola", "otsu", "bitunet"} <= {row.name for row in rows}
    assert not catalogue.METHODS[catalogue.AUTO].grey
    assert not catalogue.METHODS["unet"].grey
    for row in rows:
        assert np.array_equal(row.binarize(page), row.binarize(grey)), row.name
