"""The previous release. The file `previous_release` beside this one names its commit."""

import io
import subprocess
import tarfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
COMMIT = (Path(__file__).parent / "previous_release").read_text().strip()


def take_out(folder: Path) -> None:
    """Writes its code from the repository's history into this folder."""
    archive = subprocess.run(["git", "archive", COMMIT], cwd=ROOT, capture_output=True)
    if archive.returncode:
        raise ValueError(
            f"The previous release is the commit {COMMIT}, which this repository's history does not hold (is it a "
            f"shallow clone?): {archive.stderr.decode()}"
        )
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as tar:
        tar.extractall(folder, filter="data")
