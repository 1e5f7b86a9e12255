"""Whether a host is ready: looked at in one round trip, judged before anything is changed."""
