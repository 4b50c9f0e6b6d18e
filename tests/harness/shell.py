"""Runs what `Portal.query` sends: a line of JSON with Python code in, a line of JSON [whether it went well, what it
printed or the traceback] out. Each piece of code has its own names, and a fresh connection to the database."""

import contextlib
import io
import json
import sys
import traceback

import django


def run(code: str) -> tuple[bool, str]:
    """Never raises: what goes wrong is for the test to see."""
    from django.db import connections

    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            exec(code, {"json": json, "django": django, "__name__": "query"})  # noqa: S102 - the tests' own code
    except Exception:  # noqa: BLE001 - reported in full
        return False, traceback.format_exc()
    finally:
        with contextlib.suppress(Exception):
            connections.close_all()
    return True, said.getvalue()


if __name__ == "__main__":
    django.setup()
    for line in sys.stdin:
        print(json.dumps(run(json.loads(line))), flush=True)
