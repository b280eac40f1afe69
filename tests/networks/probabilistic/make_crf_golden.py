"""Writes `crf_golden.npz`: what python-crfsuite gives for a small model, so that tests need no CRFsuite.

Run by hand, with python-crfsuite: `python tests/networks/probabilistic/make_crf_golden.py`. Its dump rounds
weights to six digits; so they are read from the model itself, in double precision.
"""

import struct
import tempfile
from pathlib import Path

import numpy as np

LENGTHS, ATTRIBUTES, TAGS = (6, 1, 9, 4), 4, 3


def weights(model: bytes, tags: list[int], attributes: list[int]):
    """Attribute and transition weights; the layout of the file is that of CRFsuite's `crf1d_model.c`."""
    places = struct.unpack_from("<4sI4sIIIII", model, 0)
    start = places[7]
    magic, _, count = struct.unpack_from("<4sII", model, start)
    assert magic == b"FEAT"
    unary, transition = np.zeros((ATTRIBUTES, TAGS)), np.zeros((TAGS, TAGS))
    for number in range(count):
        kind, source, target, weight = struct.unpack_from("<IIId", model, start + 12 + 20 * number)
        if kind == 0:
            unary[attributes[source], tags[target]] = weight
        else:
            transition[tags[source], tags[target]] = weight
    return unary, transition


def main() -> None:
    import pycrfsuite

    rng = np.random.default_rng(0)
    frames = [rng.normal(size=(length, ATTRIBUTES)) for length in LENGTHS]
    tags = [rng.integers(0, TAGS, length) for length in LENGTHS]
    items = [[{f"a{i}": float(v) for i, v in enumerate(row)} for row in case] for case in frames]
    settings = {"feature.possible_states": True, "feature.possible_transitions": True, "c2": 0.01}
    trainer = pycrfsuite.Trainer("lbfgs", settings | {"max_iterations": 20}, verbose=False)
    for case, labels in zip(items, tags, strict=True):
        trainer.append(pycrfsuite.ItemSequence(case), [f"t{tag}" for tag in labels])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model")
        trainer.train(str(path))
        model = path.read_bytes()
        tagger = pycrfsuite.Tagger()
        tagger.open(str(path))
    info = tagger.info()
    by_number = [
        {int(number): int(name[1:]) for name, number in names.items()}
        for names in (info.labels, info.attributes)
    ]
    unary, transition = weights(model, *by_number)
    marginals, paths, scores = [], [], []
    for case, labels in zip(items, tags, strict=True):
        tagger.set(pycrfsuite.ItemSequence(case))
        marginals.append([[tagger.marginal(f"t{tag}", at) for tag in range(TAGS)] for at in range(len(case))])
        paths.append([int(name[1:]) for name in tagger.tag()])
        scores.append(tagger.probability([f"t{tag}" for tag in labels]))
    np.savez_compressed(
        Path(__file__).with_name("crf_golden.npz"),
        lengths=np.array(LENGTHS),
        frames=np.concatenate(frames),
        tags=np.concatenate(tags),
        unary=unary,
        transition=transition,
        marginals=np.concatenate(marginals),
        path=np.concatenate(paths),
        probability=np.array(scores),
    )


if __name__ == "__main__":
    main()
