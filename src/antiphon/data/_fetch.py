"""Data sets that are downloaded once, checked, and kept in the user's cache."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int

from antiphon.errors import DatasetError


@dataclass(frozen=True)
class Archive:
    """A zip file with recordings, somewhere public."""

    title: str
    url: str
    sha256: str
    folder: str
    pattern: str
    recordings: int
    about: str
    source: str

    def parts(self, fields: Mapping[str, np.ndarray]) -> Int[np.ndarray, " case"]:
        """The official split: recordings 0 to 4 of each digit and speaker are the test part."""
        return np.where(fields["index"].astype(np.int64) < 5, 2, 0)


FETCHED = {
    "spoken-digits": Archive(
        title="Ten digits said by six speakers (speech)",
        url="https://github.com/Jakobovski/free-spoken-digit-dataset/archive/refs/tags/v1.0.10.zip",
        sha256="c680098f5d2355ba7cc4bd8b0ca9e0a24c00ebe3b4c552208889a4d28d4fbc2b",
        folder="free-spoken-digit-dataset-1.0.10/recordings",
        pattern="{label}_{speaker}_{index}",
        recordings=3000,
        about=(
            "Six speakers say the ten digits in English, fifty times each, at 8 kHz. The official split: the "
            "recordings 0 to 4 of each digit and speaker are the test part."
        ),
        source=(
            "Z. Jackson and others (2016), Free Spoken Digit Dataset, v1.0.10, "
            "https://github.com/Jakobovski/free-spoken-digit-dataset (CC BY-SA 4.0)."
        ),
    )
}


def fetchable() -> tuple[tuple[str, str], ...]:
    """The names of the data sets that `fetch` downloads, each with what it is.

    Example:
        >>> [name for name, _ in fetchable()]
        ['spoken-digits']
    """
    return tuple((name, archive.title) for name, archive in FETCHED.items())


def fetch(name: str) -> Path:
    """Download a data set into the user's cache, once, and check that it is what it should be.

    Args:
        name: `"spoken-digits"`.

    Returns:
        The folder of its recordings; `load` takes the name, too.

    Raises:
        DatasetError: The name is unknown, there is no network, or what came is something else.
    """
    archive = _archive(name)
    pooch = _pooch()
    pooch.get_logger().setLevel(logging.WARNING)  # What is said is the caller's to say.
    base = _cache()
    try:
        pooch.retrieve(
            archive.url,
            known_hash=f"sha256:{archive.sha256}",
            fname=f"{name}.zip",
            path=base,
            processor=pooch.Unzip(extract_dir=name),
        )
    except ValueError as error:
        raise DatasetError(
            f"What {archive.url} gave is not the known file: its SHA-256 is another one.",
            f"The SHA-256 {archive.sha256}.",
            "Try again; if it stays so, download it by hand and pass the path of the folder.",
        ) from error
    except OSError as error:  # requests' errors are among them
        raise DatasetError(
            f"The data set {name} could not be downloaded from {archive.url} ({type(error).__name__}).",
            "A network, and room on the disk.",
            "Try again later, or copy the recordings here and pass the path of their folder.",
        ) from error
    return fetched_folder(name)


def fetched_folder(name: str) -> Path:
    """The folder of a data set that was fetched.

    Raises:
        DatasetError: It was not.
    """
    archive = _archive(name)
    folder = _cache() / name / archive.folder
    count = sum(1 for _ in folder.glob("*.wav"))
    if count < archive.recordings:
        raise DatasetError(
            f"The data set {name} is not here yet"
            + (f": {count} of {archive.recordings} recordings." if count else "."),
            f"Its recordings in {folder}.",
            f"Run: antiphon data fetch {name}",
        )
    return folder


def _archive(name: str) -> Archive:
    if name not in FETCHED:
        raise DatasetError(
            f"The data set {name!r} cannot be fetched.",
            f"One of {', '.join(FETCHED)}.",
            "Check the spelling.",
        )
    return FETCHED[name]


def _cache() -> Path:
    return Path(_pooch().os_cache("antiphon")) / "data"


def _pooch() -> Any:
    try:
        import pooch
    except ModuleNotFoundError as error:
        raise DatasetError(
            "Fetching data sets needs the package pooch, which is not installed.",
            "",
            "Run: pip install 'antiphon[audio]'.",
        ) from error
    return pooch
