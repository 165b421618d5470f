"""From a folder of images to tables: the commands, in their processes."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from training import evaluate, figures, sheet, unseen
from training.evaluation.cache import Cache, Entry
from training.evaluation.patches import targets
from training.evaluation.pool import measure
from training.evaluation.result import Result, drop, read
from training.evaluation.scenes import find_scenes, has_splits
from training.evaluation.segmenters import fingerprint, model_files
from training.evaluation.speed import compared, memory
from training.evaluation.targets import TARGETS, Target

# --- images ----------------------------------------------------------------------


def test_an_index_gives_groups_and_splits(data: Path) -> None:
    assert [scene.group for scene in find_scenes(data, "val")] == [
        "bright",
        "bright",
        "dark",
    ]
    assert len(find_scenes(data)) == 4
    assert [scene.name for scene in find_scenes(data, "val", 2)] == ["im0", "im2"]
    assert has_splits(data)


def test_two_folders_are_enough(data: Path) -> None:
    (data / "index.csv").unlink()
    (data / "labels" / "im1.png").unlink()
    found = find_scenes(data, "val")
    assert [scene.name for scene in found] == ["im0", "im2", "im3"]
    assert {scene.group for scene in found} == {"images"}
    assert not has_splits(data)


def test_modalities_of_bbbc038_have_names(data: Path) -> None:
    index = data / "index.csv"
    index.write_text(
        "name,modality\nim0,he_purple_white\nim1,he_pink_purple\nim2,fluor\n"
    )
    groups = [scene.group for scene in find_scenes(data)]
    assert groups == ["H&E", "H&E", "fluorescence"]


def test_a_folder_without_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="must hold images/ and labels/"):
        find_scenes(tmp_path)


def test_labels_of_another_size_are_refused(data: Path) -> None:
    Image.new("L", (9, 9)).save(data / "labels" / "im0.png")
    with pytest.raises(ValueError, match="one number for each pixel"):
        find_scenes(data)[0].read()


# --- what is kept ----------------------------------------------------------------


def test_a_line_that_a_killed_run_left_open_spoils_only_itself(tmp_path: Path) -> None:
    cache = Cache(tmp_path, "x")
    cache.add(Entry("a", "box", {"ious": [1]}))
    with cache.path.open("a") as handle:
        handle.write('{"image":"b","proto')
    again = Cache(tmp_path, "x")
    again.add(Entry("c", "box", {"ious": []}))
    assert again.load() == {("a", "box"): {"ious": [1]}, ("c", "box"): {"ious": []}}


def test_only_what_is_missing_is_measured(data: Path, tmp_path: Path) -> None:
    scenes = find_scenes(data, "val")
    cache = Cache(tmp_path, "x")
    first = measure("watershed", scenes[:2], ["box", "grid"], cache, 1)
    lines = cache.path.read_text().splitlines()
    assert len(lines) == 4
    assert measure("watershed", scenes[:2], ["box", "grid"], cache, 1) == first
    assert cache.path.read_text().splitlines() == lines
    measure("watershed", scenes, ["box"], cache, 1)
    assert len(cache.path.read_text().splitlines()) == 5


def test_no_image_is_taken_up_when_time_is_over(data: Path, tmp_path: Path) -> None:
    scenes = find_scenes(data, "val")
    cache = Cache(tmp_path, "x")
    assert measure("watershed", scenes, ["box"], cache, 1, minutes=0) == []
    some = measure("watershed", scenes[:1], ["box"], cache, 1)
    assert measure("watershed", scenes, ["box"], cache, 1, minutes=0) == some


def test_fingerprints_tell_models_apart(tiny_folder: Path, tmp_path: Path) -> None:
    names = "watershed", "flood", "starter", str(tiny_folder)
    assert len({fingerprint(name) for name in names}) == 4
    assert {path.name for path in model_files("starter")} == {
        "encoder.onnx",
        "decoder.onnx",
    }
    assert model_files("flood") == []


# --- time and memory -------------------------------------------------------------


def test_a_reference_is_timed_in_turns(tiny_folder: Path, image: np.ndarray) -> None:
    found = compared(str(tiny_folder), "watershed", image)
    ratio = found["encode_ms"] / found["reference_encode_ms"]
    assert found["encode_of_reference"] == pytest.approx(ratio, abs=1e-3)
    assert found["cores"] >= 1
    assert "decode_of_reference" not in compared("flood", None, image)


def test_memory_of_a_fresh_process(
    tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tiny_folder.parent)
    found = memory(tiny_folder.name)
    assert 0 < found["working_set_mb"] < found["peak_mb"]


# --- the commands ----------------------------------------------------------------

CARD = f"# Card\n\n{figures.BEGIN}\nold\n{figures.END}\n\nend\n"


def test_from_images_to_one_table(measured: Path, tmp_path: Path) -> None:
    assert sorted(path.name for path in measured.iterdir()) == [
        "bbbc038-val.otsu.json",
        "bbbc038-val.tiny.json",
    ]
    card, out = tmp_path / "card.md", tmp_path / "FIGURES.md"
    card.write_text(CARD, encoding="utf-8")
    given = ["--figures", str(measured), "--card", str(card), "--out", str(out)]
    figures.main([*given, "--model", "tiny"])
    once = card.read_text("utf-8")
    figures.main([*given, "--model", "tiny"])
    assert card.read_text("utf-8") == once
    assert "old" not in once
    assert once.endswith("end\n")
    text = out.read_text("utf-8")
    assert text.count("| tiny |") == 5
    assert text.index("| Otsu | 0.") < text.index("| tiny | 0.")
    assert "3 images, 9 objects" in text
    assert "| macro average |" in text
    with pytest.raises(ValueError, match="there are no figures of 'starter'"):
        figures.main(given)


def test_figures_of_the_tiny_model(measured: Path) -> None:
    (result,) = [r for r in read(measured.iterdir()) if r.model == "tiny"]
    assert result.groups == ["all", "bright", "dark", "macro average"]
    assert result.scored
    assert result.facts["counts"]["dark"] == {"images": 1, "objects": 3}
    assert sum(row["count"] for row in result.facts["calibration"]) == 9
    assert len(result.curve("iou", 10)) == 10
    assert result.mean("grid") == pytest.approx(1, abs=0.02)
    # The tiny graph says .9 of its middle disc, whatever it is shown.
    iou = result.mean("iou_1")
    assert iou is not None
    assert result.mean("score_bias") == pytest.approx(0.9 - iou, abs=1e-3)


def test_a_part_is_not_taken_for_the_whole(data: Path) -> None:
    def name(*given: str) -> str:
        return evaluate.data_name(evaluate.arguments(["--data", str(data), *given]))

    names = [name(), name("--every", "5"), name("--quick"), name("--split", "train")]
    assert names == ["data val", "data val, 1 in 5 images", "data val, quick",
                     "data train"]  # fmt: skip


def test_labels_must_match_models(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        evaluate.arguments(["--data", str(data), "--label", "a", "b"])
    assert "1 models but 2 labels" in capsys.readouterr().err


def result(**means: float) -> Result:
    """A result with some means of all images."""
    facts: dict[str, Any] = {
        "model": "m", "data": figures.MAIN, "cost": {}, "calibration": [],
        "counts": {}, "figures": {"all": {n: [v, v, v] for n, v in means.items()}},
    }  # fmt: skip
    return Result(facts)


def test_the_largest_drop() -> None:
    assert drop([0.5, 0.7, 0.65, 0.8, 0.79]) == pytest.approx(0.05)
    assert drop([0.5, 0.7]) == 0
    assert drop([0.5]) is None


def test_demands() -> None:
    by_text = {target.text: target for target in TARGETS}
    first = by_text["IoU after 1 click"]
    assert first.wanted == "≥ 0.840"
    assert first.met(0.84)
    assert not first.met(0.8399)
    falls = by_text["largest drop between clicks"]
    value = falls.value(result(iou_1=0.8, iou_2=0.79))
    assert value is not None
    assert not falls.met(value)
    assert Target("x", "≤", 2.3, first.value, ".2f").met(2.3)


def test_a_card_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="once each"):
        figures.fill("# Card", "x")


def test_json_has_no_machine_in_it(measured: Path, tmp_path: Path) -> None:
    for path in measured.iterdir():
        text = path.read_text("utf-8")
        assert str(tmp_path) not in text
        assert json.loads(text)["model"] in ("tiny", "Otsu")


# --- images that no training saw -------------------------------------------------


@pytest.fixture
def wheel(tmp_path: Path, labels: np.ndarray) -> Path:
    """A zip with images at the places where stardist's wheel has them."""
    path = tmp_path / "stardist.whl"
    arrays = {"img2d": labels * 60, "mask2d": labels}
    arrays |= {"img3d": np.stack([labels * 60] * 31), "mask3d": np.stack([labels] * 31)}
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            buffer = io.BytesIO()
            tifffile.imwrite(buffer, array.astype(np.uint16))
            archive.writestr(f"{unseen.FOLDER}/{name}.tif", buffer.getvalue())
        buffer = io.BytesIO()
        Image.fromarray(np.stack([labels] * 3, -1)).resize((500, 300)).save(
            buffer, "jpeg"
        )
        archive.writestr(sheet.HISTO, buffer.getvalue())
    return path


def test_unseen_images_become_a_folder(wheel: Path, tmp_path: Path) -> None:
    out = tmp_path / "unseen"
    unseen.main(["--stardist", str(wheel), "--synthetic", "0", "--out", str(out)])
    scenes = find_scenes(out, "val")
    assert [scene.group for scene in scenes].count("stardist 2D") == 1
    assert len(scenes) == 7
    image, labels = scenes[0].read()
    assert image.dtype == np.uint16
    assert labels.max() == 3


def test_held_out_scenes_are_the_same_each_time() -> None:
    pytest.importorskip("training.synthetic")
    first, again = (list(unseen.scenes(2)) for _ in range(2))
    assert [each.name for each in first] == [each.name for each in again]
    assert (first[0].labels == again[0].labels).all()
    assert first[0].labels.any()


def test_the_sheet(wheel: Path, tiny_folder: Path, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "sheet.png"
    sheet.main(["--model", str(tiny_folder), "--stardist", str(wheel),
                "--labelled", str(data), "--out", str(out)])  # fmt: skip
    with Image.open(out) as drawn:
        assert drawn.width == sheet.ACROSS * (sheet.WIDTH + sheet.GAP) + sheet.GAP
        assert len(drawn.convert("RGB").getcolors(1 << 24)) > 50


def test_good_and_bad_cases(
    measured: Path, tiny_folder: Path, data: Path, tmp_path: Path
) -> None:
    figure, out = measured / "bbbc038-val.tiny.json", tmp_path / "cases.png"
    panels = list(sheet.cases(str(tiny_folder), data, figure))
    kinds = [panel.caption.split(":")[0] for panel in panels]
    words = ("best", "middle", "worst")
    assert kinds == [
        f"{group}, {word}" for group in ("bright", "dark") for word in words
    ]
    sheet.main(["--model", str(tiny_folder), "--labelled", str(data),
                "--figures", str(figure), "--out", str(out)])  # fmt: skip
    assert out.is_file()
    with pytest.raises(SystemExit):
        sheet.main(["--figures", str(figure)])


def test_a_drawn_mask_is_where_it_belongs(labels: np.ndarray) -> None:
    first = targets(labels)[0].patch
    plain, drawn = (
        np.asarray(sheet.draw(sheet.Panel(labels * 60, [(30, 30)], masks, "a disc")))
        for masks in ([], [first])
    )
    rows, columns = np.nonzero((plain != drawn).any(-1))
    scale = sheet.WIDTH / labels.shape[1]
    assert rows.mean() / scale == pytest.approx(30.5, abs=1)
    assert columns.mean() / scale == pytest.approx(30.5, abs=1)
