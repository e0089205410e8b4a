"""The functions that are named like those of torch.nn.init."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from conftest import same_bits

import weightinit
import weightinit.torch

ARGUMENTS: dict[str, dict[str, Any]] = {"sparse_": {"sparsity": 0.25}}
DRAWN = (
    "uniform_",
    "normal_",
    "trunc_normal_",
    "xavier_uniform_",
    "xavier_normal_",
    "kaiming_uniform_",
    "kaiming_normal_",
    "orthogonal_",
    "sparse_",
)
CONSTANT = ("constant_", "ones_", "zeros_")
DIAGONAL = ("eye_", "dirac_")
DTYPES = [torch.float32, torch.float64, torch.float16, torch.bfloat16]


def function(name: str) -> Callable[..., torch.Tensor]:
    found: Callable[..., torch.Tensor] = getattr(weightinit.torch, name)
    return found


@pytest.mark.parametrize("name", DRAWN + CONSTANT + DIAGONAL)
def test_the_arguments_are_those_of_torch_and_a_seed_and_a_name(name: str) -> None:
    theirs = list(inspect.signature(getattr(torch.nn.init, name)).parameters.values())
    ours = list(inspect.signature(function(name)).parameters.values())
    assert [(p.name, p.kind, p.default) for p in ours[: len(theirs)]] == [
        (p.name, p.kind, p.default) for p in theirs
    ]
    assert [p.name for p in ours[len(theirs) :]] == ["seed", "name"]
    assert {p.kind for p in ours[len(theirs) :]} == {inspect.Parameter.KEYWORD_ONLY}


def test_every_function_of_torch_is_there() -> None:
    theirs = {n for n, f in vars(torch.nn.init).items() if n.endswith("_") and n[0] != "_"}
    assert {n for n in theirs if inspect.isfunction(getattr(torch.nn.init, n))} == {
        *DRAWN,
        *CONSTANT,
        *DIAGONAL,
    }


@pytest.mark.parametrize("name", DRAWN)
def test_a_name_is_required(name: str) -> None:
    arguments = ARGUMENTS.get(name, {})
    with pytest.raises(TypeError, match="name"):
        function(name)(torch.empty(2, 2), **arguments)
    with pytest.raises(weightinit.InvalidArgument, match="name: is empty"):
        function(name)(torch.empty(2, 2), **arguments, name="")


@pytest.mark.parametrize("name", DRAWN)
@pytest.mark.parametrize("shape", [(300, 400), (50, 40, 7), (30, 20, 7, 5)])
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_moments_are_those_of_torch(
    name: str, shape: tuple[int, ...], dtype: torch.dtype
) -> None:
    arguments = ARGUMENTS.get(name, {})
    if name == "sparse_":
        shape = (shape[0], math.prod(shape[1:]))
    ours, theirs = torch.empty(shape, dtype=dtype), torch.empty(shape)
    assert function(name)(ours, **arguments, name="w") is ours
    with torch.random.fork_rng():
        torch.manual_seed(0)
        getattr(torch.nn.init, name)(theirs, **arguments)
    ours = ours.double()
    spread = theirs.std().item() / math.sqrt(ours.numel())
    assert abs(ours.mean().item() - theirs.mean().item()) < 8 * spread
    assert ours.std().item() == pytest.approx(theirs.std().item(), rel=0.05)
    assert ours.abs().max().item() == pytest.approx(theirs.abs().max().item(), rel=0.5)


@pytest.mark.parametrize(
    ("name", "arguments", "wanted"),
    [
        ("uniform_", {"a": -2, "b": 3}, {"scheme": "uniform", "low": -2, "high": 3}),
        ("normal_", {"mean": 1, "std": 2}, {"scheme": "normal", "mean": 1, "stddev": 2}),
        (
            "trunc_normal_",
            {"mean": 1, "std": 2, "a": -1, "b": 4},
            {"scheme": "truncated_normal", "mean": 1, "stddev": 2, "low": -1, "high": 1.5},
        ),
        ("xavier_uniform_", {"gain": 2}, {"scheme": "xavier_uniform", "gain": 2}),
        ("xavier_normal_", {}, {"scheme": "xavier_normal"}),
        (
            "kaiming_uniform_",
            {"a": math.sqrt(5)},
            {"scheme": "he_uniform", "negative_slope": math.sqrt(5)},
        ),
        (
            "kaiming_normal_",
            {"mode": "fan_out", "nonlinearity": "relu"},
            {"scheme": "he_normal", "fan_mode": "out"},
        ),
        (
            "kaiming_normal_",
            {"nonlinearity": "tanh"},
            {"scheme": "variance_scaling", "scale": 25 / 9, "distribution": "normal"},
        ),
        ("orthogonal_", {"gain": 2}, {"scheme": "orthogonal", "gain": 2}),
        ("constant_", {"val": 0.5}, {"scheme": "constant", "value": 0.5}),
        ("ones_", {}, {"scheme": "ones"}),
        ("zeros_", {}, {"scheme": "zeros"}),
    ],
)
def test_the_values_are_those_of_the_tensor_of_that_name(
    name: str, arguments: dict[str, Any], wanted: dict[str, Any]
) -> None:
    ours = function(name)(torch.empty(9, 7, 3), **arguments, seed=5, name="layer")
    theirs = torch.from_numpy(weightinit.tensor((9, 7, 3), name="layer", seed=5, **wanted))
    assert same_bits(ours, theirs)


def test_names_and_seeds_choose_the_values() -> None:
    first = weightinit.torch.normal_(torch.empty(50), seed=1, name="a")
    for seed, name in ((1, "b"), (2, "a")):
        other = weightinit.torch.normal_(torch.empty(50), seed=seed, name=name)
        assert not torch.equal(first, other)


def test_the_seed_of_a_generator_is_taken() -> None:
    generator = torch.Generator().manual_seed(6)
    ours = weightinit.torch.normal_(torch.empty(50), generator=generator, name="a")
    assert same_bits(ours, weightinit.torch.normal_(torch.empty(50), seed=6, name="a"))
    with pytest.raises(weightinit.InvalidArgument, match="seed: is given with a generator"):
        weightinit.torch.normal_(torch.empty(50), generator=generator, seed=6, name="a")
    with pytest.raises(weightinit.InvalidArgumentType, match="generator: is of type int"):
        weightinit.torch.normal_(
            torch.empty(50),
            generator=6,  # type: ignore[arg-type]
            name="a",
        )


def test_tensors_that_need_gradients_and_views_are_filled() -> None:
    leaf = torch.empty(4, 6, requires_grad=True)
    weightinit.torch.normal_(leaf, name="a")
    strided = torch.zeros(6, 4).t()
    weightinit.torch.normal_(strided, name="a")
    assert torch.equal(leaf.detach(), strided)
    assert leaf.grad_fn is None


@pytest.mark.parametrize("name", [n for n in DRAWN if "xavier" in n or "kaiming" in n])
@pytest.mark.parametrize("shape", [(), (1,)])
def test_fewer_than_two_dimensions_have_no_fans(name: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="fans need at least 2"):
        function(name)(torch.zeros(shape), name="w")


def test_no_elements_are_a_warning_for_kaiming_as_in_torch() -> None:
    for name in ("kaiming_uniform_", "kaiming_normal_"):
        with pytest.warns(UserWarning, match="zero-element tensors is a no-op"):
            function(name)(torch.empty(0, 1), name="w")
    for name in ("uniform_", "normal_", "trunc_normal_", "xavier_uniform_", "xavier_normal_"):
        assert function(name)(torch.empty(0, 1), name="w").shape == (0, 1)


@pytest.mark.parametrize(
    ("name", "arguments", "field"),
    [
        ("uniform_", {"a": 2, "b": 1}, "a"),
        ("normal_", {"std": -1}, "std"),
        ("normal_", {"mean": math.inf}, "mean"),
        ("trunc_normal_", {"std": 0}, "std"),
        ("trunc_normal_", {"a": 2, "b": -2}, "a"),
        ("xavier_normal_", {"gain": 0}, "gain"),
        ("orthogonal_", {"gain": 0}, "gain"),
        ("sparse_", {"sparsity": 1.5}, "sparsity"),
        ("sparse_", {"sparsity": 0.5, "std": -1}, "std"),
        ("kaiming_normal_", {"mode": "fan_out_"}, "mode"),
        ("constant_", {"val": math.nan}, "val"),
        ("normal_", {"seed": -1}, "seed"),
    ],
)
def test_bad_arguments_are_named(name: str, arguments: dict[str, Any], field: str) -> None:
    tensor = torch.full((3, 3), 7.0)
    with pytest.raises(weightinit.InvalidArgument) as info:
        function(name)(tensor, **arguments, name="w")
    assert info.value.violations[0].field == field
    assert (tensor == 7).all()


def test_an_unknown_nonlinearity_and_a_dtype_are_errors() -> None:
    with pytest.raises(ValueError, match="nonlinearity"):
        weightinit.torch.kaiming_normal_(torch.empty(2, 2), nonlinearity="swoosh", name="w")
    with pytest.raises(weightinit.InvalidArgument, match=r"torch\.int32.*float32, float64"):
        weightinit.torch.ones_(torch.zeros(2, dtype=torch.int32))
    with pytest.raises(weightinit.InvalidArgumentType, match="tensor: is of type list"):
        weightinit.torch.ones_([1.0])  # type: ignore[arg-type]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(5, 7), (7, 5), (4, 4), (0, 3)])
def test_eye_is_that_of_torch(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    ours, theirs = torch.full(shape, 7, dtype=dtype), torch.full(shape, 7, dtype=dtype)
    assert weightinit.torch.eye_(ours) is ours
    assert torch.equal(ours, torch.nn.init.eye_(theirs))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("groups", [1, 2, 3])
@pytest.mark.parametrize("shape", [(6, 4, 3), (12, 2, 4, 5), (6, 8, 3, 2, 1), (6, 1, 1)])
def test_dirac_is_that_of_torch(shape: tuple[int, ...], groups: int, dtype: torch.dtype) -> None:
    ours, theirs = torch.full(shape, 7, dtype=dtype), torch.full(shape, 7, dtype=dtype)
    assert weightinit.torch.dirac_(ours, groups) is ours
    assert torch.equal(ours, torch.nn.init.dirac_(theirs, groups))


@pytest.mark.parametrize("name", DIAGONAL)
def test_what_torch_refuses_of_eye_and_dirac_is_refused(name: str) -> None:
    for shape in ((3,), (3, 3, 3) if name == "eye_" else (3, 3)):
        for initialise in (function(name), getattr(torch.nn.init, name)):
            with pytest.raises(ValueError, match=r"[dD]imension"):
                initialise(torch.zeros(shape))
    with pytest.raises(ValueError, match="groups"):
        weightinit.torch.dirac_(torch.zeros(4, 4, 3), 3)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("gain", [1, 0.3])
@pytest.mark.parametrize("shape", [(3, 4), (4, 3), (20, 2, 3, 4), (2, 3, 4, 5), (1, 1), (90, 70)])
def test_the_vectors_of_the_shorter_side_are_orthogonal(
    shape: tuple[int, ...], gain: float, dtype: torch.dtype
) -> None:
    tensor = torch.empty(shape, dtype=dtype)
    assert weightinit.torch.orthogonal_(tensor, gain, name="w") is tensor
    matrix = tensor.double().flatten(1)
    if matrix.shape[0] > matrix.shape[1]:
        matrix = matrix.t()
    products = matrix @ matrix.t()
    wanted = gain * gain * torch.eye(matrix.shape[0], dtype=torch.double)
    torch.testing.assert_close(products, wanted, rtol=0, atol=1e-6)


def test_orthogonal_needs_two_dimensions_and_fills_nothing_of_none() -> None:
    with pytest.raises(ValueError, match="dimensions"):
        weightinit.torch.orthogonal_(torch.zeros(3), name="w")
    with pytest.raises(ValueError, match="dimensions"):
        torch.nn.init.orthogonal_(torch.zeros(3))
    assert weightinit.torch.orthogonal_(torch.empty(0, 3), name="w").shape == (0, 3)


@pytest.mark.parametrize("sparsity", [0, 0.1, 0.33, 1])
@pytest.mark.parametrize("shape", [(35, 48), (48, 35), (1, 9)])
def test_each_column_of_sparse_has_as_many_zeros_as_torchs(
    shape: tuple[int, int], sparsity: float
) -> None:
    ours, theirs = torch.ones(shape), torch.ones(shape)
    assert weightinit.torch.sparse_(ours, sparsity, 0.5, name="w") is ours
    torch.nn.init.sparse_(theirs, sparsity, 0.5)
    assert torch.equal((ours == 0).sum(0), (theirs == 0).sum(0))


def test_what_is_not_zero_of_sparse_is_normal() -> None:
    sparse = weightinit.torch.sparse_(torch.empty(300, 400), 0.7, name="w", seed=3)
    normal = weightinit.torch.normal_(torch.empty(300, 400), 0, 0.01, name="w", seed=3)
    assert torch.equal(sparse, torch.where(sparse == 0, 0, normal))


def test_sparse_is_of_two_dimensions() -> None:
    for shape in ((3,), (3, 3, 3)):
        with pytest.raises(ValueError, match="dimensions"):
            weightinit.torch.sparse_(torch.zeros(shape), 0.1, name="w")
        with pytest.raises(ValueError, match="dimensions"):
            torch.nn.init.sparse_(torch.zeros(shape), 0.1)
