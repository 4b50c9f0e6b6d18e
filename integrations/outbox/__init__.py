"""Push: compose a text, claim and deliver it, send edits. Begin with `compose` and `edits`."""
