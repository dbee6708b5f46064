"""What decides which words are found."""

from __future__ import annotations

from dataclasses import dataclass

from docbin.errors import UsageError

SHAPES = ("quad", "polygon")


@dataclass(frozen=True, slots=True)
class Rules:
    """From a probability map to words.

    Attributes
    ----------
    threshold : a pixel belongs to a kernel where its probability is at least this, 0..1
    score : a kernel is a word where its mean probability is at least this, 0..1
    unclip : a kernel grows by area * unclip / perimeter; 0 undoes the shrinking of training exactly
    shrink : the shrink ratio of training, for unclip = 0
    least : shortest side of a kernel, pixels of the map
    most : how many kernels are looked at, the largest first
    shape : "quad" for rotated rectangles, "polygon" for outlines of any form
    """

    threshold: float = 0.3
    score: float = 0.6
    unclip: float = 0.0
    shrink: float = 0.4
    least: float = 2.0
    most: int = 1000
    shape: str = "quad"

    def __post_init__(self) -> None:
        """Refuse what lies outside the ranges above."""
        for name, low, high in (("threshold", 0, 1), ("score", 0, 1), ("unclip", 0, 100), ("least", 0, 1e6), ("most", 1, 100_000)):
            value = getattr(self, name)
            if not low <= value <= high:
                raise UsageError(f"words: {name}={value:g}: allowed is {low:g} to {high:g}")
        if not 0 < self.shrink < 1:
            raise UsageError(f"words: shrink={self.shrink:g}: a number between 0 and 1 is wanted")
        if self.shape not in SHAPES:
            raise UsageError(f"words: shape={self.shape!r}: choose one of {', '.join(SHAPES)}")
