"""Quality against time: what becomes a point, which points are the front, and the picture."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest

from docbin.bench import pareto
from docbin.bench.pareto import Point


def scores(**fm: float) -> list[dict[str, Any]]:
    return [
        {"dataset": year, "method": name.replace("_", "-"), "params": {}, "mean": {"fm": value + shift}}
        for name, value in fm.items()
        for year, shift in zip(pareto.YEARS, (-2, -1, 0, 1, 2), strict=True)
    ]


def network(name: str, runtime: str, seconds: float | None, same_ink: float | None = None) -> dict[str, Any]:
    return {"network": name, "runtime": runtime, "cpu_seconds": seconds, "same_ink": same_ink}


def test_points_have_a_time_and_a_score() -> None:
    rows = [
        {"name": "otsu", "ms": 2.0, "peers": {}},
        {"name": "sauvola w15", "ms": 3.0, "peers": {}},  # no method of this name was scored
        {"name": "howe", "ms": 9.0, "peers": {}},  # not scored on every set
        network("bitunet", "docbin avx2", 1.5),
        network("bitunet", "docbin avx512", 0.8),
        network("bitunet", "ONNX Runtime float32", 18.0, 0.999),  # its float twin is no product
        network("unet", "OpenVINO, the CPU's best precision", 4.0),
        network("U-Net, base 16", "OpenVINO INT8", 1.4),  # of random weights
    ]
    incomplete = [row for row in scores(howe=90) if row["dataset"] != "dibco2016"]
    made = pareto.points(rows, scores(otsu=80, bitunet=91, unet=93) + incomplete)
    assert made == [
        Point("otsu", "threshold", 0.002, 80),
        Point("bitunet", "bits", 0.8, 91),
        Point("unet, OpenVINO", "float", 4.0, 93),
    ]


def test_the_front_is_what_nothing_quicker_equals() -> None:
    quick, worse, equal, best = Point("a", "bits", 1, 80), Point("b", "bits", 2, 70), Point("c", "bits", 3, 80), Point("d", "bits", 4, 90)
    assert pareto.front([best, equal, worse, quick]) == [quick, best]
    assert pareto.show([best, equal, worse, quick]).splitlines()[2:] == ["| a | 1.000 | 80.00 |", "| d | 4.000 | 90.00 |"]


def test_the_picture_has_every_point_within_its_frame() -> None:
    of = [Point("a & b", "threshold", 0.002, 80.0), Point("c", "bits", 0.002, 80.1), Point("d", "float", 40.0, 93.0)]
    drawn = ElementTree.fromstring(pareto.figure(of))
    space = "{http://www.w3.org/2000/svg}"
    texts = {text.text: text for text in drawn.iter(f"{space}text")}
    assert {"a & b", "c", "d", "80", "95", "0.001 s", "100 s"} <= texts.keys()
    assert texts["a & b"].get("text-anchor") != texts["c"].get("text-anchor")  # neighbours stand on both sides of their dots
    for circle in drawn.iter(f"{space}circle"):
        assert 0 < float(circle.get("cx", -1)) < float(drawn.get("width", 0))
        assert 0 < float(circle.get("cy", -1)) < float(drawn.get("height", 0))
    far = [*of, Point("niblack", "threshold", 0.003, 36.6)]
    assert pareto.figure(far) == pareto.figure(of)
    assert pareto.show(far).endswith("Below the picture's edge: niblack (36.6).")
    with pytest.raises(ValueError, match="no method has both"):
        pareto.figure([])
