"""The thread that delivers, with a delivery that does nothing."""

from __future__ import annotations

import threading

import pytest

from axonlog.delivery import DeliveryReport, RetryPolicy, Uploader
from axonlog.errors import AuthenticationError, RefusedError
from support.waiting import until


class Steps:
    """What an uploader needs of a delivery: counts the steps, and fails when it is told to."""

    label = "run x"
    bytes_sent = 0
    is_held_elsewhere = False
    client = None

    def __init__(self):
        self.error = None
        self.steps = self.final_steps = 0

    def step(self, *, final):
        if self.error is not None:
            raise self.error
        self.steps += 1
        self.final_steps += final
        return False

    def report(self, *, is_fresh=False):
        return DeliveryReport(pending=1 if self.error else 0)

    def retry_now(self, *, is_last=False):
        pass


def run_traced(steps, on_line):
    """An uploader whose thread calls ``on_line`` before each line of its loop."""
    uploader = Uploader(steps)

    def trace(frame, event, argument):
        if frame.f_code is not Uploader._run.__code__:
            return None
        if event == "line":
            on_line(uploader, frame.f_lineno)
        return trace

    threading.settrace(trace)
    try:
        uploader.start()
    finally:
        threading.settrace(None)
    return uploader


@pytest.mark.parametrize("is_second", [False, True])
def test_no_request_to_flush_is_lost_whenever_it_comes(is_second):
    lines, steps = [], Steps()
    uploader = run_traced(steps, lambda _, line: lines.append(line))
    until(lambda: steps.steps)
    if is_second:
        uploader.flush()
        until(lambda: steps.final_steps)
    looped = sorted(set(lines))  # without those that only the end reaches
    uploader.finish(deadline_s=10)
    for at in looped:
        steps, asked = Steps(), []

        def flush_once(uploader, line, at=at, steps=steps, asked=asked):
            if line == at and not asked:
                asked.append(steps.final_steps)
                uploader.flush()

        uploader = run_traced(steps, flush_once)
        if is_second:
            uploader.flush()
        until(lambda asked=asked: asked)
        until(lambda steps=steps, asked=asked: steps.final_steps > asked[0], timeout_s=10)
        uploader.finish(deadline_s=10)


def test_credentials_that_cannot_be_used_do_not_end_the_delivery(caplog):
    steps, asked = Steps(), threading.Semaphore(0)
    steps.error = RefusedError("no", status=401)
    answers = [AuthenticationError("the token holds a line break")] * 2

    def renew():
        asked.release()
        if answers:
            raise answers.pop()
        steps.error = None
        return object()

    uploader = Uploader(steps, policy=RetryPolicy(interval_s=0.01), renew=renew)
    uploader.start()
    for _ in range(3):
        assert asked.acquire(timeout=10)
    until(lambda: uploader.report.state == "sending" and not uploader.report.pending)
    uploader.finish(deadline_s=10)
    said = [r.getMessage() for r in caplog.records if "cannot be used" in r.getMessage()]
    assert said == [
        "run x: the new credentials cannot be used, still waiting for others: "
        "the token holds a line break"
    ]
