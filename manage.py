#!/usr/bin/env python
import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "salesmsg_portal.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    if sys.argv[1:2] == ["generate_key"] and not os.environ.get("SECRET_KEY"):
        os.environ["SECRET_KEY"] = "none"  # noqa: S105 - this command signs nothing; a new installation begins with it
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as problem:
        if "--traceback" in sys.argv:
            raise
        sys.exit(
            f"The configuration is not complete: {str(problem).rstrip('.')}. Copy .env.example to .env and fill in "
            "what has no value; `manage.py generate_key` prints a key for FIELD_ENCRYPTION_KEYS."
        )
