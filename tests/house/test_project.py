"""The project around the code: settings explained, packages pinned, nothing of this machine inside."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def read_by_settings() -> set[str]:
    """The names that settings.py reads from the environment."""
    return set(re.findall(r'\benv\.\w+\(\s*"([A-Z_]+)"', (ROOT / "salesmsg_portal/settings.py").read_text()))


def test_every_requirement_is_pinned_and_names_no_address():
    for path in ROOT.glob("requirements*.txt"):
        for line in path.read_text().splitlines():
            line = line.partition("#")[0].strip()
            assert not line or line.startswith("-r ") or re.fullmatch(r"[\w.-]+(\[\w+\])?==[\w.]+", line), line


def test_makefile_has_the_fixed_targets():
    makefile = (ROOT / "Makefile").read_text()
    for target in ("setup", "demo", "test", "bench"):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_every_setting_has_an_example_and_every_example_a_setting():
    example = (ROOT / ".env.example").read_text()
    shown = re.findall(r"^#?([A-Z_]+)=", example, re.MULTILINE)
    assert sorted(shown) == sorted(read_by_settings())
    assert len(read_by_settings()) > 15, "the pattern above no longer finds the settings"


def test_every_example_is_explained():
    block: list[str] = []
    for line in (*(ROOT / ".env.example").read_text().splitlines(), ""):
        if line:
            block.append(line)
            continue
        if any(re.match(r"#?[A-Z_]+=", row) for row in block):
            assert block[0].startswith("# "), block
        block = []
