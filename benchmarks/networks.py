"""Claim: the networks reach on `japanese-vowels` what is published, on the official split.

Each network is fitted with its estimator's defaults (but for the HMM) and five seeds; the median counts. A
row is a process of its own; those that are in `--json` already are not measured again. For comparison 1-NN
with dynamic time warping (tslearn, in the Python of `--peer`). Published: InceptionTime 0.970, WEASEL+MUSE
0.978, KSig 0.986, MiniRocket 0.981-0.989. The CRF tags frames: every frame of a speaker has the speaker's
tag, and a case is given to the tag of most of its frames.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from _record import arguments, write
from _rows import in_a_process, known_rows

from antiphon._engine import configure

HERE = Path(__file__).resolve().parent
SEEDS = 5
MODELS = ("gru", "bigru", "lstm", "bilstm", "cnn", "transformer", "hmm", "crf", "reservoir")


def main() -> None:
    """Measure, and write after each row."""
    options = arguments(__doc__, peer="", models=",".join(MODELS), seeds=SEEDS, row="")
    if options.row:
        print(json.dumps(measure(json.loads(options.row))))
        return
    rows = known_rows(options.json)
    plans = [{"model": m, "seed": seed} for m in options.models.split(",") for seed in range(options.seeds)]
    for plan in plans:
        if not any(plan.items() <= row.items() for row in rows):
            rows.append({**plan, **in_a_process(plan)})
            save(rows, options.json)
    if options.peer and not any(row["model"] == "1-nn dtw" for row in rows):
        rows.append({"model": "1-nn dtw", "seed": 0, **dtw(options.peer)})
        save(rows, options.json)
    print(json.dumps(medians(rows), indent=2))


def save(rows: list[dict[str, Any]], path: Path | None) -> None:
    """All that is known so far."""
    if path is not None:
        write("networks", {"data": "japanese-vowels", "median": medians(rows), "rows": rows}, path)


def medians(rows: list[dict[str, Any]]) -> dict[str, float]:
    """The median accuracy of each model."""
    by_model = {row["model"]: [r["test"] for r in rows if r["model"] == row["model"]] for row in rows}
    return {model: float(np.median(scores)) for model, scores in by_model.items()}


def model_of(name: str, seed: int) -> Any:
    """The estimator of a row, with its defaults."""
    from antiphon.estimators import (
        CRFTagger,
        HMMClassifier,
        NetworkClassifier,
        RecurrentClassifier,
        ReservoirClassifier,
    )

    match name:
        case "gru" | "lstm":
            return RecurrentClassifier(name, bidirectional=False, random_state=seed)
        case "bigru" | "bilstm":
            return RecurrentClassifier(name.removeprefix("bi"), random_state=seed)
        case "hmm":
            # Chosen by cross-validation on the training part.
            form = {"states": 3, "emission": "full", "topology": "left-right", "variance_floor": 1e-2}
            return HMMClassifier(**form, random_state=seed)
        case "crf":
            return CRFTagger(random_state=seed)
        case "reservoir":
            return ReservoirClassifier(random_state=seed)
    return NetworkClassifier(name, random_state=seed)


def measure(plan: dict[str, Any]) -> dict[str, Any]:
    """Fit on the training part, judge on the other."""
    configure()
    from antiphon.data import load

    train, test = load("japanese-vowels")
    model = model_of(plan["model"], plan["seed"])
    begun = time.perf_counter()
    if plan["model"] == "crf":
        model.fit(train.X, tags(train))
        said = [most(frames) for frames in model.predict(test.X)]
    else:
        model.fit(train.X, train.y)
        said = model.predict(test.X)
    seconds = time.perf_counter() - begun
    return {"test": float(np.mean(np.asarray(said) == np.asarray(test.y))), "seconds": seconds}


def tags(dataset: Any) -> list[np.ndarray]:
    """The label of each case at each of its frames."""
    return [np.full(n, label) for n, label in zip(dataset.X.lengths, dataset.y, strict=True)]


def most(values: np.ndarray) -> Any:
    """The value that occurs most often; the first of equals."""
    found, counts = np.unique(values, return_counts=True)
    return found[counts.argmax()]


def dtw(peer: str) -> dict[str, Any]:
    """1-NN with dynamic time warping, in another Python."""
    from antiphon.data import load

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.npz"
        arrays: dict[str, Any] = {}
        for name, part in zip(("train", "test"), load("japanese-vowels"), strict=True):
            values, mask = part.X.pad()
            arrays |= {name: values, f"{name}_lengths": mask.sum(1), f"{name}_y": np.asarray(part.y)}
        np.savez(path, **arrays)
        done = subprocess.run(
            [peer, str(HERE / "peers" / "tslearn_dtw.py"), str(path)],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
