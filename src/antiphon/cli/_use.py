"""`antiphon show`, `export`, `evaluate` and `predict`: what one does with a model file."""

from __future__ import annotations

import csv as csv_module
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from antiphon._engine import configure
from antiphon._files import write_atomically
from antiphon.cli._console import console, line
from antiphon.cli._data import remarks, summary
from antiphon.data import Sequences, available, is_sound, load, load_cases, read_sounds
from antiphon.errors import InputError, ModelFileError


def show(model: Path, form: str) -> None:
    """Print a program in one of its forms."""
    configure()
    from antiphon.estimators import show_program

    fitted = _load(model)
    if not hasattr(fitted, "program_"):
        raise ModelFileError(
            f"{model} holds a {type(fitted).__name__}, which is no program.",
            "A model file that antiphon learn wrote.",
            "Show a program instead.",
        )
    # Not through the console: what is printed must be the text to the letter.
    sys.stdout.write(show_program(fitted.program_, form).rstrip("\n") + "\n")


def export(model: Path, form: str, file: Path, *, frames: bool = False) -> None:
    """Write a model as a file that runs without Antiphon."""
    configure()
    from antiphon.estimators import export_model

    write_atomically(file, export_model(_load(model), form, waveform=False if frames else None))
    line(console(), "wrote", str(file))


def _load(path: Path) -> Any:
    from antiphon._model_file import load_model

    return load_model(path)


def _load_one_that_predicts(path: Path) -> Any:
    fitted = _load(path)
    if fitted.task == "generation":
        raise ModelFileError(
            f"{path} holds a {type(fitted).__name__}, which makes sound and predicts nothing.",
            "A model that predicts.",
            "Let it make sound in Python: antiphon.load_model(FILE).sample(seconds).",
        )
    return fitted


def evaluate(model: Path, data: str, **options: Any) -> None:
    """Score a model on the test part of a data set."""
    configure()
    out = console()
    fitted = _load_one_that_predicts(model)
    if is_sound(data):
        options["sound"] = _ears(fitted)
        if fitted.task == "recognition":
            return _evaluate_texts(out, fitted, data, **options)
    dataset = load(data, **options)
    test = dataset.test
    _check(fitted, test.X)
    line(out, dataset.name, summary(dataset))
    remarks(out, (*dataset.notes, *_unknown(fitted, test.y)), dataset.problems)
    line(out, fitted.metric_, f"{fitted.metric_score(test.X, test.y):.4f} on the {len(test):,} test cases")
    plain = {"classification": "accuracy", "tagging": "accuracy", "regression": "r2"}.get(fitted.task)
    if plain not in (None, fitted.metric_):
        line(out, plain, f"{fitted.score(test.X, test.y):.4f}")
    if fitted.task == "tagging" and fitted.sound_ is not None:
        _say_events(out, fitted, test)


def _evaluate_texts(out: Any, fitted: Any, data: str, **options: Any) -> None:
    """Score a recogniser: texts are no classes, so that nothing is split by them."""
    reading = {name: options.pop(name) for name in ("pattern", "strict", "resample_hz")}
    given = [name for name, value in options.items() if value is not None and name != "sound"]
    if given:
        raise InputError(
            f"{', '.join(given)} for a recogniser of texts.",
            "Recordings and their texts: all of them are judged, or the test part that the data name.",
            "Leave it out.",
        )
    sounds = _recordings(fitted, data, **reading)
    if sounds.labels is None:
        raise InputError(
            f"The recordings of {data} have no texts.",
            "A manifest with the columns path and label.",
            "Write the text of each recording as its label.",
        )
    remarks(out, sounds.notes, sounds.problems)
    if sounds.parts is not None and (sounds.parts == 2).any():
        sounds = sounds[sounds.parts == 2]
    texts = sounds.labels.tolist()
    line(out, fitted.metric_, f"{fitted.score(sounds, texts):.4f} on {len(sounds):,} recordings")


def _recordings(
    fitted: Any, data: str, *, pattern: str | None, strict: bool, resample_hz: float | None
) -> Any:
    """Recordings that are long enough for a model."""
    return read_sounds(
        data, rate_hz=resample_hz, pattern=pattern, strict=strict, least_seconds=_ears(fitted).frame_seconds
    )


def _unknown(fitted: Any, y: Any) -> list[str]:
    """A note where there are labels that the model cannot give, which no score tells."""
    if fitted.task not in ("classification", "tagging"):
        return []
    found = {label for one in y for label in one.tolist()} if isinstance(y, list) else set(y.tolist())
    unknown = sorted(map(str, found - set(fitted.classes_.tolist())))
    if not unknown:
        return []
    told = ", ".join(unknown[:5]) + (", ..." if len(unknown) > 5 else "")
    return [f"WARNING: the model does not know the labels {told}, which count as mistakes."]


def _say_events(out: Any, fitted: Any, test: Any) -> None:
    """How well the events of recordings were found, where there is a class of frames without any."""
    from antiphon.audio import BACKGROUND, event_scores, frame_f1, tags_to_events

    if BACKGROUND not in fitted.classes_.tolist():
        return
    said, hz = fitted.predict(test.X), test.X.rate_hz
    line(out, "frame f1", f"{frame_f1(test.y, said):.4f}")
    found = event_scores(*([tags_to_events(tags, hz) for tags in part] for part in (test.y, said)))
    line(out, "event f1", f"{found.f1:.4f}: {found.matched} right of {found.found} found, {found.true} true")


def predict(
    model: Path,
    data: str,
    *,
    csv: Path | None,
    layout: str | None,
    features: Path | None,
    rate_hz: float | None,
    pattern: str | None = None,
    strict: bool = False,
    resample_hz: float | None = None,
    events: bool = False,
) -> None:
    """Write one line a case (for tagging, a frame or an event): prediction and probabilities."""
    configure()
    fitted = _load_one_that_predicts(model)
    names: tuple[str, ...] | None = None
    if is_sound(data):
        sounds = _recordings(fitted, data, pattern=pattern, strict=strict, resample_hz=resample_hz)
        if not Path(data).exists() and sounds.parts is not None:  # a name, which has a test part
            sounds = sounds[sounds.parts == 2]
        told = [problem.what + " (left out)" * problem.left_out for problem in sounds.problems]
        for text in (*sounds.notes, *told):  # not among the rows, which another program may read
            sys.stderr.write(f"antiphon: {text}\n")
        cases, names = fitted.hear(sounds), sounds.names
    elif data in {entry.name for entry in available()}:
        cases = load(data, features=features, rate_hz=rate_hz).test.X
    else:
        cases = load_cases(data, layout=layout, features=features, rate_hz=rate_hz)
    _check(fitted, cases)
    text = io.StringIO()
    rows = _event_rows(fitted, cases, names) if events else _rows(fitted, cases, names)
    csv_module.writer(text, lineterminator="\n").writerows(rows)
    if csv is None:
        sys.stdout.write(text.getvalue())
    else:
        write_atomically(csv, text.getvalue())


def _check(fitted: Any, cases: Sequences) -> None:
    count = len(cases.features)
    if count != fitted.n_features_in_:
        raise InputError(
            f"Frames of {count} features, and the model was learned on {fitted.n_features_in_}.",
            f"The features {', '.join(fitted.features_.names)}.",
            "Bring the data that the model was learned for, in the same columns.",
        )


def _ears(fitted: Any) -> Any:
    """How a model makes frames of sound."""
    if fitted.sound_ is None:
        raise InputError(
            "Recordings, and the model was learned on other data.",
            f"Frames of the features {', '.join(fitted.features_.names[:8])}.",
            "Learn a model on recordings: antiphon learn FOLDER.",
        )
    return fitted.sound_


def _rows(fitted: Any, cases: Sequences, names: tuple[str, ...] | None) -> Iterator[list[Any]]:
    predicted = fitted.predict(cases)
    of = "case" if names is None else "recording"
    called = range(len(cases)) if names is None else names
    if fitted.task == "regression":
        yield [of, "prediction"]
        yield from ([case, repr(float(value))] for case, value in zip(called, predicted, strict=True))
        return
    if fitted.task == "recognition":
        yield [of, "prediction"]
        yield from ([case, text] for case, text in zip(called, predicted, strict=True))
        return
    probabilities = fitted.predict_proba(cases)
    chances = [f"p_{label}" for label in fitted.classes_.tolist()]
    if fitted.task == "tagging":
        yield [of, "frame", "prediction", *chances]
        for case, tags, rows in zip(called, predicted, probabilities, strict=True):
            for frame, (tag, row) in enumerate(zip(tags, rows, strict=True)):
                yield [case, frame, tag, *_digits(row)]
        return
    yield [of, "prediction", *chances]
    for case, label, row in zip(called, predicted, probabilities, strict=True):
        yield [case, label, *_digits(row)]


def _event_rows(fitted: Any, cases: Sequences, names: tuple[str, ...] | None) -> Iterator[list[Any]]:
    from antiphon.estimators import predict_events

    found = predict_events(fitted, cases)
    called = range(len(cases)) if names is None else names
    yield ["case" if names is None else "recording", "onset", "offset", "label"]
    for case, some in zip(called, found, strict=True):
        yield from ([case, f"{one.onset:.6g}", f"{one.offset:.6g}", one.label] for one in some)


def _digits(row: Any) -> list[str]:
    return [f"{p:.6g}" for p in row]
