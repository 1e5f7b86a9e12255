"""Run a Docker Compose production from a laptop, over SSH."""

__version__ = "0.1.0"
