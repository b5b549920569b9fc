"""Changes that make no difference, and why: no test can notice them."""

from __future__ import annotations

#: By module, the first line of the statement, and what was changed.
EQUIVALENT: dict[tuple[str, str, str], str] = {
    (
        "_shared/auth/flow.py",
        "response.http_request = request.http_request",
        "`response.http_request = request.http_request` becomes `pass`",
    ): "the caller of the flow gets the whole request with the response in any case",
    (
        "_shared/wire/identifiers.py",
        'end = url.find("/", 8)',
        "`8` becomes `9`",
    ): "a URL without a host is refused wherever it is cut off",
    (
        "_shared/wire/identifiers.py",
        "return _origin_of_authority(url if end < 0 else url[:end])",
        "`end < 0` becomes `end <= 0`",
    ): "the search begins at 8, so it finds nothing at 0",
    (
        "_shared/wire/identifiers.py",
        "return _origin_of_authority(url if end < 0 else url[:end])",
        "`0` becomes `1`",
    ): "the search begins at 8, so it finds nothing at 0",
    (
        "_shared/wire/identifiers.py",
        "_MAX_AUTHORITY = _MAX_HOST + 7  # a dot, a colon and the port",
        "`7` becomes `8`",
    ): "what is one character too long is refused with the host",
    (
        "_shared/wire/identifiers.py",
        "_kept = lru_cache(maxsize=64)(_parsed)",
        "`64` becomes `65`",
    ): "the size of a cache has no meaning",
    (
        "_shared/wire/identifiers.py",
        "def _origin_of_authority(prefix: str) -> Origin:",
        "`256` becomes `257`",
    ): "the size of a cache has no meaning",
    (
        "_shared/wire/reading.py",
        "return convert.args[0] if isinstance(convert, partial) and convert.func is typed else None",
        "`convert.func is typed` becomes `convert.func is not typed`",
    ): "converting returns such a value unchanged, only slower",
    (
        "_shared/wire/reading.py",
        "continue",
        "`continue` becomes `pass`",
    ): "converting returns such a value unchanged, only slower",
    (
        "crypto/_local/der.py",
        "end = first + data[start + 1] if first < len(data) else 0",
        "`first < len(data)` becomes `first <= len(data)`",
    ): "an integer that begins at the end of the data also ends beyond it, or is empty",
    (
        "crypto/_local/der.py",
        "end = first + data[start + 1] if first < len(data) else 0",
        "`0` becomes `1`",
    ): "any end before the beginning is refused",
    (
        "crypto/_local/der.py",
        'well_formed = end < 259 and signature[:2] == b"\\x30\\x81" and 127 < signature[2] == end - 3',
        "`end < 259` becomes `end <= 259`",
    ): "one byte cannot say a length of 256",
    (
        "crypto/_local/der.py",
        'well_formed = end < 259 and signature[:2] == b"\\x30\\x81" and 127 < signature[2] == end - 3',
        "`259` becomes `260`",
    ): "one byte cannot say a length of 256",
    (
        "crypto/_local/der.py",
        "well_formed = end > 7 and signature[0] == 0x30 and signature[1] == end - 2",
        "`end > 7` becomes `end >= 7`",
    ): "two integers that are not empty take eight bytes",
    (
        "crypto/_local/der.py",
        "der_to_raw(signature, 2 * len(signature))",
        "`2` becomes `3`",
    ): "the integers of a signature are shorter than the signature",
    (
        "_shared/pipeline/call.py",
        "super().__init__()",
        "`super().__init__()` becomes `pass`",
    ): "the class above has nothing to initialise",
    (
        "_jwk/rsa.py",
        "if n % 2 == 0 or pow(pow(2, e, n), d, n) != 2:",
        "`n % 2` becomes `n * 2`",
    ): "an even modulus was refused before",
    (
        "_jwk/rsa.py",
        "for base in range(2, 2 + _TRIES):",
        "`2` becomes `3`",
    ): "the first attempt is as good as the second",
    (
        "_jwk/rsa.py",
        "def public_numbers(jwk: RsaMembers, min_bits: int = 0) -> RsaPublic:",
        "`0` becomes `1`",
    ): "a modulus of no bits is refused as an even one",
    (
        "_jwk/rsa.py",
        "def private_numbers(jwk: RsaMembers, min_bits: int = 0) -> RsaPrivate:",
        "`0` becomes `1`",
    ): "a modulus of no bits is refused as an even one",
    (
        "crypto/_local/secp256k1.py",
        'return signature if 2 * s < _ORDER else r.to_bytes(32, "big") + (_ORDER - s).to_bytes(32, "big")',
        "`2 * s < _ORDER` becomes `2 * s <= _ORDER`",
    ): "the order is odd",
    (
        "crypto/_local/secp256k1.py",
        "for bit in range(_ORDER.bit_length() - 1, -1, -1):",
        "`_ORDER.bit_length() - 1` becomes `_ORDER.bit_length() + 1`",
    ): "leading zeros add nothing",
    (
        "_jwk/rsa.py",
        "_TRIES = 64",
        "`64` becomes `65`",
    ): "one more attempt changes the result with a probability of 2**-64",
    (
        "_jwk/rsa.py",
        "if 1 < common < n:",
        "`1` becomes `2`",
    ): "no divisor of an odd modulus is 2",
    (
        "_jwk/rsa.py",
        "if not 1 < d < n:",
        "`1` becomes `2`",
    ): "an even exponent belongs to no primes, and is refused for that",
    (
        "_shared/pipeline/redirects.py",
        "return location",
        "`return location` becomes `return None`",
    ): "whatever is false says that there is no redirect",
    (
        "_shared/wire/reading.py",
        "return convert.args[0] if isinstance(convert, partial) and convert.func is typed else None",
        "`return convert.args[0] if isinstance(convert, partial) and convert.func is typed else None` "
        "becomes `return None`",
    ): "converting returns such a value unchanged, only slower",
    (
        "_shared/wire/reading.py",
        "if type(value) is int and 0 <= value < _PORTABLE:",
        "`0 <= value < _PORTABLE` becomes `0 < value < _PORTABLE`",
    ): "adding to the epoch gives the same time, only slower",
    (
        "_shared/wire/reading.py",
        "if type(value) is int and 0 <= value < _PORTABLE:",
        "`0` becomes `1`",
    ): "adding to the epoch gives the same time, only slower",
    (
        "_shared/wire/translation.py",
        "kind: Any = (error_map or {}).get(error.status_code or 0)",
        "`0` becomes `1`",
    ): "neither is the status of a response",
}
