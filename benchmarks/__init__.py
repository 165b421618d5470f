"""What the plugin adds to a bare onnxruntime, measured. See README.md here."""
