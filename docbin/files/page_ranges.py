"""Page choices as people write them: ``1-3,7,9-``."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from docbin.errors import UsageError

_PART = re.compile(r"(\d{1,9})(\s*-\s*(\d{1,9})?)?", re.ASCII)
_WANTED = "wanted are page numbers and ranges from 1, such as 1-3,7,9-"


@dataclass(frozen=True, slots=True)
class PageRanges:
    """Chosen pages: closed ranges (first, last), last None for "to the end"."""

    ranges: tuple[tuple[int, int | None], ...]

    def __contains__(self, number: int) -> bool:
        return any(first <= number and (last is None or number <= last) for first, last in self.ranges)

    def numbers(self, count: int, name: str) -> list[int]:
        """The chosen page numbers of a file with `count` pages, in the order asked for, each once; one beyond the end is a UsageError."""
        numbers: list[int] = []
        taken = bytearray(count + 2)  # finding a page that is still free skips a range that was taken as fast as memory is read
        for first, last in self.ranges:
            _check_end(max(first, last or 0), count, name)
            end = (last or count) + 1
            number = taken.find(0, first, end)
            while number >= 0:
                taken[number] = 1
                numbers.append(number)
                number = taken.find(0, number + 1, end)
        return numbers


def _check_end(number: int, count: int, name: str) -> None:
    if number > count:
        raise UsageError(f"{name}: page {number} was asked for, but the file has {count} page{'s' * (count != 1)}; choose 1 to {count}")


def parse_page_ranges(text: str) -> PageRanges:
    """Read ``1-3,7,9-`` (numbers from 1, closed ranges, an open end) into a :class:`PageRanges`.

    >>> parse_page_ranges("1-3,7,9-").numbers(10, "scan.tif")
    [1, 2, 3, 7, 9, 10]

    Raises
    ------
    UsageError
        Names the part that cannot be read: no number, page 0, a range that runs backwards.
    """
    ranges: list[tuple[int, int | None]] = []
    for part in text.split(","):
        match = _PART.fullmatch(part.strip())
        if match is None:
            raise UsageError(f"pages {text!r}: {part.strip()!r} is no page number or range; {_WANTED}")
        first = int(match[1])
        last = first if match[2] is None else None if match[3] is None else int(match[3])
        if first == 0:
            raise UsageError(f"pages {text!r}: pages count from 1; {_WANTED}")
        if last is not None and last < first:
            raise UsageError(f"pages {text!r}: {part.strip()!r} runs backwards; write {last}-{first}")
        ranges.append((first, last))
    return PageRanges(tuple(ranges))


def chosen_pages(pages: Collection[int] | PageRanges, count: int, name: str) -> list[int]:
    """Page numbers, each once, of ranges in their order, else ascending; checked against the `count` pages of the file `name`."""
    if isinstance(pages, PageRanges):
        return pages.numbers(count, name)
    numbers = sorted(set(pages))
    if numbers and numbers[0] < 1:
        raise UsageError(f"{name}: page {numbers[0]} was asked for; pages count from 1")
    if numbers:
        _check_end(numbers[-1], count, name)
    return numbers
