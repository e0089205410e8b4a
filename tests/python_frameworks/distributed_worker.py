"""Initialises a transformer on several processes; compares with what one process makes.

usage: torchrun ... distributed_worker.py DIRECTORY    prints "passed NAME" for each check
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest
import torch
import torch.distributed as dist
import torch.distributed.checkpoint
from conftest import same_bits
from torch import nn
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.fsdp import FullyShardedDataParallel, fully_shard
from torch.distributed.tensor import DTensor, Partial, Shard
from torch.distributed.tensor.parallel import (
    ColwiseParallel,
    RowwiseParallel,
    parallelize_module,
)
from torch.distributed.tensor.placement_types import _StridedShard
from torch.nn.parallel import DistributedDataParallel

import weightinit
import weightinit.torch

SEED = 11
EVEN = (16, 32)  # Width and hidden width, which 4 divides; those of UNEVEN it does not.
UNEVEN = (10, 13)
FOR_CONVOLUTIONS = ("dirac", "delta_orthogonal")
VALUES = {
    "constant": {"value": 0.25},
    "truncated_normal": {"low": -1, "high": 2},
    "xavier_normal": {"gain": 1.5},
    "he_uniform": {"fan_mode": "out"},
    "sparse": {"sparsity": 0.3},
    "variance_scaling": {"fan_mode": "average", "distribution": "uniform"},
}


class Block(nn.Module):
    """Pre-normalised attention and MLP."""

    def __init__(self, width: int, hidden: int) -> None:
        """Makes it of a width and a hidden width."""
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, 2, batch_first=True)
        self.norm2 = nn.RMSNorm(width)
        self.up = nn.Linear(width, hidden)
        self.act = nn.GELU()
        self.down = nn.Linear(hidden, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Of (batch, tokens, width)."""
        y = self.norm1(x)
        x = x + self.attention(y, y, y, need_weights=False)[0]
        y = self.down(self.act(self.up(self.norm2(x))))
        return x + y


class Transformer(nn.Module):
    """Two blocks between tied embeddings."""

    def __init__(self, sizes: tuple[int, int]) -> None:
        """Makes it of a width and a hidden width."""
        super().__init__()
        self.embedding = nn.Embedding(19, sizes[0], padding_idx=2)
        self.blocks = nn.ModuleList(Block(*sizes) for _ in range(2))
        self.head = nn.Linear(sizes[0], 19, bias=False)
        self.head.weight = self.embedding.weight

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Of (batch, tokens), scores of the next ones."""
        x = self.embedding(tokens)
        for block in self.blocks:
            x = block(x)
        return self.head(x)


def sharded(module: Transformer, mesh: DeviceMesh) -> Transformer:
    for block in module.blocks:
        fully_shard(block, mesh=mesh)
    fully_shard(module, mesh=mesh)
    return module


def parallel(module: Transformer, mesh: DeviceMesh) -> Transformer:
    for block in module.blocks:
        parallelize_module(block, mesh, {"up": ColwiseParallel(), "down": RowwiseParallel()})
    return module


def full(parameter: torch.Tensor) -> torch.Tensor:
    return parameter.full_tensor() if isinstance(parameter, DTensor) else parameter.detach()


def compare(module: nn.Module, expected: nn.Module) -> None:
    """The gathered parameters with those of one process."""
    pairs = zip(module.named_parameters(), expected.parameters(), strict=True)
    for (name, ours), theirs in pairs:
        assert same_bits(full(ours), theirs), name


def rules_of(scheme: str) -> weightinit.torch.Rules:
    """The scheme for all matrices."""
    rule = {"scheme": scheme, "parameters": VALUES.get(scheme, {})}
    return dict.fromkeys(("*embedding.weight", "*up.weight", "*down.weight", "*proj*weight"), rule)


def schemes() -> list[str]:
    """Those that take a matrix."""
    return [name for name in weightinit.info().schemes if name not in FOR_CONVOLUTIONS]


class Worker:
    """The checks, which all processes do together."""

    def __init__(self, directory: str) -> None:
        """Sets the meshes."""
        self.directory = directory
        self.count = dist.get_world_size()
        self.mesh = init_device_mesh("cpu", (self.count,))
        size = (2, self.count // 2)
        self.grid = init_device_mesh("cpu", size, mesh_dim_names=("data", "tensor"))

    def layouts(self) -> dict[str, tuple[tuple[int, int], Callable[[Transformer], nn.Module]]]:
        """Sizes, and how a transformer of them is distributed."""
        data, tensor = self.grid["data"], self.grid["tensor"]
        return {
            "fsdp, even": (EVEN, lambda m: sharded(m, self.mesh)),
            "fsdp, uneven": (UNEVEN, lambda m: sharded(m, self.mesh)),
            "hybrid fsdp": (UNEVEN, lambda m: sharded(m, self.grid)),
            "tensor parallel, even": (EVEN, lambda m: parallel(m, self.mesh)),
            "tensor parallel, uneven": (UNEVEN, lambda m: parallel(m, self.mesh)),
            "tensor parallel and fsdp": (EVEN, lambda m: sharded(parallel(m, tensor), data)),
            "data parallel": (UNEVEN, DistributedDataParallel),
        }

    def every_layout(self) -> None:
        for name, (sizes, distribute) in self.layouts().items():
            module = distribute(Transformer(sizes))
            weightinit.torch.init_(module, seed=SEED)
            compare(module, weightinit.torch.init_(Transformer(sizes), seed=SEED))
            for scheme in schemes():
                rules = rules_of(scheme)
                weightinit.torch.init_(module, seed=SEED, rules=rules)
                expected = weightinit.torch.init_(Transformer(sizes), seed=SEED, rules=rules)
                compare(module, expected)
                self.passed(f"{name}, {scheme}")

    def bfloat16(self) -> None:
        module = sharded(Transformer(UNEVEN).bfloat16(), self.mesh)
        weightinit.torch.init_(module, seed=SEED)
        compare(module, weightinit.torch.init_(Transformer(UNEVEN).bfloat16(), seed=SEED))
        self.passed("bfloat16")

    def meta(self) -> None:
        """Of the whole model no process ever has the memory; training goes on as usual."""
        with torch.device("meta"):
            module = Transformer(UNEVEN)
        weightinit.torch.init_(sharded(module, self.mesh), seed=SEED)
        expected = weightinit.torch.init_(Transformer(UNEVEN), seed=SEED)
        compare(module, expected)
        assert module.head.weight is module.embedding.weight
        tokens = torch.arange(6)[None]
        scores = module(tokens)
        torch.testing.assert_close(scores, expected(tokens))
        scores.sum().backward()
        expected(tokens).sum().backward()
        gradient = full(module.blocks[0].up.weight.grad)
        torch.testing.assert_close(gradient, expected.blocks[0].up.weight.grad)
        self.passed("meta")

    def checkpoint(self) -> None:
        """What one layout saves another one loads."""
        saved = weightinit.torch.init_(sharded(Transformer(EVEN), self.mesh), seed=SEED)
        torch.distributed.checkpoint.save(saved.state_dict(), checkpoint_id=self.directory)
        loaded = weightinit.torch.init_(parallel(Transformer(EVEN), self.mesh), seed=SEED + 1)
        state = loaded.state_dict()
        torch.distributed.checkpoint.load(state, checkpoint_id=self.directory)
        loaded.load_state_dict(state)
        compare(loaded, weightinit.torch.init_(Transformer(EVEN), seed=SEED))
        self.passed("checkpoint")

    def functions(self) -> None:
        """A function fills the shard of a DTensor."""
        module = sharded(Transformer(UNEVEN), self.mesh)
        weight = module.blocks[1].up.weight
        weightinit.torch.kaiming_normal_(weight, nonlinearity="relu", seed=3, name="w")
        alone = torch.empty(weight.shape)
        weightinit.torch.kaiming_normal_(alone, nonlinearity="relu", seed=3, name="w")
        assert same_bits(full(weight), alone)
        self.passed("functions")

    def strided(self) -> None:
        """A shard whose rows do not lie together."""
        module = nn.Linear(3, 16, bias=False)
        expected = weightinit.torch.init_(nn.Linear(3, 16, bias=False), seed=SEED).weight
        local = torch.zeros(16 // self.count, 3)
        mesh, placements = self.mesh, [_StridedShard(0, split_factor=2)]
        made = DTensor.from_local(
            local, mesh, placements, run_check=False, shape=(16, 3), stride=(3, 1)
        )
        module.weight = nn.Parameter(made)
        weightinit.torch.init_(module, seed=SEED)
        rows = torch.arange(16).view(2, self.count, -1)[:, dist.get_rank()].flatten()
        assert same_bits(module.weight.to_local(), expected[rows])
        self.passed("strided")

    def outside(self) -> None:
        """A process that is not of a parameter's mesh makes nothing of it."""
        module = nn.Linear(3, 4)
        mesh = DeviceMesh("cpu", [0])
        module.weight = nn.Parameter(
            DTensor.from_local(
                torch.zeros((4, 3) if dist.get_rank() == 0 else (0,)),
                mesh,
                [Shard(0)],
                run_check=False,
                shape=(4, 3),
                stride=(3, 1),
            )
        )
        weightinit.torch.init_(module, seed=SEED)
        expected = weightinit.torch.init_(nn.Linear(3, 4), seed=SEED)
        if dist.get_rank() == 0:
            assert same_bits(module.weight.to_local(), expected.weight)
        assert same_bits(module.bias, expected.bias)
        self.passed("outside")

    def partial(self) -> None:
        module = nn.Linear(3, 4)
        module.weight = nn.Parameter(
            DTensor.from_local(torch.zeros(4, 3), self.mesh, [Partial()], run_check=False)
        )
        with pytest.raises(weightinit.InvalidArgument, match="Partial") as info:
            weightinit.torch.init_(module)
        assert info.value.violations[0].field == "weight"
        self.passed("partial")

    def flat(self) -> None:
        """FullyShardedDataParallel has the parameters of others while they are not gathered."""
        for use_original in (False, True):
            module = FullyShardedDataParallel(
                Transformer(UNEVEN), use_orig_params=use_original, device_id=torch.device("cpu")
            )
            with pytest.raises(weightinit.InvalidArgument, match="FullyShardedDataParallel"):
                weightinit.torch.init_(module, seed=SEED)
            with FullyShardedDataParallel.summon_full_params(module):
                weightinit.torch.init_(module, seed=SEED)
            with FullyShardedDataParallel.summon_full_params(module):
                compare(module, weightinit.torch.init_(Transformer(UNEVEN), seed=SEED))
        self.passed("flat")

    def passed(self, name: str) -> None:
        dist.barrier()
        if dist.get_rank() == 0:
            print(f"passed {name}", flush=True)


def main() -> None:
    dist.init_process_group("gloo")
    worker = Worker(sys.argv[1])
    worker.every_layout()
    worker.bfloat16()
    worker.meta()
    worker.checkpoint()
    worker.functions()
    worker.strided()
    worker.outside()
    worker.partial()
    worker.flat()
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
