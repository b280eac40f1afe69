"""The page about listening: its code runs, its commands exist."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "listen.md"
pytestmark = pytest.mark.skipif(not PAGE.is_file(), reason="the documentation is not here")


def blocks(language):
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE.read_text("utf-8"), re.M | re.S)
    return [text for name, text in fenced if name == language]


def run(code, monkeypatch, folder):
    monkeypatch.chdir(folder)
    exec(compile("\n".join(code), str(PAGE), "exec"), {})


@pytest.mark.slow
def test_its_code_runs_but_for_what_is_fitted(tmp_path, monkeypatch, capsys):
    code = [block for block in blocks("python") if ".fit(" not in block]
    assert len(code) == len(blocks("python")) - 1
    run(code, monkeypatch, tmp_path)
    assert capsys.readouterr().out == "True 0.056\n"


@pytest.mark.slow
def test_all_of_its_code_runs(tmp_path, monkeypatch, capsys, searching):
    run(blocks("python"), monkeypatch, tmp_path)
    first, second, _ = capsys.readouterr().out.splitlines()
    assert "Decision(seconds=0.0, label=" in first
    assert second == "0.016 True"


def test_its_commands_and_options_exist():
    from typer.main import get_command

    from antiphon.cli import app

    known = get_command(app).commands["listen"]
    options = {option for parameter in known.params for option in parameter.opts}
    lines = [line for text in blocks("") for line in text.splitlines()]
    assert len(lines) == 6
    for line in lines:
        _, command = line.split("antiphon listen ")
        assert set(re.findall(r"--[\w-]+", command)) <= options
