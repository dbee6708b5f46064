"""Words that look like words: pseudo-text in several scripts from small tables of letter and syllable frequencies.

A rendered page needs the rhythm of writing (word lengths, ascenders and descenders, capitals, figures, commas), not its meaning, so nothing is
downloaded and nothing is quoted. Latin words are syllables (onset, vowel, coda, weighted roughly as in English, German, French and Latin) mixed
with the few short words that make up a third of any text; alphabets without such a table take letters by weight, with vowels between
consonants; Hebrew and Arabic write consonants; Devanagari and Khmer hang a vowel sign on a consonant now and then, which exercises shaping.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from numpy.random import Generator


@dataclass(frozen=True, slots=True)
class Script:
    """How a script's words are made.

    Attributes
    ----------
    sample : its letters
    consonants, vowels : letters, the frequent ones repeated; syllables are consonant + vowel where there are vowels
    capitals : sentences and some words begin with a capital
    rightwards : False for scripts written from right to left
    digits : figures
    common : frequent whole words
    stop, comma : punctuation
    space : between words
    """

    sample: str
    consonants: str
    vowels: str = ""
    capitals: bool = False
    rightwards: bool = True
    digits: str = "0123456789"
    common: tuple[str, ...] = ()
    stop: str = "."
    comma: str = ","
    space: str = " "

    def letters(self) -> str:
        """Everything that a font must be able to draw."""
        return "".join(dict.fromkeys(self.sample + self.consonants + self.digits + self.stop + self.comma))


SCRIPTS: dict[str, Script] = {
    "latin": Script("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPRSTUVW0123456789.,;", "", capitals=True),
    "greek": Script(
        "αβγδεζηθικλμνξοπρσςτυφχψωΑΒΓΔΕΘΛΣ",
        "νννσσστττρρκκππλλμμγδθχφβξζψ",
        "αααεεειιοοοηηυω",
        capitals=True,
        common=("καὶ", "δὲ", "τὸν", "τοῦ", "ἐν", "ὁ", "τῆς"),
    ),
    "cyrillic": Script(
        "абвгдежзийклмнопрстуфхцчшщыьэюяАБВГД",
        "ннттссррввллккммддппггбзчхжшц",
        "ооооеееаааииыуяю",
        capitals=True,
        common=("и", "в", "не", "на", "что", "с", "по", "его"),
    ),
    "hebrew": Script(
        "אבגדהוזחטיכלמנסעפצקרשתםןך",
        "יייוווהההללאאררבבשמתנדקעחפטכגצסז",
        rightwards=False,
        common=("את", "של", "על", "כי", "לא", "אל"),
    ),
    "arabic": Script(
        "ابتثجحخدذرزسشصضطظعغفقكلمنهوي",
        "ااااللليينممووررتتبسعدفقكحجشهصطخذضزثغظ",
        rightwards=False,
        digits="٠١٢٣٤٥٦٧٨٩",
        common=("في", "من", "على", "و", "إلى", "عن", "ما"),
        comma="،",
    ),
    "devanagari": Script(
        "अआइईउएकखगघचजटडतथदधनपबभमयरलवशसह",
        "ककतततरररनननसससममयपपववललददहबजगशथधभचखटडघ",
        "ािीेोुूै",
        digits="०१२३४५६७८९",
        common=("के", "में", "है", "की", "से", "और"),
        stop="।",
    ),
    "khmer": Script(
        "កខគឃងចឆជញតថទធនបផពភមយរលវសហអ",
        "ករនតបលសមកពងចជទយវអហថខគធផភ",
        "ាិីុូេែោ",
        digits="០១២៣៤៥៦៧៨៩",
        stop="។",
        comma="",
    ),
    "georgian": Script("აბგდევზთიკლმნოპჟრსტუფქღყშჩცძწჭხჯჰ", "რრსსლლნნმმდდბბვვთთგგკშცხქტზღწჩ", "აააიიეეოუ"),
    "armenian": Script("աբգդեզէըթժիլխծկհձղճմյնշոչպջռսվտրցւփքօֆ", "նննրրրտտկկսսմմլլհվդբզթշյպցք", "աաաեեիիոու", stop="։"),
    "han": Script(
        "的一是在不了有和人这中大为上个国我以要他",
        "的一是在不了有和人中大上我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子",
        digits="一二三四五六七八九十",
        stop="。",
        comma="，",
        space="",
    ),
}
"""The scripts that pages are rendered in, as far as a font for them is there."""


def _list(text: str) -> tuple[str, ...]:
    """Words of a line; "-" stands for the empty one."""
    return tuple(word.strip("-") for word in text.split())


_ONSETS = _list("- - - b c ch d f g h l m n p r s sh st t th v w br cl cr fr gr pl pr qu sp tr k j")
_VOWELS = _list("a a e e e e i i o o u ea ou ie ei au y")
_CODAS = _list("- - - - n n r s t d l m nd nt ng st ll ss rs ck x p f ght ns")
_SHORT = {
    "english": _list("the the of and to a in that is was he for it with as his on be at by I this had not are"),
    "german": _list("der die und in den von zu das mit sich des auf für ist im dem nicht ein eine als"),
    "french": _list("de la le et les des en un du une que est pour qui dans à par il ne je"),
    "latin": _list("et in est non ad cum ut quod qui si ab sed quae ex per de eius"),
}
_ACCENTS = {"german": "äöüß", "french": "ééèêçà", "english": "", "latin": ""}


class Writer:
    """Makes up text in one script (and, for Latin, one language's flavour).

    Parameters
    ----------
    rng : all choices; also draws the language
    script : key of SCRIPTS
    plain : Latin without accents (for a font or a hand that has none)
    """

    def __init__(self, rng: Generator, script: str = "latin", plain: bool = False) -> None:
        self._rng = rng
        self.script = SCRIPTS[script]
        self._latin = script == "latin"
        languages = ("english", "latin") if plain else tuple(_SHORT)
        self._language = languages[int(rng.integers(len(languages)))]
        self._short = tuple(word for word in _SHORT[self._language] if not plain or word.isascii()) if self._latin else self.script.common
        self._start = True

    def word(self) -> str:
        """The next word, with its capital and punctuation; now and then a number."""
        rng, script = self._rng, self.script
        if rng.random() < 0.03:
            return self.number()
        if self._short and rng.random() < 0.36:
            word = self._pick(self._short)
        elif self._latin:
            word = self._syllables()
        else:
            word = self._letters()
        if script.capitals and (self._start or rng.random() < 0.06):
            word = word[0].upper() + word[1:]
        self._start = False
        ending = rng.random()
        if ending < 0.07:
            self._start = True
            return word + script.stop
        return word + script.comma if ending < 0.14 else word

    def words(self, count: int) -> list[str]:
        return [self.word() for _ in range(count)]

    def number(self, most: int = 4) -> str:
        """One to `most` figures."""
        return "".join(self._pick(self.script.digits) for _ in range(int(self._rng.integers(1, most + 1))))

    def title(self) -> str:
        """A few words, each with a capital where the script has them."""
        words = [self._syllables() if self._latin else self._letters() for _ in range(int(self._rng.integers(1, 5)))]
        return (self.script.space or "").join(word.capitalize() if self.script.capitals else word for word in words)

    def _syllables(self) -> str:
        rng = self._rng
        parts = []
        for _ in range(1 + int(rng.binomial(3, 0.38))):
            accents = _ACCENTS[self._language]
            vowel = self._pick(accents) if accents and rng.random() < 0.07 else self._pick(_VOWELS)
            parts.append(self._pick(_ONSETS) + vowel)
        return "".join(parts) + self._pick(_CODAS)

    def _letters(self) -> str:
        rng, script = self._rng, self.script
        length = 1 + int(rng.binomial(6, 0.4))
        if not script.space:
            length = int(rng.integers(4, 12))
        word = ""
        for _ in range(length):
            word += self._pick(script.consonants)
            if script.vowels and rng.random() < 0.62:
                word += self._pick(script.vowels)
        return word

    def _pick(self, choices: Sequence[str]) -> str:
        return choices[int(self._rng.integers(len(choices)))]
