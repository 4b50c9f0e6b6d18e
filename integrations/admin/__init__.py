"""The admin panel: one small module per model."""
