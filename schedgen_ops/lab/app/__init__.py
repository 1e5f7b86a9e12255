"""The reference application of the lab: its base images, its git repository and its seed of data."""
