"""A log record is one line, whatever is in it."""

import json
import re
import subprocess
import sys

from tests.running import ROOT

# What ends a line, speaks to a terminal or turns its text round; one of each without white space.
HOSTILE = ["a\nb", "a\rb", "\x1b[31m", "\x00", "\x07", "\x7f", "\x85", "\x9b0m", "\u2028", "\u2029", "\u202e", "\udcff"]
FORGED = '\n{"event": "forged"}\n2026-01-01T00:00:00.000000Z [info     ] forged'
LOGGING = """
import logging, structlog, sys
from aggregator.process.logs import log_as
log_as("debug", sys.argv[1])
ours, theirs = structlog.get_logger(), logging.getLogger("library")
for text in eval(sys.argv[2]):
    ours.info("fixed", path=text, within=[text], **{text: 1})
    ours.info(text)
    theirs.warning("it says %s", text)
    try:
        raise ValueError(text)
    except ValueError:
        ours.exception("failed")
        theirs.exception(text)
"""
RECORD = re.compile(r"\d{4}-\d\d-\d\dT\S+Z \[\w+ *\] ")


def logged(form: str) -> str:
    """What is written of five records for each text."""
    command = [sys.executable, "-c", LOGGING, form, ascii([*HOSTILE, FORGED])]
    done = subprocess.run(command, capture_output=True, cwd=ROOT, check=True, timeout=30)
    return done.stderr.decode()


def test_s29_a_json_record_is_one_line_of_ascii() -> None:
    """Tracebacks, too."""
    lines = logged("json").splitlines()
    assert len(lines) == 5 * len([*HOSTILE, FORGED])
    assert all(line.isascii() and line.isprintable() for line in lines)
    assert all(json.loads(line)["event"] != "forged" for line in lines)


def test_s29_a_record_for_people_is_one_line_and_an_indented_traceback() -> None:
    """Nothing in it but what prints, and nothing that looks like another record."""
    text = logged("console")
    assert text.replace("\n", "").isprintable()
    lines = [line for line in text.split("\n") if line and not line.startswith("    ")]
    assert len(lines) == 5 * len([*HOSTILE, FORGED])
    assert all(RECORD.match(line) for line in lines)
