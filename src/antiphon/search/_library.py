"""What several tasks share: fitted modules and common shapes, as words for the searches that come after."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from typing import Any

from antiphon.errors import InputError
from antiphon.language import Language, Program, Rule, with_language
from antiphon.search._abstraction import Abstraction, learn_abstractions
from antiphon.search._modules import Module, copied, modules_of
from antiphon.search._result import SearchResult


@dataclass(frozen=True)
class Solved:
    """A task that was learned.

    Attributes:
        task: Its name.
        score: The chosen program's, on held-out cases.
        programs: The chosen program, then the others of the front, in the language without words of a
            library.
    """

    task: str
    score: float
    programs: tuple[Program, ...]


@dataclass(frozen=True)
class Library:
    """What was learned on earlier tasks, for later ones. It never changes: each task gives a new one.

    Attributes:
        modules: Fitted parts of programs, with their arrays.
        abstractions: Shapes that programs of several tasks share, without arrays.
        solved: The tasks, in the order in which they were learned.

    Example:
        >>> from antiphon.language import sequence
        >>> text = '''language sequence
        ... input x: Seq[Real[2]] of speed, angle
        ... output classes ["rest", "run"]
        ... program
        ...   affine[speed - 5](last(window_mean[width=5, look=trailing](x)))'''
        >>> library = Library().with_task("run", [Program.parse(text)], 0.98)
        >>> print(library)
        run_decision : Seq[Real[2]] -> Real[1]   # decision of run, score 0.980
          step(affine[speed - 5](last(window_mean[width=5, look=trailing](x))))
        run_score : Seq[Real[2]] -> Real[1]   # score of run, score 0.980
          affine[speed - 5](last(window_mean[width=5, look=trailing](x)))
        >>> extended = library.extend(sequence.bind({"speed": "", "angle": "", "noise": ""}))
        >>> extended.rules[0].template
        'affine(run_decision(x))'
    """

    modules: tuple[Module, ...] = ()
    abstractions: tuple[Abstraction, ...] = ()
    solved: tuple[Solved, ...] = ()

    def __str__(self) -> str:
        return "\n".join(map(str, (*self.modules, *self.abstractions))) or "(an empty library)"

    @property
    def tasks(self) -> tuple[str, ...]:
        """The names of the tasks."""
        return tuple(solved.task for solved in self.solved)

    def extend(self, language: Language, *, tunable: bool = False) -> Language:
        """A copy of a language that has the library's words, where types and features fit.

        A search says each of them in one step, and says those of whole programs before its own rules. A word
        counts as one node and its arguments while searching, as long as it has nothing left to train; a shape
        with leaves still to be trained is said out at once. The finished program is always said out, and its
        size is that of what is read.

        Args:
            language: Bound to the features of the task at hand.
            tunable: Whether the modules' arrays may move in training; else they stay what they are.
        """
        extended = copied(language)
        rules: list[Rule] = []
        for module in self.modules:
            rules += module.put_in(extended, tunable=tunable)
        for abstraction in self.abstractions:
            rules += abstraction.put_in(extended)
        # First of the outputs: what helped before is tried before all else. But where a hole gets the
        # simplest filling there is, that stays the language's own.
        extended.rules[:0] = [rule for rule in rules if rule.role == "output"]
        extended.rules += [rule for rule in rules if rule.role != "output"]
        return extended

    def with_task(self, task: str, programs: Sequence[Program], score: float) -> Library:
        """This library and what can be taken from one more task's programs.

        Args:
            task: Its name, a new one.
            programs: The program whose parts become modules; then others that solve the task, which count as
                alternatives where common shapes are looked for.
            score: What the first program reached on held-out cases.

        Raises:
            InputError: If the name is there already, or there is no program.
        """
        if task in self.tasks:
            raise InputError(
                f"The task {task!r} is in the library already.", "A new name.", "Choose another."
            )
        if not programs:
            raise InputError(f"No program for the task {task!r}.", "At least one.")
        own = tuple(with_language(p, without_words(p.language)) for p in programs)
        known = {(m.term, tuple(m.language.features)) for m in self.modules}
        taken = tuple(word.name for word in (*self.modules, *self.abstractions))
        new = [
            module
            for module in modules_of(own[0], task, score, taken=taken)
            if (module.term, tuple(module.language.features)) not in known
        ]
        return replace(
            self,
            modules=(*self.modules, *new),
            solved=(*self.solved, Solved(task, score, own)),
        )

    def with_result(self, task: str, result: SearchResult) -> Library:
        """This library and what can be taken from the result of a search.

        Nothing is taken as a module from a program that gives one answer only.
        """
        chosen = result.chosen
        others = [f.program for f in result.front if f.program != chosen.program]
        if chosen.constant:
            return self
        return self.with_task(task, [chosen.program, *others], chosen.score)

    def with_abstractions(self, *, most: int = 8, arity: int = 2) -> Library:
        """This library with the shapes that its programs share, looked for anew in all of them.

        Args:
            most: How many shapes are looked for.
            arity: Most arguments of one.

        Raises:
            InputError: If `stitch-core` is not installed.
        """
        programs = [
            (solved.task, program.term, program.language, program.output_type)
            for solved in self.solved
            for program in solved.programs
        ]
        taken = [module.name for module in self.modules]
        return replace(
            self, abstractions=tuple(learn_abstractions(programs, most=most, arity=arity, taken=taken))
        )

    def save(self, path: str | PathLike[str]) -> Library:
        """Write the library to one file, whole or not at all; `Library.load` reads it.

        Raises:
            OutputError: If the file cannot be written.
        """
        from antiphon.search._library_file import save_library

        save_library(path, self)
        return self

    @staticmethod
    def load(path: str | PathLike[str], *, languages: Mapping[str, Language] | None = None) -> Library:
        """Read a library that `save` wrote. Nothing in the file is executed.

        Args:
            path: The file.
            languages: Name -> language, for programs in a language of your own that is not yet imported.

        Raises:
            ModelFileError: If the file is missing, truncated, changed, foreign or of a newer format.
        """
        from antiphon.search._library_file import load_library

        return load_library(path, languages)


def without_words(language: Language) -> Language:
    """A copy of a language without the words of a library, and without the rules that say them.

    Example:
        >>> from antiphon.language import sequence
        >>> bound = sequence.bind({"speed": "", "angle": ""})
        >>> without_words(Library().extend(bound)).rules == bound.rules
        True
    """
    plain = copied(language)
    words: dict[str, Any] = {n: w for n, w in language.primitives.items() if w.definition is not None}
    for name in words:
        del plain.primitives[name]
    if words:
        said = re.compile(rf"\b({'|'.join(words)})\(")
        plain.rules = [rule for rule in plain.rules if not said.search(rule.template)]
    return plain
