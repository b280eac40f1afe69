"""Files that are either the old one or the new one, whole, whatever happens in between."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from pathlib import Path

from antiphon.errors import OutputError

_ADVICE = {
    errno.ENOENT: ("a folder that exists", "create the folder first, or choose another path"),
    errno.ENOTDIR: ("a folder that exists", "choose a path whose parents are all folders"),
    errno.EACCES: ("a folder that may be written to", "choose another folder or change its permissions"),
    errno.EPERM: ("a folder that may be written to", "choose another folder or change its permissions"),
    errno.EROFS: ("a folder that may be written to", "choose a folder on a disk that is not read-only"),
    errno.ENOSPC: ("free space on the disk", "free some space or choose another disk, then run again"),
    errno.EDQUOT: ("free space in your quota", "free some space or choose another disk, then run again"),
    errno.EISDIR: ("the name of a file", "give the name of a file inside that folder"),
    errno.ENAMETOOLONG: ("a shorter name", "choose a shorter file name"),
}


def write_atomically(path: str | os.PathLike[str], content: bytes | str) -> None:
    """Write a file so that a reader, a crash or a full disk never sees half of it.

    The content goes to a temporary file in the same folder, is flushed to disk, and then takes the place
    of the old file in one step. When anything fails the old file is still there and the temporary one is
    gone. Text is written as UTF-8 with its line ends as they are.

    Args:
        path: The file to write; its folder must exist. A device or pipe is written to directly.
        content: The whole new content.

    Raises:
        OutputError: The folder is missing or may not be written to, the disk is full, or the path is a
            folder.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     target = Path(folder, "note.txt")
        ...     write_atomically(target, "one")
        ...     write_atomically(target, "two")
        ...     target.read_text(), len(list(Path(folder).iterdir()))
        ('two', 1)
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    try:
        mode = _mode_of(path)
        if mode is not None and stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if mode is not None and not stat.S_ISREG(mode):
            _write_directly(path, data)  # /dev/null must never be replaced by a file
        else:
            _replace(Path(os.path.realpath(path)), data, mode)  # through a link, not over it
    except OSError as error:
        expected, advice = _ADVICE.get(
            error.errno or 0, ("a file that can be written", "choose another path, then run again")
        )
        reason = error.strerror or str(error)
        raise OutputError(
            f"Cannot write {os.fspath(path)!r}: {reason}.", f"{expected}.", f"{advice}."
        ) from error


def _mode_of(path: str | os.PathLike[str]) -> int | None:
    try:
        return os.stat(path).st_mode
    except FileNotFoundError:
        return None


def _write_directly(path: str | os.PathLike[str], data: bytes) -> None:
    with open(path, "wb", buffering=0) as stream:
        view = memoryview(data)
        while view:
            view = view[stream.write(view) :]


def _replace(target: Path, data: bytes, mode: int | None) -> None:
    temporary = target.with_name(f".antiphon-{secrets.token_hex(8)}.tmp")
    try:
        with open(temporary, "xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        if mode is not None:
            os.chmod(temporary, stat.S_IMODE(mode))
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
