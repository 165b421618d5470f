"""The only rooms that know napari's layer types: planes in, prompts in, labels out."""
