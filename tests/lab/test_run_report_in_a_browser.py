"""The report of a run in a real browser: whole, without a word to anybody, light and dark, and on paper."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from browser import look_at, need_chromium

from schedgen_ops.probe.report import ProbeAnswer
from schedgen_ops.probe.series import series
from schedgen_ops.run_report import files

RECORDED = Path(__file__).parents[1] / "unit/recorded/deploy.jsonl"
EVIL = "<img src=http://127.0.0.1:1/x onerror=document.title=1><script>problems.push('ran')</script>"
PHASES = ("before", "during", "after")
OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars")
# Each is the look of the page's background: the browser is asked for one or the other.
LOOKS = {"light": ("1", 200), "dark": ("0", 60)}


def fact(name: str, value: Any, host: str = "") -> dict[str, Any]:
    return {"t": "2026-11-28T20:13:10.000Z", "event": "fact", "name": name, "value": value, "host": host}


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """The report of a recorded deploy, with a series and with text that would like to be markup."""
    lines = [json.loads(line) for line in RECORDED.read_text().splitlines()]
    answers = [
        ProbeAnswer(at / 10, 0, 0 if 400 <= at < 410 else 200, 0.01, PHASES[at // 300]) for at in range(900)
    ]
    said = {"t": "2026-11-28T20:13:10.000Z", "event": "message", "level": "warn", "text": EVIL, "host": EVIL}
    more = [
        fact("probe_series", asdict(series([answers]))),
        fact("changes", [EVIL]),
        fact("checklist", [["System health", "Disk space", "passed", EVIL, ""]], "app1"),
        said,
    ]
    return files.write([*lines, *more], tmp_path / "deploy-20261128_201302.jsonl")


def test_a_browser_shows_it_whole_and_asks_nobody(page: Path, tmp_path: Path) -> None:
    seen = look_at(page, tmp_path)
    assert (seen.problems, seen.asked, seen.told) == ((), (), ())
    assert set(seen.lines) == {
        "Timeline of the steps",
        "Requests of the prober",
        "Response times of the prober",
    }
    assert min(seen.lines["Requests of the prober"]) > 100


@pytest.mark.parametrize("look", LOOKS)
def test_it_is_light_or_dark_as_the_reader_has_it(page: Path, tmp_path: Path, look: str) -> None:
    scheme, than = LOOKS[look]
    probe = "<script>document.body.dataset.ground = getComputedStyle(document.body).backgroundColor</script>"
    copy = tmp_path / "look.html"
    copy.write_text(page.read_text().replace("</body>", f"{probe}</body>"))
    shown = f"--blink-settings=preferredColorScheme={scheme}"
    done = chromium(tmp_path, shown, "--dump-dom", copy.as_uri())
    red = int(done.partition('data-ground="rgb(')[2].partition(",")[0])
    assert red > than if look == "light" else red < than


def test_it_can_be_printed(page: Path, tmp_path: Path) -> None:
    paper = tmp_path / "report.pdf"
    chromium(tmp_path, "--no-pdf-header-footer", f"--print-to-pdf={paper}", page.as_uri())
    content = paper.read_bytes()
    assert content.startswith(b"%PDF-")
    assert 1 <= content.count(b"/Type /Page\n") <= 6


def test_the_pictures_of_the_readme_are_drawn_by_the_project(tmp_path: Path) -> None:
    need_chromium()
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, root / "tests/bench/pictures.py", tmp_path], check=True, timeout=240)
    drawn = {path.name: path for path in tmp_path.iterdir()}
    assert set(drawn) == {"deploy.svg", "report-light.png", "report-dark.png"}
    assert "v1.2.4" in drawn["deploy.svg"].read_text()
    readme = (root / "README.md").read_text()
    for name, path in drawn.items():
        assert f"docs/{name}" in readme
        assert (root / "docs" / name).read_bytes()[:24] == path.read_bytes()[:24], "another kind or size"
    assert drawn["report-light.png"].read_bytes() != drawn["report-dark.png"].read_bytes()


def chromium(folder: Path, *words: str) -> str:
    profile = f"--user-data-dir={folder / 'profile'}"
    done = subprocess.run(
        [need_chromium(), *OPTIONS, profile, *words], capture_output=True, text=True, timeout=120, check=True
    )
    return done.stdout
