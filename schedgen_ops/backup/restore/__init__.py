"""The restore of a backup: beside what serves and swapped in, or into a throwaway container as a proof."""
