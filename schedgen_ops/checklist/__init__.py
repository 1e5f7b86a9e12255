"""The checklist before a deploy: what a program can tick on every host, and what a person has to."""
