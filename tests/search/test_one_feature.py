"""One feature: all that pruning could try is the same, and each answer still belongs to its own question."""

from antiphon.search import CandidateFitted


def test_equal_jobs_are_done_once_and_answers_are_not_mixed_up(problem, run, identity, tmp_path):
    given = problem()
    narrow = type(given)(
        given.language.bind({"speed": "cm/s"}, groups={}),
        given.values[..., :1],
        given.mask,
        given.targets,
        given.task,
        given.n_outputs,
        given.metric,
    )
    journal, first, second = tmp_path / "journal", [], []
    whole = run(narrow, journal=journal, listeners=[first.append], candidates=8, size_limit=4)
    again = run(narrow, journal=journal, listeners=[second.append], candidates=8, size_limit=4)
    assert identity(again) == identity(whole)
    fitted = {e.text: e.score for e in first if isinstance(e, CandidateFitted)}
    for found in whole.front:
        # What a program is called is what it was fitted as.
        assert found.curve.name in fitted
        inner = str(found.program).rsplit("program\n", 1)[1]
        assert found.curve.name.split("(", 1)[1] in inner
