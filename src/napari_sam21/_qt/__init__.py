"""The only folder that imports Qt: the widget, and the way back to its thread."""
