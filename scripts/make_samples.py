"""Make the bundled sample images from the project's copy of BBBC038.

Run from the project's root: ``python scripts/make_samples.py --data FOLDER``, where
FOLDER has index.csv, images/ and labels/. Only images of the ``val`` split are taken,
so that no sample was ever seen in training.
"""

import argparse
import csv
import sys
from pathlib import Path

import numpy as np
from PIL import Image

SOURCES = {
    # sample: (name in BBBC038, modality in index.csv)
    "fluorescence": ("2cfa61bef654", "fluor"),
    "histology": ("5c6eb9a47852", "he_purple_white"),
    "brightfield": ("2a1a294e21d7", "bright_gray"),
}
OUT = Path(__file__).parents[1] / "src" / "napari_sam21" / "samples"
LIMIT_BYTES = 2_000_000


def read_index(data: Path) -> dict[str, dict[str, str]]:
    """Return the rows of index.csv by name."""
    with (data / "index.csv").open(newline="") as file:
        return {row["name"]: row for row in csv.DictReader(file)}


def check_row(row: dict[str, str], modality: str) -> None:
    """Refuse an image that training has seen, or of another kind than meant."""
    if row["split"] != "val":
        raise ValueError(f"{row['name']} is of split {row['split']!r}, not 'val'")
    if row["modality"] != modality:
        raise ValueError(f"{row['name']} is {row['modality']!r}, not {modality!r}")


def write_sample(data: Path, name: str, sample: str) -> int:
    """Write one image and its labels; return their bytes."""
    image: Image.Image = Image.open(data / "images" / f"{name}.png")
    if image.mode not in ("L", "RGB"):
        image = image.convert("RGB")
    labels = np.asarray(Image.open(data / "labels" / f"{name}.png"))
    if labels.shape != image.size[::-1]:
        raise ValueError(f"{name}: labels {labels.shape}, image {image.size[::-1]}")
    image_path, labels_path = OUT / f"{sample}.png", OUT / f"{sample}-labels.png"
    image.save(image_path, optimize=True)
    Image.fromarray(labels.astype(np.uint16)).save(labels_path, optimize=True)
    return image_path.stat().st_size + labels_path.stat().st_size


def main() -> int:
    """Make all samples and say what they weigh."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of BBBC038")
    data = parser.parse_args().data
    index = read_index(data)
    total = 0
    for sample, (name, modality) in SOURCES.items():
        check_row(index[name], modality)
        size = write_sample(data, name, sample)
        sys.stdout.write(f"{sample:14} {name}  {size:9,} bytes\n")
        total += size
    sys.stdout.write(f"{'together':28}{total:9,} bytes\n")
    return int(total >= LIMIT_BYTES)


if __name__ == "__main__":
    raise SystemExit(main())
