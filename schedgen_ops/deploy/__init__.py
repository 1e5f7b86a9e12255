"""The deploy: from a ref name to a release that serves, or back to the one before."""
