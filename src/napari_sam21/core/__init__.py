"""The engine: numpy and onnxruntime, no napari, no Qt. Runs in a notebook or a worker.

prompts, geometry, preprocess → runtime, sam2 → embedding, masks; store keeps.
"""
