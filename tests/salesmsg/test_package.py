"""The package stands alone."""

import subprocess
import sys


def test_it_knows_no_django():
    code = (
        "import importlib, pkgutil, sys, integrations.salesmsg as package\n"
        "for module in pkgutil.iter_modules(package.__path__):\n"
        "    importlib.import_module('integrations.salesmsg.' + module.name)\n"
        "print(len(sys.modules), [name for name in sys.modules if name.split('.')[0] == 'django'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.strip().endswith("[]"), done.stdout
