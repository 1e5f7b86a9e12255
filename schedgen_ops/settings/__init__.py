"""What a config file may say: typed, frozen, unknown keys refused. Pure.

`schedgen_ops.loading.load` makes Settings from a file; this package never reads one.
"""

from schedgen_ops.settings.backups import Backup, Drill, Offsite
from schedgen_ops.settings.balancer import Balancer, Call, Request
from schedgen_ops.settings.guard import Guard
from schedgen_ops.settings.ingress import Ingress
from schedgen_ops.settings.model import Settings
from schedgen_ops.settings.policy import Freeze, Policy
from schedgen_ops.settings.rollout import Rollout
from schedgen_ops.settings.sections import (
    Build,
    Check,
    Dashboard,
    Database,
    Health,
    HostSettings,
    Limits,
    Lock,
    Migrations,
    Objects,
    Releases,
    SshSettings,
    Tier,
    Watch,
)
from schedgen_ops.settings.verification import (
    CleanUp,
    CommandCheck,
    Flow,
    Logs,
    Prometheus,
    QueryCheck,
    Queue,
    Verification,
)

__all__ = [
    "Backup",
    "Balancer",
    "Build",
    "Call",
    "Check",
    "CleanUp",
    "CommandCheck",
    "Dashboard",
    "Database",
    "Drill",
    "Flow",
    "Freeze",
    "Guard",
    "Health",
    "HostSettings",
    "Ingress",
    "Limits",
    "Lock",
    "Logs",
    "Migrations",
    "Objects",
    "Offsite",
    "Policy",
    "Prometheus",
    "QueryCheck",
    "Queue",
    "Releases",
    "Request",
    "Rollout",
    "Settings",
    "SshSettings",
    "Tier",
    "Verification",
    "Watch",
]
