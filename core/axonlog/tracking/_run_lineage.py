"""The lineage of a run: what it refers to without copying it."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from axonlog.errors import ArgumentTypeError, EventError
from axonlog.events import ArtifactKind
from axonlog.store import LineageEntry, digest

from ._arguments import check_path, text_of
from ._artifacts import digest_of_value, lineage_entry
from ._run_base import recording
from ._run_files import RunFiles

_log = logging.getLogger("axonlog")


class RunLineage(RunFiles):
    """The part of a run that refers to artifacts wherever they are."""

    @recording
    def log_artifact_ref(
        self,
        path: str | os.PathLike[str] | None,
        kind: str,
        name: str | None = None,
        hash: str | None = None,  # the original's name
        content: Any = None,
        summary: Mapping[str, Any] | None = None,
        is_input: bool = False,
        rel_path: str | None = None,
        skip_hash_calculation: bool = False,
    ) -> None:
        """Record an artifact in the lineage, without copying it.

        Args:
            path: Where it is: a path, a URL, or None for what has a ``name`` only. Nothing need be
                there.
            kind: What it is, such as ``file``, ``model`` or ``data``.
            name: Name in the lineage; the file's own, up to its first dot, if not given.
            hash: Its digest; if not given, the first 12 hexadecimal digits of the MD5 of the file
                or folder, where it can be read.
            content: A value to take the digest of instead of the file.
            summary: Further facts about it.
            is_input: Whether the run reads it rather than makes it.
            rel_path: The path to record instead of ``path``.
            skip_hash_calculation: Do not digest the content.

        Without a path and a name nothing is recorded, and a warning says so.
        """
        self._refer(
            path,
            kind,
            name,
            hash=hash,
            content=content,
            summary=summary,
            is_input=is_input,
            rel_path=rel_path,
            is_hashed=not skip_hash_calculation,
        )

    @recording
    def log_file_ref(
        self,
        path: str | os.PathLike[str],
        name: str | None = None,
        hash: str | None = None,  # the original's name
        content: Any = None,
        summary: Mapping[str, Any] | None = None,
        is_input: bool = False,
        rel_path: str | None = None,
        skip_hash_calculation: bool = False,
    ) -> None:
        """Record a file in the lineage; arguments as for ``log_artifact_ref``."""
        check_path("path", path)
        self._refer(
            path,
            ArtifactKind.FILE,
            name,
            hash=hash,
            content=content,
            summary=summary,
            is_input=is_input,
            rel_path=rel_path,
            is_hashed=not skip_hash_calculation,
        )

    @recording
    def log_dir_ref(
        self,
        path: str | os.PathLike[str],
        name: str | None = None,
        hash: str | None = None,  # the original's name
        summary: Mapping[str, Any] | None = None,
        is_input: bool = False,
        rel_path: str | None = None,
        skip_hash_calculation: bool = False,
    ) -> None:
        """Record a folder in the lineage; arguments as for ``log_artifact_ref``."""
        check_path("path", path)
        self._refer(
            path,
            ArtifactKind.DIR,
            name,
            hash=hash,
            summary=summary,
            is_input=is_input,
            rel_path=rel_path,
            is_hashed=not skip_hash_calculation,
        )

    @recording
    def log_model_ref(
        self,
        path: str | os.PathLike[str],
        name: str | None = None,
        framework: str | None = None,
        summary: Mapping[str, Any] | None = None,
        is_input: bool = False,
        rel_path: str | None = None,
        skip_hash_calculation: bool = False,
    ) -> None:
        """Record a model in the lineage; arguments as for ``log_artifact_ref``.

        ``framework``, such as ``pytorch``, stands in its summary.
        """
        check_path("path", path)
        self._refer(
            path,
            ArtifactKind.MODEL,
            name,
            summary={**(summary or {}), "framework": framework},
            is_input=is_input,
            rel_path=rel_path,
            is_hashed=not skip_hash_calculation,
        )
        self._flag("has_model")

    @recording
    def log_data_ref(
        self,
        name: str,
        hash: str | None = None,  # the original's name
        path: str | os.PathLike[str] | None = None,
        content: Any = None,
        summary: Mapping[str, Any] | None = None,
        is_input: bool = True,
        skip_hash_calculation: bool = False,
    ) -> None:
        """Record a data set in the lineage; arguments as for ``log_artifact_ref``.

        A data frame or an array as ``content`` is identified by its digest, and is not kept.
        """
        self._refer(
            path,
            ArtifactKind.DATA,
            name,
            hash=hash,
            content=content,
            summary=summary,
            is_input=is_input,
            is_hashed=not skip_hash_calculation,
        )

    @recording
    def log_tensorboard_ref(
        self,
        path: str | os.PathLike[str],
        name: str = "tensorboard",
        is_input: bool = False,
        rel_path: str | None = None,
    ) -> None:
        """Record a folder of TensorBoard files, from which the UI can start TensorBoard.

        A run has one: a later call changes nothing.

        Args:
            path: The folder.
            name: Name in the lineage.
            is_input: Whether the run reads it rather than makes it.
            rel_path: The path to record instead of ``path``.
        """
        check_path("path", path)
        self._refer_to_tensorboard(path, name, is_input=is_input, rel_path=rel_path)

    def get_tensorboard_path(
        self, rel_path: str = "tensorboard", use_store_path: bool = False
    ) -> str | None:
        """A folder among the outputs for TensorBoard to write to; None in a no-op run.

        The first call also records it in the lineage.

        Args:
            rel_path: Relative to the outputs.
            use_store_path: Relative to the run's place in the artifacts store instead.
        """
        path = self.get_outputs_path(rel_path, use_store_path=use_store_path)
        if path is not None:
            self.log_tensorboard_ref(path)
        return path

    @recording
    def log_artifact_lineage(
        self, body: LineageEntry | Mapping[str, Any] | Iterable[LineageEntry | Mapping[str, Any]]
    ) -> None:
        """Record entries of the lineage as they are.

        An entry of the same name and kind is replaced; one of another kind keeps its name, and the
        new entry gets another, which is logged.

        Args:
            body: One entry or several: a ``V1RunArtifact``, or a mapping with ``name``, ``kind``
                and, where they are known, ``path``, ``summary`` and ``is_input``.

        Raises:
            EventError: One of them is no entry. Nothing is recorded.
        """
        given = [body] if isinstance(body, (LineageEntry, Mapping)) else list(body)
        entries = [_to_entry(item) for item in given]
        with self._open.tolerating_disk_failure():
            self._open.store.lineage.add(entries)

    def _refer(
        self,
        path: str | os.PathLike[str] | None,
        kind: str,
        name: str | None,
        *,
        hash: str | None = None,
        content: Any = None,
        summary: Mapping[str, Any] | None = None,
        is_input: bool = False,
        rel_path: str | None = None,
        is_hashed: bool = True,
    ) -> None:
        if path is None and not name:
            # The original says nothing; a script that it took must not end here.
            _log.warning("a %s without path= and name= is not recorded in the lineage", kind)
            return
        if path is not None:
            check_path("path", path)
        with self._open.tolerating_disk_failure():
            digest_hex = hash
            if digest_hex is None and content is not None:
                digest_hex = digest_of_value(content)
            elif digest_hex is None and path is not None and is_hashed:
                digest_hex = digest(Path(path))
            entry = lineage_entry(
                self._open.store,
                path,
                name,
                text_of(kind),
                summary or {},
                digest_hex=digest_hex,
                recorded_path=rel_path,
                is_input=is_input,
            )
            self._open.store.lineage.add([entry], is_name_given=name is not None)

    def _refer_to_tensorboard(
        self,
        path: str | os.PathLike[str],
        name: str,
        *,
        is_input: bool,
        rel_path: str | None,
    ) -> None:
        kind = ArtifactKind.TENSORBOARD.value
        if any(entry.kind == kind for entry in self._open.store.lineage.snapshot()):
            return
        # TensorBoard goes on writing there: a digest would be of a moment.
        self._refer(path, kind, name, is_input=is_input, rel_path=rel_path, is_hashed=False)
        self._flag("has_tensorboard")

    def _flag(self, name: str) -> None:
        with self._open.tolerating_disk_failure():
            self._open.store.document.merge("meta_info", {name: True})


def _to_entry(given: object) -> LineageEntry:
    if isinstance(given, LineageEntry):
        return given.model_copy(update={"kind": text_of(given.kind)})
    if not isinstance(given, Mapping):
        raise ArgumentTypeError(
            f"an entry of the lineage must be a V1RunArtifact or a mapping, not {given!r:.60}"
        )
    try:
        return LineageEntry.model_validate({**given, "kind": text_of(given.get("kind"))})
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False)[0]
        field = ".".join(map(str, problem["loc"]))
        raise EventError(f"not an entry of the lineage: {field}: {problem['msg']}") from None
