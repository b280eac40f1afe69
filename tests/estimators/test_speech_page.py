"""The page about speech: its code runs, its commands exist."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "speech.md"
pytestmark = pytest.mark.skipif(not PAGE.is_file(), reason="the documentation is not here")


def blocks(language):
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE.read_text("utf-8"), re.M | re.S)
    return [text for name, text in fenced if name == language]


def run(code, monkeypatch, folder):
    monkeypatch.chdir(folder)
    exec(compile("\n".join(code), str(PAGE), "exec"), {})


def test_its_code_runs_but_for_what_is_fitted(tmp_path, monkeypatch, capsys):
    fitted = re.compile(r"(tagger|recogniser|generator)\.fit\(")
    code = [block for block in blocks("python") if not fitted.search(block)]
    assert len(code) == len(blocks("python")) - 3
    run(code, monkeypatch, tmp_path)
    printed = capsys.readouterr().out
    assert "tagging" in printed
    assert "('call', 'clicks', 'none') True" in printed
    assert "nats a sample on a recording" in printed


@pytest.mark.slow
def test_all_of_its_code_runs(tmp_path, monkeypatch, capsys):
    run(blocks("python"), monkeypatch, tmp_path)
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
    from typer.main import get_command

    from antiphon.cli import app

    known = get_command(app).commands
    lines = [line for text in blocks("") for line in text.splitlines() if line.startswith("antiphon ")]
    assert len(lines) == 4
    for line in lines:
        command = known[line.split()[1]]
        if hasattr(command, "commands"):
            command = command.commands[line.split()[2]]
        options = {option for parameter in command.params for option in parameter.opts}
        assert set(re.findall(r"--[\w-]+", line)) <= options
