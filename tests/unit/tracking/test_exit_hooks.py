"""How a process ends is how its run ended. Every case is a real process."""

import os
import signal
import subprocess
import sys
import textwrap

import pytest

from support.runs import document_of, only_run, points_of, statuses_of
from support.scripts import run_code

START = """
import os, signal, sys
import axonlog
axonlog.init(project="acme/endings", is_offline=True, track_env=False, track_code=False)
axonlog.log_metrics(loss=0.5, step=1)
"""


def ended(cwd, ending):
    done = run_code(START + textwrap.dedent(ending), cwd)
    run = only_run(cwd)
    assert points_of(run, "loss")[0] == (1, 0.5)
    last = document_of(run)["status_conditions"][-1]
    return done, last["type"], last.get("reason"), last.get("message")


def test_the_end_of_the_script_is_success(tmp_path):
    done, status, _, _ = ended(tmp_path, "")
    assert (done.returncode, done.stderr, status) == (0, "", "succeeded")


def test_an_uncaught_exception_is_failure_with_its_words(tmp_path):
    done, status, reason, message = ended(tmp_path, "raise ValueError('nan in layer 3')")
    assert done.returncode == 1
    assert "ValueError: nan in layer 3" in done.stderr
    assert (status, reason, message) == ("failed", "ValueError", "ValueError: nan in layer 3")


def test_ctrl_c_is_a_stop(tmp_path):
    done, status, reason, _ = ended(tmp_path, "os.kill(os.getpid(), signal.SIGINT)")
    assert (done.returncode, status, reason) == (-signal.SIGINT, "stopped", "KeyboardInterrupt")


def test_ctrl_c_is_still_the_cause_of_death_when_modules_are_loaded_at_the_end(tmp_path):
    ending = """
    from dataclasses import make_dataclass
    import time

    def describe():  # like the surroundings of a run, while an import makes dataclasses
        time.sleep(0.3)
        make_dataclass("Module", ["name"])

    axonlog.tracking.TRACKING_RUN._recorder.run_in_background(describe)
    os.kill(os.getpid(), signal.SIGINT)
    """
    done, status, _, _ = ended(tmp_path, ending)
    assert (done.returncode, status) == (-signal.SIGINT, "stopped")


def test_sigterm_is_a_stop_and_still_the_cause_of_death(tmp_path):
    done, status, reason, _ = ended(tmp_path, "os.kill(os.getpid(), signal.SIGTERM)")
    assert (done.returncode, status, reason) == (-signal.SIGTERM, "stopped", "SIGTERM")


@pytest.mark.parametrize(
    ("call", "code", "status"),
    [
        ("sys.exit()", 0, "succeeded"),
        ("sys.exit(0)", 0, "succeeded"),
        ("sys.exit(1)", 1, "failed"),
        ("sys.exit(3)", 3, "failed"),
        ("sys.exit('no data')", 1, "failed"),
        ("exit(4)", 4, "failed"),
        ("quit()", 0, "succeeded"),
        ("def main():\n    sys.exit(5)\nmain()", 5, "failed"),
        ("try:\n    sys.exit('bad')\nfinally:\n    print([n for n in range(3)])", 1, "failed"),
    ],
)
def test_an_exit_code_decides(tmp_path, call, code, status):
    done, got, _, message = ended(tmp_path, call)
    assert (done.returncode, got) == (code, status)
    if code:
        assert message == f"exit code {code}"


@pytest.mark.parametrize("code", [0, 3])
def test_an_exit_whose_code_python_does_not_say_is_no_success(tmp_path, code):
    done, status, reason, message = ended(tmp_path, f"raise SystemExit({code})")
    assert done.returncode == code
    if sys.version_info >= (3, 12):
        assert status == ("failed" if code else "succeeded")
    else:
        assert (status, reason) == ("stopped", "SystemExit")
        assert "does not say with which exit code: call sys.exit(code)" in message


def test_a_training_that_came_to_its_end_does_not_depend_on_the_exit_code(tmp_path):
    ending = "axonlog.TRACKING_RUN.settle('succeeded')\nraise SystemExit(0)"
    assert ended(tmp_path, ending)[1] == "succeeded"


@pytest.mark.parametrize("then", ["axonlog.log_metrics(loss=0.25, step=2)", "done = True"])
def test_an_exit_that_somebody_catches_decides_nothing(tmp_path, then):
    ending = f"""
    def parse():
        sys.exit(3)
    try:
        parse()
    except SystemExit:
        pass
    {then}
    """
    done, status, _, _ = ended(tmp_path, ending)
    assert (done.returncode, status) == (0, "succeeded")


def test_what_the_user_said_is_not_overruled(tmp_path):
    done, status, reason, message = ended(tmp_path, "axonlog.log_failed('Diverged', 'loss is nan')")
    assert (done.returncode, status) == (0, "failed")
    assert (reason, message) == ("Diverged", "loss is nan")


def test_an_exception_after_a_settled_success_is_failure(tmp_path):
    ending = """
    axonlog.TRACKING_RUN.settle("succeeded")
    raise ValueError("in the evaluation")
    """
    done, status, _, _ = ended(tmp_path, ending)
    assert (done.returncode, status) == (1, "failed")


def test_an_excepthook_from_before_still_runs(tmp_path):
    script = """
    import sys
    sys.excepthook = lambda kind, error, trace: print("mine:", error)
    """
    done = run_code(textwrap.dedent(script) + START + "\nraise ValueError('x')", tmp_path)
    assert done.stdout == "mine: x\n"
    assert statuses_of(only_run(tmp_path))[-1] == "failed"


def test_a_sigterm_handler_from_before_still_runs_and_decides(tmp_path):
    script = """
    import signal, sys
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(7))
    """
    ending = "\nos.kill(os.getpid(), signal.SIGTERM)"
    done = run_code(textwrap.dedent(script) + START + ending, tmp_path)
    assert done.returncode == 7
    assert statuses_of(only_run(tmp_path))[-1] == "stopped"


def test_a_sigterm_handler_from_after_may_go_on(tmp_path):
    ending = """
    ours = signal.getsignal(signal.SIGTERM)
    def checkpoint_first(number, frame):
        ours(number, frame)
        axonlog.log_metrics(loss=0.25, step=2)
    signal.signal(signal.SIGTERM, checkpoint_first)
    os.kill(os.getpid(), signal.SIGTERM)
    """
    done, status, reason, _ = ended(tmp_path, ending)
    assert (done.returncode, status, reason) == (0, "stopped", "SIGTERM")
    assert points_of(only_run(tmp_path), "loss") == [(1, 0.5), (2, 0.25)]


def test_a_context_manager_sees_every_ending(tmp_path):
    script = """
    import axonlog
    with axonlog.Run(project="acme/endings", is_offline=True, track_env=False) as run:
        run.log_metrics(loss=0.5, step=1)
        raise SystemExit(3)
    """
    assert run_code(script, tmp_path).returncode == 3
    last = document_of(only_run(tmp_path))["status_conditions"][-1]
    assert (last["type"], last["message"]) == ("failed", "exit code 3")


def test_a_killed_run_is_on_disk_up_to_its_last_call(tmp_path):
    script = START + textwrap.dedent("""
    for step in range(2, 1001):
        axonlog.log_metrics(loss=1 / step, step=step)
    os.kill(os.getpid(), signal.SIGKILL)
    """)
    assert run_code(script, tmp_path).returncode == -signal.SIGKILL
    run = only_run(tmp_path)
    expected = [(1, 0.5)] + [(step, 1 / step) for step in range(2, 1001)]
    assert document_of(run)["status"] == "running"
    assert points_of(run, "loss") == expected


def test_a_forked_child_writes_nothing_and_ends_nothing(tmp_path):
    ending = """
    child = os.fork()
    if child == 0:
        axonlog.log_metrics(loss=99.0, step=99)
        axonlog.end()
        sys.exit(3)
    os.waitpid(child, 0)
    axonlog.log_metrics(loss=0.25, step=2)
    """
    done, status, _, _ = ended(tmp_path, ending)
    assert (done.returncode, status) == (0, "succeeded")
    assert points_of(only_run(tmp_path), "loss") == [(1, 0.5), (2, 0.25)]


def test_sigterm_from_outside_in_the_middle_of_logging_ends_cleanly(tmp_path):
    script = START + textwrap.dedent("""
    print("ready", flush=True)
    step = 1
    while True:
        step += 1
        axonlog.log_metrics(loss=0.5, step=step)
        axonlog.log_outputs(step=step)
    """)
    process = subprocess.Popen(
        [sys.executable, "-c", script], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout.readline() == "ready\n"
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(60) == -signal.SIGTERM
    run = only_run(tmp_path)
    assert statuses_of(run) == ["created", "running", "stopped"]
    steps = [step for step, _ in points_of(run, "loss")]
    assert steps == list(range(1, len(steps) + 1))


def endings_of(cwd):
    documents = [document_of(path.parent) for path in cwd.rglob("run.plx.json")]
    return {document["name"]: document["status"] for document in documents}


MANY = """
import sys
import axonlog
def start(name):
    return axonlog.init(
        project="acme/endings", name=name, is_offline=True, track_env=False, track_code=False
    )
"""


def test_a_failing_trial_leaves_the_settled_ones_before_it_alone(tmp_path):
    script = (
        MANY
        + """
for name in ("first", "second", "third"):
    run = start(name)
    run.log_metrics(loss=0.5)
    if name == "third":
        raise ValueError("the last one")
    run.settle("succeeded")
"""
    )
    assert run_code(script, tmp_path).returncode == 1
    expected = {"first": "succeeded", "second": "succeeded", "third": "failed"}
    assert endings_of(tmp_path) == expected


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_children_of_multiprocessing_end_their_own_runs(tmp_path, method):
    (tmp_path / "script.py").write_text(
        MANY
        + f"""
import multiprocessing

def work(name):
    start(name).log_metrics(loss=0.5)
    if name == "bad":
        raise ValueError(name)
    if name == "exit":
        sys.exit(3)

if __name__ == "__main__":
    start("parent")
    context = multiprocessing.get_context({method!r})
    children = [context.Process(target=work, args=(name,)) for name in ("good", "bad", "exit")]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert [child.exitcode for child in children] == [0, 1, 3]
"""
    )
    done = subprocess.run(
        [sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    expected = {"parent": "succeeded", "good": "succeeded", "bad": "failed", "exit": "failed"}
    assert endings_of(tmp_path) == expected


def test_sigterm_counts_even_if_the_first_run_was_started_in_a_thread(tmp_path):
    script = (
        MANY
        + """
import os, signal, threading
thread = threading.Thread(target=lambda: start("in a thread").end())
thread.start()
thread.join()
start("after it")
os.kill(os.getpid(), signal.SIGTERM)
"""
    )
    assert run_code(script, tmp_path).returncode == -signal.SIGTERM
    assert endings_of(tmp_path) == {"in a thread": "succeeded", "after it": "stopped"}


def test_a_sigterm_that_the_users_handler_takes_as_a_message_ends_nothing(tmp_path):
    script = "import signal\nsignal.signal(signal.SIGTERM, lambda number, frame: print('reload'))\n"
    ending = "\nos.kill(os.getpid(), signal.SIGTERM)\naxonlog.log_metrics(loss=0.25, step=2)"
    done = run_code(script + START + ending, tmp_path)
    assert (done.returncode, done.stdout) == (0, "reload\n")
    assert statuses_of(only_run(tmp_path))[-1] == "succeeded"


def test_an_exception_that_cannot_be_shown_is_failure_all_the_same(tmp_path):
    ending = """
    class Bad(Exception):
        def __str__(self):
            raise RuntimeError("no")
    raise Bad
    """
    done, status, reason, message = ended(tmp_path, ending)
    assert (done.returncode, status, reason, message) == (1, "failed", "Bad", "Bad")


def test_a_slip_at_the_prompt_ends_nothing(tmp_path):
    typed = START + "\ntypo_here\naxonlog.log_metrics(loss=0.25, step=2)\n"
    done = subprocess.run(
        [sys.executable, "-i", "-q"], input=typed, cwd=tmp_path, capture_output=True, text=True
    )
    assert "typo_here" in done.stderr
    assert statuses_of(only_run(tmp_path))[-1] == "succeeded"


INTERRUPTED = """
import _thread
for step in range(2, 10):
    axonlog.log_metrics(loss=0.5, step=step)
    if step == 5:
        _thread.interrupt_main()
"""


@pytest.mark.parametrize(
    ("then", "status"), [("", "stopped"), ("axonlog.log_metrics(loss=1)", "succeeded")]
)
def test_a_statement_interrupted_at_the_prompt_is_a_stop_unless_recording_goes_on(
    tmp_path, then, status
):
    typed = f"{START}\n{INTERRUPTED}\n{then}\n"
    done = subprocess.run(
        [sys.executable, "-i", "-q"], input=typed, cwd=tmp_path, capture_output=True, text=True
    )
    assert "KeyboardInterrupt" in done.stderr
    assert statuses_of(only_run(tmp_path))[-1] == status


def test_a_script_that_fails_before_its_prompt_has_failed(tmp_path):
    (tmp_path / "script.py").write_text(START + "raise ValueError('x')")
    done = subprocess.run(
        [sys.executable, "-i", "script.py"],
        input="1 + 1\n",
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert "ValueError: x" in done.stderr
    assert statuses_of(only_run(tmp_path))[-1] == "failed"
