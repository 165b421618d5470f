"""How hard each training image is for a model: the mean IoU of a click on its objects.

    python -m training.hardness --data FOLDER --out training/runs/hardness.json

``train.py --hardness FILE`` draws images that the model fails on more often.
"""

import argparse
import csv
import json
from pathlib import Path

import numpy as np
from skimage.io import imread

import napari_sam21 as sam
from training.clicks import deepest, iou

MIN_PIXELS = 30
OBJECTS = 12  # of an image


def difficulty(model: sam.Model, root: Path, name: str) -> float | None:
    """Mean IoU of one click on some objects of an image; None without objects."""
    image = imread(root / "images" / f"{name}.png")
    labels = imread(root / "labels" / f"{name}.png")
    numbers, counts = np.unique(labels, return_counts=True)
    numbers = numbers[(numbers > 0) & (counts >= MIN_PIXELS)]
    numbers = numbers[:: max(1, -(-len(numbers) // OBJECTS))]
    if not len(numbers):
        return None
    embedding = model.encode(image)
    reached = []
    for number in numbers:
        truth = labels == number
        prompts = sam.Prompts([deepest(truth)[1]], [1])
        reached.append(iou(model.decode(embedding, prompts).mask(), truth))
    return float(np.mean(reached))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="starter")
    parser.add_argument("--out", type=Path, default=Path("training/runs/hardness.json"))
    args = parser.parse_args()
    model = sam.load_model(args.model)
    with (args.data / "index.csv").open(newline="") as handle:
        names = [r["name"] for r in csv.DictReader(handle) if r["split"] == "train"]
    found = {name: difficulty(model, args.data, name) for name in names}
    args.out.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
