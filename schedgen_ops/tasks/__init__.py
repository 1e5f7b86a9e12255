"""The tasks of `inv`. Importing them imports Invoke and nothing heavier."""

from __future__ import annotations

from invoke.collection import Collection

from schedgen_ops.tasks import (
    backup,
    config,
    deploy,
    dev,
    emergency,
    history,
    hosts,
    ingress,
    lab,
    looking,
    monitor,
    notify,
    ops,
    rollback,
    secrets,
    swarm,
    verify,
)
from schedgen_ops.tasks.doctor import doctor
from schedgen_ops.tasks.init import init

namespace = Collection()
for _module in (
    deploy,
    rollback,
    backup,
    emergency,
    verify,
    history,
    monitor,
    ops,
    ingress,
    secrets,
    notify,
    hosts,
    swarm,
    config,
    lab,
    dev,
):
    namespace.add_collection(Collection.from_module(_module))
for _task in (
    init,
    looking.status,
    looking.logs,
    looking.exec_,
    looking.shell,
    looking.db,
    looking.run,
    doctor,
):
    namespace.add_task(_task)
