"""What the user wants → what happens: the parts of the controller; no Qt."""
