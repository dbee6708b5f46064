# ruff: noqa: E402 - torch is optional, so it is asked for before the imports that need it
"""The detection task: its losses by hand, batches without text, and a run that learns to find boxes."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")
pytest.importorskip("shapely")

from docbin import benchmarks
from docbin.benchmarks.descriptors import PagePair
from docbin.detection import find_words
from docbin.detection.rules import Rules
from docbin.errors import UsageError
from docbin.nets.pretrained import load
from docbin.train.detection import balanced_bce, band_error, dice
from docbin.train.device import Device
from docbin.train.feed import Batch, open_source
from docbin.train.loop import train
from docbin.train.scenes import scenes
from docbin.train.task import make_task
from docbin.train.validate import validate
from docbin.word import Word
from tests.detection.boxes import Source, bars, recipe


def held_out(count: int = 2) -> list[Any]:
    pictures = []
    for k in range(count):
        image, outlines = bars(10_000 + k)
        pictures.append((f"picture{k}", image, tuple(Word(outline, "w") for outline in outlines)))
    return pictures


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def maps(*values: list[list[float]]) -> list[torch.Tensor]:
    return [torch.tensor(value, dtype=torch.float32)[None, None] for value in values]


def test_the_balanced_cross_entropy_counts_three_hard_negatives_a_positive() -> None:
    logits, kernel, judged = maps([[2.0, 1.0, -1.0, -3.0, 0.5, 4.0]], [[1, 0, 0, 0, 0, 0]], [[1, 1, 1, 1, 1, 0]])
    losses = torch.nn.functional.softplus(torch.tensor([-2.0, 1.0, 0.5, -1.0]))  # the positive, then the three hardest that are judged
    assert float(balanced_bce(logits, kernel, judged)) == pytest.approx(float(losses.mean()))
    assert float(balanced_bce(logits, kernel, judged, negatives=1)) == pytest.approx(float(losses[:2].mean()))


def test_a_plain_start_counts_all_pixels_and_takes_no_step() -> None:
    task = make_task(recipe(options={"plain": 0.5}), Device("float32"))
    probability, threshold, kernel, judged = maps([[2.0, 1.0, -1.0, 3.0]], [[9.0, 9.0, 9.0, 9.0]], [[1, 0, 0, 0]], [[1, 1, 1, 0]])
    truth, images = torch.stack([kernel, judged, kernel * 0]), torch.zeros(1, 3, 1, 4)
    plain = task.losses(images, truth, probability, threshold, True)
    assert float(plain["bce"]) == pytest.approx(float(torch.nn.functional.softplus(torch.tensor([-2.0, 1.0, -1.0])).mean()))
    assert float(plain["dice"]) == pytest.approx(float(dice(torch.sigmoid(probability), kernel, judged)))
    paper = task.losses(images, truth, probability, threshold)
    assert float(paper["dice"]) > float(plain["dice"]) + 0.1  # the step is 0 wherever T is ahead
    assert float(paper["bce"]) == pytest.approx(float(plain["bce"]))  # of so few negatives all are among the hardest


def test_a_teacher_is_copied_pixel_by_pixel(monkeypatch: pytest.MonkeyPatch) -> None:
    from docbin.nets import pretrained

    class Told(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return images[:, :1] * 4 - 2

    asked = []
    monkeypatch.setattr(pretrained, "network", lambda config: asked.append(config.name) or Told())
    terms = {"bce": 1.0, "teacher": 2.0}
    task = make_task(recipe(options={"plain": 1.0, "teacher": "dbnet"}, loss={"terms": terms}), Device("float32"))
    probability, kernel, judged, grey = maps([[2.0, 1.0, -1.0, 3.0]], [[1, 0, 0, 0]], [[1, 1, 1, 0]], [[1.0, 0.5, 0.0, 0.25]])
    parts = task.losses(grey.repeat(1, 3, 1, 1), torch.stack([kernel, judged, kernel * 0]), probability, None, True)
    wanted = torch.nn.functional.binary_cross_entropy_with_logits(probability, torch.sigmoid(4 * grey - 2))
    assert asked == ["dbnet"]
    assert float(parts["teacher"]) == pytest.approx(float(wanted))  # what truth leaves unjudged, the teacher judges


def test_a_batch_without_words_asks_for_quiet() -> None:
    logits, kernel, judged = maps([[2.0, 1.0, -1.0, -3.0]], [[0, 0, 0, 0]], [[1, 1, 1, 1]])
    assert float(balanced_bce(logits, kernel, judged)) == 0  # as published: nothing is learned from it
    logits.requires_grad_(True)
    loss = balanced_bce(logits, kernel, judged, quiet=0.5)
    assert float(loss.detach()) == pytest.approx(float(torch.nn.functional.softplus(torch.tensor([2.0, 1.0])).mean()))
    loss.backward()
    assert logits.grad is not None
    assert (logits.grad[0, 0, 0, :2] > 0).all()
    assert float(balanced_bce(logits.detach(), kernel, judged * 0, quiet=0.5)) == 0


def test_dice_by_hand() -> None:
    said, kernel, judged = maps([[1.0, 0.5, 1.0, 1.0]], [[1, 1, 0, 0]], [[1, 1, 1, 0]])
    assert float(dice(said, kernel, judged, smooth=0)) == pytest.approx(1 - 2 * 1.5 / (2.5 + 2))
    nothing = torch.zeros(1, 1, 1, 4)
    assert float(dice(nothing, nothing, judged)) == 0
    quiet = torch.full((1, 1, 1, 4), 0.1, requires_grad=True)
    dice(quiet, nothing, judged).backward()
    assert quiet.grad is not None
    assert (quiet.grad[0, 0, 0, :3] > 0).all()


def test_the_threshold_is_judged_within_the_band() -> None:
    said, wanted, band = maps([[0.3, 0.5, 0.9]], [[0.7, 0.4, 0.3]], [[1, 1, 0]])
    assert float(band_error(said, wanted, band)) == pytest.approx(0.25)
    assert float(band_error(said, wanted, band * 0)) == 0


def test_it_learns_to_find_words(tiny_detector: Path) -> None:
    log = rows(tiny_detector.parent / "run" / "train.csv")
    assert {"loss", "bce", "dice", "threshold", "kernel_fm"} <= set(log[0])
    assert float(log[-1]["kernel_fm"]) > 60
    assert float(log[-1]["threshold"]) < 0.6 * float(log[0]["threshold"])
    scores = validate(load(tiny_detector), held_out(6), None)
    assert scores["mean"] > 80
    assert set(scores) == {"mean", *(f"picture{k}" for k in range(6))}


class Unsure(torch.nn.Module):
    """Says 0.52 where a word is and 0.35 where a lamp is: no word at the default least score, the word alone at 0.5."""

    halo, stride = 0, 1

    def __init__(self) -> None:
        super().__init__()
        self.nothing = torch.nn.Parameter(torch.zeros(1))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        said = torch.where(images[:, :1] > 0.9, 0.52, torch.where(images[:, :1] > 0.4, 0.35, 0.01))
        return torch.logit(said)


def test_a_network_that_is_unsure_of_its_kernels_is_scored_at_the_least_score_that_suits_it() -> None:
    picture = np.zeros((80, 160, 3), np.uint8)
    picture[20:36, 30:90], picture[50:66, 30:90] = 255, 128
    # The kernel of 16 x 60 grows by its share to the outline of the word.
    grown = find_words(np.where(picture[..., 0] == 255, np.float32(0.52), np.float32(0.01)), Rules(score=0.4))
    word = Word(grown[0].polygon, "word", False)
    pages = [("a", picture, (word,)), ("b", picture, (word,))]
    assert validate(Unsure(), pages, None) == {"mean": 100.0, "a": 100.0, "b": 100.0}


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_batches_without_any_word_train(tmp_path: Path, precision: str) -> None:
    outcome = train(recipe(run={"precision": precision}), tmp_path, source=Source(words=0), pages=[])
    assert outcome.finished
    log = rows(tmp_path / "train.csv")
    assert all(np.isfinite(float(row["loss"])) and float(row["gradient"]) > 0 for row in log)


def test_a_cut_and_resumed_run_equals_an_uncut_one(tmp_path: Path) -> None:
    whole = train(recipe(), tmp_path / "whole", source=Source(), pages=held_out())
    train(recipe(), tmp_path / "cut", source=Source(), pages=held_out(), stop_at=3)
    assert train(recipe(), tmp_path / "cut", source=Source(), pages=held_out(), resume=True) == whole
    assert [row["loss"] for row in rows(tmp_path / "cut" / "train.csv")] == [row["loss"] for row in rows(tmp_path / "whole" / "train.csv")]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"loss": {"terms": {"mse": 1.0}}}, "knows bce, dice, threshold, teacher"),
        ({"loss": {"terms": {"bce": 1.0, "teacher": 1.0}}}, "go together"),
        ({"options": {"negative": 1.0}}, "unknown key options.negative"),
        ({"options": {"balance": "soft"}}, "choose one of hard, all"),
        ({"options": {"frozen_norms": 1.5}}, "a share of the run"),
        ({"net": {"name": "unet", "variant": {}}}, "has no threshold map"),
    ],
)
def test_wrong_recipes_are_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        make_task(recipe(**changes), Device("float32"))


def test_words_are_scored_by_f_and_nothing_else_is(tmp_path: Path) -> None:
    for score, pages in (("fm", held_out()), ("f", [("a", np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8), bool))])):
        with pytest.raises(UsageError, match=r"of pictures with words, and of no others"):
            train(recipe(data={"score": score}), tmp_path / score, source=Source(), pages=pages)


@pytest.mark.slow
def test_a_compiled_step_is_the_step(tmp_path: Path) -> None:
    """The losses of three steps, compiled and not, differ by the order of sums alone."""
    losses = []
    for compiled in (False, True):
        folder = tmp_path / str(compiled)
        train(recipe(run={"steps": 3, "compile": compiled}), folder, source=Source(), pages=held_out())
        with (folder / "train.csv").open(encoding="utf-8") as handle:
            losses.append([float(row["loss"]) for row in csv.DictReader(handle)])
    assert len(losses[0]) == 3
    assert losses[1] == pytest.approx(losses[0], rel=1e-3)


@pytest.mark.data
def test_the_real_pictures_are_split_as_their_readme_says(benchmark_pages: Path) -> None:
    from docbin.train.scenes import sides

    section = {"weights": {"icdar2015-train": 1.0}, "validation": ["icdar2015-train"], "validation_pictures": 20}
    data = recipe(data=section).data
    training, kept = sides(data, "icdar2015-train", benchmark_pages.parent)
    assert (len(training), len(kept)) == (800, 200)
    assert {pair.stem for pair in kept.pairs} == {f"img_{number}" for number in range(801, 1001)}
    image, truth = scenes(data, benchmark_pages.parent, 0).crop(3)
    assert image.shape == truth.shape == (64, 64, 3)
    pictures = scenes.held_out(data, benchmark_pages.parent)
    assert len(pictures) == 20
    smaller = scenes.held_out(dataclasses.replace(data, side=569), benchmark_pages.parent)
    for (_, whole, words), (_, half, fewer) in zip(pictures[:3], smaller[:3], strict=True):
        assert (whole.shape, half.shape) == ((640, 1138, 3), (320, 569, 3))
        for word, less in zip(words, fewer, strict=True):
            assert np.allclose(word.polygon, 2 * less.polygon)
            assert (word.text, word.ignore) == (less.text, less.ignore)


def test_pictures_are_kept_decoded_as_far_as_there_is_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from docbin.train import scenes as room

    pairs = []
    for number in range(2):
        image, truth = tmp_path / f"img_{number}.png", tmp_path / f"gt_img_{number}.txt"
        Image.fromarray(np.full((30, 40, 3), 50 + number, np.uint8)).save(image)
        truth.write_text("1,1,9,1,9,6,1,6,word\n", encoding="utf-8")
        pairs.append(PagePair(image.stem, image, truth))
    monkeypatch.setattr(room, "_kept", {})
    pictures = room.Labelled(benchmarks.load("icdar2015-train"), tuple(pairs), 5000)  # room for one picture, of 3 x 40 x 30 bytes
    first, second = pictures[0], pictures[1]
    assert pictures[0] is first
    assert pictures[1] is not second
    assert not first.image.flags.writeable  # every later crop is cut from it
    assert (pictures[1].image == 51).all()
    stretched = np.array([53 / 40, 1], np.float32)  # to 16 : 9
    assert pictures[1].image.shape == (30, 53, 3)
    assert pictures[1].words[0].polygon == pytest.approx(np.array([[1, 1], [9, 1], [9, 6], [1, 6]]) * stretched)


def put(folder: Path, stem: str, text: str | None, level: int = 90) -> None:
    for kind in ("images", "gt"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((72, 128, 3), level, np.uint8)).save(folder / "images" / f"{stem}.png")
    if text is not None:
        (folder / "gt" / f"gt_{stem}.txt").write_text(text, encoding="utf-8")


def test_photographs_are_parted_and_mixed_as_the_recipe_says(tmp_path: Path) -> None:
    for number in (1, 800, 801, 1000):
        put(tmp_path / "icdar2015-train", f"img_{number}", "9,9,60,9,60,30,9,30,word\n", 90)
    for number in range(3):
        put(tmp_path / "without-text", f"sky{number}", None, 200)
    put(tmp_path / "icdar2015", "img_1", "9,9,60,9,60,30,9,30,word\n")
    section = {
        "weights": {"icdar2015-train": 1.0},
        "first": {"without-text": 1.0},
        "first_steps": 2,
        "sizes": [32, 48],
        "validation": ["icdar2015-train", "without-text"],
        "validation_share": 1 / 3,
        "validation_pictures": 1,
        "augment": {"colour": 0.0, "grey": 0.0, "spoilt": 0.0},
        "source": "docbin.train.scenes:scenes",
    }
    made = recipe(data=section, run={"batch": 4})
    source = open_source(made, tmp_path)
    crops = [source.crop(index) for index in range(40)]
    assert all(image.max() >= 199 and not truth[..., 0].any() for image, truth in crops[:8])  # two steps of four without writing
    assert all(image.max() <= 91 for image, _ in crops[8:])
    assert any(truth[..., 0].any() for _, truth in crops[8:])
    sizes = [{image.shape[0] for image, _ in crops[step * 4 : step * 4 + 4]} for step in range(10)]
    assert all(len(step) == 1 for step in sizes)
    assert set().union(*sizes) == {32, 48}
    pictures = scenes.held_out(made.data, tmp_path)
    assert [(name, len(words)) for name, _, words in pictures] == [("img_801", 1), ("sky2", 0)]
    with pytest.raises(UsageError, match="official test pictures"):
        scenes(recipe(data={"weights": {"icdar2015": 1.0}}).data, tmp_path, 0)


def test_norms_of_an_encoder_stand_still_and_it_learns_more_slowly() -> None:
    task = make_task(recipe(options={"frozen_norms": 0.5, "encoder_rate": 0.0}), Device("float32"))
    image, truth = Source().crop(0)
    batch = Batch(torch.from_numpy(image)[None].repeat(2, 1, 1, 1), torch.from_numpy(truth)[None].repeat(2, 1, 1, 1))

    def state() -> dict[str, Any]:
        return {name: value.clone() for name, value in task.net.state_dict().items()}

    before = state()
    task.step(batch, 1.0, 0.4)
    after = state()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed
    assert not any(name.startswith("encoder.") for name in changed)  # neither its weights nor its statistics
    assert any("running_mean" in name for name in changed)  # the heads' norms go on
    task.step(batch, 1.0, 0.6)
    assert any(
        name.startswith("encoder.") and "running_mean" in name and not torch.equal(after[name], value) for name, value in state().items()
    )
    again = make_task(recipe(options={"frozen_norms": 0.5, "encoder_rate": 0.0}), Device("float32"))
    again.load_state(task.state())
    assert [group.get("share") for group in again.optimizer.param_groups] == [None, None, 0.0, 0.0]


def test_all_negatives_may_count_after_the_plain_start() -> None:
    probability, kernel, judged = maps([[2.0, 1.0, -1.0, -3.0, 0.5, 4.0]], [[1, 0, 0, 0, 0, 0]], [[1, 1, 1, 1, 1, 1]])
    parts = []
    for balance in ("hard", "all"):
        task = make_task(recipe(options={"balance": balance, "negatives": 1.0}, loss={"terms": {"bce": 1.0}}), Device("float32"))
        parts.append(float(task.losses(torch.zeros(1, 3, 1, 6), torch.stack([kernel, judged, kernel * 0]), probability, None)["bce"]))
    losses = torch.nn.functional.softplus(torch.tensor([-2.0, 4.0, 1.0, 0.5, -1.0, -3.0]))
    assert parts == pytest.approx([float(losses[:2].mean()), float(losses.mean())])


def test_scene_sources_refuse_what_they_do_not_know() -> None:
    for data, says in (
        ({"weights": {}}, "at least one set"),
        ({"weights": {"icdar2015": 1.0}, "degrade": "light"}, "for pages"),
        ({"weights": {"icdar2015": 1.0}, "augment": {"flip": 1}}, "unknown key 'flip'"),
        ({"weights": {"dibco2009": 1.0}}, "masks of ink"),
    ):
        with pytest.raises(UsageError, match=says):
            scenes(recipe(data=data).data, Path("/nowhere"), 0)
