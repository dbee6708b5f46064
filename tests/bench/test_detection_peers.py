"""Detectors side by side: the same counting for all, how pictures are prepared for PP-OCR, and its files where they are installed."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from docbin.bench import detection_peers
from docbin.bench.detection_peers import PEERS, Peer, compare, open_peer, prepared, show
from docbin.detection import Word
from docbin.errors import MissingExtra
from docbin.page import Image


def box(left: float, top: float, right: float, bottom: float) -> np.ndarray:
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)


def finder(*outlines: np.ndarray) -> detection_peers.Find:
    def find(image: Image) -> Sequence[Word]:
        return [Word(outline, score=0.9) for outline in outlines]

    return find


def test_lines_fail_by_word_and_earn_four_fifths_by_parts(load_script: Callable[[str], Any]) -> None:
    words = [box(0, 0, 50, 12), box(55, 0, 100, 12), box(0, 50, 90, 80)]
    pictures = [(np.zeros((100, 100, 3), np.uint8), words, [False] * 3)]
    of_words, of_lines = compare(
        [("words", finder(*words), 1_000_000), ("lines", finder(box(0, 0, 100, 12), words[2]), 2_000_000)], pictures
    )
    assert of_words.by_word.scores().f == of_words.by_part.scores().f == 100
    assert (of_words.small, of_lines.small) == ((2, 2), (2, 0))
    assert (of_lines.by_word.found_right, of_lines.by_word.truths_found) == (1, 1)
    assert (of_lines.by_part.found_right, of_lines.by_part.truths_found) == pytest.approx((1.8, 2.6))
    told = show([of_words, of_lines])
    assert "| words | 100.0 | 100.0 | 100.0 | 100.0 | 3 | 100.0 |" in told
    assert "| lines | 50.0 | 33.3 | 40.0 | 0.0 | 2 |" in told
    assert "1 pictures, 3 words that count" in told
    kept = json.loads(json.dumps([dataclasses.asdict(row) for row in (of_words, of_lines)]))
    assert [detection_peers.Standing.from_json(row) for row in kept] == [of_words, of_lines]
    assert load_script("make_tables").render(kept) == told


def test_pictures_are_prepared_as_rapidocr_prepares_them() -> None:
    image = np.zeros((320, 640, 3), np.uint8)
    image[..., 0] = 255  # red
    peer = Peer("a", "nowhere", "a.onnx", least_side=736)
    given = prepared(image, peer)
    assert given.shape == (1, 3, 736, 1472)
    assert given[0, :, 0, 0].tolist() == [-1, -1, 1]  # blue, green, red
    assert prepared(np.full((800, 1000), 255, np.uint8), peer).shape == (1, 3, 800, 992)  # large enough already; multiples of 32
    with pytest.raises(MissingExtra, match="nowhere is not installed; run: pip install --no-deps nowhere"):
        open_peer(peer)


@pytest.mark.slow
@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_the_peers_find_a_line_of_print(peer: Peer) -> None:
    import cv2

    pytest.importorskip("onnxruntime")
    try:
        find = open_peer(peer, threads=1)
    except MissingExtra as error:
        pytest.skip(str(error))
    image = np.full((300, 600, 3), 235, np.uint8)
    cv2.putText(image, "TRADITIONAL", (80, 170), cv2.FONT_HERSHEY_DUPLEX, 2.0, (20, 20, 20), 4, cv2.LINE_AA)
    (word,) = find(image)
    assert (word.polygon.min(0) > (50, 90)).all()
    assert (word.polygon.max(0) < (560, 210)).all()
