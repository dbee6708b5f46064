"""Words in pictures: a detector's probability map to outlines in reading order, and a detector of the zoo as a callable.

>>> from docbin import detection
>>> find = detection.load("dbnet")                                                     # doctest: +SKIP
>>> [word.polygon for word in find(picture)]                                           # doctest: +SKIP

(The room is not called ``detect``: importing a submodule ``docbin.detect`` would replace the public function of that name.)
"""

from __future__ import annotations

from docbin.detection.detector import Detector, load
from docbin.detection.regions import find_words
from docbin.detection.rules import Rules
from docbin.word import Word

__all__ = ["Detector", "Rules", "Word", "find_words", "load"]
