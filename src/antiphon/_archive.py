"""One file of several parts: a zip with a manifest that knows the SHA-256 of each.

Reading executes nothing. The sums are against damage; they are no signature.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from antiphon._version import __version__
from antiphon.errors import ModelFileError

TEXT_LIMIT = 64 << 20  # bytes of a part that is text, once unpacked
_MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Archive:
    """A kind of file.

    Attributes:
        mark: The key of the format's number in the manifest.
        format: The newest format that this version reads and writes.
        members: The names of the parts; those that end in `.safetensors` are stored as they are.
        what: What such a file is called.
        maker: What writes it.
        remedy: What to do about a damaged one, besides copying it again.
    """

    mark: str
    format: int
    members: tuple[str, ...]
    what: str
    maker: str
    remedy: str

    def pack(self, members: Mapping[str, bytes]) -> bytes:
        """The content of a file; the same parts are always the same bytes."""
        sums = {name: _digest(data) for name, data in members.items()}
        manifest = json.dumps({self.mark: self.format, "sha256": sums}, indent=1).encode()
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            for name, data in {_MANIFEST: manifest, **members}.items():
                # The same date always: the same parts are the same file.
                entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
                entry.external_attr = 0o644 << 16
                # Arrays stay as they are, so that a small file cannot unpack to a huge one.
                is_text = not name.endswith(".safetensors")
                entry.compress_type = zipfile.ZIP_DEFLATED if is_text else zipfile.ZIP_STORED
                archive.writestr(entry, data)
        return content.getvalue()

    def unpack(self, file: str) -> dict[str, bytes]:
        """The parts of a file, each checked against the manifest.

        Raises:
            ModelFileError: If the file is missing, truncated, changed, foreign or of a newer format.
        """
        try:
            content = Path(file).read_bytes()
        except OSError as error:
            raise ModelFileError(
                f"The {self.what} {file!r} cannot be read: {error.strerror or error}.",
                f"A file that {self.maker} wrote.",
                "Check the path and its permissions.",
            ) from error
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                entries = {entry.filename: entry for entry in archive.infolist()}
                if _MANIFEST not in entries:
                    raise self._foreign(file)
                sums = self._sums(file, self._read(file, archive, entries[_MANIFEST]))
                names = sorted(entry.filename for entry in archive.infolist())
                if names != sorted((_MANIFEST, *self.members)):
                    raise self.damaged(file, f"it holds {', '.join(names)}")
                members = {name: self._read(file, archive, entries[name]) for name in self.members}
        except zipfile.BadZipFile as error:
            if content[:2] != b"PK":
                raise self._foreign(file) from error
            raise self.damaged(file, "it ends too early, or its index is broken") from error
        except (zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
            raise self.damaged(file, str(error)) from error
        for name, data in members.items():
            if _digest(data) != sums.get(name):
                raise self.damaged(file, f"{name} is not what was saved")
        return members

    def damaged(self, file: str, what: str) -> ModelFileError:
        """The error for a file that is not as it was saved."""
        return ModelFileError(
            f"The {self.what} {file!r} is truncated or was changed: {what}.",
            "The file as it was saved.",
            f"Copy it again from where it came, or {self.remedy}.",
        )

    def _foreign(self, file: str) -> ModelFileError:
        return ModelFileError(
            f"{file!r} is no {self.what} of Antiphon.", f"A file that {self.maker} wrote.", "Check the path."
        )

    def _read(self, file: str, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
        if entry.filename.endswith(".safetensors"):
            if entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size:
                raise self.damaged(file, f"{entry.filename} is compressed")
            limit = entry.compress_size
        else:
            limit = TEXT_LIMIT
        with archive.open(entry) as stream:
            data = stream.read(limit + 1)
        if len(data) > limit or entry.file_size > limit:
            raise self.damaged(file, f"{entry.filename} unpacks to more than {limit} bytes")
        return data

    def _sums(self, file: str, manifest: bytes) -> dict[str, str]:
        try:
            found = json.loads(manifest)
            format_, sums = found[self.mark], dict(found["sha256"])
        except (ValueError, KeyError, TypeError) as error:
            raise self._foreign(file) from error
        if not isinstance(format_, int) or format_ > self.format:
            raise ModelFileError(
                f"The {self.what} {file!r} has format {format_}.",
                f"Format {self.format} or older, which Antiphon {__version__} reads.",
                "Update Antiphon: pip install --upgrade antiphon.",
            )
        return sums


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
