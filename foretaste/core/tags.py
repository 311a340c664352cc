"""Git tags that name releases and models: annotated, signed where possible."""

from __future__ import annotations

import logging
import shutil

from foretaste.core.signatures import ssh_key_file
from foretaste.core.workspace import SIGNERS, Workspace

_LOG = logging.getLogger(__name__)


def ensure_tag(workspace: Workspace, tag: str | None, commit: str, message: str) -> None:
    """Make an annotated tag where it is missing; signed where that is wanted and possible."""
    git = workspace.git
    if tag is None or has_tag(workspace, tag):
        return
    if workspace.policy.release.sign:
        if shutil.which("ssh-keygen"):
            key = ssh_key_file(workspace.id, workspace.key)
            settings = (f"user.signingKey={key}",)
            if git.ok("tag", "--sign", "-m", message, tag, commit, settings=settings):
                return
        _LOG.warning("tag %s is not signed: ssh-keygen is missing or failed", tag)
    git.run("tag", "--annotate", "-m", message, tag, commit)


def has_tag(workspace: Workspace, tag: str) -> bool:
    """Tell whether a tag is there."""
    return workspace.git.ok("rev-parse", "--verify", "--quiet", f"refs/tags/{tag}")


def tags_at(workspace: Workspace, commit: str, tag: str) -> list[str]:
    """Give the tags of the same family (``model/…``) that name a commit, oldest name first."""
    pattern = f"{tag.split('/', maxsplit=1)[0]}/*"
    return workspace.git.lines("tag", "--sort=version:refname", "--points-at", commit, pattern)


def tag_is_forged(workspace: Workspace, tag: str) -> bool:
    """Tell whether a tag carries a signature that is not the workspace's own."""
    git = workspace.git
    if b"-----BEGIN SSH SIGNATURE-----" not in git.run("cat-file", "tag", tag):
        return False
    settings = (f"gpg.ssh.allowedSignersFile={workspace.root / SIGNERS}",)
    return bool(shutil.which("ssh-keygen")) and not git.ok("verify-tag", tag, settings=settings)
