"""The files and events of one run on the server."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Literal

from axonlog.errors import EventError, ServerError

from ._address import RunAddress
from ._models import ArtifactTree, EventSeries, EventSeriesList
from ._multipart import MultipartFile, Progress, check_file_name


class RunFiles(RunAddress):
    """Up and down, one file or a tar at a time. Memory does not grow with a file's size.

    The server does not check that a run exists before it stores a file for it.
    """

    def upload_file(
        self,
        source: str | Path | BinaryIO,
        *,
        to_dir: str,
        name: str | None = None,
        overwrite: bool = True,
        on_progress: Progress | None = None,
    ) -> None:
        """Store a file as ``to_dir/name`` in the run.

        A file that grows meanwhile is sent to the length it had at the start.

        Args:
            source: A file's path, or an open file, sent from its position to its end.
            to_dir: Directory below the run's, ``""`` for the run's own; made if needed.
            name: Name on the server, if not that of ``source``.
            overwrite: Without it the server keeps a file that is there, and says nothing.
            on_progress: Called with the bytes of the file that are sent, and with all of them.

        Raises:
            EventError: The server would store the file under another name.
            OSError: The file cannot be opened.
        """
        if name is None:
            name = Path(source if isinstance(source, (str, Path)) else source.name).name
        check_file_name(name)
        with _opened(source) as file:
            self._post(
                "artifact",
                file,
                name=name,
                fields={"untar": False, "path": to_dir, "overwrite": overwrite},
                on_progress=on_progress,
            )

    def upload_tar(
        self,
        source: str | Path | BinaryIO,
        *,
        to_dir: str,
        overwrite: bool,
        on_progress: Progress | None = None,
    ) -> bool:
        """Make ``to_dir`` a directory that holds what the tar holds, and nothing else.

        The server does not merge. With ``overwrite`` it first **deletes** the directory that is
        there (for ``to_dir=""`` the run's whole directory) and then unpacks; without, it drops a
        tar for a directory that is there, also for one that came while this one was on its way.

        Args:
            source: A file's path, or an open file, sent from its position to its end. A tar,
                plain or compressed with gzip.
            to_dir: Directory below the run's, ``""`` for the run's own.
            overwrite: Replace the directory if it is there.
            on_progress: Called with the bytes of the tar that are sent, and with all of them.

        Returns:
            Whether the tar was unpacked: False, without sending anything, if the directory is
            there and ``overwrite`` is not set.

        Raises:
            ServerError: Among others: the server cannot say whether the directory is there.
            OSError: The file cannot be opened.
        """
        if not overwrite:
            tree = self.get_tree(to_dir)
            if tree.error is None:
                return False
            if not tree.is_missing:
                raise self._unreadable(to_dir, tree)
        with _opened(source) as file:
            self._post(
                "artifacts",
                file,
                # The server unpacks in the run's directory, from a file of this name.
                name=f".axonlog-{uuid.uuid4().hex}.tar.gz",
                fields={"untar": True, "path": to_dir, "overwrite": overwrite},
                on_progress=on_progress,
            )
        return True

    def get_tree(self, path: str = "") -> ArtifactTree:
        """The files and folders directly in a directory of the run.

        One that is not there is empty, and ``error`` is set: see `ArtifactTree`.
        """
        answer = self.client.request(
            "GET", self._files_path("artifacts", "tree"), params={"path": path}
        )
        return answer.parse(ArtifactTree)

    def get_tree_recursive(self, path: str = "") -> dict[str, int]:
        """Sizes in bytes of all files below ``path``, by path in the run; none if it is missing.

        Raises:
            ServerError: Among others: a directory is there and cannot be listed.
        """
        sizes: dict[str, int] = {}
        pending = [path.strip("/")]
        while pending:
            folder = pending.pop()
            tree = self.get_tree(folder)
            if tree.error is not None and not tree.is_missing:
                raise self._unreadable(folder, tree)
            prefix = f"{folder}/" if folder else ""
            sizes.update({prefix + name: size for name, size in tree.files.items()})
            pending += [prefix + name for name in tree.dirs]
        return dict(sorted(sizes.items()))

    def download_file(self, path: str, to: str | Path, *, force: bool = True) -> Path:
        """Fetch the file ``path`` of the run to the file ``to``: whole, or not at all.

        Args:
            path: Relative to the run.
            to: Where it goes.
            force: Read the store, not the copy that the server keeps of what it once sent.

        Raises:
            OSError: ``to`` cannot be written.
        """
        return self._fetch("artifact", path, Path(to), force=force)

    def download_tar(self, path: str, to: str | Path) -> Path:
        """Fetch the directory ``path`` of the run as a tar.gz, to the file ``to``.

        Raises:
            OSError: ``to`` cannot be written.
        """
        return self._fetch("artifacts", path, Path(to))

    def delete_file(self, path: str) -> None:
        """Delete one file of the run; a file that is not there is a 400."""
        answer = self.client.request("DELETE", self._files_path("artifact"), params={"path": path})
        answer.expect_no_page()

    def get_events(
        self,
        kind: str,
        names: Iterable[str],
        *,
        force: bool = True,
        sample: int | None = None,
        orient: Literal["dict", "csv"] = "dict",
    ) -> tuple[EventSeries, ...]:
        """The rows of event files, in no promised order; those that are not there are left out.

        Args:
            kind: ``metric``, ``image``, ``histogram`` and so on.
            names: At least one.
            force: Read the store, not the server's cache.
            sample: At most this many rows of each, chosen by the server.
            orient: Columns, or the text of the file.

        Raises:
            EventError: A name holds a comma: the request has no way to say it.
        """
        names = tuple(names)
        for name in names:
            if "," in name:
                raise EventError(f"events named {name!r} cannot be asked for: there is a comma")
        if not names:
            return ()
        params: dict[str, str | int | bool] = {
            "names": ",".join(names),
            "orient": orient,
            "force": force,
        }
        if sample is not None:
            params["sample"] = sample
        answer = self.client.request("GET", self._files_path("events", kind), params=params)
        return answer.parse(EventSeriesList).data

    def _post(
        self,
        endpoint: str,
        file: BinaryIO,
        *,
        name: str,
        fields: dict[str, object],
        on_progress: Progress | None,
    ) -> None:
        position = file.tell()
        size_bytes = file.seek(0, os.SEEK_END) - position
        file.seek(position)
        body = MultipartFile(
            file, size_bytes=size_bytes, name=name, fields=fields, on_progress=on_progress
        )
        answer = self.client.request("POST", self._files_path(endpoint), file=body)
        answer.expect_no_page()

    def _fetch(self, endpoint: str, path: str, to: Path, **params: bool) -> Path:
        part = to.with_name(f".{to.name}.{uuid.uuid4().hex[:8]}.part")
        query: dict[str, str | int | bool] = {"path": path, **params}
        try:
            with (
                self.client.download(self._files_path(endpoint), params=query) as chunks,
                part.open("wb") as file,
            ):
                for chunk in chunks:
                    file.write(chunk)
            part.replace(to)
        finally:
            part.unlink(missing_ok=True)
        return to

    def _unreadable(self, folder: str, tree: ArtifactTree) -> ServerError:
        return ServerError(
            f"the server cannot list {folder or '/'!r} of run {self.run_uuid}: {tree.error}",
            status=200,
            detail=tree.error,
            method="GET",
        )


@contextmanager
def _opened(source: str | Path | BinaryIO) -> Iterator[BinaryIO]:
    if isinstance(source, (str, Path)):
        with Path(source).open("rb") as file:
            yield file
    else:
        yield source
