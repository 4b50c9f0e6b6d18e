"""The Python files of the project, for tests that read them."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
APP = "integrations"


def module_name(path: Path, root: Path = ROOT) -> str:
    """integrations/sync/request.py -> integrations.sync.request"""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def sources(*tops: str) -> dict[str, tuple[str, bool]]:
    """Module -> (source, whether it is a package), for the Python files below those folders."""
    found = {}
    for top in tops:
        for path in sorted((ROOT / top).rglob("*.py")):
            if "migrations" not in path.parts:
                found[module_name(path)] = (path.read_text(), path.name == "__init__.py")
    return found
