"""Equal terms are one: same values, same sets of functions, whatever the order and the names."""

import jax.numpy as jnp
import numpy as np
import pytest
import reference
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from strategies import BOUND, TIME, programs_of

from antiphon.errors import LanguageError
from antiphon.language import (
    Apply,
    Fn,
    Hole,
    Lam,
    Language,
    Primitive,
    Real,
    Seq,
    Var,
    canonical,
    check,
    children,
    data_arrays,
    evaluate,
    holes,
    parameters,
    parse_term,
    print_term,
    sequence,
    size,
    sketch,
    walk,
    with_children,
)

ONE = Real(1)
QUICK = settings(max_examples=80, deadline=None)
GROUPS = {"where": np.array([0.0, 1, 1]), "nose": np.array([0.0, 1, 0])}
SHUFFLED = ("add", "mul")


def read(text, type_=None, language=BOUND):
    return parse_term(text, language, type_)


def form(text, type_=ONE, language=BOUND):
    """The canonical form of a text, as text."""
    return " ".join(print_term(canonical(read(text, type_, language), language), language, {}).split())


@st.composite
def masked(draw):
    """Frames `(time, 3)` and a mask with holes and at least one frame."""
    seed = draw(st.integers(0, 2**20))
    rng = np.random.default_rng(seed)
    mask = rng.random(TIME) < 0.6
    mask[rng.integers(TIME)] = True
    return rng.normal(size=(TIME, 3)), mask


# --- a few terms by hand ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("affine(mean(x)) + (affine(last(x)) + affine(mean(x)))", "affine(last(x)) + affine(mean(x))"),
        ("affine(mean(x)) * affine(mean(x))", "affine(mean(x)) * affine(mean(x))"),
        ("affine(max(x)) * affine(last(x))", "affine(last(x)) * affine(max(x))"),
        ("affine[nose](mean(x)) + affine(mean(x))", "affine(mean(x))"),
        ("affine[nose](mean(x)) + affine[angle](mean(x))", "affine[where](mean(x))"),
        ("affine[where](mean(x)) + affine[speed](mean(x))", "affine(mean(x))"),
        ("affine(at[frame=0](x)) + affine(at[frame=-1](x))", "affine(first(x)) + affine(last(x))"),
        ("affine(max(prefix_max(window_max[width=7, look=trailing](x))))", "affine(max(x))"),
        ("affine(last(prefix_mean(x)))", "affine(mean(x))"),
        ("affine(last(window_max[width=5, look=leading](x)))", "affine(last(x))"),
        ("affine(prefix_max(prefix_max(x)))", None),
        ("affine(mean(prefix_max(prefix_max(x))))", "affine(mean(prefix_max(x)))"),
        ("affine(mean(x) + mean(delta(x)))", "affine(mean(delta(x) + x))"),
        # Another mask, so another mean.
        (
            "affine(mean(x) + mean(part[part=1, of=2](x)))",
            "affine(mean(part[part=1, of=2](x)) + mean(x))",
        ),
        ("if affine(max(x)) > 0 then affine(mean(x)) else affine(mean(x))", "unchanged"),
        (
            "affine(if affine(max(x)) > 0 then at[frame=-1](x) else last(prefix_min(prefix_min(x))))",
            "affine(if affine(max(x)) > 0 then last(x) else min(x))",
        ),
        ("affine(if affine(max(x)) > 0 then mean(x) else last(prefix_mean(x)))", "affine(mean(x))"),
        # Each fold has its own arrays.
        ("affine(fold_tanh[hidden=2](x)) + affine(fold_tanh[hidden=2](x))", "unchanged"),
        ("mean(map(frame -> affine(frame), x))", "affine(mean(x))"),
        ("max(map(v -> affine(v), x))", "max(map(v -> affine(v), x))"),
        (
            "affine(last(map(w -> tanh(w), map(u -> u * u, delta(x)))))",
            "affine(tanh(last(delta(x)) * last(delta(x))))",
        ),
        ("last(map(v -> affine(v) * affine(v), prefix_fold_tanh[hidden=2](x)))", "unchanged"),
        (
            "mean(map(v -> affine(v), x) + map(w -> tanh(affine(w)), x))",
            "mean(map(v -> affine(v) + tanh(affine(v)), x))",
        ),
        ("affine(mean(x)) + ?output + affine(max(x))", "affine(max(x)) + affine(mean(x)) + ?output"),
        ("affine(?summary) + affine(?summary)", "affine(?summary) + affine(?summary)"),
    ],
)  # fmt: skip
def test_what_becomes_of_a_term(text, expected):
    if expected is None:
        with pytest.raises(LanguageError):
            read(text, Real(1))
        return
    found = form(text)
    assert found == (text if expected == "unchanged" else expected)
    assert form(found) == found


def test_a_map_through_a_narrow_place_is_less_than_one_map():
    words = Language("narrow", features={"a": "", "b": "", "c": ""}, groups={"ab": ("a", "b")})

    @words.primitive(
        "Real[n] -> Real[hidden]",
        config={"hidden": (2,)},
        parameters={"weight": "hidden n", "bias": "hidden"},
        searched=False,
        laws=("affine",),
    )
    def project(v, *, weight, bias, hidden):
        return weight @ v + bias

    def short(text, type_=ONE):
        return form(text, type_, words)

    assert short("affine(project[hidden=3](mean(x)))") == "affine(mean(x))"
    assert short("affine(project[hidden=2](mean(x)))") == "affine(project[hidden=2](mean(x)))"
    # One number goes through any place.
    assert short("project[hidden=1](project[hidden=2](mean(x)))") == "project[hidden=1](mean(x))"
    assert short("project[hidden=2](project[hidden=1](mean(x)))", Real(2)) == (
        "project[hidden=2](project[hidden=1](mean(x)))"
    )
    assert short("project[hidden=4](project[hidden=4](max(x)))", Real(4)) == "project[hidden=4](max(x))"
    # Only some entries are read further on: not the same as reading all.
    kept = "affine[ab](mean(x)) * affine(project[hidden=2](mean(x)))"
    assert short(kept) == kept


def test_arrays_are_left_alone():
    for text in [
        "affine[speed + 1](mean(x)) + affine[2*speed](mean(x))",
        "affine[1*v0](affine[1*speed](mean(x)))",
    ]:
        term = read(text, Real(1))
        found = canonical(term, BOUND)
        assert set(children(found)) == set(children(term))


def test_the_size_that_an_operand_says_is_not_lost():
    text = "affine(tanh(affine(mean(x)) + mean(x)))"
    assert form(text) == text
    other = read("affine(tanh(mean(x) + affine(mean(x))))", Real(1))
    assert canonical(other, BOUND) == read(text, Real(1))


# --- properties -------------------------------------------------------------------------------------------


@QUICK
@given(term=programs_of(1), case=masked())
def test_a_program_keeps_its_values_type_and_text(term, case):
    found = canonical(term, BOUND)
    assert canonical(found, BOUND) == found
    assert size(found) <= size(term)
    assert check(found, BOUND)[()] == check(term, BOUND)[()]
    # Names of rows are read again, so what nothing weighs has no centre: compare what is printed.
    text = print_term(found, BOUND)
    assert print_term(parse_term(text, BOUND, Real(1)), BOUND) == text
    scope = {"x": case}
    with np.errstate(all="ignore"):
        wanted, got = (reference._run(t, scope, GROUPS) for t in (term, found))
    assume(np.all(np.abs(wanted) < 1e12))
    np.testing.assert_allclose(got, wanted, rtol=1e-6, atol=1e-6)


@st.composite
def terms(draw, depth=3, with_holes=True):
    """Sketches of type `Real[1]`: sums, products and choices of maps, with holes."""
    kinds = ["affine"] * 3 + (["hole"] if with_holes else []) + (["add", "add", "mul", "if"] if depth else [])
    kind = draw(st.sampled_from(kinds))
    if kind == "hole":
        return Hole(draw(st.sampled_from(["output", "factor"])), Real(1))
    if kind == "affine":
        stream = draw(
            st.sampled_from(["x", "delta(x)", "prefix_max(x)", "window_max[width=3, look=centred](x)"])
        )
        word = draw(st.sampled_from(["mean", "max", "last", "at[frame=-1]"]))
        group = draw(st.sampled_from(["all", "where", "nose", "angle", "speed"]))
        return Apply("affine", (read(f"{word}({stream})"),), (("group", group),))
    count = 3 if kind == "if" else 2
    return Apply(kind, tuple(draw(terms(depth - 1, with_holes)) for _ in range(count)))


def shuffled(term, rng):
    """The term with operands exchanged and brackets moved."""
    term = with_children(term, tuple(shuffled(c, rng) for c in children(term)))
    if not isinstance(term, Apply) or term.name not in SHUFFLED:
        return term
    left, right = term.args
    if isinstance(left, Apply) and left.name == term.name and rng.random() < 0.5:
        a, b = left.args
        left, right = a, Apply(term.name, (b, right))
    return Apply(term.name, (right, left) if rng.random() < 0.5 else (left, right))


@QUICK
@given(term=terms(), seed=st.integers(0, 99))
def test_the_order_of_operands_does_not_count(term, seed):
    rng = np.random.default_rng(seed)
    other = term
    for _ in range(4):
        other = shuffled(other, rng)
    assert canonical(other, BOUND) == canonical(term, BOUND)


@QUICK
@given(term=terms())
def test_a_sketch_keeps_its_holes_and_type(term):
    found = canonical(term, BOUND)
    assert canonical(found, BOUND) == found
    assert size(found) <= size(term)
    assert sorted(h.role for _, h in holes(found)) == sorted(h.role for _, h in holes(term))
    assert check(found, BOUND, Real(1))[()] == Real(1)
    if not holes(term):
        assert parse_term(print_term(found, BOUND, {}), BOUND, Real(1)) == found
    for _, node in walk(found):
        if isinstance(node, Apply) and node.name in SHUFFLED:
            left, right = node.args
            assert not holes(left) or holes(right)


@QUICK
@given(term=terms(), filling=terms(depth=1, with_holes=False))
def test_what_a_partial_program_may_become_it_may_become_in_its_canonical_form(term, filling):
    def filled(node):
        if isinstance(node, Hole):
            return filling
        return with_children(node, tuple(map(filled, children(node))))

    assert canonical(filled(canonical(term, BOUND)), BOUND) == canonical(filled(term), BOUND)


@st.composite
def sums(draw):
    """Sums of free maps: what they can be is a linear space."""
    parts = draw(st.lists(terms(depth=0, with_holes=False), min_size=1, max_size=5))
    term = parts[0]
    for part in parts[1:]:
        term = Apply("add", (term, part))
    return term


def space(term, frames, mask):
    """A basis, on 40 sequences, of all that a sum of free maps can be."""
    columns = [np.ones((len(frames), 1))]
    for _, node in walk(term):
        if isinstance(node, Apply) and node.name == "affine":
            rows = [
                reference._run(node.args[0], {"x": (f, m)}, GROUPS) for f, m in zip(frames, mask, strict=True)
            ]
            kept = BOUND.group_members(node.setting("group"), BOUND.frame_type) > 0
            columns.append(np.array(rows)[:, kept])
    return np.concatenate(columns, axis=1)


@QUICK
@given(term=sums(), other=sums(), seed=st.integers(0, 99))
def test_a_sum_of_free_maps_keeps_its_space_of_functions(term, other, seed):
    rng = np.random.default_rng(seed)
    frames, mask = rng.normal(size=(40, TIME, 3)), rng.random((40, TIME)) < 0.6
    mask[:, 3] = True

    def rank(*terms_):
        return np.linalg.matrix_rank(
            np.concatenate([space(t, frames, mask) for t in terms_], axis=1), tol=1e-8
        )

    found = canonical(term, BOUND)
    assert rank(term) == rank(found) == rank(term, found)
    # And the other way round: one space, one form.
    same = rank(term) == rank(other) == rank(term, other)
    assert same == (canonical(other, BOUND) == found)


@QUICK
@given(term=programs_of(2), prefix=st.sampled_from(["w", "frame", "v"]))
def test_names_of_bound_variables_do_not_count(term, prefix):
    count = 0

    def renamed(node, names):
        nonlocal count
        if isinstance(node, Var):
            return Var(names.get(node.name, node.name))
        if isinstance(node, Lam):
            count += 1
            name = f"{prefix}{count % 7}"
            assume(name not in names.values())
            return Lam(name, renamed(node.body, {**names, node.name: name}))
        return with_children(node, tuple(renamed(c, names) for c in children(node)))

    assert canonical(renamed(term, {}), BOUND) == canonical(term, BOUND)


# --- a language of one's own ------------------------------------------------------------------------------


def algebra():
    words = Language.bare("algebra").bind({"a": "", "b": ""}, is_table=True)

    def word(signature, name, run, **more):
        words.primitive(signature, name=name, searched=False, **more)(run)

    word("t -> t -> t", "add", lambda a, b: a + b, laws=("addition",))
    word("t -> t -> t", "mul", lambda a, b: a * b, laws=("commutative", "associative"))
    word("t -> t -> t", "larger", jnp.maximum, laws=("commutative", "associative", "idempotent"))
    word("t -> t -> t", "apart", lambda a, b: abs(a - b), laws=("commutative",))
    word("t -> t -> t", "after", lambda a, b: b, laws=("associative",))
    word("t -> t -> t", "sub", lambda a, b: a - b)
    word("t -> t", "neg", lambda a: -a, laws=("linear", "involution"))
    word("t -> t", "one", jnp.ones_like)
    word("t -> t", "zero", jnp.zeros_like)
    word(
        "Real[2] -> Real[2]",
        "line",
        lambda v, *, w, c: w @ v + c,
        laws=("affine",),
        parameters={"w": "2 2", "c": "2"},
    )
    words.primitives["two"] = Primitive("two", Fn((), Real(2)), lambda: jnp.full(2, 2.0, jnp.float32))
    words.primitives["free"] = Primitive(
        "free", Fn((), Real(2)), lambda *, c: c, parameters={"c": "2"}, laws=("affine",)
    )
    words.equal("?a * one(?b)", "?a")
    words.equal("?a", "?a + zero(?b)")
    words.equal("?a * zero(?b)", "zero(?b)")
    words.equal("?a + neg(?a)", "zero(?a)")
    words.equal("sub(?a, ?b)", "?a + neg(?b)")
    words.equal("apart(?a, ?a)", "zero(?a)")
    words.equal("neg(?a * neg(?b))", "?a * ?b")
    return words


ALGEBRA = algebra()
LEAVES = [Var("x"), *(Apply(n, (Var("x"),)) for n in ("one", "zero", "neg")), Apply("two")]


@st.composite
def formulas(draw, depth=4):
    name = (
        draw(st.sampled_from(["leaf", "add", "mul", "larger", "apart", "after", "sub", "neg"]))
        if depth
        else "leaf"
    )
    if name == "leaf":
        return draw(st.sampled_from(LEAVES))
    count = len(ALGEBRA[name].signature.arguments)
    return Apply(name, tuple(draw(formulas(depth - 1)) for _ in range(count)))


@settings(max_examples=200, deadline=None)
@given(term=formulas(), seed=st.integers(0, 99))
def test_a_formula_keeps_its_value(term, seed):
    found = canonical(term, ALGEBRA)
    assert canonical(found, ALGEBRA) == found
    assert size(found) <= size(term)
    other = shuffled(shuffled(term, np.random.default_rng(seed)), np.random.default_rng(seed + 1))
    assert canonical(other, ALGEBRA) == found
    x = jnp.asarray(np.random.default_rng(seed).integers(-3, 4, 2), jnp.float32)
    wanted, got = (np.asarray(evaluate(t, ALGEBRA, {"x": x}, {}, {})) for t in (term, found))
    assume(np.all(np.abs(wanted) < 1e5))  # What is larger is no whole number of float32 on the way.
    np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("neg(neg(x))", "x"),
        ("line(neg(x)) + line(x)", "line(x)"),
        ("neg(line(x))", "line(x)"),
        ("line(x) + x", "line(x)"),
        ("line(x + x) + neg(x)", "line(x + x) + neg(x)"),
        ("line(tanh(x))", None),
        ("neg(x) + neg(larger(x, x))", "neg(x + x)"),
        ("larger(x, larger(neg(x), x))", "larger(neg(x), x)"),
        ("larger(line(x), line(x))", "larger(line(x), line(x))"),
        ("after(x, after(neg(x), one(x)))", "after(after(x, neg(x)), one(x))"),
        ("apart(x, neg(x))", "apart(neg(x), x)"),
        ("x * one(x) * neg(x) * zero(x)", "zero(x)"),
        ("line(x) + neg(line(x))", "line(x)"),
        ("line(x * x) + neg(x * x) + zero(x)", "line(x * x)"),
        ("neg(x * neg(neg(x) * x))", "neg(x * x * x)"),
    ],
)
def test_laws_and_equations_of_ones_own(text, expected):
    if expected is None:
        with pytest.raises(LanguageError):
            read(text, Real(2), ALGEBRA)
        return
    wanted = canonical(read(expected, Real(2), ALGEBRA), ALGEBRA)
    assert canonical(read(text, Real(2), ALGEBRA), ALGEBRA) == wanted


def test_a_constant_is_taken_up_by_a_free_map():
    line, two = Apply("line", (Var("x"),)), Apply("two")
    assert canonical(Apply("add", (two, line)), ALGEBRA) == line
    shifted = Apply("line", (Apply("add", (Var("x"), two)),))
    assert canonical(shifted, ALGEBRA) == line


def test_free_constants_are_one_and_part_of_a_free_map():
    line, two, free = Apply("line", (Var("x"),)), Apply("two"), Apply("free")
    assert canonical(Apply("add", (free, Apply("add", (two, free)))), ALGEBRA) == free
    assert canonical(Apply("neg", (free,)), ALGEBRA) == free
    assert canonical(Apply("add", (free, line)), ALGEBRA) == line
    product = Apply("mul", (free, Apply("add", (two, Var("x")))))
    assert size(canonical(product, ALGEBRA)) == size(product)


def test_a_new_word_of_an_old_name_has_its_own_laws():
    words = sequence.bind({"a": ""})
    text = "last(prefix_max(x))"
    assert form(text, None, words) == "max(x)"

    @words.primitive("Seq[Real[n]] -> Seq[Real[n]]")
    def prefix_max(frames, mask):
        return frames

    assert form(text, None, words) == text
    words.equal("prefix_max(?stream)", "?stream")
    assert form(text, None, words) == "last(x)"
    assert form(text, None, sequence.bind({"a": ""})) == "max(x)"


@pytest.mark.parametrize(
    ("laws", "signature", "arrays", "says"),
    [
        (("commutativ",), "t -> t -> t", {}, "declares the law 'commutativ'"),
        (("commutative",), "t -> t", {}, "cannot be commutative"),
        (("associative",), "Real[1] -> Real[1] -> Real[2]", {}, "cannot be associative"),
        (("addition",), "t -> t", {}, "cannot be addition"),
        (("idempotent",), "Seq[Real[n]] -> Real[n]", {}, "cannot be idempotent"),
        (("involution",), "Real[2] -> Real[1]", {}, "cannot be involution"),
        (("affine",), "Seq[Real[n]] -> Real[m]", {"w": "m n"}, "cannot be affine"),
        (("affine",), "Real[n] -> Real[n]", {}, "has no arrays"),
        (("linear",), "t -> t -> t", {}, "cannot be linear"),
        (("linear",), "Real[n] -> Real[m]", {"w": "m n"}, "has the arrays w"),
        (("average",), "Real[n] -> Real[n]", {}, "cannot be average"),
        (("selection",), "Seq[Real[n]] -> Real[1]", {}, "cannot be selection"),
        (("framewise",), "Seq[Real[n]] -> Seq[Real[n]]", {}, "cannot be framewise"),
        (("aligned",), "Seq[Real[n]] -> Real[n]", {}, "cannot be aligned"),
    ],
)
def test_a_law_that_cannot_hold_is_an_error(laws, signature, arrays, says):
    words = sequence.bind({})
    with pytest.raises(LanguageError, match=says):
        words.primitive(signature, name="word", laws=laws, parameters=arrays)(lambda *args, **more: None)
    assert "word" not in words.primitives


@pytest.mark.parametrize(
    ("one", "other", "says"),
    [
        ("mean(x)", "max(?s)", "has the variable 'x'"),
        ("mean(map(v -> v, ?s))", "mean(?s)", "has the variable 'v'"),
        ("maen(?s)", "?s", "no primitive 'maen'"),
        ("at[fram=1](?s)", "last(?s)", "no constant 'fram'"),
        ("affine[2*speed](?v)", "?v", "has numbers in affine"),
        ("?a", "?b", "which side is simpler"),
        ("mean(?s)", "mean(?s)", "which side is simpler"),
        ("mean(?s)", "last(delta(?t))", r"has \?s more often"),
        ("last(delta(?s))", "at(?s)", "nothing says the 'frame' of at"),
        ("mean(delta(?s))", "?s", "has no type"),
        ("mean(?s, ?s)", "max(?s)", "has no type"),
    ],
)
def test_an_equation_that_says_nothing_is_an_error(one, other, says):
    words = sequence.bind({})
    with pytest.raises(LanguageError, match=says):
        words.equal(one, other)
    assert words.equations == sequence.equations


@pytest.mark.parametrize("equation", sequence.equations, ids=lambda e: e.left.name)
@given(case=masked())
@settings(max_examples=10, deadline=None)
def test_each_equation_of_sequence_holds(equation, case):
    def instance(template):
        if isinstance(template, Hole):
            return {"condition": read("affine[1*nose](mean(x))"), "a": read("max(x)")}.get(
                template.role, Var("x")
            )
        given_ = dict(template.config)
        config = tuple((k, given_.get(k, values[-1])) for k, values in sequence[template.name].config.items())
        return Apply(template.name, tuple(map(instance, template.args)), config)

    left, right = (instance(side) for side in (equation.left, equation.right))
    frames, mask = (jnp.asarray(a, d) for a, d in zip(case, (jnp.float32, bool), strict=True))
    values = []
    for term in (left, right):
        data = data_arrays(term, BOUND, check(term, BOUND))
        value = evaluate(term, BOUND, {"x": (frames, mask)}, parameters(term), data)
        if isinstance(value, tuple):
            np.testing.assert_array_equal(value[1], mask)
            value = value[0][mask]
        values.append(np.asarray(value))
    np.testing.assert_allclose(values[0], values[1], rtol=1e-4, atol=1e-5)
    assert isinstance(check(left, BOUND)[()], Seq) == isinstance(check(right, BOUND)[()], Seq)
    assert canonical(sketch(left), BOUND) == canonical(sketch(right), BOUND)
