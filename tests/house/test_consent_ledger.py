"""Nothing changes or deletes an entry of the consent ledger."""

import ast

from .sources import sources

CHANGING = {"update", "delete", "bulk_update", "save", "asave", "adelete", "aupdate", "update_or_create", "_raw_delete"}
LEDGER = ("ConsentEntry", "consent_entries", "consententry")


def changes(source: str) -> list[str]:
    """The calls that change or delete rows of the ledger, also through a variable or a function that holds them."""
    tree = ast.parse(source)
    holding = set(LEDGER)
    for _round in range(3):  # a name of a name of a name
        for node in ast.walk(tree):
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=value) if _holds(value, holding):
                    holding.add(name)
                case ast.For(target=ast.Name(id=name), iter=value) if _holds(value, holding):
                    holding.add(name)
                case ast.FunctionDef(name=name, returns=ast.expr() as value) if _holds(value, set(LEDGER)):
                    holding.add(name)
    found = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute))
    return [ast.unparse(node) for node in found if node.func.attr in CHANGING and _holds(node.func.value, holding)]


def _holds(node: ast.expr, names: set[str]) -> bool:
    """Whether an expression is built on one of these names: its leftmost part, or what a call takes."""
    while isinstance(node, (ast.Attribute, ast.Call, ast.Subscript)):
        if isinstance(node, ast.Attribute) and node.attr in names:
            return True
        node = node.func if isinstance(node, ast.Call) else node.value
    if isinstance(node, ast.BinOp):
        return _holds(node.left, names) or _holds(node.right, names)
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value in names
    return isinstance(node, ast.Name) and node.id in names


def test_no_code_changes_or_deletes_an_entry():
    found = {
        name: said
        for name, (source, _package) in sources("integrations", "salesmsg_portal").items()
        if (said := changes(source))
    }
    assert not found


def test_a_change_is_noticed():
    for said in (
        "ConsentEntry.objects.filter(pk=1).update(kind='opt_in')",
        "contact.consent_entries.all().delete()",
        "entries = ConsentEntry.objects.all()\nold = entries.filter(at=1)\nold.delete()",
        "for one in ConsentEntry.objects.all():\n    one.save()",
        "def newest() -> ConsentEntry | None: ...\nnewest().delete()",
    ):
        assert changes(said), said
    assert not changes("Contact.objects.filter(pk=1).update(opted_out=True)\nConsentEntry.objects.bulk_create(new)")
