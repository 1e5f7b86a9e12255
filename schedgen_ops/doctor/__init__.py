"""Why something went wrong: every cause that the runbook lists, looked for on a host at once."""
