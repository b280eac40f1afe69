"""Features and targets far from zero, and what a journal needs."""

import numpy as np
import pytest

from antiphon import ProgramRegressor
from antiphon.errors import InputError
from antiphon.search import Settings

QUICK = Settings(steps=120, finalists=1)


def test_three_digits_do_not_round_a_far_feature_or_target_away():
    rng = np.random.default_rng(0)
    pressure = 101320 + 50 * rng.normal(size=60)
    table = np.stack([pressure, rng.normal(size=60)], axis=1)
    model = ProgramRegressor(candidates=1, random_state=0, options=QUICK).fit(table, pressure + 5)
    assert model.score(table, pressure + 5) > 0.99
    assert abs(model.score(table, pressure + 5) - model.search_.chosen.score) < 0.02


def test_a_journal_needs_a_seed(tmp_path):
    table = np.random.default_rng(0).normal(size=(20, 2))
    model = ProgramRegressor(candidates=1, options=QUICK)
    with pytest.raises(InputError, match="random_state is None"):
        model.fit(table, table[:, 0], journal=tmp_path / "journal")


def test_interrupted_while_finishing_still_gives_a_program():
    from antiphon.search import Phase

    stopped = []

    def stop(event):
        if isinstance(event, Phase) and event.name == "finalists" and not stopped:
            stopped.append(event)
            raise KeyboardInterrupt

    table = np.random.default_rng(0).normal(size=(40, 2))
    model = ProgramRegressor(candidates=4, random_state=0, options=QUICK)
    model.fit(table, table[:, 0], listeners=[stop])
    assert stopped
    assert model.search_.interrupted
    assert len(model.search_.front) == 1
