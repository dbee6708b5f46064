"""The verdict on a result: what :mod:`docbin.assessment.foretold` foretells and :mod:`docbin.assessment.reasons` says of it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

from docbin.assessment import reasons
from docbin.assessment.features import Measured, measure
from docbin.assessment.foretold import bounds, foretell
from docbin.assessment.signs import Signs
from docbin.page import Image, Mask, check_image, check_mask, to_grey


@dataclass(frozen=True, slots=True)
class Quality:
    """A verdict on a result.

    Attributes
    ----------
    value : F-measure that is to be expected, 0..1
    reasons : what looks wrong, in plain words; empty where nothing does
    """

    value: float
    reasons: tuple[str, ...] = ()

    @property
    def suspect(self) -> bool:
        """Whether somebody should look at the result."""
        return bool(self.reasons)

    @property
    def grave(self) -> bool:
        """Whether a reason is one of :data:`docbin.assessment.reasons.GRAVE`: writing may be lost, or this is no page of text."""
        return any(reason.startswith(reasons.GRAVE) for reason in self.reasons)


def judge(page: Signs, ink: Mask) -> Quality:
    """The verdict on an ink, bool (H, W), of a page of dark writing on light paper; for several inks of one page, which is then looked at once."""
    if not ink.any():
        value, said = reasons.without_ink(page)
        return Quality(value, tuple(said))
    return verdict_of(page, ink, measure(page, ink))


def verdict_of(page: Signs, ink: Mask, measured: Measured) -> Quality:
    """The verdict on an ink of which there is at least a pixel, by what was measured of it."""
    foretold = foretell(measured)
    return Quality(round(foretold.fm / 100, 4), tuple(reasons.tell(page, ink, measured, foretold, bounds())))


def remark(image: Image, ink: Mask) -> Quality | None:
    """:func:`judge` on a page, uint8 (H, W) or (H, W, 3), for whoever must not fail for it: where it fails (memory ran out, a bug), a warning and
    None."""
    try:
        return judge(Signs(to_grey(image)), ink)
    except Exception as error:
        warnings.warn(f"no verdict on the result: {type(error).__name__}: {error}", stacklevel=2)
        return None


def quality(image: Image, ink: Mask) -> Quality:
    """The verdict on the ink of a page; see :func:`docbin.quality`."""
    from docbin.polarity import upright

    image, ink = check_image(image), check_mask(ink, "ink")
    if ink.shape != image.shape[:2]:
        raise ValueError(f"ink: the page's shape {image.shape[:2]} is wanted, got {ink.shape}")
    return judge(Signs(to_grey(upright(image, "auto")[0])), ink)
