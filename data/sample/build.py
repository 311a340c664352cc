"""Make ``mail.parquet`` from a parquet file of the SpamAssassin public corpus.

Usage: ``python data/sample/build.py SOURCE.parquet``. The source has a row per mail:
``contribution_id, item_id, timestamp, label (1 = spam), subject, text,
sender_domain_hash, relay_ip_hash, relay_net24_hash``. Every choice is fixed: the same
source gives the same file.
"""

from __future__ import annotations

import re
import sys
from email.header import decode_header, make_header
from html.parser import HTMLParser
from pathlib import Path
from typing import Final

import pandas as pd

MONTHS: Final = ("2002-05", "2002-06", "2002-07", "2002-08", "2002-09")
"""The months in which both classes were collected; later ones hold nearly no spam."""

CHARS: Final = 700
_LEAST_CHARS: Final = 40
_ALIKE: Final = 0.6
_PERMUTATIONS: Final = 64
_MARKUP: Final = re.compile(r"<(html|body|p|br|table|font|a|div|meta)\b", re.IGNORECASE)
_ADDRESS: Final = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_EXPLICIT: Final = re.compile(
    r"\b(?:porn\w*|xxx|sluts?|teens|hardcore|nudes?|cum|fuck\w*|pussy|cocks?|penis|horny)\b",
    re.IGNORECASE,
)


class _Visible(HTMLParser):
    """Collect what a reader would see."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self._hidden += tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._hidden = max(0, self._hidden - 1)

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(data)


def plain(text: str) -> str:
    """Give the visible text of a mail's body, runs of white space made one."""
    if _MARKUP.search(text):
        reader = _Visible()
        reader.feed(text)
        reader.close()
        text = " ".join(reader.parts)
    return re.sub(r"\s*\n\s*", "\n", re.sub(r"[^\S\n]+", " ", text)).strip()


def decoded(subject: str) -> str:
    """Decode a subject's encoded words (RFC 2047); leave what is malformed as it is."""
    try:
        text = str(make_header(decode_header(subject)))
        text.encode("utf-8")
    except (ValueError, LookupError):
        text = subject
    return " ".join(text.split())


def first_of_their_kind(texts: pd.Series) -> pd.Series:
    """Mark the mails that no earlier mail resembles, by MinHash over word triples.

    Mass mails come in dozens of copies; with them, held-out mails would sit in training.
    """
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(threshold=_ALIKE, num_perm=_PERMUTATIONS)
    keep = []
    for number, text in enumerate(texts):
        words = re.findall(r"\w+", text.lower())
        sketch = MinHash(_PERMUTATIONS)
        sketch.update_batch(
            [" ".join(words[i : i + 3]).encode() for i in range(max(1, len(words) - 2))]
        )
        keep.append(not index.query(sketch))
        if keep[-1]:
            index.insert(str(number), sketch)
    return pd.Series(keep, index=texts.index)


def build(source: pd.DataFrame) -> pd.DataFrame:
    """Choose, clean and cut the mails.

    The source masks mail addresses; those that unpacking HTML brings back are masked
    again. Left out: other months, mails with nearly no text, near-copies of an earlier mail,
    and sexually explicit mails, which nobody wants to meet in a demonstration.
    """
    rows = source.assign(month=source["timestamp"].dt.strftime("%Y-%m"))
    rows = rows[rows["month"].isin(MONTHS)].sort_values(["timestamp", "contribution_id"])
    body = rows["text"].map(plain)
    rows = rows[body.str.len() >= _LEAST_CHARS]
    text = (rows["subject"].map(decoded) + "\n\n" + body.loc[rows.index]).str[:CHARS]
    text = text.str.replace(_ADDRESS, "<email>", regex=True)
    text = text[~text.str.contains(_EXPLICIT)]
    text = text[first_of_their_kind(text)]
    rows = rows.loc[text.index]
    return pd.DataFrame(
        {
            "mail_id": [f"m{i:05d}" for i in range(len(rows))],
            "item": rows["item_id"].to_numpy(),
            "label": rows["label"].map({0: "ham", 1: "spam"}).to_numpy(),
            "text": text.str.rstrip().to_numpy(),
            "sender": rows["sender_domain_hash"].to_numpy(),
            "relay": rows["relay_ip_hash"].to_numpy(),
            "relay_net": rows["relay_net24_hash"].to_numpy(),
            "month": rows["month"].to_numpy(),
        }
    )


def main(arguments: list[str]) -> int:
    """Write ``mail.parquet`` beside this file."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python data/sample/build.py SOURCE.parquet\n")
        return 2
    mail = build(pd.read_parquet(arguments[0]))
    mail.to_parquet(
        Path(__file__).with_name("mail.parquet"),
        index=False,
        compression="zstd",
        compression_level=19,
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
