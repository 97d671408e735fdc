"""No module imports itself over others: each can be read, moved and tested without the rest.

Every import counts: those for the type checker only, and those inside a function, which make a
cycle that Python does not see and a reader has to. There is no exception at present.
"""

import ast
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
SOURCES = (REPOSITORY / "core", REPOSITORY / "integrations")


def modules_of(source: Path) -> dict[str, Path]:
    """Every module below ``source``, by its dotted name; a package is its ``__init__.py``."""
    paths = {path: path.relative_to(source).with_suffix("").parts for path in source.rglob("*.py")}
    return {".".join(parts).removesuffix(".__init__"): path for path, parts in paths.items()}


def imports_of(name: str, path: Path, modules: dict[str, Path]) -> set[str]:
    """The modules among ``modules`` that one of them names in an import, wherever it stands."""
    package = name if path.stem == "__init__" else name.rpartition(".")[0]
    named: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            named.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: package.count(".") + 2 - node.level] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            members = {f"{base}.{alias.name}" for alias in node.names}
            named.update(members & modules.keys())
            if not members <= modules.keys():  # something that the package itself defines
                named.add(base)
    return named & modules.keys()


def cycles_of(imports: dict[str, set[str]]) -> list[list[str]]:
    """One cycle for each group of modules that import each other, as the way round."""
    cycles: list[list[str]] = []
    for start in sorted(imports):
        if any(start in cycle for cycle in cycles):
            continue
        ways = [[start]]
        seen: set[str] = set()
        for way in ways:  # breadth first: it grows while it is read, the shortest way comes first
            if start in imports[way[-1]]:
                cycles.append([*way, start])
                break
            ways += [[*way, name] for name in sorted(imports[way[-1]] - seen)]
            seen |= imports[way[-1]]
    return cycles


def imports_below(*sources: Path) -> dict[str, set[str]]:
    modules = {name: path for source in sources for name, path in modules_of(source).items()}
    return {name: imports_of(name, path, modules) for name, path in modules.items()}


def test_no_module_imports_itself_over_others():
    imports = imports_below(*SOURCES)
    assert {name.partition(".")[0] for name in imports} == {
        "axonlog",
        "axonlog_keras",
        "axonlog_lightning",
    }
    assert cycles_of(imports) == []


def test_a_cycle_is_found_whichever_way_it_is_written(tmp_path):
    package = tmp_path / "p"
    (package / "q").mkdir(parents=True)
    for name, text in {
        "__init__": "",
        "a": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .b import B",
        "b": "def late():\n    import p.q.c",
        "q/__init__": "from p.q import d, e",
        "q/c": "from p import a",
        "q/d": "from . import VERSION",
        "q/e": "from p.outside import a",
    }.items():
        (package / f"{name}.py").write_text(text)
    assert cycles_of(imports_below(tmp_path)) == [
        ["p.a", "p.b", "p.q.c", "p.a"],
        ["p.q", "p.q.d", "p.q"],
    ]
