"""Pull: what is due, everything or only what changed, page by page; one thread at a time. Ask through `request`."""
