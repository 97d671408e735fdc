"""What CONTRIBUTING.md names is in the repository."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / ".github/CONTRIBUTING.md").read_text()
FOLDERS = ("core/", "integrations/", "tests/", "examples/")


def named_paths():
    """Every path of the repository: between backticks, and as an argument of a command."""
    quoted = re.findall(r"`([^`\s]+)`", TEXT)
    paths = [word for word in quoted if word.startswith(FOLDERS)]
    return {*paths, *re.findall(r"pytest \"?([\w/.]+)", TEXT), *re.findall(r"`(\w+\.toml)`", TEXT)}


def named_definitions():
    """Path and name wherever the text says `` `path`, `name` ``."""
    return re.findall(r"`([\w/]+\.py)`,\s+`([A-Za-z_.]+)`", TEXT)


def definitions_in(path):
    """The functions and classes of a module, methods as ``Class.method``."""
    found = set()
    for node in ast.parse((ROOT / path).read_text()).body:
        if isinstance(node, ast.ClassDef):
            found |= {
                f"{node.name}.{item.name}"
                for item in node.body
                if isinstance(item, ast.FunctionDef)
            }
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            found.add(node.name)
        if isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return found


def test_every_named_path_exists():
    paths = named_paths()
    assert {"core/axonlog/integration.py", "pyproject.toml", "tests/faults/test_faults.py"} <= paths
    assert sorted(path for path in paths if not (ROOT / path).exists()) == []


def test_every_definition_is_in_the_file_that_is_named_for_it():
    named = named_definitions()
    assert ("core/axonlog/store/journal/_journal.py", "Journal.append") in named
    assert [(path, name) for path, name in named if name not in definitions_in(path)] == []


def test_every_test_that_a_command_names_is_there():
    named = re.findall(r"(tests/[\w/]+\.py)::(\w+)", TEXT)
    assert len(named) == 2
    assert [(path, name) for path, name in named if name not in definitions_in(path)] == []


def test_every_command_is_in_the_makefile():
    makefile = (ROOT / "Makefile").read_text()
    commands = set(re.findall(r"\bmake ([a-z-]+)(?=`| +#|\n)", TEXT))
    assert {"test", "test-fast", "check"} <= commands
    assert [name for name in commands if not re.search(rf"^{name}:", makefile, re.MULTILINE)] == []
