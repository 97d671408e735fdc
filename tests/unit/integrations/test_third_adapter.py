"""An adapter for a further framework needs ``axonlog.integration`` and nothing else."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from axonlog.integration import Context, LazyRun, Run
from support.kept import curve, only_run, record_of, statuses

# A framework: plain Python, with callbacks.


class Callback:
    def on_fit_begin(self, settings: dict[str, Any]) -> None: ...
    def on_batch_end(self, step: int, logs: dict[str, Any]) -> None: ...
    def on_fit_end(self, error: BaseException | None) -> None: ...


class Trainer:
    def __init__(self, callbacks: list[Callback], fails_at: int | None = None) -> None:
        self.callbacks, self.fails_at = callbacks, fails_at

    def fit(self, steps: int, **settings: Any) -> None:
        error: BaseException | None = None
        for callback in self.callbacks:
            callback.on_fit_begin({"steps": steps, **settings})
        try:
            for step in range(steps):
                if step == self.fails_at:
                    raise RuntimeError("loss is nan")
                for callback in self.callbacks:
                    callback.on_batch_end(step, {"loss": 1 / (step + 1), "note": "ok"})
        except BaseException as raised:
            error = raised
            raise
        finally:
            for callback in self.callbacks:
                callback.on_fit_end(error)


# Its adapter.


class AxonTracker(Callback):
    """Tracks ``fit`` as a Polyaxon run; takes the options of ``axonlog.init``."""

    def __init__(self, *, prefix: str = "", **options: Any) -> None:
        self._prefix = prefix
        self._lazy = LazyRun("AxonTracker", options)

    @property
    def context(self) -> Context:
        """Where the run belongs; nothing is started."""
        return self._lazy.context

    @property
    def run(self) -> Run:
        """The run, started when first asked for."""
        return self._lazy.start()

    def on_fit_begin(self, settings: dict[str, Any]) -> None:
        self._lazy.log_inputs(settings)

    def on_batch_end(self, step: int, logs: dict[str, Any]) -> None:
        self._lazy.log_metrics({f"{self._prefix}{name}": logs[name] for name in logs}, step)

    def on_fit_end(self, error: BaseException | None) -> None:
        self._lazy.mark_finished(error)


@pytest.fixture
def tracker(work):
    return AxonTracker(project="acme/digits", is_offline=True, track_env=False, prefix="train/")


def test_a_fit_is_a_run_with_inputs_metrics_and_an_ending(tracker, work, caplog):
    assert tracker.context.project.value == "digits"
    assert list(work.iterdir()) == []
    Trainer([tracker]).fit(3, optimizer={"name": "adam"})
    directory = only_run(work)
    assert directory.name == tracker.run.run_uuid == tracker.context.run_uuid.value
    assert record_of(directory).inputs == {"steps": 3, "optimizer__name": "adam"}
    assert curve(directory, "train__loss") == [(0, 1.0), (1, 1 / 2), (2, 1 / 3)]
    assert statuses(directory)[-1] == "succeeded"
    warnings = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert len(warnings) == 1
    assert warnings[0].startswith("AxonTracker: metric 'train/note' is not recorded")


def test_a_fit_that_fails_gives_its_reason(tracker, work):
    with pytest.raises(RuntimeError):
        Trainer([tracker], fails_at=1).fit(3)
    last = record_of(only_run(work)).status_conditions[-1]
    assert (last.type, last.reason) == ("failed", "RuntimeError")
    assert last.message == "RuntimeError: loss is nan"


def test_a_fit_that_is_interrupted_is_stopped(tracker, work):
    class Interrupting(Callback):
        def on_batch_end(self, step: int, logs: dict[str, Any]) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Trainer([tracker, Interrupting()]).fit(3)
    assert statuses(only_run(work))[-1] == "stopped"


def test_a_pickled_adapter_goes_on_with_the_run(tracker, work):
    Trainer([tracker]).fit(1)
    Trainer([pickle.loads(pickle.dumps(tracker))]).fit(2)
    assert curve(only_run(work), "train__loss") == [(0, 1.0), (0, 1.0), (1, 1 / 2)]


def test_a_mistyped_option_is_refused_where_it_is_given():
    with pytest.raises(TypeError, match=r"AxonTracker has no option 'projct'; .* project, "):
        AxonTracker(projct="acme/digits")
