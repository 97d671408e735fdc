"""Send files, and see whether they have arrived."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from axonlog.client import RunClient
from axonlog.errors import ServerError
from axonlog.store import FileSignature

from ._archive import pack
from ._sync_state import UploadedFile

# About what a request needs besides the file: its head, the multipart frame, the answer's head.
_REQUEST_BYTES = 600

_CHUNK_BYTES = 1 << 20


class FileUploader:
    """Brings files of one run to its server, in constant memory.

    Args:
        root: The run's directory.
        tmp_dir: A folder for what has to be made on the way; made when it is needed.
        on_bytes: Called with each number of bytes of files that went out.
    """

    def __init__(self, root: Path, tmp_dir: Path, on_bytes: Callable[[int], None]) -> None:
        self._root = root
        self._tmp_dir = tmp_dir
        self._on_bytes = on_bytes

    def send(self, client: RunClient, path: str, before: UploadedFile | None) -> UploadedFile:
        """Send one file.

        Returns:
            What the server should now have.

        Raises:
            TransportError: The server did not answer.
            ServerError: It answered with an error.
            EventError: The server would change the file's name.
            OSError: The file cannot be read.
        """
        with (self._root / path).open("rb") as file:
            signature = FileSignature.from_stat(os.fstat(file.fileno()))
            return self._send(client, path, file, signature, before, is_instead=False)

    def send_instead(
        self,
        client: RunClient,
        path: str,
        content: bytes,
        signature: FileSignature,
        before: UploadedFile | None,
    ) -> UploadedFile:
        """Send ``content`` in the place of the file, which is in the state ``signature``.

        Raises:
            TransportError: The server did not answer.
            ServerError: It answered with an error.
        """
        with tempfile.TemporaryFile(dir=self._made_tmp_dir()) as file:
            file.write(content)
            file.seek(0)
            return self._send(
                client, path, cast(BinaryIO, file), signature, before, is_instead=True
            )

    def send_together(
        self,
        client: RunClient,
        paths: list[str],
        *,
        replaces: Mapping[str, int] | None = None,
        before: Mapping[str, UploadedFile] | None = None,
    ) -> dict[str, UploadedFile] | None:
        """Send several files of one folder as an archive.

        Args:
            client: Of the run.
            paths: The files.
            replaces: Sizes of the files that the server has in the folder, by name: the archive
                takes their place. None if the folder must be new.
            before: What was sent of the files until now.

        Returns:
            What the server should now have; None if nothing was sent: it has the folder already,
            or it would have had less of it afterwards.

        Raises:
            TransportError: The server did not answer.
            ServerError: It answered with an error.
            OSError: There is no room for the archive.
        """
        folder = PurePosixPath(paths[0]).parent
        archive, packed = pack([self._root / path for path in paths], self._made_tmp_dir())
        with archive:
            size = archive.seek(0, os.SEEK_END)
            archive.seek(0)
            if any(
                name not in packed or packed[name].signature.size_bytes < remote_bytes
                for name, remote_bytes in (replaces or {}).items()
            ):
                return None
            if not client.upload_tar(
                archive,
                to_dir=folder.as_posix(),
                overwrite=replaces is not None,
                on_progress=self._counting(),
            ):
                return None
        share = (size + _REQUEST_BYTES) // max(1, len(packed))
        spent = {path: sent.spent_bytes for path, sent in (before or {}).items()}
        return {
            (path := (folder / name).as_posix()): UploadedFile(
                signature=file.signature,
                remote_bytes=file.signature.size_bytes,
                digest=file.digest,
                spent_bytes=spent.get(path, 0) + share,
            )
            for name, file in packed.items()
        }

    def fetch(self, client: RunClient, path: str, size_bytes: int) -> bytes:
        """The server's copy of an event file, which it says has ``size_bytes``.

        Raises:
            TransportError: The server did not answer.
            ServerError: It answered with an error.
        """
        with self._fetched(client, path, size_bytes) as copy:
            return copy.read_bytes()

    def is_same(
        self, client: RunClient, path: str, sent: UploadedFile | None
    ) -> FileSignature | None:
        """Whether the server's copy, of the same size, says the same as the file here.

        By the digest of what was sent, where that is known; else the server's copy is read.

        Returns:
            The state in which the file here is the same, or None.

        Raises:
            TransportError: The server did not answer.
            ServerError: It answered with an error.
            OSError: The file cannot be read.
        """
        with (self._root / path).open("rb") as here:
            signature = FileSignature.from_stat(os.fstat(here.fileno()))
            if sent is not None and sent.digest is not None:
                return signature if digest_of(here, signature.size_bytes) == sent.digest else None
            with (
                self._fetched(client, path, signature.size_bytes) as copy,
                copy.open("rb") as there,
            ):
                while chunk := here.read(_CHUNK_BYTES):
                    if there.read(_CHUNK_BYTES) != chunk:
                        return None
                return None if there.read(1) else signature

    def _made_tmp_dir(self) -> Path:
        self._tmp_dir.mkdir(parents=True, exist_ok=True)
        return self._tmp_dir

    @contextmanager
    def _fetched(self, client: RunClient, path: str, size_bytes: int) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(dir=self._made_tmp_dir()) as folder:
            copy = Path(folder) / "copy"
            # The server keeps a copy of what it once sent, and sends that. It is the old one if
            # the size is another one; forcing makes the server delete and copy the file again,
            # which is left for when it must be.
            client.download_file(path, copy, force=False)
            if copy.stat().st_size != size_bytes:
                client.download_file(path, copy, force=True)
            yield copy

    def _send(
        self,
        client: RunClient,
        path: str,
        file: BinaryIO,
        signature: FileSignature,
        before: UploadedFile | None,
        *,
        is_instead: bool,
    ) -> UploadedFile:
        pure = PurePosixPath(path)
        folder = "" if pure.parent.as_posix() == "." else pure.parent.as_posix()
        reading = _Reading(file)
        client.upload_file(
            cast(BinaryIO, reading), to_dir=folder, name=pure.name, on_progress=self._counting()
        )
        spent = 0 if before is None else before.spent_bytes
        if not is_instead:  # the file may have grown between the two looks at it
            signature = FileSignature(
                size_bytes=reading.size_bytes, modified_ns=signature.modified_ns
            )
        return UploadedFile(
            signature=signature,
            remote_bytes=reading.size_bytes,
            digest=reading.digest,
            spent_bytes=spent + reading.size_bytes + _REQUEST_BYTES,
        )

    def _counting(self) -> Callable[[int, int], None]:
        before = 0

        def count(done: int, _: int) -> None:
            nonlocal before
            self._on_bytes(done - before)
            before = done

        return count


def missing(
    client: RunClient,
    expected: dict[str, UploadedFile],
    *,
    tree: Iterable[tuple[str, int]] | None = None,
) -> dict[str, ServerError]:
    """Which files have not arrived as they should, after all answers were good.

    A server that answers well and keeps nothing, or half of it, is found out by its tree.

    Raises:
        TransportError: The server did not answer.
        ServerError: It cannot tell.
    """
    sizes = dict(tree) if tree is not None else folder_sizes(client, expected)
    problems = {}
    for path, sent in expected.items():
        size = sizes.get(path)
        if size != sent.remote_bytes:
            has = "nothing" if size is None else f"{size} bytes"
            problems[path] = ServerError(
                f"the server took {path!r} and has {has} of its {sent.remote_bytes}",
                status=200,
                detail=f"has {has}",
            )
    return problems


def folder_sizes(client: RunClient, paths: Iterable[str]) -> dict[str, int]:
    """The sizes of the files on the server, in the folders that ``paths`` lie in.

    Raises:
        TransportError: The server did not answer.
        ServerError: It cannot tell.
    """
    sizes: dict[str, int] = {}
    for folder in sorted({PurePosixPath(path).parent for path in paths}):
        tree = client.get_tree("" if folder.as_posix() == "." else folder.as_posix())
        if tree.error is not None and not tree.is_missing:
            raise ServerError(
                f"the server cannot list {folder.as_posix()!r}: {tree.error}",
                status=200,
                detail=tree.error,
            )
        sizes.update({(folder / name).as_posix(): size for name, size in tree.files.items()})
    return sizes


class _Reading:
    """A file that is digested while it is read, from its position to the end it has now."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._md5 = hashlib.md5(usedforsecurity=False)
        self.size_bytes = 0

    @property
    def digest(self) -> str:
        return self._md5.hexdigest()

    def tell(self) -> int:
        return self._file.tell()

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def read(self, size: int) -> bytes:
        block = self._file.read(size)
        self._md5.update(block)
        self.size_bytes += len(block)
        return block


def digest_of(file: BinaryIO, size_bytes: int) -> str | None:
    """MD5 of the first ``size_bytes`` bytes, in hex digits; None if there are fewer.

    Raises:
        OSError: The file cannot be read.
    """
    md5 = hashlib.md5(usedforsecurity=False)
    left_bytes = size_bytes
    while left_bytes and (chunk := file.read(min(left_bytes, _CHUNK_BYTES))):
        md5.update(chunk)
        left_bytes -= len(chunk)
    return None if left_bytes else md5.hexdigest()
