"""Rendered scenes: photographs that never were, full of words whose outlines and pixels are known.

Few labelled street photographs are free, and a detector wants many. Gupta, Vedaldi and Zisserman ("Synthetic data for text localisation in
natural images", CVPR 2016, arXiv 1604.06646) lay words on photographs along estimated depth; here, where no photographs may be at hand, the world
is made up too: malls, streets, shelves, tables, of planes under a pinhole camera (:mod:`.places`), with shops and walls (:mod:`.facades`) and
things made to be read (:mod:`.boards`), of materials that look like text and are none (:mod:`docbin.synth.textures`), photographed badly
(:mod:`.photo_effects`). What is aimed at is the incidental text of ICDAR 2015: small, soft, dim, seen at a slant by a camera that nobody pointed.
Photographs, where they are given, take the place of the made-up world for a share of the scenes.
"""

from __future__ import annotations

from docbin.synth.scene.places import PLACES
from docbin.synth.scene.scene_renderer import VERSION, Scene, SceneSource

__all__ = ["PLACES", "VERSION", "Scene", "SceneSource"]
