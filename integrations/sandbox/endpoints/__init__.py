"""The vendor's endpoints (salesmsg-api.md section 5), by area. Importing the modules registers the routes."""
