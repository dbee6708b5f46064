"""Runs packed 1-bit networks on pages: file format, op graph, tiling. Knows nothing of torch.

``read(path)`` gives a checked :class:`Graph`; ``ink(graph, page)`` and ``logits(graph, page)`` run it.
"""

from docbin.engine.graph import Graph, Node
from docbin.engine.packed import dumps, loads, read
from docbin.engine.run import ink, logits, profile

__all__ = ["Graph", "Node", "dumps", "ink", "loads", "logits", "profile", "read"]
