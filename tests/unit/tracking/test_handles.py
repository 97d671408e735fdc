"""A run that is copied, pickled, or forked away is the same run, or silent."""

import copy
import multiprocessing
import os
import pickle
from pathlib import Path

import pytest

import axonlog
from axonlog.errors import AxonlogError
from support.runs import document_of, lineage_of, points_of, statuses_of

ARGUMENTS = {"project": "acme/digits", "is_offline": True, "track_env": False, "track_code": False}


@pytest.fixture
def run():
    run = axonlog.Run(**ARGUMENTS)
    yield run
    run.end()


def directory(run):
    return Path(run.context.artifacts_path.value)


def work(run, step):
    """What a worker process does; at the top level, so that it can be sent to one."""
    run.log_metrics({"of/worker": step / 2, "loss": 9.0}, step=step)
    run.log_inputs({f"worker_{step}": os.getpid()})
    run.end()


def test_a_copy_is_the_run_itself(run):
    assert copy.copy(run) is run
    assert copy.deepcopy({"model": [run]})["model"][0] is run


def test_a_pickle_in_the_same_process_is_the_run_itself(run):
    assert pickle.loads(pickle.dumps(run)) is run


def test_a_pickle_holds_no_token(monkeypatch):
    monkeypatch.setenv("POLYAXON_AUTH_TOKEN", "s3cr3t-t0ken")
    with axonlog.Run(**ARGUMENTS) as run:
        assert b"s3cr3t" not in pickle.dumps(run)


@pytest.mark.parametrize("method", ["spawn", "fork", "forkserver"])
def test_a_run_in_another_process_records_and_does_not_end_what_is_not_its_own(run, method):
    run.log_metrics(loss=1.0, step=1)
    context = multiprocessing.get_context(method)
    # Under fork the arguments are not pickled, unless somebody does it.
    sent = pickle.dumps(run) if method == "fork" else None
    target, arguments = (work, (run, 2)) if sent is None else (work_from_pickle, (sent, 2))
    process = context.Process(target=target, args=arguments)
    process.start()
    process.join(60)
    assert process.exitcode == 0
    run.log_metrics(loss=3.0, step=3)
    assert points_of(directory(run), "of__worker") == [(2, 1.0)]
    assert sorted(points_of(directory(run), "loss")) == [(1, 1.0), (2, 9.0), (3, 3.0)]
    run.end()
    assert statuses_of(directory(run)) == ["created", "running", "succeeded"]
    assert set(document_of(directory(run))["inputs"]) == {"worker_2"}
    assert not (directory(run) / ".axonlog").exists()


def work_from_pickle(sent, step):
    work(pickle.loads(sent), step)


def record_much(sent, number, count):
    run = pickle.loads(sent)
    for step in range(count):
        run.log_inputs({f"i{number}-{step}": step})
        run.log_file_ref(f"f{number}-{step}.txt", hash="0")
    run.end()


def test_workers_that_record_at_once_keep_each_others_inputs_and_lineage(run):
    sent, context = pickle.dumps(run), multiprocessing.get_context("fork")
    workers = [context.Process(target=record_much, args=(sent, n, 20)) for n in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    run.end()
    pairs = [(number, step) for number in range(4) for step in range(20)]
    assert set(document_of(directory(run))["inputs"]) == {f"i{n}-{step}" for n, step in pairs}
    assert set(lineage_of(directory(run))) == {f"f{n}-{step}" for n, step in pairs}


def die_after_logging(run):
    run.log_metrics(loss=2.0, step=2)
    os._exit(9)


def test_the_points_of_a_worker_that_died_are_in_the_run(run):
    run.log_metrics(loss=1.0, step=1)
    process = multiprocessing.get_context("spawn").Process(target=die_after_logging, args=(run,))
    process.start()
    process.join(60)
    run.end()
    assert points_of(directory(run), "loss") == [(1, 1.0), (2, 2.0)]


def test_a_worker_that_reads_a_handle_with_each_task_joins_once(run):
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        pids = {pool.apply(count_writers, (run,)) for _ in range(3)}
    assert pids == {2}  # the run's own journal, and one of the worker


def count_writers(run):
    run.log_metrics(loss=1.0)
    return len(list(Path(run.get_artifacts_path()).glob(".axonlog/journal/*-*.json")))


def visit(handles):
    """Log into many runs of another process, holding the first one."""
    first = pickle.loads(handles[0])
    for handle in handles:
        pickle.loads(handle).log_metrics(loss=1.0, step=1)
    first.log_metrics(loss=2.0, step=2)


def test_a_worker_that_visits_many_runs_keeps_few_of_them_open():
    runs = [axonlog.Run(**ARGUMENTS) for _ in range(20)]
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        pool.apply(visit, ([pickle.dumps(run) for run in runs],))
        writers = [len(list(directory(run).glob(".axonlog/journal/*-*.json"))) for run in runs]
    assert writers == [1] * 12 + [2] * 8  # the run's own journal, and one of the worker
    for run in runs:
        run.end()
    assert [len(points_of(directory(run), "loss")) for run in runs] == [2] + [1] * 19


def end_and_come_again(handle):
    for step in range(2):
        guest = pickle.loads(handle)
        guest.log_metrics(loss=1.0, step=step)
        guest.end()


def test_a_worker_may_end_its_part_in_a_run_and_come_again(run):
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        pool.apply(end_and_come_again, (pickle.dumps(run),))
    run.end()
    assert points_of(directory(run), "loss") == [(0, 1.0), (1, 1.0)]


def test_a_no_op_run_stays_one():
    run = pickle.loads(pickle.dumps(axonlog.Run(no_op=True)))
    assert run.log_metrics(loss=0.5) is None
    assert run.context.no_op.value


def test_a_handle_on_a_run_that_has_ended_says_so(run):
    run.end()
    with pytest.raises(AxonlogError, match="has ended"):
        pickle.loads(pickle.dumps(run)).log_metrics(loss=0.5)
