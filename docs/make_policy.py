"""Write docs/policy.md from the policy's own types: `make docs`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel

from foretaste.core.policy import Policy

HEADER = """# The policy, `params.yaml`

Made from the code by `make docs`; every knob has a default, a unit and a reason.
Unknown keys are errors. Keys below `detectors.NAME` take any registered detector's
name, keys below `rules[]` describe one hand-written rule each.

| key | default | meaning |
|---|---|---|
"""


def policy_page() -> str:
    """Render the whole page."""
    lines = [f"| `{key}` | {default} | {meaning} |" for key, default, meaning in rows(Policy)]
    return HEADER + "\n".join(lines) + "\n"


def rows(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, str, str]]:
    """Yield (key, default, meaning) of every leaf below ``model``."""
    for name, field in model.model_fields.items():
        nested = _section(field.annotation)
        if nested is not None:
            marker = {dict: ".NAME", tuple: "[]"}.get(get_origin(field.annotation) or object, "")
            yield from rows(nested, f"{prefix}{name}{marker}.")
            continue
        default = (
            field.get_default(call_default_factory=True) if not field.is_required() else "required"
        )
        yield f"{prefix}{name}", _cell(default), _cell(field.description or "")


def _section(annotation: Any) -> type[BaseModel] | None:
    """Find the section type inside an annotation, if there is one."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (dict, tuple, Union, UnionType):
        found = [s for a in get_args(annotation) if (s := _section(a)) is not None]
        return found[0] if found else None
    return None


def _cell(value: object) -> str:
    if value is None:
        return "none"
    text = value if isinstance(value, str) else f"`{value}`"
    return str(text).replace("|", "\\|").replace("\n", " ") or "none"


if __name__ == "__main__":
    Path(__file__).with_name("policy.md").write_text(policy_page(), encoding="utf-8")
