"""Tensors: the same bytes by every source."""

from __future__ import annotations

import asyncio
import json
import zlib
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, cli

import weightinit

_GOLDENS = [
    line.split("\t")
    for line in (ROOT / "tests" / "golden" / "philox4x32_v1.txt").read_text().splitlines()
    if not line.startswith("#")
]


def golden_arguments(text: str) -> dict | None:
    """The arguments of a golden request; None for one that Python's interface has not."""
    request = json.loads(text)
    if "first_element" in request:
        return None
    request |= request.pop("parameters", {})
    if "slice" in request:
        request["slice"] = [slice(*bounds) for bounds in request["slice"]]
    return request


def test_every_golden_is_reproduced_by_each_source(source: weightinit.Source) -> None:
    made = 0
    for text, elements, crc32, _ in _GOLDENS:
        arguments = golden_arguments(text)
        if arguments is None:
            continue
        array = source.tensor(arguments.pop("shape"), **arguments)
        assert array.size == int(elements), text
        assert zlib.crc32(array.tobytes()) == int(crc32, 16), text
        made += 1
    assert made > 100


def test_the_file_of_the_command_line_has_the_same_bytes(
    source: weightinit.Source, tmp_path: Path
) -> None:
    path = tmp_path / "w.npy"
    cli("init", "--shape=64x33", "--activation=gelu", "--seed=7", "--name=a", f"--output={path}")
    array = source.tensor((64, 33), activation="gelu", seed=7, name="a")
    assert np.array_equal(array, np.load(path))


def test_a_tensor_of_many_chunks_goes_into_out(source: weightinit.Source) -> None:
    out = np.full((1500, 1000), np.nan, np.float32)
    assert source.tensor(out.shape, scheme="normal", seed=3, out=out) is out
    assert np.array_equal(out, weightinit.Local().tensor(out.shape, scheme="normal", seed=3))


def test_asyncio_gets_the_same_tensor(address: str) -> None:
    async def make() -> np.ndarray:
        async with weightinit.aio.Client(address) as client:
            first, second = await asyncio.gather(
                client.tensor((300, 7), seed=1, activation="relu"), client.describe((300, 7))
            )
            assert second.scheme == "xavier_normal"
            return first

    expected = weightinit.Local().tensor((300, 7), seed=1, activation="relu")
    assert np.array_equal(asyncio.run(make()), expected)


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
def test_arrays_have_the_dtype_asked_for(source: weightinit.Source, dtype: str) -> None:
    assert source.tensor((3, 4), dtype=dtype).dtype.name == dtype


def test_a_dtype_of_numpy_is_a_dtype(source: weightinit.Source) -> None:
    assert source.tensor(3, dtype=np.float64).dtype == np.float64


def test_a_scalar_and_an_empty_tensor_are_tensors(source: weightinit.Source) -> None:
    assert source.tensor((), scheme="ones") == 1.0
    assert source.tensor((0, 3)).shape == (0, 3)


def test_a_slice_is_that_part_of_the_tensor(source: weightinit.Source) -> None:
    whole = source.tensor((10, 20, 3), scheme="normal", seed=5)
    part = np.s_[2:-1, 5:]
    assert np.array_equal(
        source.tensor((10, 20, 3), scheme="normal", seed=5, slice=part), whole[part]
    )


def test_the_default_source_is_the_server_of_the_environment(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEIGHTINIT_SERVER", address)
    assert isinstance(weightinit.default_source(), weightinit.Client)
    remote = weightinit.tensor((5, 5), seed=9)
    monkeypatch.delenv("WEIGHTINIT_SERVER")
    assert isinstance(weightinit.default_source(), weightinit.Local)
    assert np.array_equal(weightinit.tensor((5, 5), seed=9), remote)


def test_a_description_tells_what_was_chosen(source: weightinit.Source) -> None:
    description = source.describe((512, 256), activation="relu", seed=2)
    assert (description.scheme, description.fan_in, description.seed) == ("he_normal", 256, 2)
    assert description.stddev == pytest.approx((2 / 256) ** 0.5)
    assert "he_normal" in repr(description)
    assert "<svg" in description._repr_html_()


def test_progress_counts_every_byte(
    source: weightinit.Source, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("tqdm")
    source.tensor((1000, 1000), progress=True)
    assert "4.00M/4.00M" in capsys.readouterr().err


def test_the_info_has_the_version_of_the_package(source: weightinit.Source) -> None:
    assert source.info().version == weightinit.__version__


QKV = [{"name": "q", "size": 8}, {"name": "k", "size": 4}, {"name": "v", "size": 4}]


@pytest.mark.parametrize("layout", ["out_in", "in_out"])
def test_a_tensor_of_parts_equals_its_parts(source: weightinit.Source, layout: str) -> None:
    shape, axis = ((16, 6), 0) if layout == "out_in" else ((6, 16), 1)
    parts = [QKV[0], QKV[1] | {"scheme": "normal", "stddev": 0.5}, QKV[2] | {"fan_in": 3}]
    common = {"activation": "relu", "layout": layout, "seed": 4}
    array = source.tensor(shape, concatenation={"axis": axis, "parts": parts}, **common)
    at = 0
    for part in parts:
        size = part["size"]
        own = {name: value for name, value in part.items() if name != "size"}
        expected = source.tensor((size, 6) if axis == 0 else (6, size), **common | own)
        assert np.array_equal(np.take(array, range(at, at + size), axis), expected)
        at += size
    described = source.describe(shape, concatenation={"axis": axis, "parts": parts}, **common)
    assert [part.name for part in described.parts] == ["q", "k", "v"]


def test_stacked_parts_and_parts_of_parts_equal_their_parts(source: weightinit.Source) -> None:
    inner = {"parts": [{"name": "a", "size": 2}, {"name": "b", "size": 3, "scheme": "ones"}]}
    stacked = [{"name": "x", "concatenation": inner}, {"name": "y", "scheme": "uniform"}]
    array = source.tensor((2, 5, 4), seed=1, concatenation={"stacked": True, "parts": stacked})
    assert np.array_equal(array[0, :2], source.tensor((2, 4), seed=1, name="a"))
    assert np.array_equal(array[0, 2:], np.ones((3, 4)))
    assert np.array_equal(array[1], source.tensor((5, 4), seed=1, name="y", scheme="uniform"))


@pytest.mark.parametrize(
    ("concatenation", "field"),
    [
        ([], "concatenation"),
        ({}, "concatenation.parts"),
        ({"parts": []}, "concatenation.parts"),
        ({"parts": ["q"]}, "concatenation.parts[0]"),
        ({"parts": QKV, "axes": 0}, "concatenation.axes"),
        ({"parts": QKV, "axis": -1}, "concatenation.axis"),
        ({"parts": QKV, "axis": 2}, "concatenation.axis"),
        ({"parts": QKV, "stacked": 1}, "concatenation.stacked"),
        ({"parts": [QKV[0] | {"gain": "1"}]}, "concatenation.parts[0].gain"),
        ({"parts": [QKV[0] | {"shape": 1}]}, "concatenation.parts[0].shape"),
        ({"parts": [*QKV[:2], QKV[2] | {"stddev": 1.0}]}, "concatenation.parts[2].stddev"),
        ({"parts": [*QKV[:2], QKV[2] | {"fan_in": 0}]}, "concatenation.parts[2].fan_in"),
        ({"parts": [*QKV, QKV[0]]}, "concatenation.parts[3].name"),
    ],
)
def test_a_wrong_part_is_named(
    source: weightinit.Source, concatenation: object, field: str
) -> None:
    with pytest.raises(weightinit.InvalidArgument) as caught:
        source.tensor((16, 6), concatenation=concatenation)  # type: ignore[arg-type]
    assert field in [violation.field for violation in caught.value.violations]


def test_every_instruction_set_makes_the_same_bytes() -> None:
    from weightinit import _core

    best = weightinit.Local().info().simd_target
    made = set()
    try:
        for target in ("avx512", "avx2", "sse4", "neon", "scalar"):
            try:
                _core.force_simd_target(target)
            except _core.StatusError:
                continue  # Not on this machine.
            assert weightinit.Local().info().simd_target == target
            made.add(weightinit.Local().tensor((1000,), scheme="normal", seed=3).tobytes())
    finally:
        _core.force_simd_target("")
    assert weightinit.Local().info().simd_target == best
    assert len(made) == 1


def test_the_catalogue_says_what_each_scheme_takes(source: weightinit.Source) -> None:
    info = source.info()
    assert tuple(scheme.name for scheme in info.catalogue) == info.schemes
    sparse = next(scheme for scheme in info.catalogue if scheme.name == "sparse")
    assert [(p.name, p.default, p.range) for p in sparse.parameters] == [
        ("stddev", "0.01", "at least 0"),
        ("sparsity", None, "from 0 to 1"),
    ]
    assert not sparse.all_slices_are_cheap
    # Other names mean the same here too.
    for scheme in info.catalogue:
        for alias in scheme.aliases:
            assert source.describe((4, 4), scheme=alias).scheme == scheme.name
