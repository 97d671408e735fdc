"""The Lightning logger."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from lightning_utilities.core.rank_zero import rank_zero_only

from axonlog.integration import Context, LazyRun, Run, RunOptions, takes_run_options
from axonlog_lightning._base import LoggerBase, rank_zero_experiment, register_subclass

if TYPE_CHECKING:
    from typing_extensions import Unpack


@takes_run_options(in_order=False, shows_defaults=False)
class AxonLogger(LoggerBase):
    """Tracks a Trainer's work as a Polyaxon run.

    Nothing is started by making one, nor by reading its name, version or directories: the run
    starts, or an already running one is joined, when the Trainer sets up or the first thing is
    recorded. ``fit``, ``validate``, ``test`` and ``predict`` with one logger are one run. How
    they ended is told to the run each time; it ends with the process, or with ``axonlog.end()``.

    Works with ``lightning`` and with ``pytorch_lightning``, and from LightningCLI::

        --trainer.logger=axonlog_lightning.AxonLogger --trainer.logger.project=acme/digits

    Args:
        prefix: Put before each metric's name, with a slash between.
    """

    def __init__(
        self,
        *,
        prefix: str = "",
        **options: Unpack[RunOptions],
    ) -> None:
        super().__init__()
        register_subclass(type(self))
        self._no_op_version = uuid4().hex
        self._prefix = f"{prefix}{self.group_separator}" if prefix else ""
        self._lazy = LazyRun("AxonLogger", options)

    @property
    def context(self) -> Context:
        """Where the run belongs, each setting with its source; nothing is started."""
        return self._lazy.context

    @property
    def name(self) -> str:
        """The project. Checkpoints go to ``save_dir/name/version/checkpoints``."""
        return self._lazy.context.project.value or "no_op"

    @property
    def version(self) -> str:
        """The run's uuid, known before the run starts."""
        return self._lazy.context.run_uuid.value or self._no_op_version

    @property
    def root_dir(self) -> str:
        """The run's directory."""
        return self._lazy.context.artifacts_path.value or self._no_op_dir

    @property
    def save_dir(self) -> str:
        """The run's outputs, where LightningCLI's config and the checkpoints go.

        Its own for each run: LightningCLI refuses to write its config over an older one.
        """
        return self._lazy.context.outputs_path.value or self._no_op_dir

    @property
    def _no_op_dir(self) -> str:
        # POLYAXON_NO_OP leaves no run and no place for one, and LightningCLI insists on a place.
        return str(Path("axonlog_data", "no_op", self._no_op_version).absolute())

    @property
    def log_dir(self) -> str:
        """The same as ``save_dir``."""
        return self.save_dir

    @property
    @rank_zero_experiment
    def experiment(self) -> Run:
        """The run, started or joined when first asked for; a dummy on other ranks than 0."""
        return self._lazy.start()

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Append ``metrics`` at ``step``; the mapping belongs to all loggers and stays as it is.

        A short vector becomes a metric per number. What cannot be recorded is told once in a
        warning: training goes on.
        """
        named = {f"{self._prefix}{name}": value for name, value in metrics.items()}
        self._lazy.log_metrics(named, step)

    @rank_zero_only
    def log_hyperparams(
        self, params: MutableMapping[str, Any] | Namespace | None, *args: Any, **kwargs: Any
    ) -> None:
        """Record ``params`` as inputs, nested ones as ``outer/inner``. The rest is ignored."""
        if params is not None:
            self._lazy.log_inputs(params)

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """Tell the run how a Trainer's work ended. Nothing ends: more work may follow.

        Args:
            status: Lightning's word: ``success``, ``failed`` (for Ctrl-C, too), or ``finished``
                in the middle of a run that a cluster is about to requeue, which stays running.
        """
        if status == "success":
            self._lazy.mark_finished()
        elif status == "failed":
            self._mark_failed()

    def _mark_failed(self) -> None:
        # Lightning calls `finalize` while it handles the exception, and does not pass it on.
        error = sys.exc_info()[1]
        if error is None:
            error = RuntimeError("the Trainer said so and gave no reason")
        # Of either package, so known by its name.
        if any(kind.__name__ == "SIGTERMException" for kind in type(error).__mro__):
            self._lazy.mark_stopped("SIGTERM", "stopped by SIGTERM")
        else:
            self._lazy.mark_finished(error)
