"""The policy's arithmetic for the host, which has awk: its limits, and what it says. Pure."""

from __future__ import annotations

from schedgen_ops.guard.policy import Policy, Verdict


def variables(policy: Policy) -> tuple[str, ...]:
    """The policy as awk takes it: `-v NAME=VALUE` for each limit."""
    values = {
        "error_percent": policy.error_percent,
        "consecutive": policy.consecutive,
        "min_checks": policy.min_checks,
        "min_requests": policy.min_requests,
        "window": policy.window,
        "latency_factor": policy.latency_factor,
        "min_p95": policy.min_p95,
        "restarts": policy.restarts,
        "leak": policy.leak,
        "leak_samples": policy.leak_samples,
        "warm_up": policy.warm_up,
        "log_errors": policy.log_errors,
    }
    return tuple(word for name, value in values.items() for word in ("-v", f"{name}={value!r}"))


def parse(answer: str) -> Verdict:
    """Reads what the program printed.

    Raises:
        ValueError: for anything else.
    """
    word, _, rest = answer.rstrip("\n").partition(" ")
    if word == "back":
        first, rule, said = rest.split(" ", 2)
        text, _, detail = said.partition("\t")
        return Verdict(True, False, int(first), rule, text, detail)
    if word not in ("ok", "insufficient"):
        raise ValueError(f"not a verdict: {answer!r}")
    return Verdict(insufficient=word == "insufficient", detail=rest)
