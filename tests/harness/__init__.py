"""Real parts for the tests: processes, a PostgreSQL, a sandbox, a portal and a browser."""
