"""The page about sound: its code runs, its commands exist."""

import pytest
from pages import Page

PAGE = Page("sound.md")
pytestmark = pytest.mark.skipif(not PAGE.path.is_file(), reason="the documentation is not here")


def test_its_code_runs_but_for_what_is_fitted(tmp_path, monkeypatch, capsys):
    code = [block for block in PAGE.blocks("python") if ".fit(" not in block]
    assert len(code) == len(PAGE.blocks("python")) - 1
    PAGE.run(code, monkeypatch, tmp_path)
    printed = capsys.readouterr().out
    assert "18 recordings of 8000 Hz" in printed
    assert "12 36 True" in printed


@pytest.mark.slow
def test_all_of_its_code_runs(tmp_path, monkeypatch, capsys):
    PAGE.run(PAGE.blocks("python"), monkeypatch, tmp_path)
    assert "8000.0 ['tone']" in capsys.readouterr().out


def test_its_commands_and_options_exist():
    from typer.main import get_command

    from antiphon.cli import app

    assert PAGE.check_commands()
    learn = get_command(app).commands["learn"]
    assert "--pattern" in {option for parameter in learn.params for option in parameter.opts}
