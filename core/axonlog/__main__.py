"""``python -m axonlog``: the ``axonlog`` command."""

from __future__ import annotations

import sys

from axonlog.cli import main

if __name__ == "__main__":
    sys.exit(main())
