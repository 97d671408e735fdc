"""A Python without what only Linux has: put this folder on PYTHONPATH."""

import errno
import os
import sys

for name in ("posix_fallocate", "copy_file_range", "sched_getaffinity", "memfd_create"):
    if hasattr(os, name):
        delattr(os, name)


def _is_hidden(path):
    return isinstance(path, str | os.PathLike) and os.fspath(path).startswith("/proc")


def _hide(event, arguments):
    if event == "open" and _is_hidden(arguments[0]):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), arguments[0])


def _readlink(path, *arguments, **options):
    _hide("open", (path,))
    return _original_readlink(path, *arguments, **options)


_original_readlink, os.readlink = os.readlink, _readlink
sys.addaudithook(_hide)
