"""Listeners of a run's events that leave marks where its effects are looked at: Grafana, and traces.

Nothing here is imported where neither is asked for.
"""
