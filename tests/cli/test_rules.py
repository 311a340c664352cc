"""Rules from the command line."""

from __future__ import annotations

from foretaste.core.workspace import Workspace
from tests.cli.terminal import Terminal

AT = ("--as-of", "2026-01-03", "--by", "ann")


def test_a_rule_is_added_tried_and_switched(judged: Workspace, foretaste: Terminal) -> None:
    where = ("--workspace", judged.root)
    add = ("rules", "add", "spammy", "--evidence", "--llr", "2", *AT, *where)
    tried = foretaste(*add, "--where", "label = 'spam'", "--dry-run")
    assert (tried.code, "would do: add spammy" in tried.out) == (0, True)
    assert foretaste("rules", "show", "spammy", *where).code == 1
    added = foretaste(*add, "--where", "LABEL='spam'", "--note", "\x1b[2Jpills")
    assert added.code == 0
    assert "draft, evidence +2 nats, version 1" in added.out
    assert "where LABEL = 'spam'" in added.out
    assert "\x1b" not in added.out
    early = foretaste("rules", "on", "spammy", *AT, *where)
    assert (early.code, "never tested" in early.err) == (1, True)
    tested = foretaste("rules", "test", "spammy", *AT, *where)
    assert "all nights: 4 of 8 rows hit" in tested.out
    assert "100% the same rows as contributor_excess" in tested.out
    assert foretaste("rules", "on", "spammy", *AT, *where).code == 0
    listed = foretaste("rules", "list", "--as-of", "2026-01-03", "--json", *where).json["rules"]
    assert [(one["name"], one["state"], one["hits"]) for one in listed] == [("spammy", "on", 4)]
    assert foretaste("rules", "off", "spammy", *AT, *where).code == 0
    shown = foretaste("rules", "show", "spammy", *where, "--json").json["rule"]
    assert (shown["state"], shown["owner"], shown["tested"]["by"]) == ("off", "ann", "ann")


def test_what_cannot_be_a_rule_is_told_in_a_sentence(
    judged: Workspace, foretaste: Terminal
) -> None:
    where = ("--workspace", judged.root)
    for dry in ((), ("--dry-run",)):
        told = foretaste("rules", "add", "x", "--where", "true; DROP TABLE rules", *where, *dry)
        assert told.code == 2
        assert "more than one expression" in told.err
    assert foretaste("rules", "on", *where).code == 2
    assert foretaste("rules", "test", "nosuch", *where).code == 1
    assert foretaste("rules", "list", "--json", *where).json["rules"] == []
