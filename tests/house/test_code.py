"""Rules for every module."""

import ast
import re

from django.utils.module_loading import import_string

from .sources import APP, ROOT, sources

HOUSE = sources("integrations", "salesmsg_portal")
TREES = {name: ast.parse(source) for name, (source, _) in HOUSE.items()}
# Django's conventions say what these are.
SILENT = {"apps", "urls", "wsgi", "asgi"}


def test_every_task_that_is_named_exists():
    """Tasks are enqueued by dotted name: a typing error there would show at night only."""
    named = {
        node.value
        for name, tree in TREES.items()
        if ".sandbox" not in name
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.fullmatch(r"integrations\.tasks\.\w+", node.value)
    }
    assert named, "nothing is enqueued at all?"
    for dotted in sorted(named):
        assert callable(import_string(dotted)), dotted


def test_tasks_take_ids():
    """Their arguments lie in the queue's tables in clear."""
    for node in TREES[f"{APP}.tasks"].body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            for argument in node.args.args:
                kind = ast.unparse(argument.annotation) if argument.annotation else ""
                assert kind.startswith("int"), f"tasks.{node.name}({argument.arg})"


def test_every_module_says_what_it_is():
    silent = [
        name
        for name, (source, package) in HOUSE.items()
        if source.strip()
        and not package
        and ".commands." not in name  # their `help` says it
        and name.rpartition(".")[2] not in SILENT
        and not ast.get_docstring(TREES[name])
    ]
    assert not silent, f"no docstring at the top of: {', '.join(silent)}"


def test_every_command_has_help_and_every_command_of_the_interface_exists():
    commands = {name.rpartition(".")[2]: tree for name, tree in TREES.items() if ".commands." in name}
    for name, tree in commands.items():
        assigned = {
            target.id
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        assert "help" in assigned, name
    assert {"sandbox", "connect", "sync", "send", "status", "seed_inbox", "generate_key"} <= set(commands)


def test_every_part_of_the_app_is_on_the_map():
    """README.md shows a newcomer where everything is."""
    readme = (ROOT / "README.md").read_text()
    for path in sorted((ROOT / APP).iterdir()):
        if path.name.startswith("__") or path.name in ("migrations", "apps.py"):
            continue
        assert f"{path.name}/" in readme if path.is_dir() else path.name in readme, f"{path.name} is not in README.md"
