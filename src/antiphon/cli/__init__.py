"""The `antiphon` command. Only typer is imported here; what a command does is loaded when it is called."""

from __future__ import annotations

import logging
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from antiphon._version import __version__
from antiphon.errors import AntiphonError

__all__ = ["app", "main"]

app = typer.Typer(
    name="antiphon",
    help="Learn readable neurosymbolic programs from labelled sequences.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # what is unexpected keeps its plain traceback
    context_settings={"help_option_names": ["-h", "--help"]},
)
data_app = typer.Typer(help="List the built-in data sets, describe one, or fetch one.", no_args_is_help=True)
app.add_typer(data_app, name="data")


class Form(StrEnum):
    """A form in which a program is shown."""

    text = "text"
    words = "words"
    math = "math"
    latex = "latex"
    dot = "dot"
    sympy = "sympy"
    graph = "graph"


class Export(StrEnum):
    """What a model is written as."""

    numpy = "numpy"
    c = "c"
    onnx = "onnx"
    stablehlo = "stablehlo"


class Raw(StrEnum):
    """Samples without a header, one channel."""

    s16le = "s16le"
    f32le = "f32le"


class Layout(StrEnum):
    """The axes of three-dimensional arrays."""

    case_time_feature = "case-time-feature"
    case_feature_time = "case-feature-time"


Data = Annotated[
    str, typer.Argument(help="A built-in name (antiphon data list), or a file or folder, of recordings too.")
]
Model = Annotated[Path, typer.Argument(help="A model file, such as runs/NAME/program.antiphon.")]
Target = Annotated[str | None, typer.Option(help="Which labels, where the data have several.")]
AxisOrder = Annotated[Layout | None, typer.Option(help="The axes of 3-D arrays in .npz and .npy files.")]
FeatureFile = Annotated[
    Path | None, typer.Option(help="CSV file with the columns name, unit, group: what the columns are.")
]
Rate = Annotated[float | None, typer.Option(help="Frames a second.", min=0)]
TestSize = Annotated[
    str | None,
    typer.Option(help="Hold out a share (0.25) or the last cases (500), where there is no test part."),
]
SoundKinds = Annotated[
    str | None,
    typer.Option(metavar="KINDS", help="Features of recordings, with commas. [default: mfcc,centroid,level]"),
]
Pattern = Annotated[
    str | None, typer.Option(help="How names of recordings say what they are: {label}_{speaker}_{index}.")
]
Strict = Annotated[
    bool, typer.Option("--strict", help="A corrupt, empty, silent or clipped recording is an error.")
]
Resample = Annotated[
    float | None, typer.Option(metavar="HZ", help="Bring recordings to so many samples a second.", min=1)
]
EventFile = Annotated[
    Path | None,
    typer.Option(metavar="CSV", help="Events in recordings: path,onset,offset,label. Frames are tagged."),
]


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    if version:
        print(f"antiphon {__version__}")
        raise typer.Exit


@app.command()
def learn(
    data: Data,
    target: Target = None,
    language: Annotated[
        str | None, typer.Option(help="What programs are written in: sequence (default), sound, or another.")
    ] = None,
    strategy: Annotated[
        str | None,
        typer.Option(
            help="How programs are searched for: beam (the default), near, dpads, ids-bb, mcts, genetic, "
            "proposal, proposal-rnn, enumeration, sampling, or auto."
        ),
    ] = None,
    candidates: Annotated[int | None, typer.Option(help="Stop after so many programs.", min=1)] = None,
    seconds: Annotated[float | None, typer.Option(help="Stop after this long.", min=0)] = None,
    jobs: Annotated[
        int | None, typer.Option(help="Workers; the result does not depend on it. [default: 1]", min=1)
    ] = None,
    cluster: Annotated[
        str | None, typer.Option(help="Address of a Dask scheduler, whose workers do it: tcp://HOST:PORT.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same program.", min=0)] = 0,
    metric: Annotated[
        str | None, typer.Option(help="accuracy, f1, macro-f1 or r2; by default what suits the labels.")
    ] = None,
    size_limit: Annotated[
        int | None, typer.Option(help="Most nodes in a program. [default: 20]", min=1)
    ] = None,
    test_size: TestSize = None,
    layout: AxisOrder = None,
    features: FeatureFile = None,
    rate_hz: Rate = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the results. [default: runs/NAME]")] = None,
    json: Annotated[Path | None, typer.Option(help="Write the figures to this file, too.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget an earlier search in that folder.")] = False,
    without_feature: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A feature that has no influence; may be repeated."),
    ] = None,
    without_word: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A word that is not used; may be repeated.")
    ] = None,
    monotone: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME+",
            help="The score never falls (NAME-: rises) when this feature rises. May be repeated.",
        ),
    ] = None,
    output_bound: Annotated[
        tuple[float, float] | None,
        typer.Option(
            metavar="LOW HIGH", help="Bounds of the score, for all inputs in the range of the data."
        ),
    ] = None,
    sound: SoundKinds = None,
    pattern: Pattern = None,
    strict: Strict = False,
    resample: Resample = None,
    labels: EventFile = None,
) -> None:
    """Learn a program, compare it with other models, write model file and report.

    Ctrl-C keeps the best so far. The same command goes on where an earlier one was cut off.
    """
    from antiphon.cli._learn import LearnRequest
    from antiphon.cli._learn import learn as run

    run(
        LearnRequest(
            data=data, target=target, language=language, strategy=strategy, candidates=candidates,
            seconds=seconds, jobs=jobs, cluster=cluster, seed=seed, metric=metric, size_limit=size_limit,
            test_size=_number(test_size), layout=layout.value if layout else None, features=features,
            rate_hz=rate_hz or None, out=out, json=json, fresh=fresh,
            constraints=_constraints(without_feature, without_word, monotone, output_bound),
            sound=sound, pattern=pattern, strict=strict, resample_hz=resample,
            labels=str(labels) if labels else None,
        )
    )  # fmt: skip


@app.command()
def show(
    model: Model,
    form: Annotated[Form, typer.Option(help="The form; 'text' is exact and can be read back.")] = Form.words,
) -> None:
    """Print a learned program."""
    from antiphon.cli._use import show as run

    run(model, form.value)


@app.command()
def export(
    model: Model,
    form: Annotated[
        Export, typer.Option("--to", help="numpy: a Python file; c: a C99 file; onnx; stablehlo.")
    ],
    out: Annotated[Path, typer.Option(help="The file to write.")],
    frames: Annotated[
        bool, typer.Option("--frames", help="Of a model of sound: the file takes frames, not waveforms.")
    ] = False,
) -> None:
    """Write a model as a file that runs without Antiphon; one that was learned on sound takes waveforms."""
    from antiphon.cli._use import export as run

    run(model, form.value, out, frames=frames)


@app.command()
def evaluate(
    model: Model,
    data: Data,
    target: Target = None,
    test_size: TestSize = None,
    layout: AxisOrder = None,
    features: FeatureFile = None,
    rate_hz: Rate = None,
    pattern: Pattern = None,
    strict: Strict = False,
    resample: Resample = None,
    labels: EventFile = None,
) -> None:
    """Score a model on the test part of a data set."""
    from antiphon.cli._use import evaluate as run

    run(
        model, data, target=target, test_size=_number(test_size), layout=layout.value if layout else None,
        features=features, rate_hz=rate_hz or None, pattern=pattern, strict=strict, resample_hz=resample,
        labels=labels,
    )  # fmt: skip


@app.command()
def predict(
    model: Model,
    data: Data,
    csv: Annotated[Path | None, typer.Option(help="Write to this file instead of the terminal.")] = None,
    layout: AxisOrder = None,
    features: FeatureFile = None,
    rate_hz: Rate = None,
    pattern: Pattern = None,
    strict: Strict = False,
    resample: Resample = None,
    events: Annotated[
        bool, typer.Option("--events", help="Of a model that tags frames: one line an event, in seconds.")
    ] = False,
) -> None:
    """Predict for every case of a file, for recordings, or for the test part of a built-in data set."""
    from antiphon.cli._use import predict as run

    run(
        model, data, csv=csv, layout=layout.value if layout else None, features=features,
        rate_hz=rate_hz or None, pattern=pattern, strict=strict, resample_hz=resample, events=events,
    )  # fmt: skip


@app.command()
def listen(
    model: Model,
    source: Annotated[
        str, typer.Argument(metavar="FILE|-", help="A recording of any length, or - for standard input.")
    ],
    every: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            help="Decide so often. [default: a tagger at each frame, any other model at the end]",
            min=0,
        ),
    ] = None,
    csv: Annotated[Path | None, typer.Option(help="Write every decision to this file.")] = None,
    window: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", help="Ask for the last seconds only, as for a clip.", min=0),
    ] = None,
    block: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS", help="Take so much sound at a time. [default: 0.1; of a file 2.5]", min=0
        ),
    ] = None,
    rate: Annotated[
        float | None, typer.Option(metavar="HZ", help="Samples a second of raw standard input.", min=1)
    ] = None,
    form: Annotated[
        Raw | None, typer.Option("--format", help="Standard input is raw samples, and no WAV.")
    ] = None,
    resample: Resample = None,
) -> None:
    """Follow sound with a model: print what it says as it changes, with times; Ctrl-C ends it."""
    from antiphon.cli._listen import listen as run

    run(
        model, source, every=every or None, window=window or None, block=block or None, csv=csv, rate_hz=rate,
        form=form.value if form else None, resample_hz=resample,
    )  # fmt: skip


@data_app.command("list")
def list_data() -> None:
    """List the built-in data sets."""
    from antiphon.cli._data import list_data as run

    run()


@data_app.command()
def info(
    data: Data,
    target: Target = None,
    layout: AxisOrder = None,
    test_size: TestSize = None,
    sound: SoundKinds = None,
    pattern: Pattern = None,
    strict: Strict = False,
    resample: Resample = None,
    labels: EventFile = None,
) -> None:
    """Describe a data set: its parts, features and classes; what is wrong with recordings."""
    from antiphon.cli._data import info as run

    run(
        data, target=target, layout=layout.value if layout else None, test_size=_number(test_size),
        sound=sound, pattern=pattern, strict=strict, resample_hz=resample, labels=labels,
    )  # fmt: skip


@data_app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="What to download: spoken-digits.")],
) -> None:
    """Download a data set, check it, and keep it in the cache; then its name works like a built-in one."""
    from antiphon.cli._data import fetch as run

    run(name)


def _constraints(
    without_feature: list[str] | None,
    without_word: list[str] | None,
    monotone: list[str] | None,
    output_bound: tuple[float, float] | None,
) -> tuple[str, ...]:
    """The texts of constraints, as `antiphon.search.parse_constraint` reads them."""
    return (
        *(f"without-feature {name}" for name in without_feature or ()),
        *(f"without {name}" for name in without_word or ()),
        *(f"monotone {name}" for name in monotone or ()),
        *([] if output_bound is None else [f"output-bound {output_bound[0]!r} {output_bound[1]!r}"]),
    )


def _number(text: str | None) -> float | int | None:
    """A share or a count."""
    if text is None:
        return None
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is neither a share such as 0.25 nor a number of cases such as 500.",
            param_hint="--test-size",
        ) from None


def main() -> None:
    """Run the command; what a user can mend is one message and exit code 2."""
    # What a data set warns of is part of what the command prints.
    logging.getLogger("antiphon.data").addHandler(logging.NullHandler())
    try:
        app()
    except AntiphonError as error:
        from rich.console import Console
        from rich.text import Text

        Console(stderr=True, soft_wrap=True).print(Text(f"antiphon: {error}", style="red"))
        sys.exit(2)
