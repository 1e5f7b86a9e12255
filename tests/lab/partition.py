"""A node of the lab that is cut off from the others, and not from who runs the test, while a block lasts."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from box import Box

from schedgen_ops.lab import docker

# Rules of a chain of their own. Should the test not live to heal it, it heals by itself.
_CUT = """
iptables -N $1; iptables -I INPUT -j $1; iptables -I OUTPUT -j $1
for ip in {others}; do iptables -A $1 -s $ip -j DROP; iptables -A $1 -d $ip -j DROP; done
nohup setsid bash -c 'sleep {most}; {heal}' > /dev/null 2>&1 < /dev/null &
"""
_HEAL = """
(iptables -D INPUT -j $1; iptables -D OUTPUT -j $1; iptables -F $1; iptables -X $1) 2> /dev/null || true
"""
_ADDRESS = "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}"


@contextmanager
def cut_off(node: Box, others: Sequence[Box], most: int = 420) -> Iterator[None]:
    """Drop all that goes between a node and the others.

    Args:
        most: seconds after which it heals, whatever becomes of the test.
    """
    found = [docker.run("inspect", "--format", _ADDRESS, box.host.container).split() for box in others]
    addresses = " ".join(address for each in found for address in each)
    chain = f"LAB-CUT-{time.monotonic_ns() % 10**9}"
    heal = _HEAL.replace("$1", chain)
    try:
        node.sh(_CUT.replace("$1", chain).format(others=addresses, most=most, heal=heal), user="root")
        yield
    finally:
        node.sh(heal, user="root")
