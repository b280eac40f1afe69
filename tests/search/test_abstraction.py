"""Shapes that programs share: found, placed by role and type, said in one step, and said out to the same."""

import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import BOUND, streams, vectors

from antiphon.errors import InputError
from antiphon.language import (
    Hole,
    Output,
    Program,
    Real,
    Seq,
    Var,
    check,
    holes,
    inline,
    parse_term,
    print_term,
    put_in,
    sequence,
    sketch,
    walk,
)
from antiphon.search import Grammar, Library, learn_abstractions

FULL = sequence.bind({"speed": "cm/s", "angle": "rad"}, rate_hz=10)
MIDDLE = "affine(middle(window_mean[width=5, look=centred](x)))"
DEEP = "mean(delta(delta(delta(delta(x)))))"


def programs(*texts, language=FULL):
    terms = [parse_term(text, language, Real(1)) for text in texts]
    return [(f"task{i}", term, language, Real(1)) for i, term in enumerate(terms)]


def fresh():
    return FULL.bind(FULL.features, rate_hz=10)


def text(term, language=FULL):
    return " ".join(print_term(term, language, {}).split())


def test_a_sum_that_two_tasks_share_is_one_step():
    shared = f"affine(deviation(x)) + {MIDDLE}"
    shapes = learn_abstractions(programs(f"affine(mean(x)) + ({shared})", shared))
    assert shared in [s.text for s in shapes]
    language = fresh()
    rules = [rule for shape in shapes for rule in shape.put_in(language)]
    language.rules[:0] = rules
    grammar = Grammar(language, Real(1))
    first = grammar.expand(grammar.root)
    assert any(text(t).startswith(f"{shared}") for t in first)
    # Leaves to be trained are leaves of the term, so they are fitted as ever.
    for term in first:
        assert not {n.name for _, n in walk(term) if hasattr(n, "args")} & {s.name for s in shapes}


def test_arguments_have_the_roles_of_where_they_stand():
    shape = "if affine(last(x)) > 0 then {} else affine(mean(x))"
    filled = ["affine(max(x))", f"affine(min(x)) + {MIDDLE}", "affine(first(x))"]
    (found,) = learn_abstractions(programs(*map(shape.format, filled)), most=1)
    assert found.role == "output"
    assert found.arguments == (("a0", "output"),)
    assert found.text == shape.format("a0")
    summaries = [f"affine({s}) + {MIDDLE}" for s in ("mean(x)", "max(x)")]
    (found,) = learn_abstractions(programs(*summaries), most=1)
    assert (found.role, found.arguments) == ("output", (("a0", "summary"),))
    assert "shared by task0, task1" in str(found)


def test_a_deep_summary_is_a_word_of_few_nodes():
    deep = fresh()
    deep.rule("summary", DEEP)
    shapes = learn_abstractions(
        programs(f"affine({DEEP}) * affine(mean(x))", f"affine({DEEP}) * affine(last(x))", language=deep)
    )
    language = fresh()
    rules = [rule for shape in shapes for rule in shape.put_in(language)]
    language.rules += rules
    assert rules
    for type_ in (Real(1),):
        grammar = Grammar(language, type_)
        meant = [inline(t, language) for t in grammar.closure("summary", language.frame_type)]
        assert len(meant) == len(set(meant))  # No two words for one thing.


def test_what_one_rule_says_already_is_no_shape():
    shapes = learn_abstractions(
        programs("affine(mean(x)) + affine(last(x))", "affine(mean(x)) + affine(max(x))")
    )
    templates = {"affine(a0)", "affine(a0) + a1", "mean(x)", "last(x)", "x"}
    assert not {s.text for s in shapes} & templates


def test_one_task_shares_nothing():
    term = parse_term(f"{MIDDLE} + {MIDDLE}", FULL, Real(1))
    assert learn_abstractions([("one", term, FULL, Real(1)), ("one", term, FULL, Real(1))]) == []


def test_bound_variables_may_have_any_name():
    body = "mean(map({0} -> if affine({0}) > 0 then affine({0}) else affine({0}), {1})) + affine(last(x))"
    shapes = learn_abstractions(programs(body.format("v", "x"), body.format("w", "x")), most=1)
    assert [s.text for s in shapes] == [body.format("v", "x")]


@st.composite
def families(draw):
    """A term with a hole for a summary, and two summaries to put there."""
    fillers = []
    for _ in range(2):
        stream, _, _ = draw(streams(0))
        name = draw(st.sampled_from(["mean", "last", "max", "first"]))
        fillers.append(parse_term(f"{name}({print_term(stream, BOUND)})", BOUND))
    shape, _, _ = draw(vectors(1, 2))
    return sketch(shape), fillers


@given(families())
@settings(max_examples=40, deadline=None)
def test_every_shape_says_out_to_the_terms_it_came_from(family):
    shape, fillers = family
    around = parse_term(
        "affine(a) * affine(a) + b", BOUND, Real(1), scope={"a": BOUND.frame_type, "b": Real(1)}
    )
    terms = [put_in(around, {"a": f, "b": shape}) for f in fillers]
    try:
        given = [(f"t{i}", t, BOUND, Real(1)) for i, t in enumerate(terms)]
        shapes = learn_abstractions(given)
    except ValueError:  # A map of a map: its sketch has no size of its own.
        return
    language = BOUND.bind(BOUND.features, groups=BOUND.groups, rate_hz=BOUND.rate_hz)
    for found in shapes:
        for rule in found.put_in(language):
            type_ = {"output": Real(1), "condition": Real(1)}.get(rule.role)
            type_ = type_ or (Seq(BOUND.frame_type) if rule.role.startswith("stream") else BOUND.frame_type)
            said = parse_term(rule.template, language, type_)
            assert parse_term(print_term(said, language, {}), language, type_) == said
            whole = inline(said, language)
            assert check(whole, BOUND, type_)[()] == check(said, language, type_)[()]
            assert len(holes(whole)) >= len(holes(said)) - 1
        # The text is a part of the terms that it came from, up to what fills its arguments.
        body = parse_term(
            found.text, BOUND, None if found.role != "output" else Real(1), scope=scope_of(found)
        )
        parts = [n for t in terms for _, n in walk(t)]
        assert any(instance(body, part) for part in parts)


def scope_of(shape):
    types = {"summary": BOUND.frame_type, "stream": Seq(BOUND.frame_type)}
    known = {name: types.get(role.split("_")[0], Real(1)) for name, role in shape.arguments}
    return {"x": BOUND.input_type, **known}


def instance(pattern, term):
    """Whether a term is a pattern with something for its variables: by hand, apart from the library."""
    if isinstance(pattern, Var) and pattern.name.startswith("a"):
        return True
    if type(pattern) is not type(term) or isinstance(pattern, Hole):
        return False
    if hasattr(pattern, "args"):
        same = (pattern.name, pattern.config, len(pattern.args)) == (term.name, term.config, len(term.args))
        return same and all(map(instance, pattern.args, term.args))
    if hasattr(pattern, "body"):
        return instance(put_in(pattern.body, {pattern.name: Var(term.name)}), term.body)
    return pattern == term


def test_a_library_learns_shapes_and_keeps_them(tmp_path):
    head = (
        "language sequence\ninput x: Seq[Real[2]] of speed [cm/s], angle [rad]\noutput numbers y\nprogram\n"
    )
    shared = "affine[1*speed](deviation(x)) + affine[2*angle](middle(window_mean[width=5, look=centred](x)))"
    library = Library()
    for task, more in (("one", "affine[1*angle](mean(x))"), ("two", "affine[3*speed](last(x))")):
        library = library.with_task(task, [Program.parse(f"{head}  {more} + ({shared})")], 0.9)
    assert library.abstractions == ()
    learned = library.with_abstractions()
    assert [s.tasks for s in learned.abstractions] == [("one", "two")]
    assert learned.modules == library.modules
    learned.save(tmp_path / "l")
    assert Library.load(tmp_path / "l").abstractions == learned.abstractions
    assert learned.abstractions[0].text in str(learned)
    other = sequence.bind({"height": ""})
    assert learned.extend(other).rules[0].template == learned.abstractions[0].call
    program = learned.solved[0].programs[0]
    assert program.output == Output("regression", targets=("y",))


def test_a_shape_of_words_that_are_not_there_stays_out():
    named = FULL.bind({"speed": "", "angle": ""}, groups={"turning": ("angle",)})
    shared = "affine[turning](deviation(x)) + affine(middle(window_mean[width=5, look=centred](x)))"
    shapes = learn_abstractions(
        programs(f"affine(mean(x)) + ({shared})", f"affine(last(x)) + ({shared})", language=named)
    )
    assert shapes
    assert all(s.put_in(fresh()) == [] for s in shapes if "turning" in s.text)


def test_without_stitch_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "stitch_core", None)
    with pytest.raises(InputError, match=r"antiphon\[library\]"):
        learn_abstractions(programs("affine(mean(x))", "affine(last(x))"))
