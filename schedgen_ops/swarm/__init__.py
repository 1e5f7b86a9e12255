"""Releases put on a Docker Swarm, and taken off it, by the steps of every other run."""
