"""What the README shows runs as it stands there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from support.runs import document_of

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
SNIPPETS = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


def run_snippet(text, cwd):
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", text],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
    )


@pytest.mark.parametrize("number", range(len(SNIPPETS)))
def test_a_snippet_runs_offline(number, tmp_path, monkeypatch):
    monkeypatch.setenv("POLYAXON_IS_OFFLINE", "true")
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    done = run_snippet(SNIPPETS[number], tmp_path)
    assert done.returncode == 0, done.stderr
    for document in tmp_path.rglob("run.plx.json"):
        assert document_of(document.parent)["status"] == "succeeded"


def test_what_was_tracked_offline_is_delivered_as_shown(polyaxon_server, tmp_path, monkeypatch):
    monkeypatch.setenv("POLYAXON_HOST", polyaxon_server.url)
    (snippet,) = [text for text in SNIPPETS if "is_offline=True" in text]
    done = run_snippet(snippet, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    (ledger,) = tmp_path.rglob("delivery.json")
    assert "events/metric/loss.plx" in ledger.read_text()


def test_each_way_in_takes_about_eight_lines():
    lengths = [len([line for line in text.splitlines() if line.strip()]) for text in SNIPPETS[:3]]
    assert max(lengths) <= 9


def test_every_linked_file_exists():
    links = re.findall(r"\]\(((?!http)[^)#]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_two_commands_are_in_the_makefile():
    makefile = (ROOT / "Makefile").read_text()
    for command in re.findall(r"^make (\w+)", README, flags=re.MULTILINE):
        assert re.search(rf"^{command}:", makefile, flags=re.MULTILINE)
