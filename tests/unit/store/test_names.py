import json

from axonlog.store._names import EventNames


def names_in(tmp_path):
    return EventNames(tmp_path / "collisions.json", tmp_path / "allocated.json")


def test_the_first_of_two_names_keeps_the_file_and_both_are_listed(tmp_path):
    names = names_in(tmp_path)
    stems = [names.stem("metric", name) for name in ("a/b", "a__b", "a\\b", "a/b")]
    names.save()
    assert stems[0] == stems[3] == "a__b"
    assert len(set(stems)) == 3
    assert all(stem.startswith("a__b-") for stem in stems[1:3])
    collisions = json.loads((tmp_path / "collisions.json").read_text())
    assert collisions == {"metric": {"a__b": "a/b", stems[1]: "a__b", stems[2]: "a\\b"}}


def test_names_that_never_met_leave_no_file_that_stays(tmp_path):
    names = names_in(tmp_path)
    assert [names.stem("metric", name) for name in ("train/loss", "acc")] == ["train__loss", "acc"]
    names.save()
    assert not (tmp_path / "collisions.json").exists()


def test_a_name_that_is_no_text_is_noted_and_found_again(tmp_path):
    names = names_in(tmp_path)
    stems = [names.stem("metric", name) for name in ("\ud800", "ud800")]
    names.save()
    assert stems[0] == "ud800" != stems[1]
    assert names_in(tmp_path).stem("metric", "\ud800") == "ud800"
    assert json.loads((tmp_path / "collisions.json").read_text())["metric"]["ud800"] == "\ud800"


def test_kinds_do_not_mix(tmp_path):
    names = names_in(tmp_path)
    assert names.stem("metric", "a/b") == names.stem("image", "a__b") == "a__b"


def test_another_process_finds_the_same_files(tmp_path):
    names = names_in(tmp_path)
    names.stem("metric", "a/b")
    names.save()
    later = names_in(tmp_path)
    stem = later.stem("metric", "a__b")
    assert stem != "a__b"
    later.save()
    (tmp_path / "allocated.json").unlink()  # as when a run has ended
    assert names_in(tmp_path).stem("metric", "a__b") == stem
    assert names_in(tmp_path).stem("metric", "a/b") == "a__b"


def test_a_name_that_looks_like_another_ones_digest_gets_its_own(tmp_path):
    names = names_in(tmp_path)
    names.stem("metric", "a/b")
    taken = names.stem("metric", "a__b")
    stems = {names.stem("metric", name) for name in (taken, "x" * 300, "x" * 299 + "y")}
    assert len(stems | {taken, "a__b"}) == 5
    assert max(map(len, stems)) <= 200
