"""What a notebook's cells say about a run, in a real IPython shell of a process of its own."""

import json

import pytest

from support.runs import document_of, only_run, statuses_of
from support.scripts import run_code

pytest.importorskip("IPython")

START = """import _thread, axonlog
run = axonlog.init(project="acme/cells", is_offline=True, track_env=False, track_code=False)
run.log_metrics(loss=0.5, step=1)"""
TRAIN = "axonlog.log_metrics(loss=0.25, step=2)"
INTERRUPTED = f"""{TRAIN}
_thread.interrupt_main()
while True:
    pass"""
FAILED = f"{TRAIN}; 1 / 0"


def statuses_after(cwd, *cells):
    script = f"""
    from IPython.core.interactiveshell import InteractiveShell
    shell = InteractiveShell.instance()
    for cell in {json.dumps(cells)}:
        shell.run_cell(cell)
    """
    done = run_code(script, cwd)
    assert done.returncode == 0, done.stderr
    run = only_run(cwd)
    return statuses_of(run)[2:], document_of(run)["status_conditions"][-1]


@pytest.mark.parametrize(
    ("cells", "statuses"),
    [
        ([START, TRAIN], ["succeeded"]),
        ([START, INTERRUPTED], ["stopped"]),
        ([START, INTERRUPTED, "1 + 1"], ["stopped"]),
        ([START, INTERRUPTED, TRAIN], ["stopped", "running", "succeeded"]),
        ([START, INTERRUPTED, INTERRUPTED], ["stopped", "running", "stopped"]),
        ([START, FAILED], ["failed"]),
        ([START, FAILED, TRAIN], ["failed", "running", "succeeded"]),
        ([f"{START}\n1 / 0"], ["failed"]),
        ([START, TRAIN, "1 / 0"], ["succeeded"]),
        ([START, TRAIN, "no syntax"], ["succeeded"]),
        ([START, f"{TRAIN}; import sys; sys.exit(0)"], ["succeeded"]),
        ([START, "run.end()", "1 / 0"], ["succeeded"]),
    ],
)
def test_a_cell_decides_about_the_run_it_recorded_into(tmp_path, cells, statuses):
    assert statuses_after(tmp_path, *cells)[0] == statuses


def test_a_failed_cell_is_named_with_its_error(tmp_path):
    _, last = statuses_after(tmp_path, START, FAILED)
    assert (last["reason"], last["message"]) == (
        "ZeroDivisionError",
        "ZeroDivisionError: division by zero",
    )
