"""Words of a reason: codes and numbers only, never what a contributor wrote."""

from __future__ import annotations

import re
from typing import Final

_PLAIN: Final = re.compile(r"[A-Za-z0-9_.+-]{1,24}")


def label_word(classes: tuple[str, ...], code: int) -> str:
    """Name a label: by itself where it is a plain word, else by its position, ``#7``.

    Labels may be free text of a contributor; only a plain word may enter a report.
    """
    name = classes[code]
    return name if _PLAIN.fullmatch(name) else f"#{code}"
