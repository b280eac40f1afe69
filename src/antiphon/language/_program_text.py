"""The text of a whole program: a header that says what goes in and out, and the term."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from antiphon.errors import InputError, LanguageError
from antiphon.language._language import LANGUAGES, Language
from antiphon.language._output import Output
from antiphon.language._parse import parse_term
from antiphon.language._print import print_term
from antiphon.language._read import blank_comments, pointed
from antiphon.language._terms import Term
from antiphon.language._types import Real, Seq, parse_type
from antiphon.language._typing import Typing

WIDTH = 110
_NAME = re.compile(r"[A-Za-z_]\w*")
_PLAIN_UNIT = re.compile(r"[^\[\]\",#\s](?:[^\[\]\",#\n]*[^\[\]\",#\s])?")
_FEATURE = re.compile(
    r"\s*(?P<name>[A-Za-z_]\w*)\s*(?:\[\s*(?P<unit>\"(?:[^\"\\]|\\.)*\"|[^\[\]\",#]*?)\s*\])?\s*"
)
_TARGET = re.compile(r"\s*(?P<name>[A-Za-z_]\w*|\"(?:[^\"\\]|\\.)*\")\s*")
_OUTPUT = re.compile(r"\s*(?P<kind>classes|tags|numbers)\b\s*")
_INPUT = re.compile(r"\s*x\s*:\s*(?P<type>[^\n]*?)\s+of\b")
_RATE = re.compile(r"\s*(?P<rate>[0-9.eE+-]+)\s*Hz\s*")
_THRESHOLD = re.compile(r"\s*(?:threshold\s+(?P<value>[0-9.eE+-]+)\s*)?")
_LINES = ("language", "input", "groups", "rate", "output", "program")
_KINDS = {"classification": "classes", "tagging": "tags", "regression": "numbers"}


def program_text(term: Term, language: Language, output: Output, typing: Typing) -> str:
    """The text that `Program.parse` reads back."""
    features = [name + _unit(unit) for name, unit in language.features.items()]
    lines = [f"language {language.name}"]
    lines += _wrap(f"input x: {language.input_type} of {', '.join(features)}")
    if language.groups:
        groups = [f"{_string(g)}: [{', '.join(map(_string, m))}]" for g, m in language.groups.items()]
        lines += _wrap(f"groups {{{', '.join(groups)}}}")
    if language.rate_hz:
        lines.append(f"rate {_number(language.rate_hz)} Hz")
    lines += _wrap(f"output {_KINDS[output.task]} {_classes_or_targets(output)}")
    body = print_term(term, language, typing, row_names=output.row_names)
    return "\n".join([*lines, "program", textwrap.indent(body, "  ")])


def _wrap(line: str) -> list[str]:
    """A line of the header, broken where it is long; `_string` has hidden the spaces inside strings."""
    lines = textwrap.wrap(
        line, WIDTH, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
    )
    return [part.replace("\0", " ") for part in lines]


def _string(text: str) -> str:
    return json.dumps(text).replace(" ", "\0")


def _unit(unit: str) -> str:
    if not unit:
        return ""
    # Lines may break at spaces, so what has more than single ones is written as a string.
    plain = _PLAIN_UNIT.fullmatch(unit) and unit == " ".join(unit.split())
    return f" [{unit if plain else _string(unit)}]"


def _number(value: float) -> str:
    return f"{value:g}" if float(f"{value:g}") == value else repr(float(value))


def _classes_or_targets(output: Output) -> str:
    if output.task == "regression":
        return ", ".join(t if _NAME.fullmatch(t) else _string(t) for t in output.targets)
    threshold = "" if output.threshold is None else f" threshold {float(output.threshold)!r}"
    classes = ", ".join(_string(c) if isinstance(c, str) else json.dumps(c) for c in output.classes)
    return f"[{classes}]{threshold}"


@dataclass(frozen=True)
class _Line:
    """One statement of the header: what follows its first word, and where that starts in the whole text."""

    start: int
    rest: str
    at: int


def parse_program_text(text: str, languages: Mapping[str, Language] | None) -> tuple[Term, Language, Output]:
    """Term, bound language and output of a program's text."""
    lines, body = _header(text)
    known = LANGUAGES if languages is None else {**LANGUAGES, **languages}
    line = lines["language"]
    name = line.rest.strip()
    if name not in known:
        raise pointed(
            text,
            _first(line),
            f"The language {name!r} is not known here.",
            f"One of {', '.join(sorted(known))}.",
            "import the module that defines it first, or give it: Program.parse(text, languages={...}).",
        )
    features, is_table = _features(text, lines["input"])
    groups = _groups(text, lines["groups"]) if "groups" in lines else {}
    rate = _rate(text, lines["rate"]) if "rate" in lines else None
    try:
        language = known[name].bind(features, groups=groups, rate_hz=rate, is_table=is_table)
    except LanguageError as error:
        raise pointed(text, lines.get("groups", lines["input"]).start, error.got, error.expected) from None
    output = _output(text, lines["output"])
    # Blank the header, so that every place in the term is a place in the whole text.
    blanked = re.sub(r"[^\n]", " ", text[:body]) + text[body:]
    return parse_term(blanked, language, output.type, complete=True), language, output


def _header(text: str) -> tuple[dict[str, _Line], int]:
    plain = blank_comments(text)
    lines: dict[str, _Line] = {}
    starts = list(re.finditer(r"^(?P<word>\S+)", plain, re.M))
    for i, found in enumerate(starts):
        word = found["word"]
        if word not in _LINES or word in lines:
            what = "A second line" if word in lines else "A line that starts with"
            raise pointed(text, found.start(), f"{what} {word!r}.", f"One each of {', '.join(_LINES)}.")
        if word == "program":
            break
        end = starts[i + 1].start() if i + 1 < len(starts) else len(plain)
        lines[word] = _Line(found.start(), plain[found.end() : end], found.end())
    else:
        raise pointed(
            text, len(text), "The text ends before the line 'program'.", "'program' and a term below it."
        )
    missing = [word for word in ("language", "input", "output") if word not in lines]
    if missing:
        raise pointed(text, found.start(), f"There is no line '{missing[0]}' above.", f"'{missing[0]} ...'.")
    return lines, found.end()


def _first(line: _Line) -> int:
    return line.at + len(line.rest) - len(line.rest.lstrip())


def _list(
    text: str, line: _Line, start: int, item: re.Pattern[str], what: str
) -> list[tuple[re.Match[str], int]]:
    """Matches of `item` between commas, each with its place in the text."""
    items: list[tuple[re.Match[str], int]] = []
    at = start
    while True:
        found = item.match(line.rest, at)
        if not found:
            spaces = len(line.rest[at:]) - len(line.rest[at:].lstrip())
            raise pointed(text, line.at + at + spaces, "Nothing that can be read stands here.", what)
        items.append((found, line.at + found.start("name")))
        at = found.end()
        if at == len(line.rest):
            return items
        if line.rest[at] != ",":
            raise pointed(text, line.at + at, f"Unexpected {line.rest[at]!r}.", "',' or the end of the line.")
        at += 1


def _features(text: str, line: _Line) -> tuple[dict[str, str], bool]:
    found = _INPUT.match(line.rest)
    if not found:
        raise pointed(
            text, _first(line), "An input that cannot be read.", "'x: Seq[Real[2]] of speed [cm/s], angle'."
        )
    place = line.at + found.start("type")
    try:
        type_ = parse_type(found["type"])
    except LanguageError as error:
        raise pointed(text, place, "A type that cannot be read.", error.expected) from None
    frame = type_.element if isinstance(type_, Seq) else type_
    if not isinstance(frame, Real) or not isinstance(frame.size, int):
        raise pointed(text, place, f"The input has type {type_}.", "Seq[Real[n]], or Real[n] for tables.")
    features: dict[str, str] = {}
    for item, at in _list(text, line, found.end(), _FEATURE, "A feature, such as speed [cm/s]."):
        if item["name"] in features:
            raise pointed(text, at, f"The feature {item['name']!r} is there twice.", "Different names.")
        unit = item["unit"] or ""
        features[item["name"]] = json.loads(unit) if unit.startswith('"') else " ".join(unit.split())
    if len(features) != frame.size:
        raise pointed(text, place, f"{type_}, but {len(features)} features.", "A name for each.")
    return features, not isinstance(type_, Seq)


def _groups(text: str, line: _Line) -> dict[str, tuple[str, ...]]:
    groups = _json(text, line, 'Groups as JSON: {"name": ["feature", ...]}.')[0]
    right = isinstance(groups, dict) and all(
        isinstance(v, list) and all(isinstance(f, str) for f in v) for v in groups.values()
    )
    if not right:
        raise pointed(text, _first(line), "These are no groups.", 'JSON such as {"pose": ["head", "tail"]}.')
    return {name: tuple(members) for name, members in groups.items()}


def _rate(text: str, line: _Line) -> float:
    found = _RATE.fullmatch(line.rest)
    try:
        rate = float(found["rate"]) if found else 0.0
    except ValueError:
        rate = 0.0
    if rate <= 0:
        raise pointed(
            text, _first(line), "A rate that cannot be read.", "Frames per second, such as '30 Hz'."
        )
    return rate


def _json(text: str, line: _Line, expected: str, start: int = 0) -> tuple[Any, int]:
    start += len(line.rest[start:]) - len(line.rest[start:].lstrip())
    try:
        return json.JSONDecoder().raw_decode(line.rest, start)
    except json.JSONDecodeError as error:
        raise pointed(
            text, line.at + min(error.pos, len(line.rest.rstrip())), "This cannot be read.", expected
        ) from None


def _output(text: str, line: _Line) -> Output:
    found = _OUTPUT.match(line.rest)
    if not found:
        raise pointed(
            text,
            _first(line),
            "An output that cannot be read.",
            "'classes [...]', 'tags [...]' or 'numbers y'.",
        )
    task = {kind: task for task, kind in _KINDS.items()}[found["kind"]]
    try:
        if task == "regression":
            names = [m["name"] for m, _ in _list(text, line, found.end(), _TARGET, "The name of a number.")]
            return Output(task, targets=tuple(json.loads(n) if n.startswith('"') else n for n in names))
        classes, end = _json(text, line, "A JSON list of classes.", found.end())
        rest = _THRESHOLD.fullmatch(line.rest, end)
        if not isinstance(classes, list) or not rest:
            raise pointed(
                text, line.at + end, "An output that cannot be read.", "[...], maybe 'threshold 0.4'."
            )
        return Output(task, tuple(classes), float(rest["value"]) if rest["value"] else None)
    except (InputError, ValueError) as error:
        if isinstance(error, LanguageError):
            raise
        got, expected = (
            (error.got, error.expected) if isinstance(error, InputError) else (str(error), "A number.")
        )
        raise pointed(text, _first(line), got, expected) from None
