"""What a judge is: everything of an evaluation that depends on the task, and nothing else.

The runner (:mod:`docbin.evaluate.run`) walks over pages, times the method and keeps what goes wrong; results, tables and reports are written from
what a judge says: how truth is read, what a method is, how an answer is counted, and what the counts of many pages are together. That last step is
the judge's, not a mean taken elsewhere: FM is averaged over pages, precision of words is that of all words together.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from docbin.assessment import Quality
from docbin.benchmarks.descriptors import Benchmark, PagePair
from docbin.benchmarks.ink_truth import read_picture
from docbin.page import Image
from docbin.registry import Row

Truth = TypeVar("Truth")
Answer = TypeVar("Answer")
Counts = TypeVar("Counts")
Values = Mapping[str, float]
"""Scores by name, as they stand in JSON and CSV; infinite or NaN where a score is so."""


@dataclass(frozen=True, slots=True)
class Column:
    """A score in tables: its heading, decimals, and the factor that brings it to the unit of the heading."""

    heading: str
    decimals: int = 2
    factor: float = 1.0


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture that a judge draws of every page, ``NAME-SUFFIX``.

    Attributes
    ----------
    label : what stands below it
    suffix : end of its file's name
    of_method : False where it shows the page and not what a method made of it
    """

    label: str
    suffix: str
    of_method: bool = True


class Judge(ABC, Generic[Truth, Answer, Counts]):
    """The judge of a task. It crosses to worker processes with every page, so what it holds must pickle."""

    task: ClassVar[str]
    """The task, as descriptors name it."""
    labelled: ClassVar[bool] = True
    """Whether JSON says the task (that of ink, the first there was, does not)."""
    page_word: ClassVar[str] = "page"
    method_word: ClassVar[str] = "method"
    """What tables call a page and a method."""
    fields: ClassVar[tuple[str, ...]]
    """Names of a page's values, in the order of CSV."""
    columns: ClassVar[Mapping[str, Column]]
    """The scores that tables show."""
    ranking: ClassVar[str]
    """The one that ranks pages and methods; larger is better."""
    figures: ClassVar[tuple[Figure, ...]]
    """The pictures that :meth:`draw` writes, in the order that a report shows them."""

    def about(self, benchmark: Benchmark) -> Mapping[str, str]:
        """What else JSON and the table say of how the benchmark is scored."""
        return {}

    @abstractmethod
    def method(self, name: str) -> Row:
        """The row of a method by its name or the path of its model folder; raises what the table of methods does."""

    def picture(self, benchmark: Benchmark, pair: PagePair) -> Image:
        """Read a page."""
        return read_picture(pair.image_path)

    @abstractmethod
    def truth(self, benchmark: Benchmark, pair: PagePair) -> Truth:
        """Read the truth of a page."""

    def doubt(self, truth: Truth) -> str | None:
        """What makes a truth doubtful that can be scored all the same, for a user who made it; None where nothing does."""
        return None

    @abstractmethod
    def answer(self, row: Row, image: Image, params: Mapping[str, Any]) -> Answer:
        """Run a method on a page: what the time is taken of."""

    @abstractmethod
    def counts(self, benchmark: Benchmark, answer: Answer, truth: Truth) -> Counts:
        """Compare; ValueError where the two do not fit."""

    @abstractmethod
    def page_values(self, counts: Counts) -> Values:
        """Scores of one page, by FIELDS."""

    def page_labels(self, counts: Counts) -> Mapping[str, str]:
        """What else JSON says of a page, in words."""
        return {}

    @abstractmethod
    def total(self, counts: Sequence[Counts]) -> Any:
        """Scores of several pages together; at least one."""

    @abstractmethod
    def total_values(self, total: Any) -> Values:
        """What :meth:`total` gave, by name."""

    def without_pages(self) -> Mapping[str, None] | None:
        """What JSON says of the total where no page has scores."""
        return None

    def verdict(self, image: Image, answer: Answer) -> Quality | None:
        """What can be said of an answer without its truth; None for tasks of which nothing is said."""
        return None

    @abstractmethod
    def draw(self, folder: Path, name: str, image: Image, answer: Answer, truth: Truth) -> None:
        """Write the :attr:`figures` of a page; FileAccessError where that fails."""
