"""Our runtime against the official predictor: ``python -m benchmarks.parity``."""
