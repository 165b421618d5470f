"""What happened to one Labels layer, kept on disk as it happens; no napari, no Qt."""
