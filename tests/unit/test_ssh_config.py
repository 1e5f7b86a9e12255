"""Our own reading of ssh_config: what is not understood is told with its line, ignored, and never holds."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedgen_ops.host import identity, resolve, ssh_config, ssh_words
from schedgen_ops.host.resolve import Resolver
from schedgen_ops.host.target import NamedHost, Target, hop, target
from schedgen_ops.settings import SshSettings

FEDORA = "Match final all\n\tGSSAPIAuthentication yes\n\tForwardX11Trusted yes\n"


@pytest.fixture
def read(tmp_path: Path) -> Reading:
    return Reading(tmp_path / "config")


class Reading:
    """Reads a text as ssh_config, and keeps what was told of it."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.notes: list[str] = []

    def __call__(self, text: str | bytes, host: str = "prod", user: str = "", port: str = "") -> Target:
        self.file.write_bytes(text.encode() if isinstance(text, str) else text)
        self.notes.clear()
        found = ssh_config.load(self.file, self.notes.append).lookup(host, user=user, port=port)
        return target(NamedHost(host, user, port), found, "me", self.notes.append)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Host prod\n  HostName 192.0.2.10   # the box\n  Port 2222 # in May\n", ("192.0.2.10", "me", 2222)),
        ("Host prod # Anna's machine\n  HostName 192.0.2.10\n", ("192.0.2.10", "me", 22)),
        ("Host prod\n  User deploy # never root\n", ("prod", "deploy", 22)),
        ("Match host=prod\n  HostName 192.0.2.10\n", ("192.0.2.10", "me", 22)),
        ("Match host = prod\n  Port=2222\n", ("prod", "me", 2222)),
        ("host\tprod\n\tport\t= 2222\r\n\tUSER  deploy \r\n", ("prod", "deploy", 2222)),
        ('Host "prod" other\n  User "deploy"\n', ("prod", "deploy", 22)),
        ("Host *\nUser first\nHost prod\nUser second\n", ("prod", "first", 22)),
        ("Host !prod *\nUser no\nHost pro?\nUser yes\n", ("prod", "yes", 22)),
        ("Host prod\nHostName %h.example.org\n", ("prod.example.org", "me", 22)),
        ("Host prod\nUser x#y\n", ("prod", "x#y", 22)),
        (FEDORA + "Host prod\nUser deploy\n", ("prod", "deploy", 22)),
        ("Host prod\nHostName a.b\nMatch final host a.b\nUser late\n", ("a.b", "late", 22)),
        ("Match final host prod\nUser no\nHost prod\nHostName a.b\n", ("a.b", "me", 22)),
        ("Match !host other originalhost prod\nUser yes\n", ("prod", "yes", 22)),
        ("Match user deploy\nPort 2222\n", ("prod", "me", 22)),
        ("Match exec \"test %n = prod\"\nPort 2222\n", ("prod", "me", 2222)),
        ("Match !exec true\nPort 2222\n", ("prod", "me", 22)),
        ("Tag home\nMatch tagged home\nPort 2222\n", ("prod", "me", 2222)),
    ],
)  # fmt: skip
def test_what_openssh_takes_is_taken(read: Reading, text: str, expected: tuple[str, str, int]) -> None:
    found = read(text)
    assert (found.hostname, found.user, found.port) == expected
    assert read.notes == []


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("Match localnetwork 198.51.100.0/24\n  ProxyJump gate\n  User insider\n", 1, "Match localnetwork"),
        ("\nMatch !localnetwork 198.51.100.0/24\n  User insider\n", 2, "Match localnetwork"),
        ("Match host prod version 9.*\n  User insider\n", 1, "Match version"),
        ("Match all host prod\n  User insider\n", 1, "Match all"),
        ("Match host\n  User insider\n", 1, "without a value"),
        ("Host Anna's prod\n  User insider\n", 1, "not closed"),
        ("Match exec 'test %y'\n  User insider\n", 1, "%y"),
        ("Host prod\nPort 22 22a\nPort 2x2\n", 3, "no port"),
        ("Host prod\nUsr insider\n", 2, "usr is no keyword"),
        ('Host prod\nUser "insider\n', 2, "not closed"),
        ("Host prod\nIdentitiesOnly maybe\n", 2, "maybe"),
        ("Host prod\nUser in\0sider\n", 2, "zero byte"),
    ],
)
def test_what_is_not_understood_is_told_with_its_line_and_ignored(
    read: Reading, text: str, line: int, words: str
) -> None:
    found = read(text + "Host prod\n  HostName 192.0.2.10\n")
    assert (found.hostname, found.user, found.jump) == ("192.0.2.10", "me", ())
    (note,) = read.notes
    assert note.startswith(f"{read.file}:{line} is ignored: ")
    assert words in note


def test_the_file_that_is_to_blame_is_named(read: Reading) -> None:
    included = read.file.with_name("50-redhat.conf")
    included.write_text("Match sunshine yes\n  User insider\n")
    assert read(f"Include {included}\nHost prod\n  User deploy\n").user == "deploy"
    assert read.notes == [f"{included}:1 is ignored: Match sunshine is not understood here"]


def test_an_include_in_a_block_holds_for_that_block_alone(read: Reading) -> None:
    read.file.with_name(".hidden.conf").write_text("User hidden\n")
    read.file.with_name("more.conf").write_text("Host *\n  User more\n")
    text = f"Host other\n  Include {read.file.parent}/*.conf\nHost prod\n  Port 2222\n"
    assert (read(text).user, read(text).port) == ("me", 2222)
    assert read(text, host="other").user == "more"


def test_a_file_in_another_encoding_with_a_mark_at_its_start_is_read(read: Reading) -> None:
    found = read(b"\xef\xbb\xbfHost prod\r\n  User deploy\r\n  # gr\xfc\xdfe\r\n  IdentityFile /k\xfc\r\n")
    assert (found.user, len(found.key_files or ())) == ("deploy", 1)
    assert ssh_words.printable(str(found.key_files)).isprintable()


def test_a_file_that_others_may_write_is_left_out_where_ssh_leaves_it_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    file = tmp_path / ".ssh/config"
    file.parent.mkdir()
    file.write_text("User insider\n")
    file.chmod(0o666)
    notes: list[str] = []
    assert "user" not in ssh_config.load(file, notes.append).lookup("prod")
    assert notes == [f"{file} is ignored: others may write it, or it is somebody else's"]


def test_values_become_paths_and_names(read: Reading, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEYS", "/keys")
    found = read(
        "HostName 192.0.2.10\nIdentityFile ~/.ssh/%n.pub\nIdentityFile ${KEYS}/%r\nIdentitiesOnly yes\n"
        'UserKnownHostsFile "/a b/%h" ~/kh\nHostKeyAlias box\nIdentityAgent ~/vault.sock\nForwardAgent yes\n'
        "ProxyCommand nc %h %p # all of it\nConnectTimeout 7\nAddressFamily inet\nCertificateFile none\n"
    )
    home = Path.home()
    assert found.key_files == (home / ".ssh/prod.pub", Path("/keys/me"))
    assert found.known_hosts == (Path("/a b/192.0.2.10"), home / "kh")
    assert (found.identities_only, found.alias, found.forward) == (True, "box", "yes")
    assert (found.agent, found.proxy) == (f"{home}/vault.sock", "nc 192.0.2.10 22 # all of it")
    assert (found.patience, found.family, found.certificates) == (7, "inet", ())
    assert read.notes == []


def test_names_that_cannot_be_are_left_as_they_are(read: Reading) -> None:
    found = read(b"Include ~nobody-here/x\nHost prod\n  User gr\xfc\xdfe\n  IdentityFile ~nobody-here/key\n")
    assert (found.user, found.key_files) == ("gr\ufffd\ufffde", (Path("~nobody-here/key"),))
    assert read.notes == []


def test_a_variable_that_is_not_set_is_told(read: Reading, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GONE", raising=False)
    assert read("IdentityFile ${GONE}/key\nIdentityFile /other\n").key_files == (Path("/other"),)
    assert read.notes == ["identityfile in ssh_config is not used: there is no variable GONE"]


def test_what_the_host_depends_on_and_is_not_used_is_told(read: Reading) -> None:
    read("KnownHostsCommand /bin/keys %H\nProxyUseFdpass yes\nForwardX11 yes\n")
    assert read.notes == [
        "KnownHostsCommand in ssh_config is not used here",
        "ProxyUseFdpass in ssh_config is not used here",
    ]


def test_the_answer_of_ssh_is_read_with_its_defaults_told_apart() -> None:
    said = (
        "user deploy\nhostname 192.0.2.10\nport 2222\nidentitiesonly yes\nconnecttimeout none\n"
        "identityfile ~/.ssh/id_rsa\nidentityfile ~/.ssh/id_ecdsa\nidentityfile ~/.ssh/id_ed25519\n"
        "identityfile ~/.ssh/id_dsa\nuserknownhostsfile /x/a b/kh /y/kh2\nproxyjump u@[192.0.2.1]:44,inner\n"
    )
    found = target(NamedHost("prod"), resolve.parse(said), "me", pytest.fail)
    assert (found.hostname, found.user, found.port, found.key_files) == ("192.0.2.10", "deploy", 2222, None)
    assert found.known_hosts == (Path("/x/a b/kh"), Path("/y/kh2"))
    assert found.jump == ("u@[192.0.2.1]:44", "inner")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gate", NamedHost("gate")),
        ("u@gate:44", NamedHost("gate", "u", "44")),
        ("ssh://u@gate:44/", NamedHost("gate", "u", "44")),
        ("u@[::1]:44", NamedHost("::1", "u", "44")),
        ("fe80::1", NamedHost("fe80::1")),
        ("a@b@gate", NamedHost("gate", "a@b")),
    ],
)
def test_a_hop_is_a_host_with_a_user_and_a_port(text: str, expected: NamedHost) -> None:
    assert hop(text) == expected


@pytest.mark.parametrize(
    ("jump", "expected"),
    [("gate", ("gate", True)), ("u@gate", ("u@gate", True)), ("gate:44", ("", False)), ("a,b", ("", False))],
)
def test_a_key_is_scanned_from_a_jump_host_that_ssh_can_be_told(
    read: Reading, jump: str, expected: tuple[str, bool]
) -> None:
    found = read(f"ProxyJump {jump}\n")
    assert identity.of("app1", found, SshSettings(config_file=None), object()).jump == expected[0]
    assert identity.of("app1", found, SshSettings(config_file=None), object()).direct == expected[1]


def test_where_there_is_no_ssh_the_file_is_read_and_each_note_told_once(
    read: Reading, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    read("Match sunshine yes\n  User insider\nHost app*\n  User deploy\n")
    resolver = Resolver(read.file)
    resolver.resolve(NamedHost(f"app{number}") for number in range(20))
    assert {resolver.target(NamedHost(f"app{number}")).user for number in range(20)} == {"deploy"}
    assert list(resolver.notes) == [f"{read.file}:1 is ignored: Match sunshine is not understood here"]


@settings(max_examples=60)
@given(
    st.text(alphabet=st.sampled_from(list("Hh ost=prdu!*?\"'\\#%${}\t\n\r,123Matchexcfinal")), max_size=80)
)
def test_no_text_is_too_broken_to_read(text: str) -> None:
    for line in text.split("\n"):
        try:
            _keyword, rest = ssh_words.keyword(line)
            ssh_words.split(rest)
        except ssh_words.Unclear:
            continue


@settings(max_examples=40)
@given(st.lists(st.text(alphabet=st.characters(exclude_characters="\n\r\0", codec="utf-8"), min_size=1)))
def test_words_in_quotes_come_back_as_they_were(words: list[str]) -> None:
    quoted = " ".join('"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"' for word in words)
    assert ssh_words.split(quoted) == words
