"""A Docker Swarm, as what runs a project's services: what of a compose file it can run, and how it is told. Pure."""
