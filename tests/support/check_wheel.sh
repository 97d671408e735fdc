#!/usr/bin/env bash
# Build the wheel, install it alone in a clean environment, and use it there: what a user gets, not the checkout.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$PYTHON" -m pip wheel --disable-pip-version-check --quiet --no-deps --wheel-dir "$work" .
"$PYTHON" -m venv "$work/clean"
"$work/clean/bin/python" -m pip install --disable-pip-version-check --quiet "$work"/axonlog-*.whl
cd "$work"
"$work/clean/bin/python" - <<'PYTHON'
import pathlib
import sys

import axonlog

packages = pathlib.Path(axonlog.__file__).parent.parent
assert "site-packages" in packages.parts, packages
for package in ("axonlog", "axonlog_lightning", "axonlog_keras"):
    assert (packages / package / "py.typed").is_file(), package
with axonlog.init(project="wheel", is_offline=True) as run:
    axonlog.log_metrics(loss=0.5, step=1)
    directory = pathlib.Path(run.context.artifacts_path.value)
assert (directory / "events/metric/loss.plx").read_text().endswith("|0.5"), directory
print(f"wheel: axonlog {axonlog.__version__} works on Python {sys.version.split()[0]}, alone")
PYTHON
