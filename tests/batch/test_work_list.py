"""Work lists and shards: every unit in exactly one part, whatever happens to the list; and flat memory."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import pytest

from docbin import batch
from docbin.batch.batch_run import BatchRun
from docbin.batch.shard import Shard
from docbin.batch.work_list import WorkList, parse
from docbin.errors import InputError, UsageError
from tests.batch.pages import binarize, files, grey, ink_of, make_job, save, save_many


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    folder = tmp_path / "spool"
    folder.mkdir()
    return folder


def write(path: Path, units: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(unit) + "\n" for unit in units))
    return path


def test_a_list_of_files(tmp_path: Path, spool: Path) -> None:
    save(tmp_path / "a/p.png", 1)
    save_many(tmp_path / "book.tif", [9, 9])
    units = [{"uri": str(tmp_path / "a/p.png"), "name": "x/p"}, {"uri": str(tmp_path / "book.tif"), "name": "book", "pages": 2}]
    work = write(tmp_path / "work.jsonl", [*units, units[0]])  # a unit that is listed twice is done once
    summary, _ = binarize([work], tmp_path / "out", spool)
    assert summary.counts == {"done": 3}
    assert files(tmp_path / "out") == {"x/p.png", "book.tif"}
    assert binarize([work], tmp_path / "out", spool, resume=True)[0].counts == {"kept": 3}


def test_without_names_outputs_are_called_like_the_whole_input(tmp_path: Path, spool: Path) -> None:
    save(tmp_path / "a/p.png", 1)
    save(tmp_path / "a/p.jpg", 2)
    work = write(tmp_path / "work.jsonl", [{"uri": str(tmp_path / "a/p.png")}, {"uri": (tmp_path / "a/p.jpg").as_uri()}])
    binarize([work], tmp_path / "out", spool)
    below = tmp_path.relative_to("/").as_posix()
    assert files(tmp_path / "out") == {f"{below}/a/p.png.png", f"{below}/a/p.jpg.png"}


@pytest.mark.parametrize(
    "line",
    [
        "not json",
        "[]",
        '{"name": "a"}',
        '{"uri": 3}',
        '{"uri": ""}',
        '{"uri": "a.png", "name": "../out"}',
        '{"uri": "a.png", "name": "/etc/x"}',
        '{"uri": "a.png", "name": ".docbin/x"}',
        '{"uri": "a\\u0000.png"}',
        "[" * 100_000,
    ],
)
def test_a_line_that_is_none_costs_itself(tmp_path: Path, spool: Path, line: str) -> None:
    with pytest.raises(InputError, match="line 2 of"):
        parse(line.encode(), "line 2 of work.jsonl")
    save(tmp_path / "p.png", 1)
    work = tmp_path / "work.jsonl"
    work.write_text(json.dumps({"uri": str(tmp_path / "p.png"), "name": "p"}) + f"\n{line}\n")
    summary, records = binarize([work], tmp_path / "out", spool)
    assert summary.counts == {"done": 1, "failed": 1}
    assert records[-1].input.startswith("line 2 of") or records[0].input.startswith("line 2 of")


def test_units_that_are_not_there_or_in_the_output_folder_are_refused(tmp_path: Path, spool: Path) -> None:
    save(tmp_path / "out/p.png", 1)
    units = [
        {"uri": str(tmp_path / "none.png")},
        {"uri": str(tmp_path / "out/p.png")},
        {"uri": "s3://"},
        {"uri": "https://me:word@host/x.png"},
    ]
    summary, records = binarize([write(tmp_path / "work.jsonl", units)], tmp_path / "out", spool)
    assert summary.counts == {"failed": 4}
    assert "word@" not in str(records)


def test_what_makes_no_sense_is_refused(tmp_path: Path, spool: Path) -> None:
    work = write(tmp_path / "work.jsonl", [{"uri": "a.png"}])
    for words, out, said in [
        ([work], None, "give one with -o"),
        ([work, work], tmp_path / "out", "stands alone"),
        ([work], tmp_path / "x.png", "names a file"),
    ]:
        with pytest.raises(UsageError, match=said):
            binarize(words, out, spool)


def test_shards_are_a_partition_and_lists_may_grow(tmp_path: Path) -> None:
    names = [f"s3://b/{number}.png" for number in range(300)]
    parts = [{name for name in names if Shard(index, 7).holds(name)} for index in range(7)]
    assert sum(map(len, parts)) == 300
    assert set().union(*parts) == set(names)
    assert all(20 < len(part) < 70 for part in parts)
    work = write(tmp_path / "w.jsonl", [{"uri": name} for name in ["s3://b/new.png", *names]])
    for index in range(1, 8):
        found = {file.source.name for file in WorkList(work, "w", tmp_path, Shard(index, 7)) if hasattr(file, "source")}
        assert found - {"s3://b/new.png"} == parts[index % 7]


def test_shards_of_a_folder_make_what_one_run_makes(tmp_path: Path, spool: Path) -> None:
    for seed in range(9):
        save(tmp_path / f"scans/{seed % 2}/p{seed}.png", seed)
    save(tmp_path / "scans/0/p0.jpg", 9)
    binarize([tmp_path / "scans"], tmp_path / "whole", spool)
    from docbin import batch
    from tests.batch.pages import Records

    counted = 0
    for index in range(3):
        plan = batch.plan([str(tmp_path / "scans")], str(tmp_path / "parts"), make_job(), spool=spool, shard=Shard(index, 3))
        counted += batch.run(plan, jobs=0, listener=Records()).counts["done"]
    assert counted == 10
    assert {n: (tmp_path / "parts" / n).read_bytes() for n in files(tmp_path / "parts")} == {
        n: (tmp_path / "whole" / n).read_bytes() for n in files(tmp_path / "whole")
    }


def test_words_of_shards() -> None:
    assert Shard.parse("3/200") == Shard(3, 200)
    assert Shard.parse("0/4") == Shard.parse("4/4")
    assert Shard.parse("auto", {"SLURM_ARRAY_TASK_ID": "12", "SLURM_ARRAY_TASK_MIN": "10", "SLURM_ARRAY_TASK_COUNT": "5"}) == Shard(2, 5)
    assert Shard.parse("auto/8", {"JOB_COMPLETION_INDEX": "7"}) == Shard(7, 8)
    assert Shard.parse("auto", {"AWS_BATCH_JOB_ARRAY_INDEX": "1", "AWS_BATCH_JOB_ARRAY_SIZE": "9"}) == Shard(1, 9)
    for word in ("", "3", "3/0", "5/4", "-1/4", "a/b", "1/2/3", "auto", "auto/3"):
        with pytest.raises(UsageError, match="--shard"):
            Shard.parse(word, {})


def test_a_list_costs_the_places_of_its_lines(tmp_path: Path) -> None:
    with (tmp_path / "w.jsonl").open("w") as file:
        file.writelines(
            f'{{"uri":"s3://bucket/some/folder/page-{number:07d}.jpg","name":"p{number}","size":1}}\n' for number in range(40_000)
        )
    WorkList(tmp_path / "w.jsonl", "w", tmp_path)  # imports
    found = []
    for _ in range(3):  # a thread that an earlier test left behind is counted, too, where it happens to work
        tracemalloc.start()
        work = WorkList(tmp_path / "w.jsonl", "w", tmp_path)
        found.append(tracemalloc.get_traced_memory())
        tracemalloc.stop()
    held, most = map(min, zip(*found, strict=True))
    assert len(work) == 40_000
    assert work[39_999].source.name.endswith("0039999.jpg")  # type: ignore[union-attr]
    assert held < 4_000_000  # the parsed units would be ten times as many
    assert most < 8_000_000


def test_marks_of_windows_at_the_start_of_a_line(tmp_path: Path, spool: Path) -> None:
    for name in ("p", "q"):
        save(tmp_path / f"{name}.png", 1)
    line = {name: json.dumps({"uri": str(tmp_path / f"{name}.png"), "name": name}).encode() + b"\r\n" for name in ("p", "q")}
    work = tmp_path / "work.jsonl"
    work.write_bytes(b"\xef\xbb\xbf" + line["p"] + b"\xef\xbb\xbf" + line["q"] + b"\xef\xbb\xbf\n")  # two lists, joined
    assert binarize([work], tmp_path / "out", spool)[0].counts == {"done": 2}
    assert files(tmp_path / "out") == {"p.png", "q.png"}
    work.write_bytes(line["p"].decode().encode("utf-16"))
    with pytest.raises(InputError, match=r"work\.jsonl: the list is UTF-16 text; save it as UTF-8"):
        binarize([work], tmp_path / "again", spool)


def test_names_that_are_one_on_the_outputs_disk(tmp_path: Path, spool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from docbin.batch import output_folder

    for number, name in enumerate(("a", "b")):
        save(tmp_path / f"{name}.png", number)
    work = write(
        tmp_path / "work.jsonl", [{"uri": str(tmp_path / "a.png"), "name": "Page"}, {"uri": str(tmp_path / "b.png"), "name": "page"}]
    )
    assert binarize([work], tmp_path / "apart", spool)[0].counts == {"done": 2}
    assert files(tmp_path / "apart") == {"Page.png", "page.png"}
    monkeypatch.setattr(output_folder, "_LOCK", "1")  # a name of which there is a file in capitals, too: such a disk tells no cases apart
    summary, records = binarize([work], tmp_path / "alike", spool)
    assert summary.counts == {"done": 1, "failed": 1}
    assert "b.png: " in str(records[1].error)
    assert f"is already the output for {tmp_path}/a.png (this disk makes no difference between letters' cases)" in str(records[1].error)
    assert (ink_of(tmp_path / "alike/Page.png") == (grey(0) < 128)).all()


def test_a_hundred_thousand_lines_begin_at_once(tmp_path: Path, spool: Path) -> None:
    """Of a long list the first unit is there after one pass over its lines."""
    import time

    text = "".join(f'{{"uri":"s3://archive/0000/page-{n:06d}.jpg","name":"0000/page-{n:06d}","size":1}}\n' for n in range(100_000))
    (tmp_path / "work.jsonl").write_text(text)
    start = time.process_time()
    work = WorkList(tmp_path / "work.jsonl", "work.jsonl", tmp_path / "out")
    first = next(iter(work))
    seconds = time.process_time() - start
    assert (len(work), first.stem) == (100_000, "0000/page-000000")  # type: ignore[union-attr]
    assert seconds < 10  # 0.4 s; a pass a line would take hours


def test_resuming_a_long_list_looks_at_no_input_before_the_first_page(tmp_path: Path, spool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    units = [{"uri": str(save(tmp_path / f"p{number}.png", number)), "name": f"p{number}"} for number in range(6)]
    work = write(tmp_path / "work.jsonl", units)
    binarize([write(tmp_path / "some.jsonl", units[:2])], tmp_path / "out", spool)
    looked: list[int] = []
    planned = WorkList._planned
    monkeypatch.setattr(WorkList, "_planned", lambda self, *at: looked.append(at[1]) or planned(self, *at))
    plan = batch.plan([str(work)], str(tmp_path / "out"), make_job(), spool=spool, resume=True)
    run = BatchRun(plan, 0, batch.Listener(), None, False)
    run.refuse_other_settings()
    assert looked == []
    other = batch.plan([str(work)], str(tmp_path / "out"), make_job("marked"), spool=spool, resume=True)
    with pytest.raises(UsageError, match="made with"):
        BatchRun(other, 0, batch.Listener(), None, False).refuse_other_settings()
