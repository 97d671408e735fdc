import errno
import os
import resource
import threading
from pathlib import Path

import pytest

from axonlog.store import EventWriter


def test_a_file_is_made_with_its_first_row(tmp_path):
    writer, path = EventWriter(), tmp_path / "metric" / "loss.plx"
    writer.append(path, "metric", "\n1|t|0.5")
    assert path.read_text() == "step|timestamp|metric\n1|t|0.5"
    writer.append(path, "metric", "\n2|t|0.25")
    assert path.read_text() == "step|timestamp|metric\n1|t|0.5\n2|t|0.25"


def test_an_existing_file_is_continued(tmp_path):
    path = tmp_path / "loss.plx"
    path.write_text("step|timestamp|metric\n1|t|0.5")
    EventWriter().append(path, "metric", "\n2|t|0.25")
    assert path.read_text() == "step|timestamp|metric\n1|t|0.5\n2|t|0.25"


def test_more_files_than_descriptors_are_all_complete(tmp_path):
    writer = EventWriter()
    paths = [tmp_path / f"{number}.plx" for number in range(300)]
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    in_use = len(list(Path("/proc/self/fd").iterdir()))
    resource.setrlimit(resource.RLIMIT_NOFILE, (in_use + 150, hard))
    try:
        for step in range(3):
            for path in paths:
                writer.append(path, "metric", f"\n{step}|t|1.0")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        writer.close()
    whole = "step|timestamp|metric\n0|t|1.0\n1|t|1.0\n2|t|1.0"
    assert {path.read_text() for path in paths} == {whole}


def test_threads_write_whole_rows(tmp_path):
    writer, path = EventWriter(), tmp_path / "loss.plx"

    def write(thread):
        for step in range(200):
            writer.append(path, "metric", f"\n{step}|t|{thread}.0")

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rows = path.read_text().split("\n")[1:]
    expected = [f"{step}|t|{thread}.0" for thread in range(8) for step in range(200)]
    assert sorted(rows) == sorted(expected)


def test_a_row_that_finds_no_room_leaves_the_file_as_it_was(tmp_path, monkeypatch):
    writer, path = EventWriter(), tmp_path / "loss.plx"
    writer.append(path, "metric", "\n1|t|0.5")
    write = os.write
    # A disk that fills up in the middle of a row: no other way to have it at a chosen byte.
    rooms = iter([3])

    def fill_up(descriptor, data):
        for room in rooms:
            return write(descriptor, data[:room])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", fill_up)
    with pytest.raises(OSError, match="No space left"):
        writer.append(path, "metric", "\n2|t|0.25"[:9])
    monkeypatch.undo()
    writer.append(path, "metric", "\n3|t|0.125")
    assert path.read_text() == "step|timestamp|metric\n1|t|0.5\n3|t|0.125"


def test_a_full_device_is_an_os_error(tmp_path):
    path = tmp_path / "loss.plx"
    path.symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        EventWriter().append(path, "metric", "\n1|t|0.5")


def test_rows_from_elsewhere_come_first_and_none_twice(tmp_path):
    writer, path = EventWriter(), tmp_path / "loss.plx"
    writer.append(path, "metric", "\n2|t|0.25")
    writer.append(path, "metric", "\n3|t|0.125")
    writer.merge_remote(path, b"step|timestamp|metric\n1|t|0.5\n2|t|0.25")
    writer.append(path, "metric", "\n4|t|0.0625")
    rows = path.read_text().split("\n")[1:]
    assert rows == ["1|t|0.5", "2|t|0.25", "3|t|0.125", "4|t|0.0625"]


def test_a_file_that_is_not_here_is_taken_over_whole(tmp_path):
    path = tmp_path / "metric" / "loss.plx"
    EventWriter().merge_remote(path, b"step|timestamp|metric\n1|t|0.5")
    assert path.read_bytes() == b"step|timestamp|metric\n1|t|0.5"
