"""Known names, and which of them a misspelt one was meant to be. Imports nothing of the library.

The names themselves are where they belong: in the enumerations, the table of algorithms, the options of a call. The
service may have names that this library does not know, so an unknown name is not an error. A known name that is
misspelt is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

#: Names that other software uses, without punctuation and in lower case, and the service's name for the same thing.
CURVES_ELSEWHERE: dict[str, str] = {
    "secp256r1": "P-256",
    "prime256v1": "P-256",
    "nistp256": "P-256",
    "secp384r1": "P-384",
    "nistp384": "P-384",
    "secp521r1": "P-521",
    "nistp521": "P-521",
}
KEY_TYPES_ELSEWHERE: dict[str, str] = {
    "ecc": "EC",
    "ellipticcurve": "EC",
    "symmetric": "oct",
    "octet": "oct",
    "mldsa": "AKP",
}

# Shorter names are too similar: OKP is a key type of RFC 8037, not a typo for AKP.
_LONG_ENOUGH = 4


class Names:
    """The known names of one kind of thing.

    :param what: the kind, in the plural: ``"curves"``.
    :param known: the names.
    :param elsewhere: names that other software uses, without punctuation and in lower case, with the known names.
    """

    def __init__(self, what: str, known: Iterable[str], elsewhere: Mapping[str, str] | None = None) -> None:
        self.what = what
        self.known = tuple(dict.fromkeys(str.__str__(name) for name in known))
        self._meant = {**(elsewhere or {}), **{_plain(name): name for name in self.known}}

    def misspelt(self, word: str) -> str | None:
        """Return the known name that a word misspells; None when it is a known name or resembles none."""
        if word in self.known:
            return None
        plain = _plain(word)
        if plain in self._meant:
            return self._meant[plain]
        return next((name for other, name in self._meant.items() if _is_slip(plain, other)), None)

    def nearest(self, word: str) -> str | None:
        """Return the known name that is most similar to a word; None when none is similar."""
        from difflib import get_close_matches  # imported here because only errors need it

        close = get_close_matches(_plain(word), self._meant, n=1)
        return self.misspelt(word) or (self._meant[close[0]] if close else None)

    def refusal(self, argument: str, word: str) -> str:
        """Return the text of an error about a word that is not one of the names."""
        nearest = self.nearest(word)
        meant = f"; did you mean {nearest!r}?" if nearest else "."
        return f"{argument} {str.__str__(word)!r} is unknown{meant} The known {self.what} are {', '.join(self.known)}"

    def check(self, argument: str, word: str) -> str:
        """Return a word, unless it misspells a known name. The service decides about new names.

        :raises ValueError: when it is misspelt.
        """
        if word not in self.known and self.misspelt(word) is not None:
            raise ValueError(self.refusal(argument, word))
        return word


def _plain(word: str) -> str:
    return "".join(character for character in str.__str__(word).lower() if character.isalnum())


def _is_slip(word: str, name: str) -> bool:
    """Whether a word is a name with two adjacent letters swapped, or with one letter inside it added or missing.

    A different digit, or a different letter at either end, makes a different name: ES256 and ES256K.
    """
    if min(len(word), len(name)) < _LONG_ENOUGH or abs(len(word) - len(name)) > 1:
        return False
    if len(word) == len(name):
        differ = [at for at, (ours, theirs) in enumerate(zip(word, name, strict=True)) if ours != theirs]
        return len(differ) == 2 and differ[1] == differ[0] + 1 and sorted(word) == sorted(name)
    longer, shorter = (word, name) if len(word) > len(name) else (name, word)
    return any(longer[at].isalpha() and longer[:at] + longer[at + 1 :] == shorter for at in range(1, len(longer) - 1))
