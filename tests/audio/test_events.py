"""Events: from frames and back, and how well they were found, against what can be counted by hand."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from antiphon.audio import (
    Event,
    EventRules,
    event_scores,
    events_to_tags,
    find_events,
    frame_f1,
    tags_to_events,
)
from antiphon.errors import InputError

HZ = 100.0
tags = st.lists(st.sampled_from(["none", "dog", "cat"]), min_size=1, max_size=30)


@given(tags, st.floats(1, 1000))
def test_tags_become_events_and_are_the_same_tags_again(said, hz):
    found = tags_to_events(said, hz)
    assert events_to_tags(found, len(said), hz).tolist() == said
    runs = [label for label, _ in itertools.groupby(said) if label != "none"]
    assert sorted(event.label for event in found) == sorted(runs)
    assert list(found) == sorted(found, key=lambda event: event.onset)


@given(tags)
def test_without_a_background_every_frame_is_in_an_event(said):
    found = tags_to_events(said, HZ, background=None)
    assert sum(event.seconds for event in found) == pytest.approx((len(said) - 0.5) / HZ)


def test_a_frame_has_the_label_of_the_event_that_its_moment_lies_in():
    events = [Event(0.02, 0.04, "dog"), Event(0.04, 0.041, "cat"), Event(0.06, 9.0, "dog")]
    wanted = ["none", "none", "dog", "dog", "cat", "none", "dog", "dog"]
    assert events_to_tags(events, 8, HZ).tolist() == wanted
    assert events_to_tags([], 2, HZ, background=0).tolist() == [0, 0]
    # 0.07 is no binary fraction, and yet the moment of frame 7.
    assert events_to_tags([Event(0.07, 0.08, 1)], 9, HZ, background=0).tolist() == [0] * 7 + [1, 0]
    same = [Event(0.0, 0.05, "dog"), Event(0.01, 0.02, "dog")]  # of one label they may overlap
    assert events_to_tags(same, 6, HZ).tolist() == ["dog"] * 5 + ["none"]


@pytest.mark.parametrize(
    ("rules", "wanted"),
    [
        (EventRules(), [(2, 3), (4, 6), (9, 10)]),
        (EventRules(threshold=0.75), [(4, 5)]),
        (EventRules(threshold=0.75, release=0.25), [(1, 6)]),
        (EventRules(gap_seconds=0.01), [(2, 6), (9, 10)]),
        (EventRules(gap_seconds=0.03), [(2, 10)]),
        (EventRules(least_seconds=0.02), [(4, 6)]),
        (EventRules(median_seconds=0.03), [(3, 6)]),
        (EventRules(gap_seconds=0.01, least_seconds=0.03), [(2, 6)]),
        (EventRules(threshold=0.95), []),
    ],
)
def test_rules_by_hand(rules, wanted):
    shares = np.array([0.1, 0.3, 0.6, 0.5, 0.9, 0.6, 0.1, 0.1, 0.2, 0.7, 0.1])
    found = find_events(shares[:, None], ["dog"], HZ, rules)
    edges = [(round(event.onset * HZ + 0.5), round(event.offset * HZ + 0.5)) for event in found]
    assert edges == wanted


@given(st.lists(st.floats(0, 1), min_size=3, max_size=20), st.floats(0.1, 0.9), st.floats(0, 0.9))
def test_hysteresis_keeps_runs_that_reach_the_threshold(shares, threshold, release):
    rules = EventRules(threshold=threshold, release=min(release, threshold))
    active = rules.active(np.array(shares)[:, None], HZ)[:, 0]
    low, high = np.array(shares) > rules.release, np.array(shares) > threshold
    assert (active <= low).all()
    assert (high <= active).all()
    for key, run in itertools.groupby(range(len(shares)), key=lambda t: low[t]):
        places = list(run)
        if key:
            assert active[places].all() == active[places].any() == high[places].any()


def test_events_of_several_labels_may_overlap():
    found = find_events([[0.9, 0.1], [0.9, 0.9], [0.1, 0.9]], ["dog", "cat"], HZ)
    assert found == (Event(0.0, 0.015, "dog"), Event(0.005, 0.025, "cat"))


@pytest.mark.parametrize(
    ("found", "right"),
    [
        (Event(1.2, 3.0, "dog"), True),  # exactly a collar late
        (Event(1.21, 3.0, "dog"), False),
        (Event(0.8, 3.0, "dog"), True),
        (Event(1.0, 3.4, "dog"), True),  # a fifth of 2 s is more than the collar
        (Event(1.0, 3.41, "dog"), False),
        (Event(1.0, 3.0, "cat"), False),
    ],
)
def test_collars(found, right):
    scores = event_scores([[Event(1.0, 3.0, "dog")]], [[found]])
    assert scores.f1 == (1.0 if right else 0.0)
    assert event_scores([[Event(1.0, 1.5, "dog")]], [[Event(1.0, 1.7, "dog")]]).f1 == 1.0
    assert event_scores([[Event(1.0, 1.5, "dog")]], [[Event(1.0, 1.71, "dog")]]).f1 == 0.0
    assert event_scores([[Event(1, 1.5, "dog")]], [[Event(1, 9.0, "dog")]], offset_collar=None).f1 == 1.0


def test_counts_labels_and_nothing_at_all():
    true = [[Event(0, 1, "dog"), Event(2, 3, "cat")], [Event(0, 1, "dog")], []]
    found = [[Event(0, 1, "dog"), Event(0.1, 1, "dog")], [], [Event(4, 5, "cat")]]
    scores = event_scores(true, found)
    assert (scores.true, scores.found, scores.matched) == (3, 3, 1)
    assert (scores.precision, scores.recall, scores.f1) == (1 / 3, 1 / 3, 1 / 3)
    assert scores.by_label == {"cat": 0.0, "dog": 0.5}
    nothing = event_scores([[]], [[]])
    assert (nothing.f1, nothing.precision, nothing.recall) == (1.0, 1.0, 1.0)


moments = st.lists(st.tuples(st.integers(0, 12), st.integers(1, 5)), max_size=5)


@given(moments, moments)
def test_as_many_pairs_as_the_best_of_all_pairings(true, found):
    ours, theirs = ([Event(a / 10, (a + b) / 10, "x") for a, b in some] for some in (true, found))

    def fit(one, other):
        room = max(0.2, 0.2 * one.seconds)
        return abs(one.onset - other.onset) <= 0.2 + 1e-9 and abs(one.offset - other.offset) <= room + 1e-9

    few, many, way = (ours, theirs, 1) if len(ours) <= len(theirs) else (theirs, ours, -1)
    best = max(
        sum(fit(*(few[i], many[j])[::way]) for i, j in enumerate(chosen))
        for chosen in itertools.permutations(range(len(many)), len(few))
    )
    assert event_scores([ours], [theirs]).matched == best


@settings(max_examples=25)
@given(st.lists(st.tuples(st.sampled_from("nab"), st.sampled_from("nab")), min_size=1, max_size=30))
def test_frame_f1_is_that_of_scikit_learn(pairs):
    true, said = zip(*pairs, strict=True)
    wanted = f1_score(true, said, labels=["a", "b"], average="micro", zero_division=1.0)
    half = len(true) // 2
    parts = [[list(some[:half]), list(some[half:])] for some in (true, said)]
    assert frame_f1(*parts, background="n") == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Event(1.0, 1.0, "dog"), "from 1 s to 1 s"),
        (lambda: Event(-1.0, 1.0, "dog"), "onset from 0 s up"),
        (lambda: Event(0.0, float("nan"), "dog"), "nan s"),
        (lambda: EventRules(threshold=0.5, release=0.6), "release not above"),
        (lambda: EventRules(threshold=1.0), "below 1"),
        (lambda: EventRules(gap_seconds=-1.0), "seconds from 0 up"),
        (lambda: find_events(np.zeros(3), ["a"], HZ), "shape \\(3,\\) for 1 labels"),
        (lambda: find_events([[np.nan]], ["a"], HZ), "finite numbers"),
        (lambda: find_events(np.zeros((3, 1)), ["a"], 0.0), "frames_hz=0"),
        (lambda: events_to_tags([], 3, -1.0), "frames_hz=-1"),
        (lambda: events_to_tags([Event(0, 2, 1)], 3, HZ), "background 'none' and events of the label 1"),
        (lambda: events_to_tags([Event(0, 2, "a"), Event(1, 3, "b")], 3, HZ), "'a' until 2 s, and 'b' from"),
        (
            lambda: events_to_tags([Event(0, 9, "a"), Event(1, 2, "a"), Event(3, 4, "b")], 3, HZ),
            "'a' until 9 s",
        ),
        (lambda: event_scores([[]], []), "1 recordings, and found ones of 0"),
        (lambda: event_scores([Event(0, 1, "a")], [[]]), "where the events of a recording"),
        (lambda: event_scores([None], [[]]), "None where the events"),
        (lambda: event_scores([[]], [["a"]]), "'a' where the events"),
        (lambda: event_scores([], [], onset_collar=-0.1), "onset_collar=-0.1"),
        (lambda: frame_f1([["a"]], [["a", "b"]]), "1 true frames"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(InputError, match=message):
        call()
