"""Who is behind a pseudonym: only a guess can be confirmed, nothing is turned back."""

from __future__ import annotations

import hmac

from foretaste.core.workspace import Workspace


def is_account(workspace: Workspace, account: str, pseudonym: str) -> bool:
    """Say whether a raw account id is the one behind a pseudonym.

    Pseudonyms are keyed hashes: without a guess they tell nobody's name, not even to the
    holder of the key.
    """
    made = workspace.key.pseudonym("contributor", account.strip())
    return hmac.compare_digest(made.encode(), pseudonym.strip().encode())
