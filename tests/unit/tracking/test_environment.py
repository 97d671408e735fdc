"""What is recorded of the packages and the code around a run."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest

from axonlog.tracking._environment import describe_code, installed_packages
from support.scripts import run_code


def install(folder: Path, name: str, version: str, *, kind: str = "dist-info") -> None:
    place = folder / f"{name.lower()}-{version}.{kind}"
    place.mkdir(parents=True)
    file = "METADATA" if kind == "dist-info" else "PKG-INFO"
    text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\nName: not this\n"
    (place / file).write_text(text)


def test_the_packages_are_those_that_python_knows() -> None:
    known = {d.metadata["Name"]: d.version for d in importlib.metadata.distributions()}
    assert installed_packages() == known
    assert len(known) > 20


def test_no_metadata_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    def parse(*_: object) -> object:
        raise AssertionError("metadata was parsed")

    monkeypatch.setattr(importlib.metadata, "distributions", parse)
    assert installed_packages()["requests"] == importlib.metadata.version("requests")


def test_what_is_installed_later_is_seen_and_what_comes_first_wins(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
    monkeypatch.setattr(sys, "path", [str(first), str(tmp_path / "not there"), str(second)])
    assert installed_packages() == {}
    install(second, "Some-Package", "2.0")
    install(second, "old", "1.0", kind="egg-info")
    assert installed_packages() == {"old": "1.0", "Some-Package": "2.0"}
    install(first, "Some-Package", "1.0")
    assert installed_packages()["Some-Package"] == "1.0"


def test_damaged_metadata_is_no_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    (tmp_path / "empty.dist-info").mkdir()
    (tmp_path / "binary.egg-info").write_bytes(b"\xff\xfeName")
    assert installed_packages() == {}


def test_the_code_is_asked_for_in_three_calls(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    git = tmp_path / "bin" / "git"
    git.parent.mkdir()
    git.write_text(
        f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\n'
        'case "$*" in *rev-parse*) echo abc; echo main;; *config*) echo h:p;; esac\n'
    )
    git.chmod(0o755)
    monkeypatch.setenv("PATH", str(git.parent), prepend=":")
    assert describe_code() == {"commit": "abc", "branch": "main", "url": "h:p", "is_dirty": False}
    assert len((tmp_path / "calls").read_text().splitlines()) == 3


def test_a_checkout_without_a_commit_or_a_branch_has_none(tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        identity = ("-c", "user.name=a", "-c", "user.email=a@b")
        subprocess.run(["git", *identity, *arguments], check=True, capture_output=True)

    git("init", "-q", "-b", "main")
    assert describe_code() is None
    git("commit", "-q", "--allow-empty", "-m", "first")
    code = describe_code()
    assert code is not None
    assert (code["branch"], code["url"], code["is_dirty"]) == ("main", None, False)
    (tmp_path / "new").touch()
    git("checkout", "-q", "--detach")
    code = describe_code()
    assert code is not None
    assert (code["branch"], code["is_dirty"]) == ("HEAD", True)


def test_the_start_and_end_of_an_offline_run_load_nothing_that_they_do_not_need(
    tmp_path: Path,
) -> None:
    done = run_code(
        """
        import sys
        import axonlog
        run = axonlog.init(is_offline=True, track_env=False)
        axonlog.log_metrics(loss=0.5, step=1)
        axonlog.end()
        from axonlog.context import ClientConfig, Connection, Context
        print([m for m in (ClientConfig, Connection, Context) if m.__pydantic_complete__])
        print([m for m in ("requests", "urllib3", "html", "difflib", "yaml") if m in sys.modules])
        """,
        tmp_path,
    )
    assert (done.stdout, done.returncode) == ("[]\n[]\n", 0), done.stderr


def test_a_child_that_is_forked_while_git_is_started_is_not_waited_for(tmp_path: Path) -> None:
    # The moment in which the pipe of an output is open at both ends is short: Python tells an
    # audit hook of it, and no hook can be removed again.
    done = run_code(
        """
        import os, sys
        from pathlib import Path
        from axonlog.tracking._environment import describe_code

        git = Path("git")
        git.write_text("#!/bin/sh\\necho 0123abc; echo main\\n")
        git.chmod(0o755)
        os.environ["PATH"] = f"{Path.cwd()}:{os.environ['PATH']}"
        ours, theirs = os.pipe()
        children = []

        def fork(event, arguments):
            if event in ("subprocess.Popen", "os.posix_spawn") and not children:
                children.append(0)
                children[0] = os.fork()
                if not children[0]:  # lives until the others have seen what is to be seen
                    os.close(theirs)
                    os.read(ours, 1)
                    os._exit(0)

        sys.addaudithook(fork)
        code = describe_code()
        assert os.waitpid(children[0], os.WNOHANG) == (0, 0)
        os.close(theirs)
        os.waitpid(children[0], 0)
        print(code and code["commit"], code and code["branch"])
        """,
        tmp_path,
    )
    assert (done.stdout, done.returncode) == ("0123abc main\n", 0), done.stderr
