"""Images between hosts: which layers are carried, packed and taken in, and a file that arrives in parts."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kit import bash, path, program

from schedgen_ops.commands import layers
from schedgen_ops.commands.docker import Docker
from schedgen_ops.host_scripts import host_script
from schedgen_ops.remote import Result

stacks = st.lists(st.lists(st.sampled_from("abcd"), max_size=5).map(tuple), max_size=5)


@given(stacks, stacks)
def test_what_is_spared_lies_on_the_host_in_every_place_where_it_is_wanted(
    wanted: list[tuple[str, ...]], there: list[tuple[str, ...]]
) -> None:
    spare = {*layers.spared(wanted, there)}
    for image in wanted:
        for height, layer in enumerate(image, start=1):
            assert layer not in spare or any(other[:height] == image[:height] for other in there)


@given(stacks)
def test_a_host_that_has_all_of_it_is_sent_no_layer(wanted: list[tuple[str, ...]]) -> None:
    assert {*layers.spared(wanted, wanted)} == {layer for image in wanted for layer in image}
    assert layers.spared(wanted, []) == ()


def test_a_layer_that_lies_on_another_one_there_is_carried() -> None:
    assert layers.spared([("base", "code")], [("base", "other"), ("x", "code")]) == ("base",)


def test_the_answers_are_read() -> None:
    said = '- linux/arm64 []\nsha256:1 linux/amd64 ["sha256:a","sha256:b"]\nsha256:2 linux/amd64 null\n'
    assert layers.parse(said) == {
        layers.ENGINE: ("linux/arm64", ()),
        "sha256:1": ("linux/amd64", ("sha256:a", "sha256:b")),
        "sha256:2": ("linux/amd64", ()),
    }


def archive(**files: bytes) -> bytes:
    """As `docker save` writes it."""
    told = io.BytesIO()
    with tarfile.open(fileobj=told, mode="w") as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return told.getvalue()


@pytest.mark.parametrize("where", ["{}/layer.tar", "blobs/sha256/{}"])
def test_only_the_layers_that_a_host_has_are_left_out(tmp_path: Path, where: str) -> None:
    files = {where.format("1"): b"the base", where.format("2"): b"the code", "manifest.json": b"[]"}
    (tmp_path / "saved").write_bytes(archive(**files))
    save = f"[ $1 != save ] || exec cat {tmp_path}/saved"
    program(tmp_path / "bin", "docker", f'echo "$*" >> {tmp_path}/asked; {save}')
    base = f"sha256:{hashlib.sha256(b'the base').hexdigest()}"
    to = tmp_path / "it's $HOME/carried.tar.gz"
    for spare, left in ((), {*files}), ((base,), {*files} - {where.format("1")}):
        command = layers.pack(Docker(), {"sha256:1": "n:1"}, spare, str(to))
        said = bash(command, tmp_path, PATH=path(tmp_path / "bin"))
        assert said.ok, said
        assert int(said.text) == to.stat().st_size
        with tarfile.open(fileobj=io.BytesIO(gzip.decompress(to.read_bytes()))) as tar:
            assert {entry.name.removeprefix("./") for entry in tar if entry.isfile()} == left
        assert [each.name for each in to.parent.iterdir()] == [to.name]
    assert (tmp_path / "asked").read_text().splitlines() == ["tag sha256:1 n:1", "save n:1", "rmi n:1"] * 2


def test_images_that_cannot_be_saved_are_no_file_of_images(tmp_path: Path) -> None:
    program(tmp_path / "bin", "docker", "echo 'No such image' >&2; exit 1")
    command = layers.pack(Docker(), {"sha256:1": "n:1"}, (), str(tmp_path / "state/carried.tar.gz"))
    said = bash(command, tmp_path, PATH=path(tmp_path / "bin"))
    assert (said.ok, said.stderr.strip().splitlines()[0]) == (False, "No such image")


@pytest.mark.parametrize("code", [0, 1])
def test_what_was_taken_in_is_a_file_no_more(tmp_path: Path, code: int) -> None:
    load = f'[ $1 != load ] || {{ cat > "$HOME/loaded"; exit {code}; }}'
    program(tmp_path / "bin", "docker", f'echo "$*" >> "$HOME/asked"; {load}')
    (tmp_path / "carried").mkdir()
    (tmp_path / "carried/r1.tar.gz").write_bytes(gzip.compress(b"images"))
    names = {"shop-web:r1": "n:1", "shop-worker:r1": "n:1"}
    command = layers.load(Docker(), str(tmp_path / "carried/r1.tar.gz"), names)
    assert bash(command, tmp_path, PATH=path(tmp_path / "bin")).code == code
    assert (tmp_path / "loaded").read_bytes() == b"images"
    assert not (tmp_path / "carried").exists()
    tags = ["tag n:1 shop-web:r1", "tag n:1 shop-worker:r1"] if code == 0 else []
    assert (tmp_path / "asked").read_text().splitlines() == ["load --quiet", *tags, "rmi n:1 n:1"]


def append(file: Path, offset: int, data: bytes, length: int | None = None) -> Result:
    size = len(data) if length is None else length
    command = host_script("files/append", path=str(file), offset=offset, size=size)
    return bash(command.with_stdin(data), file.parents[1])


def test_a_file_arrives_in_parts_each_as_often_as_it_is_sent(tmp_path: Path) -> None:
    file = tmp_path / "it's new/file"
    assert append(file, 0, b"one").text == "3"
    assert append(file, 3, b"two").text == "6"
    # Its answer was lost: it is there.
    assert append(file, 3, b"two").text == "6"
    # It was cut off while it was written.
    file.write_bytes(b"onetwoth")
    assert append(file, 6, b"three").text == "11"
    assert file.read_bytes() == b"onetwothree"
    # Only a part came, or what comes before is not there.
    assert not append(file, 11, b"fo", 4).ok
    assert not append(file, 20, b"six").ok
    assert file.read_bytes() == b"onetwothree"
    # A new one takes its place.
    assert append(file, 0, b"0").text == "1"
    assert file.read_bytes() == b"0"
    assert [each.name for each in file.parent.iterdir()] == ["file"]
