"""A checkpoint may be larger than the memory that is left."""

import json
import subprocess
import sys
from pathlib import Path

import axonlog

SIZE = 300 * 1024 * 1024

# In a process of its own: only there is the peak of the memory that of the delivery.
DELIVER = """
import json, resource, sys
from pathlib import Path
from axonlog.client import RunClient
from axonlog.delivery import sync
from support.clients import client_of

def peak_bytes():
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

directory, url = Path(sys.argv[1]), sys.argv[2]
model = directory / "outputs" / "model.bin"
client = RunClient("acme", "digits", directory.name, client_of(url))
assert sync(directory, client).is_complete  # everything that a delivery needs is loaded now
before = peak_bytes()
with model.open("r+b") as file:
    file.truncate(int(sys.argv[3]))
told = []
report = sync(directory, client, on_progress=lambda step: told.append(step.bytes_sent))
print(json.dumps({"more": peak_bytes() - before, "state": report.state, "told": told}))
"""


def test_a_large_file_is_streamed_with_progress_and_never_whole_in_memory(server, stub, tmp_path):
    with axonlog.Run(
        project="acme/digits", is_offline=True, track_env=False, track_code=False
    ) as run:
        pass
    directory = Path(run.context.artifacts_path.value)
    model = directory / "outputs" / "model.bin"
    model.write_bytes(b"1" * 1000)
    tests = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tests)!r})\n{DELIVER}",
         str(directory), server.url, str(SIZE)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["state"] == "delivered"
    assert stub.files["outputs/model.bin"] == SIZE
    assert seen["more"] < 20 * 1024 * 1024
    assert seen["told"] == sorted(seen["told"])
    assert seen["told"][-1] == SIZE
    assert len(seen["told"]) > 2
