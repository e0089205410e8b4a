"""Initial weights for Keras 3, with any backend.

>>> import keras, weightinit.keras
>>> layer = keras.layers.Dense(
...     32, kernel_initializer=weightinit.keras.Initializer(name="fc", activation="relu", seed=42)
... )
>>> layer.build((None, 64))
>>> layer.kernel.shape
(64, 32)

The weights are those of ``weightinit.tensor`` with the same name, seed and arguments, and the
layout "in_out", which is the order of dimensions in Keras.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from weightinit._default import default_source
from weightinit._errors import invalid
from weightinit._requests import tensor_request

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from weightinit._requests import Shape, TensorArguments

__all__ = ["Initializer"]


class Initializer(keras.initializers.Initializer):  # type: ignore[misc]
    """Makes the tensor of a name; can be saved with a model.

    Args:
        **arguments: See :class:`weightinit.TensorArguments`. `name` is required, because
            tensors of the same name have the same draws; for example "encoder.fc1.kernel".
            Not dtype, which Keras chooses, and not slice. The layout is "in_out" if none is
            given; "out_in" makes an embedding whose rows are PyTorch's. A grouped convolution
            needs `groups`, a transposed one `transposed=True`.

    Raises:
        InvalidArgument: An argument is not allowed; ``violations`` says which. What depends on
            the shape is checked when the layer is built.
    """

    def __init__(self, **arguments: Unpack[TensorArguments]) -> None:
        """Keeps the arguments; nothing is computed yet."""
        for field in ("dtype", "slice"):
            if field in arguments:
                raise invalid(field, "is no argument here: Keras chooses it")
        given: dict[str, Any] = dict(arguments)
        tensor_request((), given)
        if not given.get("name"):
            raise invalid("name", "is missing or empty, it has to name the tensor")
        self._config = {
            field: value.item() if isinstance(value, np.generic) else value
            for field, value in given.items()
        }

    def __call__(self, shape: Shape, dtype: Any = None) -> Any:
        """The tensor of the backend, of Keras's float if no dtype is given."""
        dtype = keras.backend.standardize_dtype(dtype or keras.config.floatx())
        arguments = {"layout": "in_out"} | self._config | {"dtype": dtype}
        return keras.ops.convert_to_tensor(default_source().tensor(shape, **arguments), dtype=dtype)

    def get_config(self) -> dict[str, Any]:
        """The arguments, which make the same initializer."""
        return dict(self._config)

    def __repr__(self) -> str:
        """As it is made."""
        given = ", ".join(f"{field}={value!r}" for field, value in self._config.items())
        return f"weightinit.keras.Initializer({given})"


keras.saving.register_keras_serializable("weightinit")(Initializer)
