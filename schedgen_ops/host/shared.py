"""A connection that OpenSSH holds already (ControlMaster), used for channels of our own: no exchange of keys.

The protocol is OpenSSH's PROTOCOL.mux: after a greeting the master passes packets of the SSH connection
protocol through (MUX_C_PROXY), without encryption or padding, on a socket that only its owner can open.
"""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path
from threading import Lock
from typing import Any

from paramiko import Message, Transport
from paramiko.packet import Packetizer

_HELLO, _VERSION = 1, 4
_PROXY, _PROXIES = 0x1000000F, 0x8000000F
# A master answers at once; one that is stopped would keep us for ever.
_PATIENCE = 2.0
# An SSH packet has at most 256 KiB in OpenSSH.
_LARGEST = 1 << 20


def transport(control: Path, patience: float) -> Transport | None:
    """Return a transport over the master at a control socket; None where none of ours listens there.

    Args:
        patience: seconds that the opening of a channel may take.
    """
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        found = control.lstat()
        if not stat.S_ISSOCK(found.st_mode) or found.st_uid != os.getuid():
            raise OSError("not a socket of ours")
        sock.settimeout(_PATIENCE)
        sock.connect(str(control))
        _greet(sock)
    except (OSError, ValueError):
        sock.close()
        return None
    shared = SharedTransport(sock)
    shared.channel_timeout = patience
    shared.begin()
    return shared


def _greet(sock: socket.socket) -> None:
    """Agree on passing packets through. Raises ValueError, or OSError, where the master does not."""
    _say(sock, _HELLO, _VERSION)
    if _heard(sock) != (_HELLO, _VERSION):
        raise ValueError("another version")
    _say(sock, _PROXY, 0)
    if _heard(sock)[0] != _PROXIES:
        raise ValueError("refused")


def _say(sock: socket.socket, *numbers: int) -> None:
    said = b"".join(number.to_bytes(4, "big") for number in numbers)
    sock.sendall(len(said).to_bytes(4, "big") + said)


def _heard(sock: socket.socket) -> tuple[int, int]:
    """The first two numbers of a message."""
    size = int.from_bytes(_read(sock, 4), "big")
    if not 8 <= size <= _LARGEST:
        raise ValueError("no message of a master")
    said = _read(sock, size)
    return int.from_bytes(said[:4], "big"), int.from_bytes(said[4:8], "big")


def _read(sock: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        part = sock.recv(size - len(found))
        if not part:
            raise OSError("the master hung up")
        found += part
    return found


class SharedTransport(Transport):
    """A transport whose greeting, keys and login are those of the master."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock)
        self.packetizer: Any = _Bare(sock)
        self.packetizer.set_log(self.logger)
        self.initial_kex_done = True
        self.clear_to_send.set()

    def begin(self) -> None:
        """Read what comes from now on, in a thread."""
        self.active = True
        self.start()

    def is_authenticated(self) -> bool:
        """Return whether channels can be opened."""
        return bool(self.active)

    def set_keepalive(self, interval: float) -> None:
        """Leave it to the master, who asks the host whether it is there as ssh_config says."""

    # What Paramiko says and expects before there are channels.

    def _check_banner(self) -> None: ...
    def _send_kex_init(self) -> None: ...
    def _expect_packet(self, *_: int) -> None: ...


class _Bare(Packetizer):
    """Packets without encryption and padding: LENGTH 0 PAYLOAD, as OpenSSH's master takes and gives them."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock)
        self._writing = Lock()
        self._begun = False

    def write_all(self, out: Any) -> None:
        """Send all of it; the first is Paramiko's greeting, which a master does not want."""
        if self._begun:
            super().write_all(out)
        self._begun = True

    def send_message(self, data: Any) -> None:
        """Send a packet."""
        payload = data.asbytes()
        with self._writing:
            self.write_all((len(payload) + 1).to_bytes(4, "big") + b"\0" + payload)

    def read_message(self) -> tuple[int, Message]:
        """Return the type of the next packet, and what is in it."""
        size = int.from_bytes(self.read_all(4), "big")
        packet = self.read_all(size)
        message = Message(packet[2:])
        message.seqno = 0
        return packet[1], message

    def start_handshake(self, timeout: float) -> None: ...
