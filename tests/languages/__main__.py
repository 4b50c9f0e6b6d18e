"""The catalogues of texts anew from the sources, and compiled: `make messages`. Needs GNU gettext."""

import os
import sys

import django
from django.core.management import call_command

from tests.harness.environment import around

from .catalogue import LANGUAGES, UNTOLD


def main() -> None:
    os.environ.update(around() | {"DJANGO_SETTINGS_MODULE": "tests.settings"})
    django.setup()
    kept = {"ignore_patterns": UNTOLD, "add_location": "file", "no_obsolete": True, "verbosity": 0}
    for domain, extensions in (("django", ["html", "py"]), ("djangojs", ["js"])):
        call_command("makemessages", locale=list(LANGUAGES), domain=domain, extensions=extensions, **kept)
    call_command("compilemessages", locale=list(LANGUAGES), verbosity=0)


if __name__ == "__main__":
    sys.exit(main())
