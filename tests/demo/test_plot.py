"""The picture of the benchmarks: what is drawn where, worked out by hand on a few made-up methods."""

from __future__ import annotations

import re

import pytest

from docbin import catalogue
from docbin.benchmarks import shipped_scores
from docbin.demo import parts, plot


def point(method: str, seconds: float, fm: float, family: str = "one") -> plot.Point:
    return plot.Point(method, family, {"fm": fm, "pfm": fm, "psnr": fm / 5, "drd": 100 - fm, "seconds": seconds})


CROWD = [point("fast", 0.001, 80), point("slow", 1.0, 92), point("middle", 0.03, 85), point("beaten", 0.5, 84), point("poor", 0.01, 20)]


def names(svg: str) -> list[str]:
    """The names that are written all the time: the text of a point that is not in what it says when asked."""
    return re.findall(r'<text x="-?14" y="4" text-anchor="(?:start|end)">(\w+)</text>', svg)


def test_the_front_is_what_nothing_beats_in_both() -> None:
    assert [one.method for one in plot.front(CROWD, "fm")] == ["fast", "middle", "slow"]
    assert [one.method for one in plot.front(CROWD, "drd")] == ["fast", "middle", "slow"]
    assert sorted(names(plot.plot(CROWD, "fm"))) == ["fast", "middle", "slow"]


@pytest.mark.parametrize("shape", plot.SHAPES)
@pytest.mark.parametrize("measure", plot.MEASURES)
def test_one_that_is_far_worse_stands_on_the_edge_and_is_told(shape: plot.Shape, measure: str) -> None:
    svg = plot.plot(CROWD, measure, shape)
    places = {
        name: float(down) for name, down in re.findall(r'aria-label="(\w+), one: [^"]*" transform="translate\([\d.]+ ([\d.]+)\)"', svg)
    }
    assert places.keys() == {one.method for one in CROWD}
    assert places["poor"] == max(places.values()) == shape.height - 54
    assert places["slow"] < places["middle"] < places["fast"] < places["poor"]
    assert "on the lower edge: poor" in svg


def test_names_that_would_lie_over_each_other_are_left_out_worst_first() -> None:
    close = [point("beginning", 0.0100, 90.0), point("end", 0.0101, 90.1), point("far", 1.0, 95.0)]
    assert sorted(names(plot.plot(close, "fm"))) == ["end", "far"]


def test_the_best_of_a_column_is_bold() -> None:
    assert parts.best_cells([[1.0, 3.0, 3.0], [1.0, 3.0, 2.0]], [True, False]) == {(1, 1), (2, 1), (0, 2)}
    table = plot.table(CROWD, "fm", "Five")
    assert table.index("slow") < table.index("middle") < table.index("poor")
    assert table.count('class="best"') == 5
    assert '<td class="best">92.00</td>' in table


def test_what_is_shipped_is_drawn_with_every_method_on_every_contest() -> None:
    shipped = shipped_scores.shipped()
    families = {row.name: row.family for row in catalogue.METHODS.values()}
    shown = plot.points(shipped, plot.ALL, families)
    assert {"otsu", "sauvola", "su", catalogue.DEFAULT} <= {one.method for one in shown}
    assert {one.method for one in shown} == {row.method for row in shipped}
    assert plot.plot([], "fm").startswith('<p class="empty">')
