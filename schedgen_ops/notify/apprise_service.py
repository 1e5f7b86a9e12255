"""A message handed to Apprise, which knows Slack, Teams, mail and a hundred others. Slow to import: late."""

from __future__ import annotations

import logging
import re

from schedgen_ops.errors import OpsError
from schedgen_ops.notify.notice import Notice
from schedgen_ops.shell import Secret

_PARTS = re.compile(r"[/:?&=@,\s]+")
# Shorter parts of a URL are words like `to` and `443`.
_TELLING = 4


class Undelivered(OpsError):
    """A message that did not get to its receiver."""


def send(url: Secret, notice: Notice) -> None:
    """Send a message to the service behind a URL.

    Raises:
        Undelivered: with what the service answered, without any part of the URL.
    """
    try:
        import apprise
    except ImportError:
        raise Undelivered("Apprise is not installed: pip install 'schedgen_ops[notify]'") from None
    said = _Said()
    logger = logging.getLogger("apprise")
    logger.propagate = False
    logger.addHandler(said)
    try:
        service = apprise.Apprise.instantiate(url.reveal(), suppress_exceptions=True)
        if service is None:
            raise Undelivered("its URL is none that Apprise knows")
        kind = apprise.NotifyType.FAILURE if notice.bad else apprise.NotifyType.INFO
        if not service.notify(body=notice.body, title=notice.title, notify_type=kind):
            raise Undelivered(without(url, said.last) or "the service refused it")
    finally:
        logger.removeHandler(said)


def without(url: Secret, text: str) -> str:
    """Return `text` with each part of the URL as ***."""
    rest = url.reveal().partition("://")[2]
    parts = {part for part in _PARTS.split(rest) if len(part) >= _TELLING}
    for part in sorted(parts, key=len, reverse=True):
        text = text.replace(part, "***")
    return text


class _Said(logging.Handler):
    """Keeps the last warning of this thread, which says why."""

    def __init__(self) -> None:
        import threading

        super().__init__(logging.WARNING)
        self.last = ""
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self.last = record.getMessage()
