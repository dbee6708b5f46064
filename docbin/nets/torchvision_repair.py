"""Lets ``import torchvision`` succeed beside a torch that its compiled operators were not built for.

torchvision's wheels hold operators compiled for one torch and one CUDA version. Where they do not load (a CPU-only torch beside the CUDA
wheel is the usual case) torchvision goes on without them, as it should, but for one line: it registers shape functions for its operators
``nms`` and ``qnms``, which were never declared, and the whole import ends in "operator torchvision::nms does not exist". With it go timm
and segmentation-models-pytorch, which want its picture transforms and layers only.

:func:`repair`, called before the first ``import torchvision``, declares those two schemas (no implementation: calling them still fails,
saying so) where the compiled operators do not load, and does nothing where they do.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import torch

SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)

_declared: list[torch.library.Library] = []  # a declaration lives as long as its Library object


def _loads(folder: Path) -> bool:
    """Whether torchvision's compiled operators, in its package `folder`, load into this torch."""
    for library in (*folder.glob("_C*.so"), *folder.glob("_C*.pyd")):
        try:
            torch.ops.load_library(str(library))  # type: ignore[no-untyped-call]
        except (OSError, RuntimeError):
            return False
        return True
    return False


def repair() -> bool:
    """Declare the schemas of torchvision's operators if its own do not load.

    Returns
    -------
    True where they were declared, now or by an earlier call; False where nothing was to be done: torchvision is absent, already imported,
    or healthy.
    """
    if _declared:
        return True
    found = importlib.util.find_spec("torchvision")
    if "torchvision" in sys.modules or found is None or not found.submodule_search_locations:
        return False
    if _loads(Path(found.submodule_search_locations[0])) or hasattr(torch.ops.torchvision, "nms"):
        return False
    library = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
    for schema in SCHEMAS:
        library.define(schema)  # type: ignore[no-untyped-call]
    _declared.append(library)
    return True
