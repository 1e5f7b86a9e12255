"""What a host has to be before anything can be deployed on it."""
