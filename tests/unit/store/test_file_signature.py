import os
import shutil

from axonlog.store import FileSignature


def test_a_file_that_was_replaced_by_one_as_large_and_as_old_is_another(tmp_path):
    path, other = tmp_path / "a", tmp_path / "b"
    path.write_text("one")
    before = FileSignature.of(path)
    assert before == FileSignature.of(path)
    other.write_text("two")
    os.utime(other, ns=(before.modified_ns, before.modified_ns))
    other.replace(path)
    assert before != FileSignature.of(path)


def test_without_its_inode_a_copy_counts_as_the_same(tmp_path):
    path, copy = tmp_path / "a", tmp_path / "b"
    path.write_text("one")
    shutil.copy2(path, copy)
    assert FileSignature.from_stat(path.stat()) == FileSignature.from_stat(copy.stat())
    assert FileSignature.of(path) != FileSignature.of(copy)


def test_a_missing_file_has_none(tmp_path):
    assert FileSignature.of(tmp_path / "a") is None
