"""From the candidates of a round to jobs: what is screened, what is thinned out, what is compiled ahead."""

import threading

import pytest

from antiphon.language import parse_term
from antiphon.search import BestImproved, CandidateFitted, CandidateStarted
from antiphon.search._ahead import Ahead
from antiphon.search._rounds import groups_of
from antiphon.search._work import Workshop

SUMMARIES = ("mean(x)", "last(x)", "max(x)", "mean(delta(x))")


@pytest.fixture
def ready(setup_of):
    """A problem made ready for a search."""
    return setup_of(steps=20)


def terms_of(setup, *texts):
    return [parse_term(t, setup.grammar.language, setup.grammar.output_type) for t in texts]


def rare():
    """Eight terms of eight skeletons."""
    a, b, c, d = (f"affine({s})" for s in SUMMARIES)
    return (
        f"{a} + {b}",
        f"{a} * {b}",
        f"{a} + {b} + {c}",
        f"{a} * {b} + {c}",
        f"({a} + {b}) * {c}",
        f"if {a} > 0 then {b} else {c}",
        f"if {a} > 0 then {b} else {c} + {d}",
        f"({a} + {b}) * ({c} + {d})",
    )


@pytest.mark.slow
def test_rare_skeletons_go_together_and_common_ones_by_themselves(ready):
    common = [f"affine({s})" for s in SUMMARIES]
    terms = terms_of(ready, *common, *rare())

    def groups(screening, terms=terms):
        return groups_of(terms, ready.grammar, ready.workshop, lambda t: {}, screening=screening)

    screened = [g for g in groups(True) if g.job.screened]
    assert sorted(i for g in screened for i in g.members) == list(range(4, 12))
    assert len(screened) <= 2  # with conditions, which have three parts, and without
    (alone,) = [g for g in groups(True) if not g.job.screened]
    assert alone.members == (0, 1, 2, 3)
    assert not any(g.job.screened for g in groups(False))
    assert not any(g.job.screened for g in groups(True, terms[:11]))  # too few to be worth a function
    found = [r for g in screened for r in ready.workshop.run(g.job)["results"]]
    own = {r["text"]: r for g in groups(False, terms[4:6]) for r in ready.workshop.run(g.job)["results"]}
    for result in found:
        if result["text"] in own:
            assert result["loss"] == pytest.approx(own[result["text"]]["loss"], rel=1e-3)
            assert result["leaves"].keys() == own[result["text"]]["leaves"].keys()


def test_what_comes_next_is_compiled_in_another_thread(ready, monkeypatch):
    terms = terms_of(ready, "affine(mean(x))", "affine(mean(x)) + affine(last(x))")
    jobs = [g.job for g in groups_of(terms, ready.grammar, ready.workshop, lambda t: {}, screening=False)]
    prepare, threads = Workshop.prepare, []

    def watched(self, job):
        threads.append(threading.current_thread().name)
        return prepare(self, job)

    monkeypatch.setattr(Workshop, "prepare", watched)
    ahead = Ahead(ready.workshop, jobs)
    found = [ahead.result(n) for n in range(len(jobs))]
    assert len(threads) == 2
    assert all(name.startswith("antiphon-compile") for name in threads)
    again = [ready.workshop.run(job) for job in jobs]
    assert [r["results"][0]["loss"] for r in found] == [r["results"][0]["loss"] for r in again]


@pytest.mark.slow
def test_halving_trains_a_third_to_the_end_and_tells_each_once(run, identity, tmp_path):
    events, journal = [], tmp_path / "journal"
    settings = {"strategy": "sampling", "candidates": 12, "size_limit": 15, "halving": True}
    result = run(**settings, journal=journal, listeners=[events.append])
    fitted = [e.text for e in events if isinstance(e, CandidateFitted)]
    started = [e.text for e in events if isinstance(e, CandidateStarted)]
    assert len(fitted) == len(set(fitted)) == result.candidates == 12
    assert 4 <= len(started) < 12  # the others were told by the rung
    assert {e.text for e in events if isinstance(e, BestImproved)} <= set(started)
    assert b'"rung ' in journal.read_bytes()
    again = []
    assert identity(run(**settings, journal=journal, listeners=[again.append])) == identity(result)
    assert [type(e) for e in again] == [type(e) for e in events if not isinstance(e, CandidateStarted)]
