"""The Lightning logger."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from lightning_utilities.core.rank_zero import rank_zero_only

from axonlog.integration import Context, LazyRun, Run
from axonlog_lightning._base import LoggerBase, rank_zero_experiment, register_subclass


class AxonLogger(LoggerBase):
    """Tracks a Trainer's work as a Polyaxon run.

    Nothing is started by making one, nor by reading its name, version or directories: the run
    starts, or an already running one is joined, when the Trainer sets up or the first thing is
    recorded. ``fit``, ``validate``, ``test`` and ``predict`` with one logger are one run. How
    they ended is told to the run each time; it ends with the process, or with ``axonlog.end()``.

    Works with ``lightning`` and with ``pytorch_lightning``, and from LightningCLI::

        --trainer.logger=axonlog_lightning.AxonLogger --trainer.logger.project=acme/digits

    Args:
        owner: User or organization.
        project: Project, or ``owner/project``.
        run_uuid: Continue this run.
        name: What to call the run.
        description: What the run is about.
        tags: To find it by.
        is_offline: True keeps everything in the run's directory; ``axonlog sync`` sends it later.
        is_new: True starts a new run whatever the caches and the current run say.
        artifacts_path: The run's directory.
        collect_artifacts: Keep events and files with the run.
        collect_resources: Not built yet: the sampling of processor and memory.
        track_code: Record the git commit; True if neither this nor ``config`` says so.
        track_env: Record the Python environment; True if neither this nor ``config`` says so.
        track_logs: Not built yet: the capture of console output.
        config: The trainer's config, for what no argument says: a mapping, a dataclass, a
            pydantic or an OmegaConf object, or the path of a YAML file, with these names at the
            top or under ``tracking``, ``axonlog`` or ``polyaxon``.
        prefix: Put before each metric's name, with a slash between.
        strict: Raise if the server cannot be reached when the run starts.
        log_context: Log what was found in caches, and where, when the run starts.
        client: A ``PolyaxonClient`` or a ``RunClient`` to use.
    """

    def __init__(
        self,
        *,
        owner: str | None = None,
        project: str | None = None,
        run_uuid: str | None = None,
        name: str | None = None,
        description: str | None = None,
        tags: list[str] | None = None,
        is_offline: bool | None = None,
        is_new: bool | None = None,
        artifacts_path: str | os.PathLike[str] | None = None,
        collect_artifacts: bool | None = None,
        collect_resources: bool | None = None,
        track_code: bool | None = None,
        track_env: bool | None = None,
        track_logs: bool | None = None,
        config: Any = None,  # any of the kinds above; LightningCLI parses YAML for it
        prefix: str = "",
        strict: bool | None = None,
        log_context: bool | None = None,
        client: Any = None,  # of a core package that a config file cannot name anyway
    ) -> None:
        super().__init__()
        register_subclass(type(self))
        self._no_op_version = uuid4().hex
        self._prefix = f"{prefix}{self.group_separator}" if prefix else ""
        self._lazy = LazyRun(
            "AxonLogger",
            {
                "owner": owner,
                "project": project,
                "run_uuid": run_uuid,
                "name": name,
                "description": description,
                "tags": tags,
                "is_offline": is_offline,
                "is_new": is_new,
                "artifacts_path": artifacts_path,
                "collect_artifacts": collect_artifacts,
                "collect_resources": collect_resources,
                "track_code": track_code,
                "track_env": track_env,
                "track_logs": track_logs,
                "config": config,
                "strict": strict,
                "log_context": log_context,
                "client": client,
            },
        )

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
