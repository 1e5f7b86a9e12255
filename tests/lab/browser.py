"""A real browser without a window: Debian's Chromium."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from html import unescape
from pathlib import Path

# Runs after the page's own script: what went wrong, and what each drawing came to.
_EARLY = "<script>window.problems = []; window.onerror = (text) => { problems.push(text); };</script>"
_LATE = """<script>
const charts = [...document.querySelectorAll("svg")].map((svg) => ({
  name: svg.getAttribute("aria-label"), width: svg.getBoundingClientRect().width,
  lines: [...svg.querySelectorAll("path.series")].map((path) => path.getBoundingClientRect().width),
  colours: [...svg.querySelectorAll("path.series")].map((path) => getComputedStyle(path).stroke),
}));
const asked = performance.getEntriesByType("resource").map((entry) => entry.name);
document.body.dataset.seen = JSON.stringify({ problems, charts, asked });
</script>"""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a browser made of a page.

    Attributes:
        lines: the widths of the lines in each chart, by its name, in pixels.
        asked: what it loaded from elsewhere.
        told: what it wrote about the page on its console.
    """

    problems: tuple[str, ...]
    lines: dict[str, tuple[float, ...]]
    asked: tuple[str, ...]
    told: tuple[str, ...]


def need_chromium() -> str:
    """The program, installed from Debian's packages where it is missing."""
    if shutil.which("chromium") is None:
        words = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"]
        subprocess.run(words, check=True, capture_output=True, timeout=600)
    return "chromium"


def look_at(page: Path, folder: Path) -> Seen:
    """Opens a copy of a page, and tells what came of it."""
    text = page.read_text()
    copy = folder / "page.html"
    copy.write_text(text.replace("<head>", f"<head>{_EARLY}").replace("</body>", f"{_LATE}</body>"))
    options = ("--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--dump-dom")
    profile = f"--user-data-dir={folder / 'profile'}"
    done = subprocess.run(
        [need_chromium(), *options, profile, "--window-size=1280,2000", copy.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    found = re.search(r'data-seen="([^"]*)"', done.stdout)
    assert found, done.stderr[-2000:]
    seen = json.loads(unescape(found[1]))
    lines = {chart["name"]: tuple(chart["lines"]) for chart in seen["charts"]}
    assert all(chart["width"] > 100 for chart in seen["charts"])
    assert all("none" not in chart["colours"] for chart in seen["charts"])
    told = tuple(line for line in done.stderr.splitlines() if "CONSOLE" in line)
    return Seen(tuple(seen["problems"]), lines, tuple(seen["asked"]), told)
