"""One machine's part of a batch: ``--shard 3/200`` is the third of two hundred.

A unit belongs to the part that the hash of its name says, not its place in the list, so every machine finds its part without asking any other, and a
list may grow: what was there before stays where it was. Parts may be counted from 1 (1/200 to 200/200) or from 0 (0/200 to 199/200), as job arrays
do either; 0/200 and 200/200 are the same part.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from docbin.errors import UsageError

_INDEX = ("SLURM_ARRAY_TASK_ID", "JOB_COMPLETION_INDEX", "AWS_BATCH_JOB_ARRAY_INDEX", "PBS_ARRAY_INDEX", "SGE_TASK_ID")
"""Environment variables in which a job array's index may stand; the first that is set is taken."""
_COUNT = ("SLURM_ARRAY_TASK_COUNT", "AWS_BATCH_JOB_ARRAY_SIZE", "SGE_TASK_LAST")


@dataclass(frozen=True, slots=True)
class Shard:
    """Part `index` of `count`; equal whichever way parts are counted.

    Raises
    ------
    UsageError
        No parts, or a part outside 0 to `count`.
    """

    index: int
    count: int

    def __post_init__(self) -> None:
        if not (self.count >= 1 and 0 <= self.index <= self.count):
            raise UsageError(f"--shard {self.index}/{self.count}: the part I of I/N is 1 to N (or 0 to N-1), and N at least 1")
        object.__setattr__(self, "index", self.index % self.count)

    @classmethod
    def parse(cls, word: str, environment: Mapping[str, str] | None = None) -> Shard:
        """``3/200``; ``auto/200`` and ``auto`` take the index (and the count) of a job array from the environment.

        Raises
        ------
        UsageError
            Anything else, or an environment that does not say it.
        """
        environment = os.environ if environment is None else environment
        found = re.fullmatch(r"(\d{1,9}|auto)(?:/(\d{1,9}))?", word.strip())
        if found is None or (found[1] != "auto" and found[2] is None):
            raise UsageError(f"--shard {word}: I/N is wanted, such as 3/200, or auto/200 within a job array")
        if found[1] != "auto":
            return cls(int(found[1]), int(found[2]))
        name = next((name for name in _INDEX if environment.get(name, "").isdecimal()), None)
        if name is None:
            raise UsageError(f"--shard {word}: no job array here; none of {', '.join(_INDEX)} is a number in the environment")
        index = int(environment[name])
        if name == "SLURM_ARRAY_TASK_ID":
            index -= int(environment.get("SLURM_ARRAY_TASK_MIN", "0"))
        count = found[2] or next((environment[name] for name in _COUNT if environment.get(name, "").isdecimal()), None)
        if count is None:
            raise UsageError(f"--shard {word}: the environment does not say how many parts there are; give auto/N")
        return cls(index, int(count))

    def holds(self, name: str) -> bool:
        """Whether the unit of this name belongs to this part."""
        return unit_hash(name) % self.count == self.index


def unit_hash(name: str) -> int:
    """64 bits of the SHA-256 of a unit's name: the same on every machine."""
    return int.from_bytes(hashlib.sha256(name.encode(errors="surrogateescape")).digest()[:8], "big")
