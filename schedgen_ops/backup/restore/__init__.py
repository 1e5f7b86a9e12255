"""Puts a backup back: beside what serves and exchanged, or into a throwaway container as a proof."""
