"""Stores of objects, by kind. To add one, write its module and its script, and name it here.

`contract.ObjectStore` says what a module has, host_scripts/lib/objects.bash what a script has.
"""

from __future__ import annotations

from collections.abc import Mapping

from schedgen_ops.objects.contract import ObjectStore
from schedgen_ops.objects.volume import Volume

# By `objects.kind` in a config, and the name of the file in host_scripts/objects/.
KINDS: Mapping[str, ObjectStore] = {"volume": Volume()}


def store_of(kind: str) -> ObjectStore:
    """Return the store of that kind.

    Raises:
        KeyError: where there is none; a config cannot name it.
    """
    return KINDS[kind]
