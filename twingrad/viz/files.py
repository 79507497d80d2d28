"""Files are written whole or not at all, whichever picture or page it is."""

import secrets
from pathlib import Path


def write_at_once(path: Path, content: bytes) -> None:
    """Write beside the file and rename: whoever looks sees the old one or the new, never half."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        # Not `tempfile`, whose files nobody else may read.
        with beside.open("xb") as file:
            file.write(content)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
