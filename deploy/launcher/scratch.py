"""Where data goes that nobody keeps."""

import shutil
from pathlib import Path

IN_MEMORY = Path("/dev/shm")
ON_DISK = Path("/tmp")
#: What the tests of one run have at a time is well below this.
ROOM_BYTES = 4 * 1024**3
#: What must be left for everything else.
FREE_BYTES = 8 * 1024**3


def directory() -> Path:
    """In memory where there is plenty of it: databases are made and deleted by the hundred, thousands of files each, and a file
    system that has just deleted so many is slow to make new ones."""
    try:
        free = shutil.disk_usage(IN_MEMORY).free
    except OSError:
        return ON_DISK
    return IN_MEMORY if min(free, memory_available()) >= ROOM_BYTES + FREE_BYTES else ON_DISK


def memory_available() -> int:
    """Bytes, as the kernel estimates; 0 if it does not say."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), 0)
