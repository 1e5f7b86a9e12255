"""The guard: watches a release after its deploy, on the host itself, and goes back by itself."""
