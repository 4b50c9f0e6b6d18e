"""The sync page: how fresh the cache is, what it costs, what is wrong and what to do. Reads the database alone."""
