"""What holds for whatever a config file says."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import hypothesis
import yaml
from hypothesis import given
from hypothesis import strategies as st

from schedgen_ops import loading
from schedgen_ops.errors import ConfigError
from schedgen_ops.loading.explain import keys_at

MINIMAL: dict[str, Any] = {
    "project": "p",
    "directory": "/srv/p",
    "hosts": [{"name": "a", "address": "host.example"}],
}


def write(root: str, text: str | bytes) -> None:
    file = Path(root, "config", "production.yaml")
    file.parent.mkdir()
    file.write_bytes(text if isinstance(text, bytes) else text.encode())


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.dates(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(keys_at(())) | st.text(max_size=4), inner)
    ),
    max_leaves=8,
)


def never_a_traceback(raw: bytes, environ: Mapping[str, str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write(folder, raw)
        try:
            loading.load(root=Path(folder), environ=environ)
        except ConfigError as error:
            refused = error.problems
        else:
            return
    assert refused
    assert all("production.yaml" in line or line.startswith(tuple(environ)) for line in refused)


@hypothesis.settings(deadline=None)
@given(
    raw=st.binary(max_size=200)
    | st.text(alphabet="ab:-[]{}&*!<>|#'\"%@` \n\t?,0.", max_size=60).map(str.encode)
)
def test_no_bytes_raise_anything_but_a_config_error(raw: bytes) -> None:
    never_a_traceback(raw, {})


@hypothesis.settings(deadline=None)
@given(
    key=st.sampled_from(keys_at(())), value=_values, branch=st.text(min_size=1), seconds=st.text(min_size=1)
)
def test_no_value_raises_anything_but_a_config_error(key: str, value: Any, branch: str, seconds: str) -> None:
    raw = yaml.safe_dump({**MINIMAL, key: value}).encode()
    never_a_traceback(raw, {"GIT_BRANCH": branch, "MONITORING_DURATION": seconds})


_places = [(section,) for section in keys_at(()) if keys_at((section,))] + [()]
_keys = [(*place, key) for place in _places for key in keys_at(place)]


@st.composite
def misspelt(draw: st.DrawFn) -> tuple[tuple[str, ...], str]:
    """A key's place and the key with one letter lost, doubled, changed or swapped with the next."""
    *_, key = place = draw(st.sampled_from(_keys))
    at = draw(st.integers(0, len(key) - 2))
    letter = draw(st.sampled_from("abcdefghijklmnopqrstuvwxyz"))
    edits = (
        key[:at] + key[at + 1 :],
        key[:at] + key[at] + key[at:],
        key[:at] + letter + key[at + 1 :],
        key[:at] + key[at + 1] + key[at] + key[at + 2 :],
        key.replace("_", "-").capitalize(),
    )
    return place, draw(st.sampled_from(edits))


@hypothesis.settings(deadline=None)
@given(case=misspelt())
def test_a_misspelt_key_always_gets_its_suggestion(case: tuple[tuple[str, ...], str]) -> None:
    (*section, key), wrong = case
    if wrong in keys_at(tuple(section)):
        return
    data = {**MINIMAL, **({section[0]: {wrong: 1}} if section else {wrong: 1})}
    with tempfile.TemporaryDirectory() as folder:
        write(folder, yaml.safe_dump(data))
        found = loading.read(root=Path(folder), environ={}).problems
    messages = [str(p.message) for p in found if p.location == ".".join((*section, wrong))]
    assert len(messages) == 1
    assert messages[0].startswith("unknown key; did you mean ")
    assert repr(key) in messages[0]
