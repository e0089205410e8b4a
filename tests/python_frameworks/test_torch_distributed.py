"""Several processes make the weights that one process makes: torchrun with gloo."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.distributed.checkpoint
from conftest import assert_same_parameters
from distributed_worker import EVEN, SEED, Transformer, schemes

import weightinit.torch

SECONDS = 400
LAYOUTS = (
    "fsdp, even",
    "fsdp, uneven",
    "hybrid fsdp",
    "tensor parallel, even",
    "tensor parallel, uneven",
    "tensor parallel and fsdp",
    "data parallel",
)


class Run:
    """What the processes have done.

    Attributes:
        passed: The names of checks.
        checkpoint: Where they have saved weights.
        log: What they have printed.
    """

    def __init__(self, processes: int, directory: Path) -> None:
        """Runs them."""
        self.checkpoint = directory
        worker = Path(__file__).with_name("distributed_worker.py")
        command = [sys.executable, "-B", "-m", "torch.distributed.run", "--standalone"]
        command += [f"--nproc-per-node={processes}", str(worker), str(directory)]
        process = subprocess.Popen(
            command,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            self.log, _ = process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            self.log, _ = process.communicate()
        lines = self.log.splitlines()
        self.passed = {line.removeprefix("passed ") for line in lines if line.startswith("passed ")}
        self.status = process.returncode

    def check(self, name: str) -> None:
        """That a check has passed."""
        assert name in self.passed, self.log[-5000:]


@pytest.fixture(scope="module", params=[2, 4])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Of two and of four processes."""
    return Run(request.param, tmp_path_factory.mktemp("checkpoint"))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_gathered_weights_of_every_scheme_are_those_of_one_process(run: Run, layout: str) -> None:
    names = schemes()
    assert len(names) >= 18
    for scheme in names:
        run.check(f"{layout}, {scheme}")


@pytest.mark.parametrize(
    "name", ["bfloat16", "meta", "functions", "strided", "outside", "partial", "flat"]
)
def test_parameters_of_every_kind(run: Run, name: str) -> None:
    run.check(name)


def test_a_checkpoint_is_loaded_by_other_layouts_and_by_one_process(run: Run) -> None:
    run.check("checkpoint")
    module = weightinit.torch.init_(Transformer(EVEN), seed=SEED + 1)
    state = module.state_dict()
    torch.distributed.checkpoint.load(state, checkpoint_id=run.checkpoint, no_dist=True)
    module.load_state_dict(state)
    assert_same_parameters(module, weightinit.torch.init_(Transformer(EVEN), seed=SEED))


def test_all_processes_end_well(run: Run) -> None:
    assert run.status == 0, run.log[-5000:]
