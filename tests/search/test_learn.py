"""Searches: budgets, events, resumption, interruption, and what the result promises."""

import itertools
import time
from dataclasses import replace

import numpy as np
import pytest

from antiphon.errors import InputError, SearchError
from antiphon.fitting import measure
from antiphon.language import Program, parameters, size
from antiphon.search import (
    CandidateFailed,
    CandidateFitted,
    CandidateStarted,
    Phase,
)
from antiphon.search._work import Workshop


def of(kind, events):
    return [e for e in events if isinstance(e, kind)]


@pytest.fixture(scope="module")
def whole(run, tmp_path_factory):
    """For each strategy an uninterrupted search: result, events, journal."""
    found = {}

    def make(strategy):
        if strategy not in found:
            journal = tmp_path_factory.mktemp("whole") / "journal"
            events = []
            result = run(strategy=strategy, journal=journal, listeners=[events.append])
            found[strategy] = result, events, journal.read_bytes()
        return found[strategy]

    return make


@pytest.mark.parametrize("strategy", ["beam", pytest.param("near", marks=pytest.mark.slow)])
@pytest.mark.parametrize("share", [pytest.param(0.01, marks=pytest.mark.slow), 0.37, 0.8])
def test_a_journal_cut_anywhere_is_taken_up(whole, run, identity, tmp_path, strategy, share):
    result, events, journal = whole(strategy)
    path, again = tmp_path / "journal", []
    path.write_bytes(journal[: int(share * len(journal))])
    assert identity(run(strategy=strategy, journal=path, listeners=[again.append])) == identity(result)
    missing = [e.text for e in of(CandidateStarted, again)]
    every = [e.text for e in of(CandidateStarted, events)]
    assert set(missing) <= set(every)
    assert len(set(missing)) == len(missing)
    assert len(missing) < len(every) or share < 0.1

    def without_time(data):
        return [line.rsplit(b'"seconds"', 1)[0] for line in data.splitlines()]

    assert without_time(path.read_bytes()) == without_time(journal)


def test_a_whole_journal_leaves_nothing_to_fit(whole, run, identity, tmp_path):
    result, _, journal = whole("beam")
    path, events = tmp_path / "journal", []
    path.write_bytes(journal)
    again = run(strategy="beam", journal=path, listeners=[events.append])
    assert identity(again) == identity(result)
    assert not of(CandidateStarted, events)
    assert all(e.seconds == 0 for e in of(CandidateFitted, events))
    assert path.read_bytes() == journal


def test_a_journal_belongs_to_its_data_folds_and_language(whole, run, problem, tmp_path):
    path = tmp_path / "journal"
    path.write_bytes(whole("beam")[2])
    given = problem()
    turned = replace(given, targets=1 - given.targets)
    bound = given.language.bind(given.language.features, groups={"turning": ("speed",)}, rate_hz=10)
    for other in (turned, replace(given, language=bound), replace(given, weights=np.full(40, 2, np.float32))):
        with pytest.raises(InputError, match="another search"):
            run(other, strategy="beam", journal=path)
    with pytest.raises(InputError, match="seed 0 there, 1 here"):
        run(strategy="beam", journal=path, seed=1)
    assert path.read_bytes() == whole("beam")[2]


def test_a_limit_in_seconds_ends_it(run):
    with pytest.raises(SearchError, match=r"larger budget \(candidates, seconds\)"):
        run(seconds=0.001, candidates=500)


@pytest.mark.parametrize(
    ("each", "judged", "constraints", "jobs"),
    [(4.0, 3, [], 3), (4.0, 3, ["size-limit 9"], 9), (60.0, 1, [], 1)],
)
def test_finalists_are_judged_as_long_as_there_is_time(run, monkeypatch, each, judged, constraints, jobs):
    now, events, finals = [0.0], [], []
    fit = Workshop.run

    def slowly(workshop, job, prepared=None):
        now[0] += each * (job.stage == "final")
        finals.extend([job] * (job.stage == "final"))
        return fit(workshop, job, prepared)

    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(Workshop, "run", slowly)
    result = run(
        seconds=10, strategy="enumeration", finalists=4, listeners=[events.append], constraints=constraints
    )
    told = [e.detail for e in of(Phase, events) if "in time" in e.detail]
    assert [int(detail.split()[0]) for detail in told] == [judged]
    assert len(finals) == jobs  # Each is judged by one; where pruning must be, by two more.
    assert 1 <= len(result.front) <= judged
    assert not result.chosen.constant


def test_a_target_score_ends_it(run):
    result = run(target_score=0.6, candidates=500, strategy="beam")
    assert result.candidates < 40
    assert max(score for _, _, score in result.trace) >= 0.6


def test_nothing_complete_is_an_error(run):
    with pytest.raises(SearchError, match="No complete program after 1 candidates"):
        run(strategy="near", candidates=1)


@pytest.mark.parametrize("strategy", ["beam", pytest.param("near", marks=pytest.mark.slow)])
def test_the_front_holds_what_it_promises(whole, problem, strategy):
    result, given = whole(strategy)[0], problem()
    assert result.chosen in result.front
    for smaller, larger in itertools.pairwise(result.front):
        assert smaller.size <= larger.size
    for found in result.front:
        assert found.size == found.program.size == size(found.program.term) <= 7
        again = Program.parse(str(found.program), {given.language.name: given.language})
        one, two = (p.scores(given.values, given.mask) for p in (found.program, again))
        assert np.array_equal(one, two)
        kept = 0
        for leaf in parameters(found.program.term).values():
            for name in ("weight", "bias"):
                for number in leaf[name].ravel():
                    assert np.float32(f"{number:.2e}") == number
            kept += np.count_nonzero(leaf["weight"])
        assert kept >= 1
        assert 0 <= found.score_std < 0.5
        assert found.curve.steps[-1] == 20
        # The score is of held-out cases of repeated splits: the program, trained on all, is about as good.
        said = found.program.decide(one)
        true = np.array(["slow", "fast"])[given.targets]
        assert abs(measure(said == "fast", true == "fast", "accuracy") - found.score) < 0.15


@pytest.mark.parametrize("task", ["regression", "tagging"])
def test_other_tasks(run, problem, task):
    given = problem(task)
    found = run(given, strategy="enumeration", candidates=4, size_limit=5, steps=40).chosen
    assert found.program.output.task == task
    scores = found.program.scores(given.values, given.mask)
    if task == "regression":
        # Coefficients are in the targets' own units, and rounded there.
        assert measure(scores, given.targets, "r2") == pytest.approx(found.score, abs=0.1)
        assert found.score > 0.6
    else:
        said, true = scores[given.mask][:, 0] > 0, given.targets[given.mask]
        assert measure(said, true, "accuracy") == pytest.approx(found.score, abs=0.1)


def test_one_answer_for_all_is_not_chosen_over_one_that_tells(run, problem):
    given = problem()
    rare = np.zeros(40, np.int32)
    speed = np.where(given.mask, given.values[..., 0], -9).max(1)
    rare[np.argsort(speed)[-6:]] = 1  # always "no" is right for 34 of 40
    result = run(replace(given, targets=rare), strategy="beam", target_score=None, steps=40)
    said = result.chosen.program.scores(given.values, given.mask)[:, 0] > 0
    assert not result.chosen.constant
    assert 0 < said.sum() < 40


def test_data_that_overflow_cost_a_candidate_only(run, problem):
    given = problem()
    wild = given.values.copy()
    wild[3, 0] = np.float32(3e38), np.float32(-3e38)
    wild[3, 1] = np.float32(-3e38), np.float32(3e38)
    events = []
    result = run(replace(given, values=wild), strategy="enumeration", listeners=[events.append])
    assert result.failed == len(of(CandidateFailed, events)) > 0
    assert result.candidates > result.failed
    assert np.isfinite(result.chosen.loss)
    assert "NaN or infinite" in of(CandidateFailed, events)[0].reason


@pytest.mark.slow
def test_two_workers_find_the_same(whole, run, identity):
    assert identity(run(strategy="beam", jobs=2)) == identity(whole("beam")[0])
