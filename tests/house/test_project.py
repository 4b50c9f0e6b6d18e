"""The project around the code: settings explained, packages pinned, nothing of this machine inside."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness.environment import around

from .sources import ROOT

PRODUCTION = {
    "PORTAL_URL": "https://texts.example.com",
    "SECRET_KEY": "b7Zq3v9Lx0T5r8Yw2N6k1Hc4Dj7Fs9Gm3Pa5Ub8Ve0Xi2Zo4Qt6Rw8",
    "FIELD_ENCRYPTION_KEYS": "u3Uc-qAi9iiCv3fkBfRUAKrM1gH8w51-nVU8M8A73Jg=",
    "DJANGO_SETTINGS_MODULE": "salesmsg_portal.settings",
}


def tracked() -> list[Path]:
    """The files of the project: what git knows, or would take."""
    if not (ROOT / ".git").exists() or not shutil.which("git"):
        pytest.skip("not a git checkout")
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        text=True,
        check=True,
    )
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def manage(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    """`manage.py …` with the production settings."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=around() | PRODUCTION | environment,
        capture_output=True,
        text=True,
    )


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


def test_production_settings_pass_the_deployment_check(tmp_path):
    done = manage("check", "--deploy", "--fail-level", "WARNING", DATABASE_URL=f"sqlite:///{tmp_path / 'x.sqlite3'}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no issues" in done.stdout


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        ({"FIELD_ENCRYPTION_KEYS": ""}, "salesmsg.E001"),
        ({"FIELD_ENCRYPTION_KEYS": "no-key"}, "salesmsg.E001"),
        ({"SALESMSG_RATE_LIMIT": "0"}, "salesmsg.E002"),
        ({"DEFAULT_COUNTRY": "Germany"}, "salesmsg.E007"),
        ({"SALESMSG_BASE_URL": "http://api.example.com"}, "salesmsg.E003"),
        ({"PORTAL_URL": "texts.example.com"}, "PORTAL_URL must be"),
        ({"REDIS_URL": "redis://localhost:6379/0"}, "salesmsg.W002"),
    ],
)
def test_the_check_notices(broken, words, tmp_path):
    done = manage(
        "check", "--deploy", "--fail-level", "WARNING", DATABASE_URL=f"sqlite:///{tmp_path / 'x.sqlite3'}", **broken
    )
    assert done.returncode != 0
    assert words in done.stderr


@pytest.mark.parametrize("given", [{}, {"SECRET_KEY": ""}], ids=["missing", "empty"])
def test_without_a_secret_key_nothing_starts(given):
    """Empty is what a fresh copy of .env.example says."""
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env=around() | {name: value for name, value in PRODUCTION.items() if name != "SECRET_KEY"} | given,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1, done.stderr
    for word in ("SECRET_KEY", ".env.example", "generate_key"):
        assert word in done.stderr


@pytest.mark.parametrize(
    ("program", "chosen", "level"),
    [
        ("manage.py sync --json", {}, "WARNING"),
        ("manage.py connect Shop", {}, "WARNING"),
        ("manage.py sync --json", {"LOG_LEVEL": "INFO"}, "INFO"),
        ("manage.py qcluster", {}, "INFO"),
        ("manage.py runserver", {}, "INFO"),
        ("manage.py sandbox", {}, "INFO"),
        ("gunicorn salesmsg_portal.wsgi", {}, "INFO"),
        ("gunicorn salesmsg_portal.wsgi", {"LOG_LEVEL": "ERROR"}, "ERROR"),
    ],
)
def test_commands_at_a_shell_are_quiet_and_servers_are_not(program, chosen, level):
    code = f"import sys; sys.argv = {program.split()!r}\nfrom salesmsg_portal import settings\n"
    surroundings = {name: value for name, value in around().items() if name != "LOG_LEVEL"}
    done = subprocess.run(
        [sys.executable, "-c", code + "print(settings.LOGGING['root']['level'])"],
        cwd=ROOT,
        env=surroundings | PRODUCTION | chosen,
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == level, done.stderr


def test_nothing_of_this_machine_is_in_the_tree():
    """No path of a developer's disk, no address of a package index: the project is built elsewhere too."""
    foreign = re.compile(
        rb"(?<![\w.<>])/(?:work|root|home)/\w|\bpypi\.|--(?:extra-)?index-url|\bregistry\.npmjs|\.pyenv"
    )
    here = Path(__file__).resolve()
    for path in tracked():
        if path == here or path.suffix in {".png", ".ico", ".woff2"}:
            continue
        hit = foreign.search(path.read_bytes())
        assert hit is None, f"{path.relative_to(ROOT)}: {hit.group()!r}"


@pytest.mark.parametrize("command", ["ruff check", "ruff format --check", "djlint --quiet --lint templates"])
def test_style(command):
    program, *arguments = command.split()
    done = subprocess.run(
        [str(Path(sys.executable).with_name(program)), *arguments], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_readme_speaks_of_targets_that_exist():
    makefile = (ROOT / "Makefile").read_text()
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", (ROOT / "README.md").read_text(), re.MULTILINE))
    assert {"demo", "test"} <= named
    for target in named:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_ci_runs_what_a_developer_runs():
    path = ROOT / ".ci/run"
    assert os.access(path, os.X_OK)
    assert "make test" in path.read_text()
