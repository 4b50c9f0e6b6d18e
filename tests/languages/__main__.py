"""Updates the message catalogues from the sources and compiles them: `make messages`. Needs GNU gettext."""

import os
import re
import sys

import django
from django.core.management import call_command

from tests.harness.environment import around

from .catalogue import LANGUAGES, LOCALE, UNTOLD


def main() -> None:
    os.environ.update(around() | {"DJANGO_SETTINGS_MODULE": "tests.settings"})
    django.setup()
    kept = {"ignore_patterns": UNTOLD, "add_location": "file", "no_obsolete": True, "no_wrap": True, "verbosity": 0}
    for domain, extensions in (("django", ["html", "py"]), ("djangojs", ["js"])):
        call_command("makemessages", locale=list(LANGUAGES), domain=domain, extensions=extensions, **kept)
    for path in LOCALE.rglob("*.po"):
        path.write_text(re.sub(r'"POT-Creation-Date.*\n', "", path.read_text("utf-8")), "utf-8")
    call_command("compilemessages", locale=list(LANGUAGES), verbosity=0)


if __name__ == "__main__":
    sys.exit(main())
