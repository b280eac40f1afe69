"""The design, held by reading the source: who imports whom, sizes, names, documentation."""

import ast
import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import antiphon.errors

SOURCE = Path(antiphon.errors.__file__).parent
FILES = sorted(SOURCE.rglob("*.py"))
PACKAGES = sorted(p.parent.name for p in SOURCE.glob("*/__init__.py"))
ALWAYS = {"errors", "_version", "_files", "_archive"}  # what any package may import
MAY_IMPORT = {
    "errors": set(),
    "_version": set(),
    "_files": set(),
    "_archive": set(),
    "_engine": set(),
    "audio": set(),
    "data": {"audio"},
    "language": set(),
    "graph": set(),
    "networks": {"graph"},
    "fitting": {"networks", "language", "graph"},
    "search": {"fitting", "networks", "language", "graph", "_engine"},
    "analysis": {"graph"},
    "report": set(),
    "estimators": {
        "audio", "data", "language", "graph", "networks", "fitting", "search", "analysis", "report",
        "_model_file",
    },
    "_model_file": {"audio", "data", "language", "graph", "networks", "fitting", "search", "estimators"},
    "cli": {"audio", "estimators", "analysis", "report", "data", "graph", "_engine", "_model_file"},
    # The public face names everything, lazily.
    "": {"data", "language", "estimators", "graph", "search", "report", "_model_file"},
}  # fmt: skip
HEAVY = ("jax", "sklearn", "pandas", "matplotlib", "scipy", "numpy", "equinox", "optax", "sktime")


def owner(path):
    """The package, or top-level module, that a file belongs to; "" for `antiphon/__init__.py`."""
    first = path.relative_to(SOURCE).parts[0]
    return "" if first == "__init__.py" else first.removesuffix(".py")


def imported(tree):
    """All modules of ours that a file imports, anywhere in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield node.module or ""
            if node.module == "antiphon":
                yield from (f"antiphon.{alias.name}" for alias in node.names)


def parsed():
    return [(path, ast.parse(path.read_text("utf-8"))) for path in FILES]


def test_packages_import_only_what_the_design_allows():
    wrong = []
    for path, tree in parsed():
        here = owner(path)
        allowed = MAY_IMPORT[here] | ALWAYS | {here}
        for module in imported(tree):
            parts = module.split(".")
            if parts[0] == "antiphon" and len(parts) > 1 and parts[1] not in allowed:
                wrong.append(f"{path.relative_to(SOURCE)} imports {module}")
    assert not wrong


def test_private_modules_stay_inside_their_package():
    wrong = []
    for path, tree in parsed():
        for module in imported(tree):
            parts = module.split(".")
            if parts[0] != "antiphon" or len(parts) < 3 or parts[1] == owner(path):
                continue
            if any(part.startswith("_") for part in parts[2:]):
                wrong.append(f"{path.relative_to(SOURCE)} imports {module}")
    assert not wrong


def test_no_file_is_longer_than_400_lines():
    long = {
        str(p.relative_to(SOURCE)): n for p in FILES if (n := len(p.read_text("utf-8").splitlines())) > 400
    }
    assert not long


def test_nothing_prints_outside_the_command():
    wrong = [
        f"{path.relative_to(SOURCE)}:{node.lineno}"
        for path, tree in parsed()
        if owner(path) != "cli"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert not wrong


def test_no_module_is_a_drawer_for_everything():
    drawers = {"utils", "helpers", "helper", "manager", "managers", "misc", "common"}
    assert not [p for p in FILES if p.stem.strip("_") in drawers]


def test_nothing_uses_pickle():
    forbidden = {"pickle", "cloudpickle", "joblib", "dill", "marshal", "shelve"}
    # What a search writes for its own workers, read back only if it has the digest that came with the job.
    own = SOURCE / "search" / "_parcel.py"
    wrong = [
        f"{path.relative_to(SOURCE)} imports {module}"
        for path, tree in parsed()
        if path != own
        for module in imported(tree)
        if module.split(".")[0] in forbidden
    ]
    assert not wrong


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_is_documented(package):
    module = importlib.import_module(f"antiphon.{package}")
    assert module.__doc__
    assert hasattr(module, "__all__"), "a package says what is public"
    things = {name: getattr(module, name) for name in module.__all__}
    code = {n: t for n, t in things.items() if inspect.isclass(t) or inspect.isfunction(t)}
    missing = [name for name, thing in code.items() if not thing.__doc__]
    methods = {
        f"{name}.{member}": inspect.getdoc(value)
        for name, thing in things.items()
        if inspect.isclass(thing) and thing.__module__.startswith("antiphon")
        for member, value in vars(thing).items()
        if not member.startswith("_") and inspect.isfunction(value)
    }
    # A method that is documented once, in the interface, need not be in each class that has it.
    told = {name.split(".")[1] for name, text in methods.items() if text}
    missing += [name for name, text in methods.items() if not text and name.split(".")[1] not in told]
    assert not missing


@pytest.mark.parametrize("module", ["antiphon", "antiphon.errors", "antiphon.cli", "antiphon._engine"])
def test_what_every_start_imports_is_light(module):
    code = f"import sys, {module}; print([m for m in {HEAVY!r} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
