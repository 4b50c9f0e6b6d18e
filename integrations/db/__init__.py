"""What Django's ORM lacks; each part has a benchmark that earns its place."""
