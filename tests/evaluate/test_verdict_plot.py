"""The scatter plot of verdicts beside truths."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from docbin.evaluate.verdict_plot import Point, scatter


def test_every_result_is_a_point_where_it_belongs() -> None:
    text = scatter([Point("a<b", "su", 90.0, 80.0, ("specks",)), Point("c", "otsu", 60.0, 100.0)])
    drawing = ElementTree.fromstring(re.search(r"<svg viewBox=\"0 0.*?</svg>(?=<figcaption)", text, re.S)[0])  # type: ignore[index]
    titles = {mark.find("title").text: mark for mark in drawing if mark.find("title") is not None}  # type: ignore[union-attr]
    assert set(titles) == {"a<b, su: FM 90.0, expected 80.0; specks", "c, otsu: FM 60.0, expected 100.0"}
    circle = titles["a<b, su: FM 90.0, expected 80.0; specks"]
    frame = drawing[0].attrib
    left, top, side = float(frame["x"]), float(frame["y"]), float(frame["width"])
    assert float(circle.attrib["cx"]) == left + side * 0.75  # from 60 to 100
    assert float(circle.attrib["cy"]) == top + side * 0.5
    assert "off by 25.0 points of F-measure in the mean of 2 results" in text


def test_no_results_no_plot() -> None:
    assert scatter([]) == ""
