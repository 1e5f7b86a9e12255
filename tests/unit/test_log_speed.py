"""What spares most lines of a log a slow search: it finds the same as the search itself."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedgen_ops import masking
from schedgen_ops.looking import log_lines as looked
from schedgen_ops.ui import terminal
from schedgen_ops.watch import log_lines

# Parts of the expressions, letters that equal others where case does not count, and what breaks a word.
_PARTS = (
    *("passw", "pwd", "secret", "token", "credential", "api", "access", "private", "key", "_", "PASSWORD"),
    *(
        "level",
        "lvl",
        "severity",
        "levelname",
        "error",
        "errors",
        "warning",
        "warnings",
        "warn",
        "fail",
        "failed",
    ),
    *("err", "fatal", "panic", "critical", "severe", "traceback", "exception", "Error", "Exception", "Type"),
    *(
        "DEBUG",
        "TRACE",
        "dbug",
        "debug",
        "trace",
        "info",
        "INFO",
        "WARN",
        "no",
        "0",
        "zero",
        "without",
        "none",
    ),
    *("\u0131", "\u0130", "\u017f", "\u212a", "ecret", "to", "en", "cr", "edent", "al", "p", "wd"),
    *(
        "://",
        "@",
        ":",
        "=",
        " ",
        " ",
        " ",
        '"',
        "'",
        "-",
        ".",
        "x",
        "user",
        "\r",
        "\t",
        "\x1b[31m",
        "\x9b",
        "\u200b",
    ),
)
# And of each expression what it finds, whole.
_FOUND = (
    *(
        "passwd=x",
        "pwd: x",
        "my_secret='x'",
        "token=x",
        "credential=x",
        "api_key=x",
        "accesskey=x",
        "private_key=x",
    ),
    *("\u017fecret=x", "to\u212aen=x", "cr\u0131x credent\u0131al=x", "://u:pass@h", "pa\u017f\u017fw=x"),
    *("level=warn", "lvl=error", "severity: fatal", "levelname=debug", "level=trace", "severity=debug"),
    *("no errors", "0 warnings", "without failures", "error=0", "no warning", "zero failed", "errors: none"),
    *(
        "err",
        "an error",
        "TypeError",
        "SomeException",
        "java.exception",
        "a warning",
        "DEBUG",
        "TRACE",
        "dbug",
    ),
)
TEXTS = st.lists(st.sampled_from(_FOUND) | st.sampled_from(_PARTS), max_size=8).map("".join) | st.lists(
    st.sampled_from(_FOUND) | st.sampled_from(_PARTS), max_size=4
).map(" ".join)


@settings(max_examples=800, deadline=None)
@given(TEXTS)
def test_a_line_is_read_as_if_every_expression_were_searched_for(text: str) -> None:
    quick = (masking.veiled(text), log_lines.level(text), looked._level_in(text))
    with pytest.MonkeyPatch.context() as patch:
        for module, name in (
            (masking, "_TELLING"),
            (looked, "_MAY_BE_DEBUG"),
            *((log_lines, f"_MAY_BE_{name}") for name in ("KEYED", "NONE", "ERROR", "THROWN")),
        ):
            patch.setattr(module, name, ("",))  # In every text: nothing is spared.
        assert (masking.veiled(text), log_lines.level(text), looked._level_in(text)) == quick


@settings(max_examples=800, deadline=None)
@given(TEXTS | st.text(max_size=20))
def test_what_is_shown_as_it_is_has_nothing_that_would_be_replaced(text: str) -> None:
    if text.isprintable():
        assert not terminal._ESCAPES.search(text)
        assert not terminal._UNSAFE.search(text)
        assert not re.search(r"[\r\n\t]", text)
        assert terminal.printable(text) == text
