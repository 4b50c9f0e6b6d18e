"""Changes that staff make to contacts, until Salesmsg has them, and the page on which conflicts are decided."""
