"""What `seed_inbox` makes of its numbers: invented people, what they say, and a quick way into the database."""
