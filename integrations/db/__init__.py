"""Extensions of Django's ORM. A benchmark justifies each of them."""
