"""A scripted session: 40 objects by real mouse and key events, in a real window."""
