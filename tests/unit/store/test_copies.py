import hashlib

from axonlog.store import copy_into, digest


def test_a_file_is_copied_and_a_later_copy_replaces_it(tmp_path):
    source, target = tmp_path / "model.pt", tmp_path / "run" / "outputs" / "model.pt"
    source.write_text("first")
    copy_into(source, target)
    source.write_text("second")
    copy_into(source, target)
    assert target.read_text() == "second"
    assert [path.name for path in target.parent.iterdir()] == ["model.pt"]


def test_a_folder_is_replaced_whole(tmp_path):
    source, target = tmp_path / "saved", tmp_path / "run" / "saved"
    (source / "sub").mkdir(parents=True)
    (source / "sub" / "a").write_text("1")
    copy_into(source, target)
    (source / "sub" / "a").unlink()
    (source / "b").write_text("2")
    copy_into(source, target)
    assert sorted(str(path.relative_to(target)) for path in target.rglob("*")) == ["b", "sub"]
    assert [path.name for path in target.parent.iterdir()] == ["saved"]


def test_a_file_that_lies_where_it_belongs_stays(tmp_path):
    path = tmp_path / "model.pt"
    path.write_text("1")
    copy_into(path, path)
    assert path.read_text() == "1"


def test_the_digest_is_of_the_content_in_order(tmp_path):
    (tmp_path / "d" / "sub").mkdir(parents=True)
    (tmp_path / "d" / "a").write_text("1")
    (tmp_path / "d" / "sub" / "b").write_text("2")
    assert digest(tmp_path / "d" / "a") == hashlib.md5(b"1").hexdigest()[:12]
    assert digest(tmp_path / "d") == hashlib.md5(b"12").hexdigest()[:12]
    assert digest(tmp_path / "missing") is None
