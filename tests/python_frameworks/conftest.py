"""The command line, and the models that tests initialise."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

ROOT = Path(__file__).resolve().parents[2]
BINARIES = Path(os.environ.get("WEIGHTINIT_BINARIES", ROOT / "build" / "ci" / "bin"))

torch.set_num_threads(1)


def cli(*arguments: object) -> bytes:
    """Standard output of the command line."""
    command = [str(BINARIES / "weightinit"), *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, timeout=120).stdout


def made_by_the_command(
    manifest: dict[str, Any] | Path, directory: Path, seed: int
) -> dict[str, torch.Tensor]:
    """The tensors that `weightinit model init` makes, aliases too."""
    path = manifest
    if isinstance(manifest, dict):
        path = directory / "manifest.json"
        path.write_text(json.dumps(manifest))
    made = directory / "made.safetensors"
    cli("model", "init", path, f"--seed={seed}", f"--output={made}")
    state: dict[str, torch.Tensor] = safetensors.torch.load_file(made)
    with safetensors.safe_open(made, "pt") as file:
        for alias, of in file.metadata().items():
            if of in state:
                state[alias] = state[of]
    return state


def same_bits(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Whether two tensors are of one dtype and shape and have the same bytes."""
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    a, b = (t.detach().contiguous().reshape(-1).view(torch.uint8) for t in (a, b))
    return torch.equal(a, b)


def assert_same_parameters(a: torch.nn.Module, b: torch.nn.Module) -> None:
    """That two modules have the same bits, in the order of their parameters."""
    pairs = list(zip(a.parameters(), b.parameters(), strict=True))
    assert pairs
    for i, (ours, theirs) in enumerate(pairs):
        assert same_bits(ours, theirs), f"parameter {i}"


class Zoo(torch.nn.Module):
    """A module with one of each type that init_ knows; of four dtypes; some are tied."""

    def __init__(self) -> None:
        """Makes the modules; nothing calls them."""
        super().__init__()
        nn = torch.nn
        self.features = nn.Sequential(
            nn.Conv2d(4, 8, 3, groups=2), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv1d(8, 4, 3)
        )
        self.up = nn.ConvTranspose2d(6, 4, 3, groups=2)
        self.volume = nn.Conv3d(2, 3, 2, bias=False)
        self.norms = nn.ModuleList([nn.GroupNorm(2, 4), nn.LayerNorm(4), nn.InstanceNorm1d(4)])
        self.rms = nn.RMSNorm(4)
        self.prelu = nn.PReLU(3, init=0.1)
        self.embedding = nn.Embedding(9, 6, padding_idx=3)
        self.bag = nn.EmbeddingBag(5, 6)
        self.lstm = nn.LSTM(6, 4, num_layers=2, bidirectional=True, proj_size=3)
        self.gru = nn.GRU(6, 4)
        self.rnn = nn.RNN(6, 4, nonlinearity="relu")
        self.cells = nn.ModuleList([nn.LSTMCell(6, 4), nn.GRUCell(6, 4), nn.RNNCell(6, 4)])
        self.attention = nn.MultiheadAttention(8, 2, add_bias_kv=True)
        self.cross = nn.MultiheadAttention(8, 2, kdim=6, vdim=5, bias=False)
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, activation="gelu")
        self.decoder = nn.TransformerDecoderLayer(8, 2, 16)
        self.dtypes = nn.ModuleList(
            nn.Linear(7, 5, dtype=dtype) for dtype in (torch.float64, torch.float16, torch.bfloat16)
        )
        self.head = nn.Linear(6, 9, bias=False)
        self.head.weight = self.embedding.weight


def gpt2() -> torch.nn.Module:
    """A small one."""
    import transformers  # Takes long, and the workers of distributed tests do without.

    config = transformers.GPT2Config(n_layer=2, n_embd=16, n_head=2, vocab_size=23, n_positions=7)
    return transformers.GPT2LMHeadModel(config)


def llama() -> torch.nn.Module:
    """A small one."""
    import transformers

    config = transformers.LlamaConfig(
        vocab_size=23,
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=1,
        num_attention_heads=2,
    )
    return transformers.LlamaForCausalLM(config)


def bert() -> torch.nn.Module:
    """A small one."""
    import transformers

    config = transformers.BertConfig(
        vocab_size=23,
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=1,
        num_attention_heads=2,
    )
    return transformers.BertModel(config)


@pytest.fixture
def zoo() -> Zoo:
    """See Zoo."""
    return Zoo()
