"""core/DETERMINISM.md, "Seeds from names": the seed of a name, and the id of a root seed."""

import hmac


def _digest(root_seed, message):
    return hmac.new(root_seed, message, "sha256").digest()


def seed_of(root_seed, name):
    """The seed that `root_seed`, in bytes, gives the name."""
    encoded = name.encode()
    message = b"weightinit.seed.v1\0" + len(encoded).to_bytes(8, "little") + encoded
    return int.from_bytes(_digest(root_seed, message)[:8], "little")


def root_seed_id(root_seed):
    return _digest(root_seed, b"weightinit.root_seed_id.v1\0")[:8].hex()
