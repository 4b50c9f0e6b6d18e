"""API endpoints by area (salesmsg-api.md, section 5). Importing the modules registers the routes."""
