"""The page about sound: its code runs, its commands exist."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "sound.md"
pytestmark = pytest.mark.skipif(not PAGE.is_file(), reason="the documentation is not here")


def blocks(language):
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE.read_text("utf-8"), re.M | re.S)
    return [text for name, text in fenced if name == language]


def run(code, monkeypatch, folder):
    monkeypatch.chdir(folder)
    exec(compile("\n".join(code), str(PAGE), "exec"), {})


def test_its_code_runs_but_for_what_is_fitted(tmp_path, monkeypatch, capsys):
    code = [block for block in blocks("python") if ".fit(" not in block]
    assert len(code) == len(blocks("python")) - 1
    run(code, monkeypatch, tmp_path)
    printed = capsys.readouterr().out
    assert "18 recordings of 8000 Hz" in printed
    assert "12 36 True" in printed


@pytest.mark.slow
def test_all_of_its_code_runs(tmp_path, monkeypatch, capsys):
    run(blocks("python"), monkeypatch, tmp_path)
    assert "8000.0 ['tone']" in capsys.readouterr().out


def test_its_commands_and_options_exist():
    from typer.main import get_command

    from antiphon.cli import app

    known = get_command(app).commands
    lines = [line for text in blocks("") for line in text.splitlines() if line.startswith("antiphon ")]
    assert lines
    for line in lines:
        command = known[line.split()[1]]
        if hasattr(command, "commands"):
            command = command.commands[line.split()[2]]
        options = {option for parameter in command.params for option in parameter.opts}
        assert set(re.findall(r"--[\w-]+", line)) <= options
    assert "--pattern" in {option for parameter in known["learn"].params for option in parameter.opts}
