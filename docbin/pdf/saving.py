"""Saving a pikepdf document so that a full disk is an error and not the end of the process.

qpdf writes its last buffers while it cleans up; an exception there (a disk that is full, a file over the size limit) ends the whole program. So the
stream that it is given takes everything, keeps the first error to itself, and that is raised when qpdf is done.
"""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any, BinaryIO


class _Uncomplaining(io.RawIOBase):
    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.error: OSError | None = None

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return False

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def write(self, data: Any, /) -> int:
        if self.error is None:
            try:
                self._stream.write(data)
            except OSError as error:
                self.error = error
        return memoryview(data).nbytes


def save(pdf: Any, path: Path, **options: Any) -> None:
    """``pdf.save(path, **options)``; streams are left as they are unless the options say otherwise.

    Raises
    ------
    OSError
        It cannot be written; what stands under `path` then is no PDF.
    """
    with path.open("wb") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of fields that no form lists: they are as they were
        stream = _Uncomplaining(file)
        pdf.save(stream, **({"compress_streams": False} | options))
        if stream.error is not None:
            raise stream.error
