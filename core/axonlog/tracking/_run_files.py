"""The files of a run: its paths, what is copied into it, and what its lineage refers to."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from axonlog.errors import ArgumentTypeError
from axonlog.events import ArtifactKind, clean_name
from axonlog.store import LineageEntry, to_json_fields, to_json_value, write_json

from ._arguments import check_path, text_of
from ._artifacts import digest_of_value, keep_asset, keep_output, lineage_entry, require_existing
from ._environment import CAPTURE_MARK, describe_code, describe_environment, is_captured
from ._run_base import RunBase, recording
from ._tracebacks import short_traceback

_log = logging.getLogger("axonlog")


class RunFiles(RunBase):
    """The part of a run that keeps files and lineage."""

    # The user's own record and the automatic one, which runs beside the training.
    _environment_lock: threading.RLock

    @short_traceback
    def get_artifacts_path(
        self,
        rel_path: str | None = None,
        ensure_path: bool = False,
        is_dir: bool = False,
        use_store_path: bool = False,
    ) -> str | None:
        """A path in the run's directory; None in a no-op run.

        Args:
            rel_path: Relative to the run; its directory itself if not given.
            ensure_path: Make the folder that the path lies in.
            is_dir: The path is a folder, to be made itself.
            use_store_path: Relative to the run's place in the artifacts store instead.
        """
        if rel_path is not None:
            check_path("rel_path", rel_path)
        root = self.context.store_path if use_store_path else self.context.artifacts_path
        return self._path_in(root.value, rel_path, ensure_path and not use_store_path, is_dir)

    @short_traceback
    def get_outputs_path(
        self,
        rel_path: str | None = None,
        ensure_path: bool = True,
        is_dir: bool = False,
        use_store_path: bool = False,
    ) -> str | None:
        """A path among the run's outputs; arguments as for ``get_artifacts_path``."""
        if rel_path is not None:
            check_path("rel_path", rel_path)
        if use_store_path:
            return self.get_artifacts_path(
                f"outputs/{rel_path or ''}".rstrip("/"), False, False, True
            )
        return self._path_in(self.context.outputs_path.value, rel_path, ensure_path, is_dir)

    @recording
    def log_artifact(
        self,
        path: str | os.PathLike[str],
        name: str | None = None,
        kind: str | None = None,
        summary: Mapping[str, Any] | None = None,
        step: int | None = None,
        timestamp: Any = None,
        rel_path: str | None = None,
        skip_hash_calculation: bool = False,
    ) -> None:
        """Copy a file or a folder into the run.

        Args:
            path: What to copy.
            name: Name in the lineage; the file's own, up to its first dot, if not given.
            kind: What it is, ``file`` if not given. With ``step`` one that Polyaxon knows.
            summary: What to tell of it in the lineage; without ``step`` only.
            step: With a step it becomes one of a series: an asset that an event points to.
            timestamp: See ``log_metric``; with ``step`` only.
            rel_path: A folder below the outputs; without ``step`` only.
            skip_hash_calculation: Do not digest the content.

        Raises:
            EventError: There is nothing at ``path``, or ``kind`` cannot have a step.
        """
        kind = text_of(kind or ArtifactKind.FILE)
        hashed = not skip_hash_calculation
        event_value = {"kind": kind}
        self._keep(
            path, name, kind, summary or {}, event_value, step, timestamp, rel_path, hashed=hashed
        )

    @recording
    def log_model(
        self,
        path: str | os.PathLike[str],
        name: str | None = None,
        framework: str | None = None,
        summary: Mapping[str, Any] | None = None,
        step: int | None = None,
        timestamp: Any = None,
        rel_path: str | None = None,
        skip_hash_calculation: bool = False,
    ) -> None:
        """Copy a model's file or folder into the run; arguments as for ``log_artifact``.

        ``framework`` is told in the lineage.
        """
        kind = ArtifactKind.MODEL.value
        hashed = not skip_hash_calculation
        summary = {"framework": framework, **(summary or {})}
        spec = {key: value for key, value in summary.items() if key != "framework"}
        event_value = {"framework": framework, "spec": spec or None}
        self._keep(path, name, kind, summary, event_value, step, timestamp, rel_path, hashed=hashed)
        with self._open.tolerating_disk_failure():
            self._open.store.document.merge("meta_info", {"has_model": True})

    @recording
    def log_env(
        self, rel_path: str | None = None, content: Mapping[str, Any] | None = None
    ) -> None:
        """Write what surrounds the run into a JSON file among its outputs.

        Args:
            rel_path: Its place below the outputs, ``env.json`` if not given.
            content: What to write; interpreter, machine, packages and context if not given.
        """
        if rel_path is not None:
            check_path("rel_path", rel_path)
        self._record_environment(rel_path, content, is_automatic=False)

    @recording
    def log_code_ref(
        self, code_ref: Mapping[str, Any] | None = None, is_input: bool = True
    ) -> None:
        """Note the code in the lineage.

        Args:
            code_ref: At least ``commit``; the git checkout around the working directory if not
                given. Without a commit nothing is noted.
            is_input: Whether the run reads the code rather than makes it.
        """
        if code_ref is not None and not isinstance(code_ref, Mapping):
            kind = type(code_ref).__name__
            raise ArgumentTypeError(f"code_ref must be a mapping, not {kind}")
        self._record_code(code_ref, is_input=is_input, is_automatic=False)

    def _path_in(
        self, root: str | None, rel_path: str | None, ensure_path: bool, is_dir: bool
    ) -> str | None:
        if root is None or self._recorder is None:
            return None
        path = Path(root, rel_path) if rel_path else Path(root)
        if ensure_path:
            with self._recorder.tolerating_disk_failure():
                (path if is_dir or not rel_path else path.parent).mkdir(parents=True, exist_ok=True)
        return str(path)

    def _keep(
        self,
        path: str | os.PathLike[str],
        name: str | None,
        kind: str,
        summary: Mapping[str, Any],
        event_value: Mapping[str, Any],
        step: int | None,
        timestamp: Any,
        rel_path: str | None,
        *,
        hashed: bool,
    ) -> None:
        """As an output with ``summary``, or with a step as an asset with ``event_value``."""
        check_path("path", path)
        source = require_existing(path)
        store = self._open.store
        with self._open.tolerating_disk_failure():
            if step is None:
                keep_output(
                    store,
                    source,
                    name=name,
                    kind=kind,
                    summary=summary,
                    rel_path=rel_path,
                    hashed=hashed,
                    run_in_background=self._open.run_in_background,
                )
            else:
                keep_asset(
                    store,
                    source,
                    name=name,
                    kind=kind,
                    step=step,
                    timestamp=timestamp,
                    value=event_value,
                )

    # The two that also run beside the training must not set a finished run running again, nor
    # mind that it has ended: they have no `recording`.

    def _record_environment(
        self,
        rel_path: str | None = None,
        content: Mapping[str, Any] | None = None,
        *,
        is_automatic: bool = True,
    ) -> None:
        if content is None:
            found = describe_environment()
            content = {**found, "context": self.context.explain().to_dict(), **CAPTURE_MARK}
        store = self._open.store
        target = store.directory.outputs / (rel_path or "env.json")
        with self._open.tolerating_disk_failure(), self._environment_lock:
            if is_automatic and not is_captured(target):
                _log.info("%s is the user's: the captured environment is not written", target)
                return
            # The original digests the value, not the file; equal runs are found by it.
            digest_hex = digest_of_value(content)
            if isinstance(content, Mapping):
                document = to_json_fields(content, described=set())
            else:  # a dataclass, say
                document = to_json_value(content)
            write_json(target, document, compact=True, is_new=is_automatic and not target.exists())
            kind = ArtifactKind.ENV.value
            entry = lineage_entry(store, target, "env", kind, {}, digest_hex=digest_hex)
            store.lineage.add([entry], is_name_given=not is_automatic)

    def _record_code(
        self,
        code_ref: Mapping[str, Any] | None = None,
        *,
        is_input: bool = True,
        is_automatic: bool = True,
    ) -> None:
        code = describe_code() if code_ref is None else dict(code_ref)
        if not code or not code.get("commit"):
            return
        entry = LineageEntry(
            name=clean_name(str(code["commit"])),
            kind=ArtifactKind.CODEREF.value,
            summary=to_json_fields(code, described=set()),
            is_input=is_input,
        )
        with self._open.tolerating_disk_failure():
            self._open.store.lineage.add([entry], is_automatic=is_automatic)
