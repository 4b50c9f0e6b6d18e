"""A lookup that partial indexes can use on both databases."""

from django.db.models import CharField
from django.db.models.lookups import BuiltinLookup


@CharField.register_lookup
class Filled(BuiltinLookup):
    """`name__filled=True`: the text is not empty. Written without a parameter, because SQLite does not match a partial
    index to a condition with a parameter.
    """

    lookup_name = "filled"
    prepare_rhs = False

    def as_sql(self, compiler, connection):
        if self.rhs is not True:
            raise ValueError("filled supports only True; filter by an empty string instead.")
        column, params = self.process_lhs(compiler, connection)
        return f"{column} > ''", params
