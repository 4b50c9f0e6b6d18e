"""A lookup that partial indexes can use on both databases."""

from django.db.models import CharField
from django.db.models.lookups import BuiltinLookup


@CharField.register_lookup
class Filled(BuiltinLookup):
    """`name__filled=True`: the text is not empty. Written without a parameter: with one, SQLite would not see that a
    partial index with this condition fits."""

    lookup_name = "filled"
    prepare_rhs = False

    def as_sql(self, compiler, connection):
        if self.rhs is not True:
            raise ValueError("filled takes True only; for the contrary ask for an empty text.")
        column, params = self.process_lhs(compiler, connection)
        return f"{column} > ''", params
