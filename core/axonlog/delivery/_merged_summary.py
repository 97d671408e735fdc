"""The lineage of an event file that was joined on its way to the server."""

from __future__ import annotations

import tempfile
from pathlib import Path, PurePosixPath
from typing import Any

from axonlog.events import read_events, summarize


def merged_summary(path: str, content: bytes, tmp_dir: Path) -> dict[str, Any]:
    """The summary that the lineage should tell of an event file with this content.

    Args:
        path: Of the file, relative to the run.
        content: The whole file.
        tmp_dir: A folder for what has to be made on the way; made if needed.

    Returns:
        The summary of the rows that can be read.
    """
    kind = PurePosixPath(path).parent.name
    tmp_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=tmp_dir) as folder:
        copy = Path(folder) / "joined.plx"
        copy.write_bytes(content)
        return summarize(kind, read_events(copy, kind=kind))
