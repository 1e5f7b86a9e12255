"""Draw the pictures of the README from a recorded deploy: the live view, and the report light and dark.

    make pictures                        those in docs/
    python tests/bench/pictures.py DIR   into another folder

The report is photographed in headless Chromium.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from picture import picture

from schedgen_ops.run_report.files import html
from schedgen_ops.run_report.page import page
from schedgen_ops.run_report.told import told
from schedgen_ops.ui.journal import read

ROOT = Path(__file__).parents[2]
JOURNAL = ROOT / "tests/unit/recorded/deploy-v1.2.4.jsonl"
# In the middle of the rolling update, in seconds after the run's start.
MOMENT = 33.0
# What Chromium is told for each look.
LOOKS = {"light": 1, "dark": 0}
# The checklist and the timeline; what is below them does not fit into a README.
SIZE = "1200,1215"
OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--hide-scrollbars",
    "--force-device-scale-factor=1",
)


def draw(folder: Path) -> tuple[Path, ...]:
    """Draw all pictures into a folder, and return their paths."""
    live = folder / "deploy.svg"
    live.write_text(picture(JOURNAL, MOMENT))
    return (live, *(photograph(look, folder / f"report-{look}.png") for look in LOOKS))


def photograph(look: str, target: Path) -> Path:
    """Take a picture of the report as a reader of that look has it."""
    with tempfile.TemporaryDirectory() as scratch:
        shown = Path(scratch) / "report.html"
        shown.write_text(html(page(told(read(JOURNAL)))))
        words = (
            *OPTIONS,
            f"--user-data-dir={scratch}/profile",
            f"--window-size={SIZE}",
            f"--blink-settings=preferredColorScheme={LOOKS[look]}",
            f"--screenshot={target.resolve()}",
            shown.as_uri(),
        )
        subprocess.run(("chromium", *words), check=True, capture_output=True, timeout=120)
    return target


if __name__ == "__main__":
    for path in draw(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs"):
        sys.stdout.write(f"{path}: {path.stat().st_size // 1024} KiB\n")
