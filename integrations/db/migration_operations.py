"""Migration operations that Django lacks."""

from django.db.migrations import AddField


class AddFieldInPlace(AddField):
    """AddField with a constant default that does not rebuild the table on SQLite.

    A rebuild copies every row and drops the table's triggers, which the search depends on.
    """

    def database_forwards(self, app_label, schema_editor, from_state, to_state) -> None:
        to_model = to_state.apps.get_model(app_label, self.model_name)
        if schema_editor.connection.vendor != "sqlite":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
        elif self.allow_migrate_model(schema_editor.connection.alias, to_model):
            field = to_model._meta.get_field(self.name)
            parameters = field.db_parameters(schema_editor.connection)
            column = schema_editor.quote_name(field.column)
            parts = [f"ALTER TABLE {schema_editor.quote_name(to_model._meta.db_table)} ADD COLUMN {column}"]
            parts.append(parameters["type"])
            if not field.null:
                parts.append(f"NOT NULL DEFAULT {schema_editor.quote_value(schema_editor.effective_default(field))}")
            if parameters["check"]:
                parts.append(f"CHECK ({parameters['check']})")
            schema_editor.execute(" ".join(parts))
