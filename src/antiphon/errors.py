"""What a user can be told. Each error says what was got, what was expected and what to do."""

from __future__ import annotations


class AntiphonError(Exception):
    """Base of every error that Antiphon raises on purpose.

    Args:
        got: What was found, with the offending value or place.
        expected: What should have been there.
        advice: What the user can do now.

    Example:
        >>> str(AntiphonError("3 labels for 4 sequences.", "One label a sequence.", "Check y."))
        '3 labels for 4 sequences. Expected: one label a sequence. To mend it: check y.'
    """

    def __init__(self, got: str, expected: str = "", advice: str = "") -> None:
        self.got, self.expected, self.advice = got, expected, advice
        parts = [got]
        if expected:
            parts.append("Expected: " + _lower(expected))
        if advice:
            parts.append("To mend it: " + _lower(advice))
        super().__init__(" ".join(parts))

    def __reduce__(self) -> tuple:
        """Pickle by the three parts, so that an error crosses process borders whole."""
        return type(self), (self.got, self.expected, self.advice)


def _lower(sentence: str) -> str:
    """The sentence as it continues another: no capital, unless its first word is a name such as `Real[2]`."""
    word = sentence.split(maxsplit=1)[0].rstrip(".,:;")
    return (
        sentence[0].lower() + sentence[1:]
        if (word.isalpha() and word[1:].islower()) or word in ("A", "An")
        else sentence
    )


class InputError(AntiphonError, ValueError):
    """Data or a setting that cannot be used: shapes, labels, NaN, unknown options."""


class DatasetError(AntiphonError, ValueError):
    """A data set that is unknown, missing or malformed on disk."""


class LanguageError(AntiphonError, ValueError):
    """A type, term or program text that is wrong; points at the place in the text."""


class ModelFileError(AntiphonError, ValueError):
    """A model file that is truncated, tampered with, foreign or of a newer format."""


class OutputError(AntiphonError, OSError):
    """Results that could not be written: no permission, no space, no such folder."""


class SearchError(AntiphonError, RuntimeError):
    """A search that could not produce any program at all."""


class GraphError(AntiphonError, ValueError):
    """A function, model or graph that cannot become what was asked; names primitive, place and a way out."""


class ConversionError(GraphError):
    """Imperative code that cannot be made a graph: names file, line, construct and a rewrite."""


class ImportedModelError(GraphError):
    """A foreign model (ONNX) that is broken, or uses what is not supported; names the node."""


class ExportError(GraphError):
    """A graph with something in it that the wanted format cannot say; names primitive and source line."""
