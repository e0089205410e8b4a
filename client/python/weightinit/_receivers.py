"""What arrives: checks the messages of streams and puts elements in their place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from weightinit import _messages as messages
from weightinit._arrays import Array, bytes_of, destination
from weightinit._chunks import Bytes, Chunk, checksums, chunk_of, parse_chunk
from weightinit._errors import DataLoss

Advance = Callable[[int], object]


class _Delivery:
    """Of one tensor, by one stream after the other."""

    def __init__(self, name: str, memory: Bytes, element_bytes: int, advance: Advance) -> None:
        self.elements = 0  # Delivered, by all streams.
        self._name = name
        self._memory = memory
        self._element_bytes = element_bytes
        self._advance = advance
        self._copy, self._concat = checksums()
        self.start_stream()

    def start_stream(self) -> None:
        self._first = self.elements
        self._crc32 = 0

    @property
    def complete(self) -> bool:
        return self.elements * self._element_bytes == self._memory.nbytes

    def put(self, chunk: Chunk) -> int:
        """Checks a chunk and copies it; its bytes."""
        data = chunk.data
        size = data.nbytes
        at = self.elements * self._element_bytes
        if chunk.first_element != self.elements:
            raise self.loss(f"a chunk begins at {chunk.first_element}, not {self.elements}")
        if size == 0 or size % self._element_bytes or at + size > self._memory.nbytes:
            raise self.loss(f"a chunk of {size} bytes does not fit at element {self.elements}")
        crc32 = self._copy(data, self._memory[at : at + size])
        if crc32 != chunk.crc32:
            raise self.loss(f"the CRC-32 of the chunk at element {self.elements} is wrong")
        self._crc32 = self._concat(self._crc32, crc32, data)
        self.elements += size // self._element_bytes
        self._advance(size)
        return size

    def finish(self, trailer: Any) -> None:
        count = self.elements - self._first
        if not self.complete:
            raise self.loss(f"the stream ended after {self.elements} elements")
        if (trailer.elements, trailer.bytes) != (count, count * self._element_bytes):
            raise self.loss("the trailer counts other elements than came")
        if trailer.crc32 != self._crc32:
            raise self.loss("the CRC-32 of the trailer is wrong")

    def loss(self, what: str) -> DataLoss:
        return DataLoss(f"tensor {self._name!r}: {what}")


class Receiver:
    """Takes the messages of streams until all is there."""

    def __init__(self, request: Any) -> None:
        """Sets the request of the first stream."""
        self._request = request
        self.progress = 0  # Grows with every byte that is delivered.
        self.done = False

    def start_stream(self) -> bytes:
        """The request of the next stream, which goes on where the last one broke."""
        return self._request.SerializeToString()  # type: ignore[no-any-return]

    def take(self, message: bytes) -> None:
        """Takes one message."""
        raise NotImplementedError


class TensorReceiver(Receiver):
    """Of one tensor, into `out` or a new array."""

    array: Array

    def __init__(self, request: Any, out: Array | None, advance: Advance) -> None:
        """Sets where the tensor goes."""
        super().__init__(request)
        self._out = out
        self._advance = advance
        self._delivery: _Delivery | None = None
        self._opened = False

    def start_stream(self) -> bytes:
        """See Receiver."""
        self._opened = False
        if self._delivery is not None:
            self._delivery.start_stream()
            self._request.first_element = self._delivery.elements
        return super().start_stream()

    def take(self, message: bytes) -> None:
        """See Receiver."""
        chunk = parse_chunk(message)
        if chunk is None:
            part = _parse(messages.InitializeTensorResponse, message)
            kind = part.WhichOneof("part")
            if kind == "header" and not self._opened:
                self._open(part.header.description)
                return
            if kind == "trailer" and self._opened and not self.done:
                assert self._delivery is not None
                self._delivery.finish(part.trailer)
                self.done = True
                return
            if kind != "chunk":
                raise DataLoss(f"the stream has a {kind} where none belongs")
            chunk = chunk_of(part.chunk)
        if self._delivery is None or not self._opened or self.done:
            raise DataLoss("the stream has a chunk without a header")
        self.progress += self._delivery.put(chunk)

    def _open(self, description: Any) -> None:
        _check_description(self._request, description)
        self._opened = True
        if self._delivery is not None:
            return
        dtype = messages.name_of("Dtype", description.dtype)
        self.array = destination(tuple(description.slice_shape), dtype, self._out)
        self._delivery = _Delivery(
            description.name, bytes_of(self.array), self.array.itemsize, self._advance
        )


class ModelReceiver(Receiver):
    """Of a model, into arrays by the names of the tensors."""

    def __init__(self, request: Any, arrays: Mapping[str, Array], advance: Advance) -> None:
        """Sets where the tensors go."""
        super().__init__(request)
        self._arrays = arrays
        self._advance = advance
        self._missing = set(arrays)
        self._open: _Delivery | None = None
        self._index = 0  # Of the tensor that is open, or of the next one.
        self._reset()

    def _reset(self) -> None:
        self._summary = False
        self._named = False  # Whether the stream has named the tensor that is open.
        self._tensors = self._bytes = self._crc32 = 0
        self._concat = checksums()[1]

    def start_stream(self) -> bytes:
        """See Receiver."""
        self._reset()
        self._request.first_tensor = self._index
        self._request.first_element = 0
        if self._open is not None:
            self._open.start_stream()
            self._request.first_element = self._open.elements
        return super().start_stream()

    def take(self, message: bytes) -> None:
        """See Receiver."""
        chunk = parse_chunk(message)
        if chunk is None:
            part = _parse(messages.InitializeModelResponse, message)
            kind = part.WhichOneof("part")
            if kind != "chunk":
                self._control(kind, part)
                return
            chunk = chunk_of(part.chunk)
        if self._open is None or not self._named:
            raise DataLoss("the stream has a chunk without a tensor")
        size = self._open.put(chunk)
        self._crc32 = self._concat(self._crc32, chunk.crc32, chunk.data)
        self._bytes += size
        self.progress += size

    def _control(self, kind: str | None, part: Any) -> None:
        if kind == "summary" and not self._summary:
            self._summary = True
        elif kind == "tensor" and self._summary and not self._named:
            self._start(part.tensor)
        elif kind == "trailer" and self._named and self._open is not None:
            self._open.finish(part.trailer)
            self._open, self._named = None, False
            self._index += 1
        elif kind == "model_trailer" and self._summary and not self._named:
            self._finish(part.model_trailer)
        else:
            raise DataLoss(f"the stream has a {kind} where none belongs")

    def _start(self, tensor: Any) -> None:
        if tensor.alias_of:
            self._index = tensor.index + 1
            return
        description = tensor.description
        name = description.name
        self._named = True
        self._tensors += 1
        if self._open is not None:
            if tensor.index != self._index:
                raise DataLoss(f"the stream goes on with tensor {tensor.index}, not {self._index}")
            return
        if name not in self._missing:
            raise DataLoss(f"the stream has the tensor {name!r}, which was not asked for")
        array = self._arrays[name]
        if tuple(description.slice_shape) != array.shape:
            raise DataLoss(f"tensor {name!r} has another shape than was described")
        self._missing.discard(name)
        self._index = tensor.index
        self._open = _Delivery(name, bytes_of(array), array.itemsize, self._advance)

    def _finish(self, trailer: Any) -> None:
        if self._missing or self._open is not None:
            raise DataLoss(f"the stream ended without {len(self._missing)} tensors")
        counted = (trailer.tensors, trailer.bytes, trailer.crc32)
        if counted != (self._tensors, self._bytes, self._crc32):
            raise DataLoss("the trailer of the model counts other data than came")
        self.done = True


def _parse(kind: Any, message: bytes) -> Any:
    from google.protobuf.message import DecodeError

    try:
        return kind.FromString(message)
    except DecodeError:
        raise DataLoss("a message of the stream cannot be parsed") from None


def _check_description(request: Any, description: Any) -> None:
    """That it is the tensor that was asked for."""
    tensor = request.tensor
    wrong = [
        field
        for field, asked, told in (
            ("name", tensor.name, description.name),
            ("shape", list(tensor.shape), list(description.shape)),
            ("dtype", tensor.dtype, description.dtype),
            ("seed_name", request.seed_name, description.seed_name),
        )
        if asked != told
    ]
    if not request.seed_name and request.seed != description.seed:
        wrong.append("seed")
    if wrong:
        raise DataLoss(f"the server answers with another tensor: {', '.join(wrong)} differ")
