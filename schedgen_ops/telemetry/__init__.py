"""Listeners of a run's events that leave marks where its effects are looked at: Grafana, and traces.

Nothing of it but this is imported where neither is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


def traced(environ: Mapping[str, str]) -> bool:
    """Return whether the environment names an endpoint, in the variables that OpenTelemetry has for it."""
    off = environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    return not off and any(environ.get(name, "").strip() for name in _ENDPOINTS)
