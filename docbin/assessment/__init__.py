"""Is a result any good? A verdict on a page and its ink, without a truth: the F-measure to be expected, and what looks wrong, in plain words.

>>> from docbin import assessment
>>> assessment.quality(page, ink)                                                               # doctest: +SKIP
Quality(value=0.62, reasons=('much that looks like writing was left out: 38 strokes of 3 lines, the darkest 1.1 times as dark as the ink',))

(The room is not called ``quality`` because ``docbin.quality()`` is the public function: importing a submodule of that name would replace it.)

The way of a verdict: ``signs`` (what the page shows by itself), ``features`` (what is measured of an ink on it), ``foretold`` (small models
fitted to results whose truth is known, shipped as numbers: ``fitted.npz``), ``reasons`` (sentences), ``verdict``. A verdict only marks: no page
is dropped or failed for it, unless the user asks by ``--min-quality``. (Lines that it tells as lost are looked at again: :mod:`docbin.second_look`.)
"""

from __future__ import annotations

from docbin.assessment.signs import Signs
from docbin.assessment.verdict import Quality, judge, quality, remark

__all__ = ["Quality", "Signs", "judge", "quality", "remark"]
