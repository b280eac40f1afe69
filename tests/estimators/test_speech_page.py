"""The page about speech: its code runs, its commands exist."""

import re

import pytest
from pages import Page

PAGE = Page("speech.md")
pytestmark = pytest.mark.skipif(not PAGE.path.is_file(), reason="the documentation is not here")


def test_its_code_runs_but_for_what_is_fitted(tmp_path, monkeypatch, capsys):
    fitted = re.compile(r"(tagger|recogniser|generator)\.fit\(")
    code = [block for block in PAGE.blocks("python") if not fitted.search(block)]
    assert len(code) == len(PAGE.blocks("python")) - 3
    PAGE.run(code, monkeypatch, tmp_path)
    printed = capsys.readouterr().out
    assert "tagging" in printed
    assert "('call', 'clicks', 'none') True" in printed
    assert "nats a sample on a recording" in printed


@pytest.mark.slow
def test_all_of_its_code_runs(tmp_path, monkeypatch, capsys):
    PAGE.run(PAGE.blocks("python"), monkeypatch, tmp_path)
    printed = capsys.readouterr().out
    texts = ("events: F1 NUMBER", "frames: F1 NUMBER", "WER NUMBER", "NUMBER nats a sample, of")
    patterns = [text.replace("NUMBER", r"([\d.]+)") for text in texts]
    events, frames, error, nats = (float(re.search(pattern, printed)[1]) for pattern in patterns)
    assert events > 0.5
    assert frames > 0.7
    assert error < 0.3
    assert nats < 2.5
    assert (tmp_path / "made.wav").is_file()


def test_its_commands_and_options_exist():
    assert len(PAGE.check_commands()) == 4
