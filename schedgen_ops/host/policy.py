"""Paramiko's question whether to trust a host's key, and our answer."""

from __future__ import annotations

from time import time

from paramiko import MissingHostKeyPolicy, PKey, SSHClient

from schedgen_ops.host import certificate, trust
from schedgen_ops.host.known_hosts import Known
from schedgen_ops.host.revoked import refuse_listed


class HostKeyPolicy(MissingHostKeyPolicy):
    """A policy that refuses every key known_hosts does not have; Paramiko has no keys, so it always asks."""

    def __init__(self, identity: trust.Identity, known: Known) -> None:
        self.identity = identity
        self.known = known

    def missing_host_key(self, client: SSHClient, hostname: str, key: PKey) -> None:  # noqa: ARG002
        """Raise UnknownHostKey or HostKeyChanged unless the key is known."""
        known = self.known
        kind, blob = key.get_name(), key.asbytes()
        shown = key.public_blob
        refuse_listed(self.identity, (kind, blob), *(((shown.key_type, shown.key_blob),) if shown else ()))
        why = ""
        if shown is not None and shown.key_type.endswith(certificate.SUFFIX):
            why = trust.vouched(self.identity, known, shown.key_blob, time())
            if not why:
                trust.refuse_revoked(self.identity, known.keys, blob)
                return
        elif known.authorities:
            why = f"it shows no certificate, though {known.authorities[0].place} names an authority for it"
        if any(entry.key == trust.encoded(blob) for entry in known.portless):
            trust.refuse_revoked(self.identity, known.keys, blob)
            return
        trust.verify(self.identity, known.keys, kind, blob, certified=why)
