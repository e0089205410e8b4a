"""Why the start of a network matters: 30 layers on scikit-learn's digits, from several starts.

usage: digits.py    prints the table of README.md; $WEIGHTINIT_CLI is the command

All weights are made by `weightinit model init`. Everything else is the same for the starts
of one activation: data, order of batches, optimiser, steps.
"""

import json
import math
import os
import pathlib
import platform
import statistics
import subprocess
import tempfile

import safetensors.torch
import sklearn
import sklearn.datasets
import sklearn.model_selection
import torch

LAYERS = 30
CLASSES = 10
PIXELS = 64
BATCH = 64
SEEDS = range(5)
# AdamW, whose rate falls to 0 like a cosine: width, epochs, rate, weight decay.
TRAINING = {"relu": (192, 30, 1e-3, 0.5), "tanh": (64, 20, 3e-4, 0.1)}
RECOMMENDED = {}
SMALL = {"scheme": "normal", "parameters": {"stddev": 0.01}}
ZEROS = {"scheme": "zeros"}
HE = {"scheme": "he_normal"}
# Activation, what the table says, defaults of the manifest.
STARTS = {
    "relu, recommended": ("relu", "ReLU", "recommended: He", RECOMMENDED),
    "relu, small": ("relu", "ReLU", "N(0, 0.01²)", SMALL),
    "relu, zeros": ("relu", "ReLU", "zeros", ZEROS),
    "tanh, recommended": ("tanh", "tanh", "recommended: Xavier", RECOMMENDED),
    "tanh, he": ("tanh", "tanh", "He", HE),
}


def digits():
    """Training images and labels, test images and labels."""
    images, labels = sklearn.datasets.load_digits(return_X_y=True)
    images = (images - images.mean()) / images.std()
    train, test, train_labels, test_labels = sklearn.model_selection.train_test_split(
        images, labels, test_size=0.2, random_state=0, stratify=labels)
    return (torch.tensor(train, dtype=torch.float32), torch.tensor(train_labels),
            torch.tensor(test, dtype=torch.float32), torch.tensor(test_labels))


def manifest(activation, width, defaults):
    return {
        "version": 1,
        "defaults": {"activation": activation, **defaults},
        "entries": [
            {"name": "0", "dense": {"in_features": PIXELS, "out_features": width}},
            {"name": "{i}", "repeat": [{"index": "i", "first": 1, "count": LAYERS - 2}],
             "dense": {"in_features": width, "out_features": width}},
            {"name": str(LAYERS - 1), "defaults": {"activation": "softmax"},
             "dense": {"in_features": width, "out_features": CLASSES}},
        ],
    }


def weights(model, seed):
    """The weight and bias of each layer."""
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory)
        (path / "model.json").write_text(json.dumps(model))
        subprocess.run([os.environ["WEIGHTINIT_CLI"], "model", "init", path / "model.json", "--seed", str(seed),
                        "-o", path / "model.safetensors"], check=True, capture_output=True)
        state = safetensors.torch.load_file(path / "model.safetensors")
    return [(state[f"{i}.weight"].requires_grad_(), state[f"{i}.bias"].requires_grad_()) for i in range(LAYERS)]


def accuracy(start, seed):
    """Of the test images, in percent, after training."""
    activation, _, _, defaults = STARTS[start]
    width, epochs, rate, decay = TRAINING[activation]
    function = {"relu": torch.relu, "tanh": torch.tanh}[activation]
    layers = weights(manifest(activation, width, defaults), seed)
    images, labels, test_images, test_labels = digits()

    def forward(values):
        for weight, bias in layers[:-1]:
            values = function(torch.nn.functional.linear(values, weight, bias))
        return torch.nn.functional.linear(values, *layers[-1])

    parameters = [parameter for layer in layers for parameter in layer]
    optimizer = torch.optim.AdamW(parameters, lr=rate, weight_decay=decay, fused=True)
    steps = epochs * math.ceil(len(images) / BATCH)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    order = torch.Generator().manual_seed(seed)
    for _ in range(epochs):
        for batch in torch.randperm(len(images), generator=order).split(BATCH):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(forward(images[batch]), labels[batch]).backward()
            optimizer.step()
            schedule.step()
    with torch.no_grad():
        return 100 * (forward(test_images).argmax(1) == test_labels).double().mean().item()


def accuracies():
    """By start, one for each seed."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return {start: [accuracy(start, seed) for seed in SEEDS] for start in STARTS}
    finally:
        torch.set_num_threads(threads)


def table(results):
    rows = [f"| activation | start | test accuracy, mean of {len(SEEDS)} seeds | lowest | highest |",
            "| --- | --- | --- | --- | --- |"]
    for start, found in results.items():
        _, activation, name, _ = STARTS[start]
        rows.append(f"| {activation} | {name} | {statistics.mean(found):.1f} % "
                    f"| {min(found):.1f} % | {max(found):.1f} % |")
    return "\n".join(rows)


def main():
    print(table(accuracies()))
    print(f"PyTorch {torch.__version__}, scikit-learn {sklearn.__version__}, Python {platform.python_version()}, "
          f"{torch.backends.cpu.get_cpu_capability()}, one thread")


if __name__ == "__main__":
    main()
