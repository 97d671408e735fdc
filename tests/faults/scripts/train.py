"""A training of sixty steps, led by a test: it says how far it is, and waits in the middle.

Arguments: the project, and a statement to end with.
"""

import sys
from pathlib import Path

import axonlog


def main() -> None:
    project, ending = sys.argv[1:]
    run = axonlog.init(project=project, track_code=False)
    say(run.run_uuid)
    axonlog.log_inputs(lr=0.1, layers=[64, 10])
    for step in range(30):
        log(step)
    say("half")
    sys.stdin.readline()
    for step in range(30, 60):
        log(step)
    Path("model.bin").write_bytes(bytes(range(256)) * 200)
    axonlog.log_model("model.bin", framework="none")
    axonlog.log_outputs(best=59)
    say("logged")
    exec(ending)  # the test's own words


def say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def log(step: int) -> None:
    axonlog.log_metrics({"loss": 1 / (step + 1), "train/acc": step / 60}, step=step)


main()
