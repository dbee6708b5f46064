"""What signs say: names, prices, opening hours, streets, and the few dozen words that hang in every mall.

A detector learns shapes, not language; what matters is the mixture: short words, many capitals, figures with currency and percent signs, words and
figures in one line. Names are the pseudo-words of :mod:`docbin.synth.pseudo_text`.
"""

from __future__ import annotations

from collections.abc import Sequence

from numpy.random import Generator

from docbin.synth.pseudo_text import Writer


def _list(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_COMMON = _list(
    "sale new open closed exit entrance welcome cafe bar food hotel bank shop market bakery pharmacy clinic school library parking taxi "
    "bus stop station platform toilet lift stairs way out push pull no smoking danger keep clear caution wet floor fire hose private "
    "staff only please queue here pay self service cash card free gift offer save buy get best price special today menu breakfast lunch "
    "dinner coffee tea juice fresh fish rice chicken beef noodles soup pizza burger ice cream fashion shoes bags beauty hair spa health "
    "sport travel tours books music toys home living kids men women baby level lobby tower plaza centre city park garden road street "
    "avenue lane drive north south east west gate terminal arrivals departures customer enquiry information lost found security police "
    "fire hospital dental optical watch gold mobile phone computer camera electronics repair laundry florist express super mini mega "
    "big more less than all day up to off from the of and for your you we at in on with is to our now only "
)

_STREETS = ("Rd", "Road", "St", "Street", "Ave", "Lane", "Drive", "Walk", "Way", "Place", "Sq", "Blvd", "Quay", "Hill", "Link")
_MONEY = ("$", "$", "$", "€", "£", "¥", "RM", "S$", "US$")
_CASES = ("upper", "upper", "upper", "title", "title", "title", "lower")

KINDS: tuple[tuple[str, float], ...] = (
    ("name", 0.34),
    ("common", 0.34),
    ("price", 0.08),
    ("number", 0.06),
    ("street", 0.05),
    ("hours", 0.04),
    ("phone", 0.04),
    ("address", 0.03),
    ("web", 0.02),
)
"""What a line says, and its share."""


class SignWriter:
    """Makes up lines of signs; all choices come from `rng`. Accents are used, now and then, where they can be drawn (`accented`)."""

    def __init__(self, rng: Generator, accented: bool = False) -> None:
        self._rng = rng
        self._latin = Writer(rng, "latin", plain=bool(rng.random() < 0.85 or not accented))

    def line(self, kind: str | None = None, most: int = 4) -> list[str]:
        """The words of one line, 1 to `most` of them, by `kind` of KINDS or by its share."""
        rng = self._rng
        if kind is None:
            draw = rng.random()
            for name, share in KINDS:
                kind = name
                draw -= share
                if draw < 0:
                    break
        words = getattr(self, f"_{kind}")()[:most]
        case = _CASES[int(rng.integers(len(_CASES)))]
        return [_cased(word, case) for word in words]

    def prose(self, count: int) -> list[str]:
        """Running text."""
        return self._latin.words(count)

    def script(self, script: str, count: int) -> list[str]:
        """Words of any script of ``docbin.synth.pseudo_text.SCRIPTS``, without punctuation; 2 to 6 signs each where no spaces part them."""
        writer = Writer(self._rng, script)
        words = [word.strip(writer.script.stop + writer.script.comma) or writer.number() for word in writer.words(count)]
        if not writer.script.space:
            return [word[: int(self._rng.integers(2, 7))] for word in words]
        return words

    def _pick(self, choices: Sequence[str]) -> str:
        return choices[int(self._rng.integers(len(choices)))]

    def _digits(self, count: int) -> str:
        return "".join(str(figure) for figure in self._rng.integers(0, 10, count))

    def _name(self) -> list[str]:
        count = int(self._rng.choice([1, 1, 1, 2, 2, 3]))
        return self._latin.title().split()[:count]

    def _common(self) -> list[str]:
        return [self._pick(_COMMON) for _ in range(int(self._rng.integers(1, 5)))]

    def _price(self) -> list[str]:
        rng = self._rng
        draw = rng.random()
        if draw < 0.35:
            return [f"{int(rng.integers(1, 10)) * 5 if rng.random() < 0.7 else int(rng.integers(1, 99))}%", "off"]
        sign = self._pick(_MONEY)
        amount = f"{int(rng.integers(1, 200))}.{self._pick(('00', '90', '99', '50', '95', self._digits(2)))}"
        return [sign + amount] if draw < 0.8 else [sign, amount.partition(".")[0]]

    def _number(self) -> list[str]:
        rng = self._rng
        draw = rng.random()
        if draw < 0.5:
            return [self._digits(int(rng.integers(1, 5)))]
        if draw < 0.75:
            return [f"{self._pick('ABCDEFGHLMNST')}{int(rng.integers(1, 40))}"]
        return [f"#{self._digits(2)}-{self._digits(2)}"]

    def _street(self) -> list[str]:
        words = [self._latin.title().split()[0], self._pick(_STREETS)]
        return [*words, str(int(self._rng.integers(1, 13)))] if self._rng.random() < 0.3 else words

    def _hours(self) -> list[str]:
        rng = self._rng
        first, last = int(rng.integers(6, 12)), int(rng.integers(1, 12))
        draw = rng.random()
        if draw < 0.4:
            return [f"{first}am", "-", f"{last}pm"]
        if draw < 0.7:
            return [f"{first}:{self._pick(('00', '30'))}", "to", f"{last + 12}:00"]
        return [self._pick(("Mon", "Tue", "Sat", "Daily")), "-", self._pick(("Fri", "Sun")), f"{first}-{last}"]

    def _phone(self) -> list[str]:
        words = [self._digits(4), self._digits(4)]
        return [self._pick(("Tel:", "Tel", "Call", "+65", "HP:")), *words] if self._rng.random() < 0.6 else words

    def _address(self) -> list[str]:
        return [str(int(self._rng.integers(1, 900))), *self._street()]

    def _web(self) -> list[str]:
        name = self._latin.title().split()[0].lower()
        return [f"www.{name}.com" if self._rng.random() < 0.7 else f"{name}@{self._pick(_COMMON)}.com"]


def _cased(word: str, case: str) -> str:
    if case == "upper":
        return word.upper()
    return word[:1].upper() + word[1:] if case == "title" else word
