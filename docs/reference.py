"""Write the two reference pages, docs/configuration.md and docs/commands.md, from the configuration and the commands.

`python -m docs.reference` writes them; a test holds them against what is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import typer
import yaml

from conf.names import CORPORA
from conf.schema import FOLDER, Settings, dump, load
from flows.cli import app

PLACE = Path(__file__).parent
HEAD = "<!-- Written by `make docs`; change conf/ or flows/commands/ instead. -->\n\n"
CONFIGURATION = """# Configuration keys

Every key of [conf/base.yaml](../conf/base.yaml) with its default, what it takes, and its meaning. An overlay (a
shipped name or a YAML file of yours, `--conf`) names only what differs, and `--set dotted.key=value` changes one value
for one run:

    $ genreflow run --conf imdb --set 'train.recipes=[linear,characters,blend]' --set train.linear.summary.c=2
              summary: 499 titles, filter base, 6 genres, 71 test titles
    ...
    │ linear     │   0.7103 │ 0.65-0.77 │   0.5793 │ 0.47-0.68 │        │       6 │
    ...

(here of 600 generated titles, from `genreflow site`; with the default `c` it is 0.6927).

`<corpus>` stands for `summary` and `synopsis`, which have a block each. ″ in place of a meaning: the line above tells
it.
"""
COMMANDS = """# Commands

Every command and option, as `genreflow COMMAND --help` tells them. Options that commands share:

"""
SHARED = ("conf", "overrides", "home", "as_json")
TABLE = "| | default | |\n|---|---|---|"
HELP = "| `--help` |  | Tell of the command and its options. |"


def configuration() -> str:
    """Return the page of all configuration keys, in the order of base.yaml."""
    schema = Settings.model_json_schema(by_alias=True)
    comments = comments_of((FOLDER / "base.yaml").read_text(encoding="utf-8"))
    parts = [HEAD + CONFIGURATION]
    for section, tree in dump(load()).items():
        parts.append(f"\n## {section}\n")
        parts.append("| key | default | takes | meaning |\n|---|---|---|---|")
        parts += _rows(section, tree, schema["properties"][section], schema["$defs"], comments)
    return "\n".join(parts) + "\n"


def comments_of(text: str) -> dict[str, str]:
    """Return the comment above each dotted key of a YAML text; keys without one are left out."""
    lines = text.splitlines()
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    return dict(_comments(root, "", lines))


def _comments(node: Any, prefix: str, lines: list[str]) -> Iterator[tuple[str, str]]:
    for key, value in node.value:
        first = last = key.start_mark.line
        while first and lines[first - 1].strip().startswith("#"):
            first -= 1
        above = " ".join(line.strip().removeprefix("#").strip() for line in lines[first:last])
        if above:
            yield prefix + key.value, above
        if isinstance(value, yaml.MappingNode) and key.value != "<<" and not value.flow_style:
            yield from _comments(value, f"{prefix}{key.value}.", lines)


def _rows(
    key: str, tree: Mapping[str, Any], schema: Mapping[str, Any], sections: Mapping[str, Any], comments: dict[str, str]
) -> Iterator[str]:
    """Yield a row a key below one, blocks of both corpora as one."""
    known = sections[schema["$ref"].rpartition("/")[2]]["properties"]
    for name, value in tree.items():
        path = f"{key}.{name}"
        if name == CORPORA[0]:
            yield from _rows_of_corpora(key, tree, known, sections, comments)
        elif name in CORPORA:
            continue
        elif "$ref" in known[name]:
            yield _row(path, "", "", comments.get(path, ""))
            yield from _rows(path, value, known[name], sections, comments)
        else:
            yield _row(path, _code(value), takes(known[name]), comments.get(path, "″"))


def _rows_of_corpora(
    key: str, tree: Mapping[str, Any], known: Mapping[str, Any], sections: Mapping[str, Any], comments: dict[str, str]
) -> Iterator[str]:
    one, other = (tree[corpus] for corpus in CORPORA)
    inner = sections[known[CORPORA[0]]["$ref"].rpartition("/")[2]]["properties"]
    for name, value in one.items():
        default = _code(value) if other[name] == value else f"{_code(value)}, {_code(other[name])}"
        meaning = comments.get(f"{key}.{CORPORA[0]}.{name}", "″")
        yield _row(f"{key}.<corpus>.{name}", default, takes(inner[name]), meaning)


def takes(schema: Mapping[str, Any]) -> str:
    """Say in words what values a property of a JSON schema takes."""
    if "anyOf" in schema:
        return " or ".join(takes(each) for each in schema["anyOf"])
    if "enum" in schema or "const" in schema:
        return ", ".join(f"`{each}`" for each in schema.get("enum", [schema.get("const")]))
    kind = schema.get("type", "object")
    if kind == "array":
        inner = schema.get("items") or schema["prefixItems"][0]
        return f"list of {takes(inner)}" if "items" in schema else f"{len(schema['prefixItems'])} of: {takes(inner)}"
    words = {"integer": "whole number", "string": "text", "boolean": "true or false", "object": "keys and values"}
    bounds = {"minimum": "from", "exclusiveMinimum": "above", "maximum": "to", "exclusiveMaximum": "below"}
    limits = [f"{word} {schema[bound]:g}" for bound, word in bounds.items() if bound in schema]
    limits += [f"multiple of {schema['multipleOf']}"] if "multipleOf" in schema else []
    return " ".join([words.get(kind, kind), *limits])


def _row(key: str, default: str, taken: str, meaning: str) -> str:
    cells = (f"`{key}`", default, taken, re.sub("<", "&lt;", meaning))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _code(value: object) -> str:
    # YAML ends a lone value with a line of dots.
    text = yaml.safe_dump(value, default_flow_style=True, width=10**6, sort_keys=False).partition("\n")[0]
    return f"`{text}`"


def commands() -> str:
    """Return the page of all commands, in the order of --help."""
    known = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    shared = [each for each in known["train"].params if each.name in SHARED]
    parts = [HEAD + COMMANDS + TABLE, *map(_option, shared), HELP]
    for name, command in known.items():
        arguments = [each for each in command.params if not each.opts[0].startswith("-")]
        words = [each.name.upper() if each.required else f"[{each.name.upper()}]" for each in arguments]
        parts.append(f"\n## genreflow {name}\n\n{command.help}\n\n    genreflow {' '.join([name, *words])} [OPTIONS]\n")
        own = [each for each in command.params if each.name not in SHARED]
        parts += [TABLE, *map(_option, own), ""] if own else []
        also = [f"`{each.opts[0]}`" for each in command.params if each.name in SHARED]
        parts.append(f"Shared: {', '.join(also)}.\n" if also else "")
        examples = command.epilog.partition(":")[2].strip().split("\n\n")
        parts.append("\n".join(f"    {each}" for each in examples))
    return "\n".join(parts) + "\n"


def _option(given: Any) -> str:
    named = given.opts[0] if given.opts[0].startswith("-") else given.name.upper()
    if given.opts[0].startswith("-") and not getattr(given, "is_flag", False):
        named += f" {given.metavar or _values(given.type_descriptor.annotation)}"
    shown = given.default not in (None, False, "", []) and not callable(given.default)
    default = f"`{given.default}`" if shown else ""
    told = (given.help or "").replace("\\[", "[")
    told += f" Also in `{given.envvar}`." if given.envvar else ""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in (f"`{named}`", default, told)) + " |"


def _values(annotation: Any) -> str:
    return "|".join(map(str, get_args(annotation))) or {Path: "FILE", str: "TEXT"}.get(annotation, "NUMBER")


PAGES = {"configuration.md": configuration, "commands.md": commands}


if __name__ == "__main__":
    for name, page in PAGES.items():
        (PLACE / name).write_text(page(), encoding="utf-8")
