"""A Docker Swarm, as what runs a project's services: what it can run, and how it is told. Pure."""
