"""Pages of the documentation, whose code runs and whose commands exist."""

import re
from pathlib import Path


class Page:
    """One page; its blocks are fenced."""

    def __init__(self, name):
        self.path = Path(__file__).parents[1] / "docs" / name

    def blocks(self, language):
        fenced = re.findall(r"^```(\w*)\n(.*?)^```$", self.path.read_text("utf-8"), re.M | re.S)
        return [text for name, text in fenced if name == language]

    def run(self, code, monkeypatch, folder):
        """Run some of its blocks of Python in one namespace, in a folder."""
        monkeypatch.chdir(folder)
        exec(compile("\n".join(code), str(self.path), "exec"), {})

    def check_commands(self):
        """Each command that it writes exists and has the options; gives the lines."""
        from typer.main import get_command

        from antiphon.cli import app

        known = get_command(app).commands
        lines = [line for text in self.blocks("") for line in text.splitlines() if "antiphon " in line]
        for line in lines:
            first, *rest = line[line.index("antiphon ") :].split()[1:]
            command = known[first]
            if hasattr(command, "commands"):
                command = command.commands[rest[0]]
            options = {option for parameter in command.params for option in parameter.opts}
            assert set(re.findall(r"--[\w-]+", " ".join(rest))) <= options
        return lines
