"""``python -m napari_sam21.cli``."""

from napari_sam21.cli import app

if __name__ == "__main__":
    app()
