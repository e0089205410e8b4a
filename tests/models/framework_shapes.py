"""The models of client/models as PyTorch, torchvision and transformers make them.

usage: framework_shapes.py MODEL    prints the tensors, one JSON object a line: name,
                                    shape, buffer, fan_in and fan_out, or alias_of
"""

import contextlib
import json
import sys

import torch
import torchvision
import transformers


class LeNet5(torch.nn.Module):
    """The paper's layers that have weights, as they are built today."""

    def __init__(self):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(1, 6, 5)
        self.conv2 = torch.nn.Conv2d(6, 16, 5)
        self.fc1 = torch.nn.Linear(400, 120)
        self.fc2 = torch.nn.Linear(120, 84)
        self.fc3 = torch.nn.Linear(84, 10)


LLAMA3_8B = {"vocab_size": 128256, "hidden_size": 4096, "intermediate_size": 14336,
             "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8}
# Where the distribution does not depend on the size, a small model shows it.
SMALL = {"vocab_size": 1000, "hidden_size": 256, "intermediate_size": 512, "num_hidden_layers": 1}

MODELS = {
    "bert_base_uncased": lambda: transformers.BertModel(transformers.BertConfig()),
    "gpt2": lambda: transformers.GPT2LMHeadModel(transformers.GPT2Config()),
    "lenet5": LeNet5,
    "llama3_8b": lambda: transformers.LlamaForCausalLM(transformers.LlamaConfig(**LLAMA3_8B)),
    "mixtral_8x7b": lambda: transformers.MixtralForCausalLM(transformers.MixtralConfig()),
    "resnet50": torchvision.models.resnet50,
    "vit_b_16": torchvision.models.vit_b_16,
}
# What shows the values; lenet5 is initialised by a paper, not by a framework.
INITIALIZED = {
    **MODELS,
    "llama3_8b": lambda: transformers.LlamaForCausalLM(transformers.LlamaConfig(**{**LLAMA3_8B, **SMALL})),
    "mixtral_8x7b": lambda: transformers.MixtralForCausalLM(transformers.MixtralConfig(**SMALL)),
}
del INITIALIZED["lenet5"]


def named_tensors(model):
    """(name, tensor, whether it is a buffer) of what is saved of a model, except buffers of whole numbers."""
    for name, parameter in model.named_parameters(remove_duplicate=False):
        yield name, parameter, False
    saved = model.state_dict().keys()
    for name, buffer in model.named_buffers(remove_duplicate=False):
        if name in saved and buffer.is_floating_point():
            yield name, buffer, True


def shapes(name):
    """The tensors of a model by name, made without memory for their values."""
    with torch.device("meta"):
        model = MODELS[name]()
    first = {}
    found = {}
    for tensor_name, tensor, buffer in named_tensors(model):
        if id(tensor) in first:
            found[tensor_name] = {"alias_of": first[id(tensor)]}
            continue
        first[id(tensor)] = tensor_name
        found[tensor_name] = {"shape": list(tensor.shape), "buffer": buffer}
        if tensor.dim() >= 2:
            fan_in, fan_out = torch.nn.init._calculate_fan_in_and_fan_out(tensor)
            found[tensor_name].update(fan_in=fan_in, fan_out=fan_out)
    return found


@contextlib.contextmanager
def seeded(seed):
    """Draws from a seed inside, and leaves the generator as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def values(name):
    """The values that the framework starts a model with, by name."""
    with seeded(0):
        model = INITIALIZED[name]()
    return {tensor_name: tensor.detach() for tensor_name, tensor, _ in named_tensors(model)}


def main():
    if len(sys.argv) != 2 or sys.argv[1] not in MODELS:
        sys.exit(f"usage: framework_shapes.py {'|'.join(MODELS)}")
    for name, tensor in shapes(sys.argv[1]).items():
        print(json.dumps({"name": name, **tensor}))


if __name__ == "__main__":
    main()
