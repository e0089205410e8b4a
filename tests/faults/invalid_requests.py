"""Requests that no server should take, and the code that each has to get."""

import itertools

from weightinit import _contract, _manifests


class _Messages:
    """The messages of the contract, by name."""

    def __getattr__(self, name):
        return _contract._class("weightinit.v1." + name)


messages = _Messages()
model_of = _manifests.model_of
BAD, RANGE, PRECONDITION = "INVALID_ARGUMENT", "OUT_OF_RANGE", "FAILED_PRECONDITION"
_HUGE = (1 << 63) - 1


def _tensor(**fields):
    """Fields of InitializeTensorRequest; those of its tensor stand in `tensor`."""
    tensor = {"shape": [8, 8], **fields.pop("tensor", {})}
    return messages.InitializeTensorRequest(tensor=messages.TensorSpec(**tensor), **fields)


def _tensors():
    """(name, request, code)."""
    part, joined = messages.TensorPart, messages.Concatenation
    for shape in ([-1], [8, -8], [1 << 41], [1 << 21, 1 << 21], [_HUGE, _HUGE], [-(1 << 63)], [1] * 17, [1] * 1000,
                  [0, -1], [1 << 32, 1 << 32, 1 << 32]):
        yield f"shape {str(shape)[:40]}", _tensor(tensor={"shape": shape}), BAD
    for field in ("scheme", "activation", "dtype"):
        for value in (99, -1, 1 << 30):
            yield f"{field} {value}", _tensor(tensor={field: value}), BAD
    for value in (2, 99, -1):
        yield f"generator {value}", _tensor(generator=value), BAD
    for size in (1025, 100000):
        yield f"name of {size}", _tensor(tensor={"name": "n" * size}), BAD
    # Each scheme with each parameter that it does not take.
    names = ("gain", "negative_slope", "mean", "stddev", "low", "high", "value", "scale")
    taken = {1: (), 2: (), 3: ("value",), 4: ("low", "high"), 5: ("mean", "stddev"), 6: ("mean", "stddev", "low", "high"),
             7: ("gain",), 8: ("gain",), 9: ("negative_slope",), 10: ("negative_slope",), 11: (), 12: (), 13: ("scale",)}
    for (scheme, allowed), name in itertools.product(taken.items(), names):
        if name not in allowed:
            parameters = messages.SchemeParameters(**{"value": 1.0} if scheme == 3 else {})
            setattr(parameters, name, 1.0)
            yield f"scheme {scheme} with {name}", _tensor(tensor={"scheme": scheme, "parameters": parameters}), BAD
    for scheme, name in ((5, "mean"), (5, "stddev"), (4, "low"), (4, "high"), (3, "value"), (7, "gain"), (13, "scale"),
                         (9, "negative_slope"), (6, "low"), (6, "high")):
        for value in (float("inf"), float("-inf"), float("nan")):
            parameters = messages.SchemeParameters(**{name: value})
            yield f"scheme {scheme}, {name} {value}", _tensor(tensor={"scheme": scheme, "parameters": parameters}), BAD
    yield "constant without a value", _tensor(tensor={"scheme": 3}), BAD
    for scheme, values in ((5, {"stddev": -1.0}), (4, {"low": 1.0, "high": -1.0}), (6, {"low": 3.0, "high": 2.0}),
                           (6, {"stddev": -1.0}), (13, {"scale": -1.0}), (9, {"fan_mode": 77}),
                           (13, {"distribution": 77}), (13, {"distribution": 1})):
        parameters = messages.SchemeParameters(**values)
        yield f"scheme {scheme} with {values}", _tensor(tensor={"scheme": scheme, "parameters": parameters}), BAD
    for values in ({"layout": 9}, {"groups": -1}, {"groups": 3}, {"fan_in": 0}, {"fan_in": -5}, {"fan_out": -5},
                   {"groups": _HUGE}):
        yield f"fan {values}", _tensor(tensor={"scheme": 10, "fan": messages.FanSpec(**values)}), BAD
    for scheme in (7, 9, 11):
        yield f"scheme {scheme} of a vector", _tensor(tensor={"shape": [8], "scheme": scheme}), BAD
    ranges = messages.DimensionRange
    for cut in ([ranges(start=-1)], [ranges(start=9), ranges()], [ranges(start=4, stop=2), ranges()], [ranges()],
                [ranges(), ranges(stop=9)], [ranges()] * 3, [ranges(stop=-1), ranges()], [ranges()] * 1000):
        yield f"slice {str(cut)[:60]!r}", _tensor(slice=cut), BAD
    for size in (63, 1, -1, (2 << 20) + 1, 1 << 30):
        yield f"chunk_bytes {size}", _tensor(chunk_bytes=size), BAD
    yield "first_element -1", _tensor(first_element=-1), BAD
    yield "element_count -1", _tensor(element_count=-1), BAD
    for element in (65, _HUGE):
        yield f"first_element {element}", _tensor(first_element=element), RANGE
    for count in (65, _HUGE):
        yield f"element_count {count}", _tensor(element_count=count), RANGE
    yield "seed_name without a root seed", _tensor(seed_name="team/a"), PRECONDITION
    yield "seed_name beside a seed", _tensor(seed_name="team/a", seed=1), BAD
    yield "seed_name too long", _tensor(seed_name="s" * 300), BAD
    for axis, parts in ((0, [part(name="a", size=3)]), (5, [part(name="a", size=8)]), (-1, [part(name="a", size=8)]),
                        (0, [part(name="a", size=-8), part(name="b", size=16)]), (0, [part(size=8)] * 2100),
                        (0, [part(name="a", size=_HUGE), part(name="b", size=_HUGE)])):
        yield f"parts along {axis}", _tensor(tensor={"concatenation": joined(axis=axis, parts=parts)}), BAD
    deep = joined(parts=[part(name="a", size=8)])
    for _ in range(30):
        deep = joined(parts=[part(name="a", size=8, concatenation=deep)])
    yield "parts in parts", _tensor(tensor={"concatenation": deep}), BAD


def _model(*entries, **fields):
    made = messages.InitializeModelRequest(**fields)
    made.model.version = 1
    made.model.entries.extend(entries)
    return made


def _models():
    """(name, request, code)."""
    entry, dense, repetition = messages.ModelEntry, messages.DenseLayer, messages.Repetition
    good = entry(name="fc", dense=dense(in_features=4, out_features=4))
    yield "model without a version", messages.InitializeModelRequest(model=messages.ModelSpec(entries=[good])), BAD
    yield "model without entries", _model(), BAD
    yield "two of one name", _model(good, good), BAD
    yield "entry of no kind", _model(entry(name="fc")), BAD
    yield "alias of nothing", _model(entry(name="a", alias="b")), BAD
    yield "alias of itself", _model(entry(name="a", alias="a")), BAD
    for size in (-1, _HUGE, 1 << 40):
        yield f"dense of {size}", _model(entry(name="fc", dense=dense(in_features=size, out_features=size))), BAD
    for count in (-1, 100001, 10**9, _HUGE):
        yield f"repeated {count} times", _model(entry(
            name="fc{i}", repeat=[repetition(index="i", count=count)], dense=dense(in_features=1, out_features=1))), BAD
    many = [repetition(index=f"i{n}", count=1000) for n in range(6)]
    yield "repeated 10^18 times", _model(entry(
        name="fc" + "".join(f".{{i{n}}}" for n in range(6)), repeat=many, dense=dense(in_features=1, out_features=1))), BAD
    nothing = [repetition(index=f"i{n}", count=10**6) for n in range(3)]
    yield "10^18 blocks of nothing", _model(good, entry(
        name="b{i0}{i1}{i2}", repeat=nothing, block=messages.BlockEntry())), BAD
    for name in ("fc{", "fc{x}", "}", "n" * 1025):
        yield f"name {name[:9]}", _model(entry(name=name, dense=dense(in_features=1, out_features=1))), BAD
    deep = good
    for _ in range(40):
        deep = entry(name="b", block=messages.BlockEntry(entries=[deep]))
    yield "blocks in blocks", _model(deep), BAD
    for text in ("1 +", "(" * 200, "x", "1 / 0", "sqrt(-1)", "1e999", "9" * 300, "-" * 255, "2 ** 2 ** 2 ** 2 ** 2"):
        rule = messages.ModelRule(match="*.weight", scheme=5, expressions={"stddev": text})
        made = _model(good)
        made.model.rules.append(rule)
        yield f"expression {text[:20]}", made, BAD
    for only in ("[", "x"):
        yield f"only {only}", _model(good, only=[only]), BAD
    for shard in ((3, 3, 0), (-1, 2, 0), (0, 0, 0), (0, 2, 9), (0, -1, 0)):
        selection = messages.TensorSelection(match="*", shard=messages.Shard(
            index=shard[0], count=shard[1], axis=shard[2]))
        yield f"shard {shard}", _model(good, selections=[selection]), BAD
    yield "first_tensor 9", _model(good, first_tensor=9), RANGE
    yield "first_tensor -1", _model(good, first_tensor=-1), BAD
    yield "chunk_bytes 1 of a model", _model(good, chunk_bytes=1), BAD


def all_of_them():
    """(name, method, serialized, code)."""
    made = [(name, "InitializeTensor", each.SerializeToString(), code) for name, each, code in _tensors()]
    # The same is asked for, and refused alike.
    made += [(f"described: {name}", "DescribeTensor", message, code) for name, _, message, code in made[::9]]
    models = [(name, "InitializeModel", each.SerializeToString(), code) for name, each, code in _models()]
    made += models
    made += [(f"described: {name}", "DescribeModel", message, code) for name, _, message, code in models]
    for number, message in enumerate((b"\xff" * 100, b"\x0a", b"\x0a\xff\xff\xff\xff\x0f", b"\x08", b"\x07" * 9,
                                      b"\x0a\x03\x0a\x01\xff", b"\x0a\x7f" + b"\x0a" * 50)):
        for method in ("InitializeTensor", "InitializeModel", "DescribeTensor", "DescribeModel"):
            made.append((f"{method}: no message, {number}", method, message, BAD))
    made.append(("seed of no name", "ResolveSeed", b"", BAD))
    return made
