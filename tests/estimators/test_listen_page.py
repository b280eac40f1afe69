"""The page about listening: its code runs, its commands exist."""

import pytest
from pages import Page

PAGE = Page("listen.md")
pytestmark = pytest.mark.skipif(not PAGE.path.is_file(), reason="the documentation is not here")


@pytest.mark.slow
def test_its_code_runs_but_for_what_is_fitted(tmp_path, monkeypatch, capsys):
    code = [block for block in PAGE.blocks("python") if ".fit(" not in block]
    assert len(code) == len(PAGE.blocks("python")) - 1
    PAGE.run(code, monkeypatch, tmp_path)
    assert capsys.readouterr().out == "True 0.056\n"


@pytest.mark.slow
def test_all_of_its_code_runs(tmp_path, monkeypatch, capsys, searching):
    PAGE.run(PAGE.blocks("python"), monkeypatch, tmp_path)
    first, second, _ = capsys.readouterr().out.splitlines()
    assert "Decision(seconds=0.0, label=" in first
    assert second == "0.016 True"


def test_its_commands_and_options_exist():
    lines = PAGE.check_commands()
    assert len(lines) == 6
    assert all("antiphon listen " in line for line in lines)
