"""Networks and volumes that a new compose file defines otherwise are told of, and no others."""

from __future__ import annotations

import json
from typing import Any

import pytest
from kit import minimal

from schedgen_ops.checklist.changes import Coming
from schedgen_ops.checklist.fitting import judged


def told(before: dict[str, Any] | None, now: dict[str, Any]) -> list[str]:
    settings = minimal()
    texts = [json.dumps({"services": {}, **each}) if each is not None else "" for each in (before, now)]
    found = judged(settings, settings.hosts[0], Coming("c", document=texts[1]), texts[0])
    problems = [each for each in found if not isinstance(each, str)]
    assert not any(each.refuses or each.unknown for each in problems)
    return [" ".join(each.text.split()[:3]) for each in problems]


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ({"networks": {"n": {"name": "p_n", "ipam": {}}}}, {"networks": {"n": {"name": "p_n"}}}, []),
        (
            {"networks": {"n": {"name": "p_n"}}},
            {"networks": {"n": {"name": "p_n", "internal": True}}},
            ["the network n"],
        ),
        ({"networks": {"n": {"name": "p_n"}}}, {"networks": {"n": {"name": "x", "internal": True}}}, []),
        ({"networks": {"n": {"name": "x", "external": True}}}, {"networks": {"n": {"name": "x"}}}, []),
        (
            {"volumes": {"v": {"name": "p_v", "driver_opts": {"device": "/a"}}, "w": None}},
            {"volumes": {"v": {"name": "p_v", "driver_opts": {"device": "/b"}}, "w": {}}},
            ["the volume v"],
        ),
        ({"volumes": {}}, {"volumes": {"v": {"name": "p_v"}}}, []),
        (None, {"volumes": {"v": {"name": "p_v"}}}, []),
    ],
)
def test_what_is_there_under_a_name_is_not_made_anew_without_a_word(
    before: dict[str, Any] | None, now: dict[str, Any], expected: list[str]
) -> None:
    assert told(before, now) == expected
