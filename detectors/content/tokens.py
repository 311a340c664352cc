"""Texts as hashed words: bounded memory, and a key that no contributor knows.

Words are hashed under a salt, so that nobody can prepare texts whose words collide,
and a reason can name a phrase without repeating what a contributor wrote.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

MAX_WORDS = 50_000_000
"""Words that a batch of texts may hold; longer texts lose their middle evenly."""

_CHUNK = 20_000
_MIX = np.uint64(0x9E3779B97F4A7C15)
_ID_BITS = np.uint64(40)
_IDS = np.uint64(2**40 - 1)


@dataclass(frozen=True, slots=True)
class Tokens:
    """Hashed words of n texts.

    Parameters
    ----------
    words
        (w,) uint32 hashes, text after text.
    starts
        (n + 1,) int64: text i holds ``words[starts[i]:starts[i + 1]]``.
    """

    words: np.ndarray
    starts: np.ndarray

    @classmethod
    def of(cls, texts: pd.Series, salt: bytes) -> Tokens:
        """Hash the words of texts; a missing text has none.

        A word is a run of letters and digits, compatibility-normalised (NFKC) and in
        lower case, so that full-width or capital letters do not make a new word.
        """
        keep = int(np.clip(MAX_WORDS // max(len(texts), 1), 40, 4_000))
        parts = [
            _hash_chunk(texts.iloc[start : start + _CHUNK], salt, keep)
            for start in range(0, len(texts), _CHUNK)
        ]
        words = [w for w, _ in parts] or [np.zeros(0, np.uint32)]
        sizes = [s for _, s in parts] or [np.zeros(0, np.int64)]
        starts = np.concatenate([[0], np.cumsum(np.concatenate(sizes))]).astype(np.int64)
        return cls(np.concatenate(words), starts)

    @property
    def sizes(self) -> np.ndarray:
        """(n,) words per text."""
        return np.diff(self.starts)

    def shingles(self, orders: tuple[int, ...]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Give, chunk by chunk, the distinct runs of words of each text; no chunk is empty.

        Parameters
        ----------
        orders
            Lengths of the runs, in words.

        Yields
        ------
        tuple
            (m,) int64 text numbers, rising, and (m,) uint64 run ids below 2**40.
        """
        for first in range(0, len(self.starts) - 1, _CHUNK):
            last = min(first + _CHUNK, len(self.starts) - 1)
            words = self.words[self.starts[first] : self.starts[last]].astype(np.uint64)
            text = np.repeat(np.arange(last - first, dtype=np.uint64), self.sizes[first:last])
            keys = np.concatenate([_runs(words, text, order) for order in orders])
            keys = distinct(keys)
            if keys.size:
                yield (keys >> _ID_BITS).astype(np.int64) + first, keys & _IDS


def distinct(values: np.ndarray) -> np.ndarray:
    """Sorted distinct values; ``numpy.unique`` hashes, which is five times slower here."""
    values = np.sort(values)
    fresh: np.ndarray = values[np.concatenate([[True], values[1:] != values[:-1]])[: values.size]]
    return fresh


def _runs(words: np.ndarray, text: np.ndarray, order: int) -> np.ndarray:
    """Text number in the high bits, id of the run in the low 40."""
    size = words.size - order + 1
    if size <= 0:
        return np.zeros(0, dtype=np.uint64)
    inside = text[:size] == text[order - 1 :]
    run = np.full(size, order, dtype=np.uint64)
    for step in range(order):
        run = _scramble(run ^ words[step : step + size])
    packed: np.ndarray = ((text[:size] << _ID_BITS) | (run & _IDS))[inside]
    return packed


def _scramble(values: np.ndarray) -> np.ndarray:
    """Mix 64-bit values (the finaliser of splitmix64; Steele, Lea and Flood 2014)."""
    values = values + _MIX
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: np.ndarray = values ^ (values >> np.uint64(31))
    return mixed


def scramble(values: np.ndarray, seed: int) -> np.ndarray:
    """Give uint64 values another, seeded, random-looking order."""
    return _scramble(values ^ np.uint64(seed * 0x5851F42D4C957F2D % 2**64))


def run_words(text: str, salt: bytes, orders: tuple[int, ...], wanted: set[int]) -> dict[int, str]:
    """Give the words of the wanted runs that a text holds, by run id."""
    words = _spaced(pd.Series([text], dtype="str"))[0].as_py().split()
    hashes = np.array([_hash_word(word, salt) for word in words], np.uint64)
    found: dict[int, str] = {}
    for order in orders:
        ids = _runs(hashes, np.zeros(hashes.size, np.uint64), order)
        for at in np.flatnonzero(np.isin(ids, np.fromiter(wanted, np.uint64))).tolist():
            found.setdefault(int(ids[at]), " ".join(words[at : at + order]))
    return found


def _spaced(texts: pd.Series) -> pa.Array:
    """Words of each text, plain and lower, one space between them."""
    column = pa.array(texts, pa.large_string(), from_pandas=True).fill_null("")
    plain = pc.utf8_lower(pc.utf8_normalize(column, form="NFKC"))
    return pc.utf8_trim_whitespace(
        pc.replace_substring_regex(plain, pattern=r"[^\pL\pN]+", replacement=" ")
    )


def _hash_chunk(texts: pd.Series, salt: bytes, keep: int) -> tuple[np.ndarray, np.ndarray]:
    """Word hashes of a chunk, and words per text."""
    spaced = _spaced(texts)
    lists = pc.split_pattern(spaced, " ")
    coded = lists.values.dictionary_encode()
    hashes = np.array([_hash_word(w, salt) for w in coded.dictionary.to_pylist()], np.uint32)
    words = hashes[coded.indices.to_numpy()] if len(hashes) else np.zeros(0, np.uint32)
    bounds = lists.offsets.to_numpy().astype(np.int64)
    sizes = np.where(pc.equal(spaced, "").to_numpy(False), 0, np.diff(bounds))
    place = np.arange(words.size) - np.repeat(bounds[:-1], np.diff(bounds))
    left = np.repeat(sizes, np.diff(bounds)) - place
    wanted = (left > 0) & ((place < keep - keep // 2) | (left <= keep // 2))
    return words[wanted], np.minimum(sizes, keep)


def _hash_word(word: str, salt: bytes) -> int:
    digest = hashlib.blake2b(word.encode(), digest_size=4, key=salt[:64]).digest()
    return int.from_bytes(digest, "big")
