"""One suite for all strategies: budgets, resumption, determinism, interruption, and finding what is there."""

import time

import numpy as np
import pytest

from antiphon.errors import SearchError
from antiphon.language import Real, Seq, canonical, check, holes, print_term, sequence, size, sketch
from antiphon.search import (
    STRATEGIES,
    BestImproved,
    CandidateFailed,
    CandidateFitted,
    CandidateStarted,
    Grammar,
    Phase,
    Scored,
    SearchEnded,
    Settings,
    choose_strategy,
    make_strategy,
)

# `sums` is for formulas over tables: see test_sums.py.
every_strategy = pytest.mark.parametrize("strategy", sorted(set(STRATEGIES) - {"sums"}))
# A search of these takes as long as one of all others together.
SLOW = [pytest.param(strategy, marks=pytest.mark.slow) for strategy in ("auto", "dpads", "ids-bb")]
QUICK = sorted(set(STRATEGIES) - {"sums", "auto", "dpads", "ids-bb"})
CANDIDATES = 20
ENOUGH = 500  # Where nothing is fitted.


def wider_language():
    """A few more summaries than budgets can try, each cheap to fit."""
    language = sequence.bind({"speed": "cm/s", "angle": "rad"}, rate_hz=10)
    language.rules[:] = []
    language.rule("output", "affine(?summary)")
    language.rule("output", "affine(?summary) + ?output")
    for word in ("mean", "last", "max", "min", "first", "deviation"):
        language.rule("summary", f"{word}(x)")
    return language


WIDER = wider_language()


class Raises:
    """A listener that raises after some fitted candidates."""

    def __init__(self, error, after):
        self.error, self.left = error, after

    def __call__(self, event):
        if isinstance(event, CandidateFitted):
            self.left -= 1
            if self.left == 0:
                raise self.error


def of(kind, events):
    return [e for e in events if isinstance(e, kind)]


def what_happened(events):
    """Events without what the clock says."""
    return [
        {k: v for k, v in vars(e).items() if "seconds" not in k} | {"kind": type(e).__name__} for e in events
    ]


@pytest.fixture(scope="module")
def learn(run, problem):
    """A search of the planted problem: the answer is in the last frames' speed."""

    def search(strategy, **changes):
        small = {"candidates": CANDIDATES, "size_limit": 11, "steps": 20, "finalists": 1, **changes}
        return run(problem(language=WIDER), strategy=strategy, **small)

    return search


@pytest.fixture(scope="module")
def whole(learn, tmp_path_factory):
    """For each strategy an uninterrupted search: result, events."""
    found = {}

    def make(strategy):
        if strategy not in found:
            events = []
            found[strategy] = learn(strategy, listeners=[events.append]), events
        return found[strategy]

    return make


@pytest.mark.parametrize("strategy", [*QUICK, *SLOW])
def test_the_budget_of_candidates_is_kept(whole, strategy):
    result, events = whole(strategy)
    fitted = of(CandidateFitted, events)
    assert result.candidates == len(fitted) + len(of(CandidateFailed, events)) == CANDIDATES
    assert [e.number for e in fitted] == list(range(1, len(fitted) + 1))


@pytest.mark.parametrize("strategy", [*QUICK, *SLOW])
def test_what_happens_is_told(whole, strategy):
    result, events = whole(strategy)
    assert [e.name for e in of(Phase, events)][:2] == ["search", "finalists"]
    assert isinstance(events[0], Phase)
    ended = events[-1]
    assert isinstance(ended, SearchEnded)
    assert (ended.candidates, ended.interrupted) == (result.candidates, False)
    started, fitted = of(CandidateStarted, events), of(CandidateFitted, events)
    assert {e.text: e.number for e in started} == {e.text: e.number for e in fitted}
    assert len({e.text for e in started}) == len(started) == len(fitted)
    for event in fitted:
        earlier = events[: events.index(event)]
        assert any(isinstance(e, CandidateStarted) and e.text == event.text for e in earlier)
    best = of(BestImproved, events)
    assert [(e.number, e.score) for e in best] == [(n, s) for _, n, s in result.trace]
    assert all("?" not in e.text for e in best)
    assert "(auto: " in result.strategy if strategy == "auto" else result.strategy == strategy
    assert events[0].detail == result.strategy
    assert 0 <= result.compile_seconds <= result.seconds


@pytest.mark.parametrize("strategy", [*QUICK, *SLOW])
def test_two_runs_are_the_same(whole, learn, identity, strategy):
    events = []
    again = learn(strategy, listeners=[events.append])
    result, before = whole(strategy)
    assert identity(again) == identity(result)
    assert what_happened(events) == what_happened(before)


@every_strategy
@pytest.mark.parametrize("after", [pytest.param(2, marks=pytest.mark.slow), 13])
def test_a_killed_search_goes_on_where_it_was(whole, learn, identity, tmp_path, strategy, after):
    journal, first, second = tmp_path / "journal", [], []
    with pytest.raises(RuntimeError, match="killed"):
        learn(strategy, journal=journal, listeners=[first.append, Raises(RuntimeError("killed"), after)])
    again = learn(strategy, journal=journal, listeners=[second.append])
    result, events = whole(strategy)
    assert identity(again) == identity(result)
    started = [e.text for e in of(CandidateStarted, [*first, *second])]
    assert sorted(started) == sorted(e.text for e in of(CandidateStarted, events))


@every_strategy
def test_an_interrupt_keeps_the_best_so_far(learn, strategy):
    events = []
    stop = Raises(KeyboardInterrupt(), 13)
    try:
        result = learn(strategy, listeners=[events.append, stop])
    except SearchError:  # Only partial programs so far.
        assert not of(BestImproved, events)
        return
    assert result.interrupted
    assert events[-1].interrupted
    assert result.candidates == 13
    fitted = {e.text for e in of(CandidateFitted, events)}
    assert print_term(sketch(result.chosen.program.term), WIDER, {}) in fitted


@every_strategy
def test_the_budget_of_seconds_is_kept(learn, monkeypatch, strategy):
    now = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    events = []

    def clock(event):
        events.append(event)
        # Only what is fitted takes time.
        now[0] += isinstance(event, CandidateFitted)

    result = learn(strategy, seconds=20, candidates=1000, listeners=[clock])
    batches = max(e.number for e in of(CandidateStarted, events)) - 14
    assert 14 <= result.candidates <= 14 + max(batches, 0) < 200
    assert result.seconds == result.candidates
    assert not result.interrupted


@pytest.mark.parametrize("strategy", [*QUICK, *SLOW])
def test_what_was_planted_is_found(whole, strategy):
    result, _ = whole(strategy)
    assert "last(x)" in str(result.chosen.program)


# --- without any fitting: the strategies alone, against errors that are made up --------------------------

FULL = sequence.bind({"speed": "cm/s", "angle": "rad"}, groups={"turning": ("angle",)}, rate_hz=10)
GOOD = {"affine(middle(x))": 0.3, "affine(max(delta(x)))": 0.2, "affine(mean(part[part=1, of=2](x)))": 0.1}


def text(term):
    return " ".join(print_term(term, FULL, {}).split())


def made_up(term):
    """An error that three summands take down, in steps; each hole could hold all that is missing."""
    said = text(term)
    missing = sum(worth for part, worth in GOOD.items() if part not in said)
    return 0.2 + (0.3 if holes(term) and "?output" in said else 1.0) * missing


def play(strategy, grammar, candidates, error=made_up):
    """What a strategy proposes until it has no more, or the budget is spent."""
    seen = {}
    while len(seen) < candidates:
        terms = list(strategy.propose())
        assert len(set(terms)) == len(terms)
        terms = terms[: candidates - len(seen)]
        if not terms:
            break
        assert not any(t in seen for t in terms)
        results = [Scored(t, error(t)) for t in terms]
        seen.update((r.term, r.error) for r in results)
        strategy.observe(results)
    return seen


def made(name, grammar, seed=0):
    chosen = choose_strategy(Settings(strategy=name, candidates=ENOUGH), grammar).strategy
    return make_strategy(chosen, grammar, penalty=0.001, seed=seed)


@every_strategy
@pytest.mark.parametrize("type_", [Real(1), Real(3), Seq(Real(1))], ids=str)
def test_proposals_are_well_typed_and_canonical(strategy, type_):
    grammar = Grammar(FULL, type_, size_limit=9)
    for term in play(made(strategy, grammar), grammar, 150, error=lambda t: 0.5 + len(text(t)) / 1000):
        check(term, FULL, type_)
        assert canonical(term, FULL) == term
        assert grammar.least_size(term) <= 9
        assert holes(term) or size(term) <= 9


@every_strategy
def test_a_small_space_is_searched_to_its_end(strategy):
    grammar = Grammar(WIDER, Real(1), size_limit=7)
    found = play(made(strategy, grammar), grammar, 10_000, error=lambda t: 0.5)
    complete = [t for t in found if not holes(t)]
    assert len(found) < 100
    if strategy == "ids-bb":  # It leaves out what cannot be better.
        assert len(complete) >= 6
    else:
        assert len(complete) == 6 + 15


@every_strategy
def test_candidates_that_fail_do_not_end_a_search(strategy):
    grammar = Grammar(WIDER, Real(1), size_limit=11)
    failing = play(made(strategy, grammar), grammar, 30, error=lambda t: float("inf"))
    assert len(failing) >= 6
    some = play(made(strategy, grammar), grammar, 30, error=lambda t: np.inf if "mean" in text(t) else 0.5)
    assert len(some) >= 20


@every_strategy
def test_a_round_may_be_cut_short(strategy):
    grammar = Grammar(FULL, Real(1), size_limit=9)
    searched = made(strategy, grammar)
    first = list(searched.propose())
    searched.observe([Scored(t, 0.5) for t in first[:1]])
    searched.observe([])
    assert not set(first) & set(searched.propose())


# What `dpads` learns from is the weights of superpositions, which errors made up here do not have.
LEARN = sorted(set(STRATEGIES) - {"sampling", "enumeration", "dpads", "sums"})


@pytest.fixture(scope="module")
def without_learning():
    """The best error that strategies reach which learn nothing from results."""
    grammar = Grammar(FULL, Real(1), size_limit=13)
    plays = [play(made(name, grammar), grammar, ENOUGH) for name in ("sampling", "enumeration")]
    return min(error for found in plays for error in found.values())


@pytest.mark.parametrize("strategy", LEARN)
def test_what_is_learned_from_results_leads_to_the_best_program(strategy, without_learning):
    grammar = Grammar(FULL, Real(1), size_limit=13)
    found = play(made(strategy, grammar), grammar, ENOUGH)
    best = min((t for t in found if not holes(t)), key=found.__getitem__)
    assert found[best] == pytest.approx(0.2)
    assert found[best] < without_learning - 0.05


def test_seeds_differ_and_repeat():
    grammar = Grammar(FULL, Real(1), size_limit=13)
    for strategy in ("sampling", "genetic", "mcts", "proposal"):
        one, same, other = (play(made(strategy, grammar, s), grammar, 100) for s in (0, 0, 1))
        assert list(one) == list(same)
        assert set(one) != set(other)
