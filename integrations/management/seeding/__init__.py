"""Generated people and texts for `seed_inbox`, and a bulk writer for the database."""
