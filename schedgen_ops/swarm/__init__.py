"""Releases put on a Docker Swarm, and taken off it: the same steps, with what a Swarm does instead of Compose."""
