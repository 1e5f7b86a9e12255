"""The rollback: an earlier release made to serve again, from its kept images and definition."""
