"""How a script was left, on each Python that is here, against the exit code that the shell sees."""

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import axonlog.tracking

MODULE = Path(axonlog.tracking.__file__).parent / "_script_exit.py"

# Loaded without its package: a case takes a few hundredths of a second, on any Python.
START = f"""
import atexit, importlib.util, sys
specification = importlib.util.spec_from_file_location("script_exit", {str(MODULE)!r})
module = sys.modules["script_exit"] = importlib.util.module_from_spec(specification)
specification.loader.exec_module(module)
def describe(error):
    if isinstance(error, SystemExit):
        return 0 if error.code is None else error.code if isinstance(error.code, int) else 1
    return type(error).__name__
script = module.ScriptExit(describe)
def report():
    with open("how", "w") as file:
        file.write(str(script.outcome()))
atexit.register(report)
def start():
    script.watch()
"""

# name: the script, its exit code, how it was left; where that differs before 3.12, that too.
CASES = {
    "end": ("start()", 0, "returned"),
    "exit": ("start(); sys.exit()", 0, "0"),
    "code": ("start(); sys.exit(3)", 3, "3"),
    "text": ("start(); sys.exit('no data')", 1, "1"),
    "quit": ("start(); quit(4)", 4, "4"),
    "main": ("def main():\n    start()\n    sys.exit(5)\nmain()", 5, "5"),
    "finally": (
        """
        def main():
            start()
            sys.exit("bad")
        try:
            main()
        finally:
            print("cleanup", [n for n in range(3)])
        """,
        1,
        "1",
    ),
    "finally that catches something else": (
        """
        start()
        try:
            sys.exit(6)
        finally:
            try:
                int("x")
            except ValueError:
                pass
        """,
        6,
        "6",
    ),
    "except and raise": (
        """
        start()
        try:
            sys.exit(3)
        except SystemExit:
            print("leaving")
            raise
        """,
        3,
        "3",
    ),
    "except and raise by name": (
        """
        def main():
            try:
                sys.exit(3)
            except SystemExit as error:
                raise error
        start()
        main()
        """,
        3,
        "3",
    ),
    "with": (
        """
        import contextlib
        @contextlib.contextmanager
        def block():
            try:
                yield
            finally:
                print("closed")
        start()
        with block(), contextlib.ExitStack() as stack:
            stack.callback(print, "called")
            sys.exit(7)
        """,
        7,
        "7",
    ),
    "exit in finally": (
        "start()\ntry:\n    sys.exit(1)\nfinally:\n    sys.exit(0)",
        0,
        "0",
    ),
    "exit while an error is handled": (
        "start()\ntry:\n    1 / 0\nexcept ZeroDivisionError:\n    sys.exit(2)",
        2,
        "2",
    ),
    "asyncio": (
        """
        import asyncio
        async def main():
            await asyncio.sleep(0)
            sys.exit(8)
        start()
        asyncio.run(main())
        """,
        8,
        "8",
    ),
    "kept": (
        """
        kept = []
        def main():
            try:
                sys.exit(3)
            except SystemExit as error:
                kept.append(error)
                raise
        start()
        main()
        """,
        3,
        "3",
    ),
    "exec": ("start()\nexec('import sys\\nsys.exit(3)')", 3, "3"),
    "caught": ("start()\ntry:\n    sys.exit(3)\nexcept SystemExit:\n    pass", 0, "returned"),
    "caught and kept": (
        "start()\ntry:\n    sys.exit(3)\nexcept SystemExit as error:\n    kept = error",
        0,
        "returned",
    ),
    "caught in a loop": (
        """
        def parse(n):
            if n < 3:
                sys.exit(9)
        start()
        for n in range(5):
            try:
                parse(n)
            except SystemExit:
                pass
        """,
        0,
        "returned",
    ),
    "caught, then another exit": (
        "start()\ntry:\n    sys.exit(3)\nexcept SystemExit:\n    pass\nsys.exit(0)",
        0,
        "0",
    ),
    "error": ("start()\nraise ValueError('x')", 1, "ValueError"),
    "error with an excepthook that does not go on": (
        "start()\nsys.excepthook = lambda *_: None\n1 / 0",
        1,
        "ZeroDivisionError",
    ),
    "error in finally": (
        "start()\ntry:\n    sys.exit(0)\nfinally:\n    int('x')",
        1,
        "ValueError",
    ),
    "exit in a thread": (
        """
        import threading
        start()
        thread = threading.Thread(target=sys.exit, args=(3,))
        thread.start()
        thread.join()
        """,
        0,
        "returned",
    ),
    "error in a thread": (
        """
        import threading
        start()
        thread = threading.Thread(target=int, args=("x",))
        thread.start()
        thread.join()
        """,
        0,
        "returned",
    ),
    "started in a thread": (
        """
        import threading
        thread = threading.Thread(target=start)
        thread.start()
        thread.join()
        sys.exit(3)
        """,
        3,
        "3",
    ),
    "exit of an exit handler": ("atexit.register(sys.exit, 3)\nstart()", 0, "returned"),
    "exit handlers run by hand": (
        "start()\nreport()\natexit.unregister(report)",
        0,
        "returned",
    ),
    "forked child": (
        """
        import os
        start()
        child = os.fork()
        if child == 0:
            os._exit(3)
        os.waitpid(child, 0)
        """,
        0,
        "returned",
    ),
    "raise": ("start()\nraise SystemExit(3)", 3, "3", "unknown"),
    "raise main": (
        "def main():\n    start()\n    return 0\nraise SystemExit(main())",
        0,
        "0",
        "unknown",
    ),
    "raise in a function": (
        "def main():\n    start()\n    raise SystemExit\nmain()",
        0,
        "0",
        "unknown",
    ),
    "caught, then raise": (
        "start()\ntry:\n    sys.exit(3)\nexcept SystemExit:\n    pass\nraise SystemExit(0)",
        0,
        "0",
        "unknown",
    ),
    "caught and kept, then raise": (
        "start()\ntry:\n    sys.exit(3)\nexcept SystemExit as e:\n    k = e\nraise SystemExit(0)",
        0,
        "0",
        "unknown",
    ),
    "raised and caught": (
        "start()\ntry:\n    raise SystemExit(3)\nexcept SystemExit:\n    pass",
        0,
        "returned",
    ),
}

VERSIONS = [f"3.{minor}" for minor in range(10, 15)]


def installed(version):
    """Paths where a Python of this version may be, the likeliest first."""
    if version == f"{sys.version_info[0]}.{sys.version_info[1]}":
        yield sys.executable
    yield os.environ.get(f"PYTHON{version.replace('.', '')}")
    # Of pyenv this finds a shim, which runs only where that version is the selected one.
    yield shutil.which(f"python{version}")
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from map(str, sorted(pyenv.glob(f"versions/{version}*/bin/python{version}")))


def find_python(version):
    """A Python of this version that runs, or None."""
    for python in filter(None, installed(version)):
        if is_usable(python, version):
            return python
    return None


def run(python, script, cwd, *, how="-c"):
    arguments = [how, script] if how == "-c" else [how, "script"]
    (cwd / "script.py").write_text(script)
    if how == "file":
        arguments = ["script.py"]
    return subprocess.run([python, *arguments], cwd=cwd, capture_output=True, text=True)


def is_usable(python, version):
    script = "import ssl, sys; print('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run([python, "-c", script], capture_output=True, text=True, check=False)
    except OSError:
        return False
    return done.returncode == 0 and done.stdout.strip() == version


@pytest.mark.parametrize("version", VERSIONS)
def test_how_a_script_is_left_is_what_its_exit_code_says(version, tmp_path):
    python = find_python(version)
    if python is None:
        pytest.skip(f"no Python {version} that runs was found")
    is_monitored = tuple(map(int, version.split("."))) >= (3, 12)
    wrong = {}
    for name, (script, code, *answers) in CASES.items():
        done = run(python, START + textwrap.dedent(script), tmp_path)
        got = (done.returncode, (tmp_path / "how").read_text())
        if got != (code, answers[0] if is_monitored else answers[-1]):
            wrong[name] = (*got, done.stderr)
    assert wrong == {}


@pytest.mark.parametrize("how", ["file", "-m"])
def test_what_runs_the_script_makes_no_difference(how, tmp_path):
    script = START + textwrap.dedent(CASES["finally"][0])
    done = run(sys.executable, script, tmp_path, how=how)
    assert (done.returncode, (tmp_path / "how").read_text()) == (1, "1")


def test_an_exit_is_still_a_plain_system_exit(tmp_path):
    script = """
    import copy, pickle
    start()
    try:
        sys.exit(3)
    except SystemExit as error:
        assert type(error) is SystemExit
        assert (error.code, error.args) == (3, (3,))
        assert pickle.loads(pickle.dumps(error)).code == copy.copy(error).code == 3
    """
    done = run(sys.executable, START + textwrap.dedent(script), tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_where_every_tool_id_is_taken_exits_are_followed(tmp_path):
    python = next(filter(None, map(find_python, reversed(VERSIONS[2:]))), None)
    if python is None:
        pytest.skip("no Python with sys.monitoring that runs was found")
    taken = "for number in (3, 4):\n    sys.monitoring.use_tool_id(number, 'another')\n"
    script = START + taken + textwrap.dedent(CASES["finally"][0])
    done = run(python, script, tmp_path)
    assert (done.returncode, (tmp_path / "how").read_text()) == (1, "1")


def test_a_python_behind_a_shim_that_does_not_run_is_found(tmp_path, monkeypatch):
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    shim = tmp_path / "shims" / f"python{version}"
    real = tmp_path / f"versions/{version}.99/bin/python{version}"
    for file, body in ((shim, "exit 127"), (real, f'exec "{sys.executable}" "$@"')):
        file.parent.mkdir(parents=True)
        file.write_text(f"#!/bin/sh\n{body}\n")
        file.chmod(0o755)
    monkeypatch.setenv("PATH", f"{shim.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    monkeypatch.delenv(f"PYTHON{version.replace('.', '')}", raising=False)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "missing"))
    assert find_python(version) == str(real)
