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
        file.write(str(script.how()))
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

PYTHONS = {f"{sys.version_info[0]}.{sys.version_info[1]}": sys.executable}
for minor in range(10, 15):
    found = os.environ.get(f"PYTHON3{minor}") or shutil.which(f"python3.{minor}")
    if found and f"3.{minor}" not in PYTHONS:
        PYTHONS[f"3.{minor}"] = found


def run(python, script, cwd, *, how="-c"):
    arguments = [how, script] if how == "-c" else [how, "script"]
    (cwd / "script.py").write_text(script)
    if how == "file":
        arguments = ["script.py"]
    return subprocess.run([python, *arguments], cwd=cwd, capture_output=True, text=True)


def is_usable(python):
    done = subprocess.run([python, "-c", "import ssl"], capture_output=True, check=False)
    return done.returncode == 0


@pytest.mark.parametrize("version", sorted(PYTHONS))
def test_how_a_script_is_left_is_what_its_exit_code_says(version, tmp_path):
    python = PYTHONS[version]
    if not is_usable(python):
        pytest.skip(f"{python} does not run")
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


@pytest.mark.skipif(sys.version_info < (3, 12), reason="there is nothing to be taken")
def test_where_every_tool_id_is_taken_exits_are_followed(tmp_path):
    taken = "for number in (3, 4):\n    sys.monitoring.use_tool_id(number, 'another')\n"
    script = START + taken + textwrap.dedent(CASES["finally"][0])
    done = run(sys.executable, script, tmp_path)
    assert (done.returncode, (tmp_path / "how").read_text()) == (1, "1")
