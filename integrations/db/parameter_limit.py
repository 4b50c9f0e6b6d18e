"""The maximum number of parameters in a statement on SQLite."""

import sqlite3
from typing import Any


def use_sqlite_limit(connection: Any, **_: Any) -> None:
    """Let Django use the parameter limit of this SQLite version, so that a page of 500 rows is one statement.

    Django 5.2 stops at 999 parameters, the limit of SQLite before 3.32 (2020). Receiver of `connection_created`.
    """
    if connection.vendor == "sqlite":
        connection.features.max_query_params = connection.connection.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER)
