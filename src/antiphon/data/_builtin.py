"""The built-in data sets: two real ones that come with sktime's files, and three planted ones."""

from __future__ import annotations

import hashlib
import importlib.util
from dataclasses import dataclass, field
from pathlib import Path

from antiphon.data._features import Features
from antiphon.errors import DatasetError


@dataclass(frozen=True)
class Shipped:
    """A data set that an installed package ships as `.ts` files."""

    title: str
    stem: str
    sha256: dict[str, str] = field(repr=False)
    features: Features
    target: str
    description: str
    source: str
    rate_hz: float | None = None


SHIPPED = {
    "japanese-vowels": Shipped(
        title="Which of nine speakers says a Japanese diphthong (speech)",
        stem="JapaneseVowels/JapaneseVowels",
        sha256={
            "TRAIN": "68a430eabd919cc77f40b1f5f3bc0dcafacc1486bca9260785aeb7d262cc78cd",
            "TEST": "b3d41d6a0ca3bcad3afb9ca7d4365382aa51341e2e58bae2a574babdda5b9462",
        },
        features=Features(tuple(f"lpc_{i}" for i in range(1, 13))),
        target="speaker",
        description=(
            "Nine male speakers utter the Japanese vowels /ae/; each frame holds 12 LPC cepstrum "
            "coefficients. The class, 1 to 9, is the speaker. The official split: 30 training utterances "
            "of each speaker, and 24 to 88 test utterances."
        ),
        source=(
            "M. Kudo, J. Toyama and M. Shimbo (1999), Multidimensional curve classification using "
            "passing-through regions, Pattern Recognition Letters 20 (11-13), 1103-1111. UCI Machine "
            "Learning Repository, https://doi.org/10.24432/C5NS47 (CC BY 4.0); read from the files that "
            "sktime ships (BSD-3-Clause)."
        ),
    ),
    "basic-motions": Shipped(
        title="Standing, running, walking or badminton, from a smart watch (motion)",
        stem="BasicMotions/BasicMotions",
        sha256={
            "TRAIN": "8dc43cc6306cb679c888c01e26f91772ac4441a916da43bac8b79734a538b9d6",
            "TEST": "79213102bc6fca1a398ad98ce1185dff0208fa3d1465e687f48288946b0ff8dc",
        },
        features=Features(
            ("acc_x", "acc_y", "acc_z", "gyro_x", "gyro_y", "gyro_z"),
            groups={
                "accelerometer": ("acc_x", "acc_y", "acc_z"),
                "gyroscope": ("gyro_x", "gyro_y", "gyro_z"),
            },
        ),
        target="activity",
        description=(
            "Four students perform four activities with a smart watch: 3-D accelerometer and 3-D gyroscope, "
            "ten seconds at 10 frames a second. Who wore the watch is not in the files. The official split: "
            "40 training and 40 test cases."
        ),
        source=(
            "UEA archive, https://www.timeseriesclassification.com/description.php?Dataset=BasicMotions; "
            "A. Bagnall et al. (2018), The UEA multivariate time series classification archive, "
            "arXiv:1811.00075; read from the files that sktime ships (BSD-3-Clause)."
        ),
        rate_hz=10.0,
    ),
}


def shipped_file(name: str, part: str) -> Path:
    """Find a file of a shipped data set, without importing the package, and check that it is whole.

    Args:
        name: A name in `SHIPPED`.
        part: `"TRAIN"` or `"TEST"`.

    Example:
        >>> shipped_file("basic-motions", "TRAIN").name
        'BasicMotions_TRAIN.ts'
    """
    data = SHIPPED[name]
    spec = importlib.util.find_spec("sktime")
    if spec is None or not spec.submodule_search_locations:
        raise DatasetError(
            f"The data set {name} comes with the package sktime, which is not installed.",
            "An installed sktime.",
            "Run: pip install sktime",
        )
    file = Path(spec.submodule_search_locations[0], "datasets", "data", f"{data.stem}_{part}.ts")
    try:
        content = file.read_bytes()
    except OSError as error:
        raise DatasetError(
            f"The data set {name} is not where sktime ships it: {error}.",
            f"The file {file}.",
            "Install sktime 0.36 or later again.",
        ) from error
    digest = hashlib.sha256(content).hexdigest()
    if digest != data.sha256[part]:
        raise DatasetError(
            f"{file} is not the known file of {name}: its SHA-256 is {digest}.",
            f"The SHA-256 {data.sha256[part]}.",
            "Install sktime again; to use the changed file, pass its path.",
        )
    return file
