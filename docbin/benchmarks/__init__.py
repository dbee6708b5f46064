"""Benchmarks: descriptors of public test sets, readers of their truth (ink, words, masks of lettering), the scores that ship with docbin."""

from __future__ import annotations

from docbin.benchmarks.descriptors import Benchmark, PagePair, data_root_of, load, names, parse
from docbin.benchmarks.ink_truth import ink_of_truth, read_picture, truth_mask
from docbin.benchmarks.word_pictures import read_words

__all__ = ["Benchmark", "PagePair", "data_root_of", "ink_of_truth", "load", "names", "parse", "read_picture", "read_words", "truth_mask"]
