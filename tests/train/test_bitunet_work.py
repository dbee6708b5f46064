"""A variant's work by its numbers is that of its packed file."""

from __future__ import annotations

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")

from docbin import engine, export  # noqa: E402
from docbin.bench import engine_cost  # noqa: E402
from docbin.nets.bitunet import BitUNet  # noqa: E402
from docbin.nets.bitunet_config import BitUNetConfig  # noqa: E402
from docbin.train.bitunet_work import work_of  # noqa: E402

SMALL = BitUNetConfig(
    windows=(3, 7, 9),
    filters=(32, 64, 64),
    decoder_filters=(32, 64),
    narrow=(32, 64),
    encoder_convs=(1, 2, 1),
    decoder_convs=(2, 1),
    edge=8,
)


@pytest.mark.parametrize(
    "config",
    [
        SMALL,
        replace(SMALL, layer_thresholds=(4, 1, 3, 1, 3, 2, 4, 2, 4)),
        replace(SMALL, first_stride=2, depths=0, greys=11, edge=0, planes=1),
        BitUNetConfig(filters=(64,), decoder_filters=(), narrow=(), encoder_convs=(2,), decoder_convs=(), thresholds=3),
    ],
    ids=["as bitunet", "by layer", "stride 2", "one level"],
)
def test_a_variants_work_is_that_of_its_packed_file(config: BitUNetConfig) -> None:
    torch.manual_seed(0)
    graph = engine.loads(export.to_packed(BitUNet(config).eval()))
    counted, read = work_of(config, (300, 500)), engine_cost.work(graph, (300, 500))
    assert [one.op for one in counted] == [one.op for one in read]
    for one, other in zip(counted, read, strict=True):
        assert one.amounts == pytest.approx(other.amounts), (one, other)
