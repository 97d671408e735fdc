"""The Keras callback."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from axonlog.integration import Context, LazyRun, Run, RunOptions, takes_run_options
from axonlog_keras._keras import keras
from axonlog_keras._optimizer import batches_seen, describe, learning_rate, optimizer_of

if TYPE_CHECKING:
    from typing_extensions import Unpack

Logs = Mapping[str, Any]  # of numbers; a training loop of the user's own may pass tensors


@takes_run_options(in_order=False, shows_defaults=False)
class AxonCallback(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
    """Tracks ``fit`` as a Polyaxon run.

    Nothing is started by making one: the run starts, or an already running one is joined, when
    training begins. Several fits with one callback are one run.

    Everything is recorded at one global step, the number of batches trained so far. It is read
    from the optimizer, so that it goes on through a second ``fit``, ``initial_epoch``, a loaded
    model and ``BackupAndRestore``. At the end of each epoch that is: Keras' own metrics under
    their own names (``loss``, ``val_loss``), ``epoch`` (from 0) and ``learning_rate``. The inputs
    hold epochs, steps, model and optimizer. ``evaluate`` outside ``fit`` records ``test_loss``.
    A short vector becomes a metric per number (``f1_score/0``); what cannot be recorded is told
    once in a warning, and training goes on.

    Keras does not tell a callback of an exception: it ends the run with the process.

    Args:
        prefix: Put before each metric's name, with a slash between.
        log_every_n_batches: Also record the metrics each so many batches, as ``batch/loss``: the
            mean since the epoch began, as Keras shows it. None records epochs only.

    Raises:
        ValueError: ``log_every_n_batches`` is less than 1.
    """

    def __init__(
        self,
        *,
        prefix: str = "",
        log_every_n_batches: int | None = None,
        **options: Unpack[RunOptions],
    ) -> None:
        super().__init__()
        if log_every_n_batches is not None and log_every_n_batches < 1:
            raise ValueError(
                f"log_every_n_batches must be at least 1, or None, not {log_every_n_batches!r}"
            )
        self._prefix = f"{prefix}/" if prefix else ""
        self._log_every_n_batches = log_every_n_batches
        self._step = 0
        self._step_of_epoch = 0
        self._step_of_last_batch_record = 0
        self._steps_per_epoch: int | None = None
        self._is_first_epoch = True
        self._is_fitting = False
        self._lazy = LazyRun("AxonCallback", options)

    @property
    def context(self) -> Context:
        """Where the run belongs, each setting with its source; nothing is started."""
        return self._lazy.context

    @property
    def run(self) -> Run:
        """The run, started or joined when first asked for."""
        return self._lazy.start()

    def set_params(self, params: dict[str, Any] | None) -> None:
        """Take what Keras says before each ``fit``, ``evaluate`` and ``predict``."""
        super().set_params(params)
        # A fit that ended in an exception said no goodbye; this is the next piece of work.
        self._is_fitting = False

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Record the inputs."""
        self._is_fitting = True
        self._is_first_epoch = True
        params = self.params or {}
        self._steps_per_epoch = params.get("steps")
        inputs = {"epochs": params.get("epochs"), "steps_per_epoch": self._steps_per_epoch}
        self._lazy.log_inputs({**inputs, **describe(self.model)})

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Find out the global step."""
        if self._is_first_epoch:
            # Not in `on_train_begin`: BackupAndRestore may restore the optimizer only after us.
            self._find_step()
            self._step_of_last_batch_record = self._step
            self._is_first_epoch = False
        self._step_of_epoch = self._step

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Count the batch, and record it if its turn has come."""
        # Of a group of batches that run as one step, `batch` is the last; or would be, if the
        # last group of an epoch were a whole one.
        seen = batch + 1 if self._steps_per_epoch is None else min(batch + 1, self._steps_per_epoch)
        self._step = self._step_of_epoch + seen
        every = self._log_every_n_batches
        if every is not None and self._step // every > self._step_of_last_batch_record // every:
            self._step_of_last_batch_record = self._step
            self._log({f"batch/{name}": value for name, value in (logs or {}).items()})

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Record the epoch."""
        metrics = {**(logs or {}), "epoch": epoch}
        if "learning_rate" not in metrics:  # where Keras' schedulers tell what they changed
            rate = learning_rate(optimizer_of(self.model))
            if rate is not None:
                metrics["learning_rate"] = rate
        self._log(metrics)

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Tell the run that training went well. Nothing ends: more work may follow."""
        self._is_fitting = False
        self._lazy.mark_finished()

    def on_test_end(self, logs: Logs | None = None) -> None:
        """Record an ``evaluate`` of the user's own; the one inside ``fit`` is in its epoch."""
        if not self._is_fitting and logs:
            self._find_step()
            self._log({f"test_{name}": value for name, value in logs.items()})
            self._lazy.mark_finished()

    def _find_step(self) -> None:
        # Not less than our own count: a model that was compiled again counts from 0.
        self._step = max(self._step, batches_seen(optimizer_of(self.model)))

    def _log(self, metrics: Logs) -> None:
        named = {f"{self._prefix}{name}": value for name, value in metrics.items()}
        self._lazy.log_metrics(named, self._step)

    def __getstate__(self) -> dict[str, Any]:
        # The model is the user's, and large: Keras sets it again before the next fit.
        return {**self.__dict__, "_model": None}
