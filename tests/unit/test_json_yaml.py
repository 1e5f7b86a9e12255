"""What we write for Compose and Docker is JSON that YAML takes for the same, whatever is in it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st
from kit import quickly

from schedgen_ops.commands.compose import parse_services
from schedgen_ops.commands.json_yaml import dumped
from schedgen_ops.orchestrators.swarm.stack import Part
from schedgen_ops.release.record import ReleaseId, ServiceRecord
from schedgen_ops.rollout import plan

BINARY = Path(sys.executable).parent / "docker-compose"
ODD = 'party \U0001f389 \\ud83c\\udf89 \\\U0001f389" \x7f \u2028 \x85 ü'
PLACE = "/srv/\U0001f4e6"


@given(st.text())
@quickly
def test_any_text_is_the_same_as_json_and_as_yaml(text: str) -> None:
    assert json.loads(dumped(text)) == yaml.safe_load(dumped(text)) == text


def read(file: Path) -> dict[str, Any]:
    """A compose file's service `web`, as Compose reads it."""
    words = [str(BINARY), "-p", "p", "-f", str(file), "config", "--format", "json"]
    done = subprocess.run(words, cwd=file.parent, capture_output=True, text=True, check=True, timeout=60)
    return dict(json.loads(done.stdout)["services"]["web"])


def test_a_file_of_a_stack_is_read_whatever_its_texts_are(tmp_path: Path) -> None:
    document = {"services": {"web": {"image": "web:1", "environment": {"A": ODD}}}}
    (tmp_path / "web.json").write_text(Part("web", document).text)
    assert read(tmp_path / "web.json")["environment"] == {"A": ODD}


def test_what_a_release_adds_is_read_whatever_the_folders_are_called(tmp_path: Path) -> None:
    volume = {"type": "bind", "source": f"{PLACE}/conf", "target": "/conf", "read_only": True}
    services = parse_services({"services": {"web": {"image": "web:1", "volumes": [volume]}}}, {})
    text = plan.overlay(
        {"web": ServiceRecord("p-web:r1", "", "d")},
        ReleaseId("r1"),
        services=services,
        sources={f"{PLACE}/conf": f"{PLACE}/r1/conf"},
    )
    (tmp_path / "overlay.json").write_text(text)
    (mount,) = read(tmp_path / "overlay.json")["volumes"]
    assert mount["source"] == f"{PLACE}/r1/conf"
    assert plan.relabelled(text, ReleaseId("r1")) == text
