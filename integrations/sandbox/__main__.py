"""Run the sandbox without Django: ``python -m integrations.sandbox``."""

import sys

from .cli import main

sys.exit(main())
