"""Bad input: a typed exception that names the argument."""

from __future__ import annotations

import numpy as np
import pytest

import weightinit

_READ_ONLY = np.zeros((4, 6), np.float32)
_READ_ONLY.flags.writeable = False


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"shape": (4, -1)}, "shape[1]"),
        ({"shape": (1,) * 17}, "shape"),
        ({"activation": "rellu"}, "activation"),
        ({"scheme": "he"}, "scheme"),
        ({"dtype": "int32"}, "dtype"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**64}, "seed"),
        ({"scheme": "xavier_normal", "gain": -1.0}, "gain"),
        ({"scheme": "normal", "stddev": float("nan")}, "stddev"),
        ({"fan_in": 0}, "fan_in"),
        ({"groups": 3}, "groups"),
        ({"name": "\ud800"}, "name"),
        ({"slice": np.s_[0:99]}, "slice[0].stop"),
        ({"slice": np.s_[::2]}, "slice[0]"),
        ({"slice": [slice(1)] * 3}, "slice"),
        ({"out": np.zeros((4, 5), np.float32)}, "out"),
        ({"out": np.zeros((4, 6), np.float64)}, "out"),
        ({"out": np.zeros((6, 4), np.float32).T}, "out"),
        ({"out": _READ_ONLY}, "out"),
    ],
)
def test_a_wrong_value_is_named(source: weightinit.Source, arguments: dict, field: str) -> None:
    with pytest.raises(weightinit.InvalidArgument) as caught:
        source.tensor(**({"shape": (4, 6)} | arguments))
    assert [v.field for v in caught.value.violations] == [field]
    assert isinstance(caught.value, ValueError)
    assert field in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"shape": "4x6"}, "shape"),
        ({"shape": 4.0}, "shape"),
        ({"shape": (4, 6.0)}, "shape[1]"),
        ({"seed": 1.5}, "seed"),
        ({"seed": True}, "seed"),
        ({"gain": "1"}, "gain"),
        ({"name": b"a"}, "name"),
        ({"activation": 3}, "activation"),
        ({"transposed": 1}, "transposed"),
        ({"out": [0.0]}, "out"),
        ({"nam": "a"}, "nam"),
    ],
)
def test_a_wrong_type_is_named(source: weightinit.Source, arguments: dict, field: str) -> None:
    with pytest.raises(weightinit.InvalidArgumentType) as caught:
        source.tensor(**({"shape": (4, 6)} | arguments))
    assert [v.field for v in caught.value.violations] == [field]
    assert isinstance(caught.value, TypeError)


def test_all_violations_come_at_once(source: weightinit.Source) -> None:
    with pytest.raises(weightinit.InvalidArgument) as caught:
        source.describe((4, 6), scheme="normal", stddev=-1, gain=2)
    assert {v.field for v in caught.value.violations} == {"stddev", "gain"}


@pytest.mark.parametrize(
    ("servers", "field"), [("", "servers[0]"), (["a:1", ""], "servers[1]"), ([3], "servers[0]")]
)
def test_a_server_that_is_none_is_named(servers: object, field: str) -> None:
    with pytest.raises(weightinit.InvalidArgument) as caught:
        weightinit.Client(servers)  # type: ignore[arg-type]
    assert caught.value.violations[0].field == field


def test_a_client_without_servers_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WEIGHTINIT_SERVER", raising=False)
    with pytest.raises(weightinit.InvalidArgument, match="WEIGHTINIT_SERVER"):
        weightinit.Client()


@pytest.mark.parametrize("timeout", [0, -1.0, float("nan")])
def test_a_timeout_has_to_be_above_zero(timeout: float) -> None:
    with pytest.raises(weightinit.InvalidArgument, match="timeout"):
        weightinit.Client("127.0.0.1:1", timeout=timeout)


@pytest.mark.parametrize("seconds", [0, -1.0, float("nan"), 1e7, "5", None])
def test_a_connect_timeout_has_to_be_in_its_range(seconds: object) -> None:
    with pytest.raises(weightinit.InvalidArgument) as caught:
        weightinit.Client("127.0.0.1:1", connect_timeout=seconds)  # type: ignore[arg-type]
    assert caught.value.violations[0].field == "connect_timeout"


def test_a_seed_name_without_a_root_seed_is_a_failed_precondition(
    source: weightinit.Source,
) -> None:
    with pytest.raises(weightinit.FailedPrecondition, match="root seed"):
        source.resolve_seed("team/experiment")
