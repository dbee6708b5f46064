"""The smallest networks that have everything, for tests that train or package one."""

from __future__ import annotations

from typing import Any

BITUNET: dict[str, Any] = {
    "windows": [3, 7, 9],
    "filters": [32, 64],
    "decoder_filters": [64],
    "narrow": [32],
    "encoder_convs": [1, 1],
    "decoder_convs": [1],
}
UNET: dict[str, Any] = {
    "widths": [8, 16],
    "encoder_blocks": [1, 1],
    "decoder_blocks": [1],
    "dilations": [1],
    "windows": [5],
    "head": 8,
    "depth": True,
    "edge_windows": [3, 7],
    "eye": "",
}
