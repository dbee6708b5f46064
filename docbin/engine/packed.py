"""The file of a packed network: safetensors with the op graph as metadata.

Tensors are named ``<node>.<name>``; bit planes are stored as int64 (safetensors' readers do not all know uint64) and viewed as words. The
metadata key ``docbin``
holds JSON: ``{"format": 2, "nodes": [{"op", "inputs", "attributes"}]}``. Sizes are bounded before anything is allocated by them.
Format 2 added depth levels to ``codes``, format 3 the edge step, format 4 the choice; older files are read as they are.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from docbin.engine.graph import MAX_NODES, Graph, Node, check
from docbin.errors import FileAccessError, InputError
from docbin.typed_config import refuse_device

FORMAT = 4
MAX_BYTES = 64 * 2**20
"""The largest file read; our networks are under 1 MB."""


def dumps(nodes: list[Node]) -> bytes:
    """The file's bytes for a graph (checked first)."""
    from safetensors.numpy import save

    check(nodes, "the graph to be written")
    tensors = {}
    for index, node in enumerate(nodes):
        for name, array in node.tensors.items():
            tensors[f"{index}.{name}"] = np.ascontiguousarray(array.view(np.int64) if array.dtype == np.uint64 else array)
    described = [{"op": node.op, "inputs": list(node.inputs), "attributes": dict(node.attributes)} for node in nodes]
    return bytes(save(tensors, metadata={"docbin": json.dumps({"format": FORMAT, "nodes": described}, separators=(",", ":"))}))


def loads(data: bytes, where: str = "packed network") -> Graph:
    """Read and check a packed network.

    Raises
    ------
    InputError
        Not such a file, damaged, of an unknown format, or a graph that does not hold together.
    """
    return check(nodes_of(data, where, "packed network", "format", FORMAT), where)


def nodes_of(data: bytes, where: str, what: str, key: str, newest: int, first: int = 0) -> list[Node]:
    """The nodes in a file's bytes, not checked yet.

    Parameters
    ----------
    where, what : what messages call this file, and such files
    key, newest : the name of the format's number, and the largest that is read
    first : the number of the first node

    Raises
    ------
    InputError
        Not such a file, damaged, or of an unknown format.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        length = int.from_bytes(data[:8], "little")
        if len(data) > MAX_BYTES or not 2 <= length <= len(data) - 8:
            raise ValueError("its header is cut off")
        header: Any = json.loads(data[8 : 8 + length])
        graph: Any = json.loads(header["__metadata__"]["docbin"])
        if graph[key] not in range(1, newest + 1):
            raise ValueError(f"format {graph[key]!r}, this docbin reads up to {newest}")
        tensors = load(data)
        described = graph["nodes"]
        if not isinstance(described, list) or len(described) > MAX_NODES:
            raise ValueError("its list of nodes is missing or too long")
        nodes = [_node(one, index, tensors) for index, one in enumerate(described, first)]
        if sum(len(node.tensors) for node in nodes) != len(tensors):
            raise ValueError("it holds tensors that belong to no node")
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError, MemoryError) as error:
        raise InputError(f"{where}: not a {what} ({type(error).__name__}: {str(error)[:200]}); export it again") from None
    return nodes


def _node(described: Any, index: int, tensors: dict[str, Any]) -> Node:
    """One node with the tensors that carry its number."""
    prefix = f"{index}."
    own = {name.removeprefix(prefix): array for name, array in tensors.items() if name.startswith(prefix)}
    words = {name: array.view(np.uint64) if array.dtype == np.int64 else array for name, array in own.items()}
    inputs = described["inputs"]
    if not isinstance(described["op"], str) or not isinstance(inputs, list) or not all(type(i) is int for i in inputs):
        raise ValueError(f"node {index} is malformed")
    return Node(described["op"], tuple(inputs), dict(described["attributes"]), words)


def read(path: Path) -> Graph:
    """Read a packed network from a file; FileAccessError where it cannot be opened."""
    return loads(bytes_of(path), str(path))


def bytes_of(path: Path) -> bytes:
    """The bytes of a network's file; FileAccessError where it cannot be opened, InputError where it is larger than any."""
    try:
        refuse_device(path)
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"{path}: {path.stat().st_size} bytes; a packed network has at most {MAX_BYTES}")
        return path.read_bytes()
    except OSError as error:
        raise FileAccessError(f"{path}: cannot be read ({error.strerror}); check that it is there and readable") from None
