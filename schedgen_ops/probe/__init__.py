"""The prober: asks the site all through a run, on the host, and measures what its visitors would notice."""
