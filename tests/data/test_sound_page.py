"""The page about sound: its code runs, its commands exist."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "sound.md"
pytestmark = pytest.mark.skipif(not PAGE.is_file(), reason="the documentation is not here")


def blocks(language):
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE.read_text("utf-8"), re.M | re.S)
    return [text for name, text in fenced if name == language]


def test_its_code_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    code = "\n".join(blocks("python"))
    assert "epochs=30" in code
    exec(compile(code.replace("epochs=30", "epochs=1"), str(PAGE), "exec"), {})
    printed = capsys.readouterr().out
    assert "18 recordings of 8000 Hz" in printed
    assert "12 36 True" in printed


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
