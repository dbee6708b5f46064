"""Errors of a reading against the text: characters and words, in order and as a bag.

*Character error rate*: the least number of insertions, deletions and substitutions that turn the reading into the text (Levenshtein, 1966), over
the text's length; of words the same with words for characters. It may pass 1. On pages of several columns or with notes in the margin it counts the
reading order above all. *As a bag*, no order counts: how many characters (spaces left out) or words one holds more often than the other, the larger
of the two sides, over the text's length; this is what is lost or invented, wherever it stands.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from docbin.errors import MissingExtra


@dataclass(frozen=True, slots=True)
class TextErrors:
    """Errors of one page, as counts; `characters` and `words` are those of the text, `marks` its characters without spaces."""

    character_errors: int
    characters: int
    word_errors: int
    words: int
    bag_character_errors: int
    marks: int
    bag_word_errors: int

    def rates(self) -> dict[str, float]:
        """``cer``, ``wer``, ``bag_cer``, ``bag_wer``: percent of the text's characters or words."""
        return {
            "cer": 100 * self.character_errors / max(1, self.characters),
            "wer": 100 * self.word_errors / max(1, self.words),
            "bag_cer": 100 * self.bag_character_errors / max(1, self.marks),
            "bag_wer": 100 * self.bag_word_errors / max(1, self.words),
        }


def text_errors(reading: str, text: str) -> TextErrors:
    """Errors of a reading against the text, both as they are to be compared (:func:`docbin.benchmarks.text_truth.normalized`).

    Raises
    ------
    MissingExtra
        rapidfuzz is not installed.
    """
    read, wanted = reading.split(), text.split()
    marks_read, marks = "".join(read), "".join(wanted)
    return TextErrors(
        distance(reading, text),
        len(text),
        distance(read, wanted),
        len(wanted),
        bag_distance(marks_read, marks),
        len(marks),
        bag_distance(read, wanted),
    )


def distance(one: Sequence[str], other: Sequence[str]) -> int:
    """Levenshtein's distance of two strings or lists of words; MissingExtra where rapidfuzz is not installed."""
    try:
        from rapidfuzz.distance import Levenshtein
    except ImportError:
        raise MissingExtra("errors of readings need rapidfuzz, which is not installed; run: pip install 'docbin[ocr]'") from None
    return int(Levenshtein.distance(one, other))


def bag_distance(one: Sequence[str], other: Sequence[str]) -> int:
    """The larger of what either holds more often than the other."""
    here, there = Counter(one), Counter(other)
    return max((here - there).total(), (there - here).total())
