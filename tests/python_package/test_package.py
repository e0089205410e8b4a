"""The package itself."""

from __future__ import annotations

import doctest
import importlib
import inspect
import json
import pkgutil
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT

import weightinit

_GOOGLEAPIS = "/usr/share/gocode/src/github.com/gogo/googleapis"


def test_the_committed_contract_is_that_of_the_protos(tmp_path: Path) -> None:
    made = tmp_path / "contract.binpb"
    command = ["protoc", f"-I{ROOT / 'proto'}", f"-I{_GOOGLEAPIS}", "--include_imports"]
    command += [f"--descriptor_set_out={made}", "weightinit/v1/weight_init_service.proto"]
    command += ["weightinit/v1/preset.proto"]
    command += ["google/rpc/status.proto", "google/rpc/error_details.proto"]
    subprocess.run(command, check=True)
    committed = Path(weightinit.__file__).parent / "_contract.binpb"
    assert committed.read_bytes() == made.read_bytes()


def test_the_import_brings_neither_grpc_nor_protobuf() -> None:
    program = (
        "import sys, weightinit; "
        "print([m for m in sys.modules if m.startswith(('grpc', 'google', 'numpy'))])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout.strip() == b"[]"


def test_every_public_name_is_there() -> None:
    for name in weightinit.__all__:
        assert getattr(weightinit, name) is not None, name


# tests/python_frameworks tries those that need one.
_FRAMEWORKS = ("torch", "jax", "keras", "_torch", "_jax", "_keras")
_MODULES = [
    module.name
    for module in pkgutil.iter_modules(weightinit.__path__, "weightinit.")
    if module.name != "weightinit._core"
    and not module.name.removeprefix("weightinit.").startswith(_FRAMEWORKS)
]


@pytest.mark.parametrize("name", ["weightinit", *_MODULES])
def test_the_examples_of_the_documentation_hold(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


@pytest.mark.parametrize("name", ["weightinit", "weightinit._source", "weightinit._default"])
def test_the_documentation_has_examples(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).attempted > 0


def test_the_snippets_of_the_page_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """But those for frameworks, which tests/python_frameworks runs."""
    page = ROOT / "client" / "python" / "README.md"
    found = re.findall(r"^```python\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)
    snippets = [s for s in found if not re.search(r"\b(torch|jax|keras)\b", s)]
    assert snippets
    dense = {"in_features": 8, "out_features": 4}
    manifest = {"version": 1, "entries": [{"name": "fc", "dense": dense}]}
    (tmp_path / "gpt2.yaml").write_text(json.dumps(manifest))
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for snippet in snippets:
        exec(compile(snippet, str(page), "exec"), names)
    assert names["w"].shape == (512, 256)
    assert list(names["arrays"]) == ["fc.weight", "fc.bias"]
    assert (tmp_path / "gpt2.safetensors").exists()


@pytest.mark.parametrize(
    "name", [n for n in dir(weightinit.Client) if not n.startswith("_")] + ["__init__"]
)
def test_the_client_for_asyncio_has_the_methods_of_the_client(name: str) -> None:
    ours = inspect.signature(getattr(weightinit.aio.Client, name))
    assert ours.parameters == inspect.signature(getattr(weightinit.Client, name)).parameters


@pytest.mark.parametrize(
    "name", ["describe", "describe_model", "info", "model", "resolve_seed", "save", "tensor"]
)
def test_the_functions_of_the_module_have_the_arguments_of_the_methods(name: str) -> None:
    method = dict(inspect.signature(getattr(weightinit.Source, name)).parameters)
    del method["self"]
    assert dict(inspect.signature(getattr(weightinit, name)).parameters) == method


def test_local_says_that_the_compiled_part_is_missing(without_core: None) -> None:
    with pytest.raises(weightinit.FailedPrecondition, match=r"weightinit\._core.*not installed"):
        weightinit.Local()


def test_a_client_works_without_the_compiled_part(without_core: None, address: str) -> None:
    with weightinit.Client(address) as client:
        array = client.tensor((500, 1000), scheme="normal", seed=1)
    assert array.std() == pytest.approx(1.0, abs=0.01)


def test_every_enum_value_has_the_names_of_the_command_line() -> None:
    from weightinit import _messages

    rows = (ROOT / "core/include/weightinit/core/request.def").read_text()
    enums = {
        "SCHEME": "Scheme",
        "TENSOR_ROLE": "TensorRole",
        "ACTIVATION": "Activation",
        "DTYPE": "Dtype",
        "GENERATOR": "Generator",
        "LAYOUT": "Layout",
        "FAN_MODE": "FanMode",
        "DISTRIBUTION": "Distribution",
        "ADVISORY_CODE": "AdvisoryCode",
    }
    pattern = r"^WEIGHTINIT_(\w+)\(k\w+, (\d+), NAMES\(([^)]*)\)"
    found = re.findall(pattern, rows, re.MULTILINE)
    assert len(found) > 40
    for kind, number, names in found:
        for name in re.findall(r'"([^"]+)"', names):
            assert _messages.number_of(enums[kind], name) == int(number), name
