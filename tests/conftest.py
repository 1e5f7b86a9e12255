"""What holds for all tests."""

from __future__ import annotations

import signal

import hypothesis


def pytest_configure() -> None:
    """Ctrl-C can be tried, which a shell's background ignores; no test fails since the machine is slow."""
    hypothesis.settings.register_profile("patient", deadline=None)
    hypothesis.settings.load_profile("patient")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
