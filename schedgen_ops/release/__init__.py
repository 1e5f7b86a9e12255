"""Releases: what was deployed when, kept on every host under .schedgen/."""
