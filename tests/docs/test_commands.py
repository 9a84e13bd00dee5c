"""What the documentation tells people to type: it must parse, import and exist. Nothing is run."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import shlex
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from swath.cli import app
from swath.training.kinds import load_recipe

ROOT = Path(__file__).parents[2]
PAGES = [
    *(ROOT / name for name in ("README.md", "SECURITY.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "src" / "swath" / "weights").rglob("README.md")),
]
RECIPES = sorted((ROOT / "src" / "swath" / "recipes").glob("*.yaml"))
FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
SEPARATORS = {"|", "||", "&", "&&", ";", ">", ">>", "<"}


@dataclass(frozen=True)
class Line:
    """A command line and where it stands; `whole` if it is meant to be typed as it is."""

    where: str
    words: tuple[str, ...]
    whole: bool


def shell_lines(block: str) -> Iterator[list[str]]:
    """The words of each command of a shell block: comments dropped, continued lines and open quotes joined."""
    pending = ""
    for line in block.splitlines():
        pending += line
        if pending.endswith("\\"):
            pending = pending[:-1] + " "
            continue
        try:
            words = shlex.split(pending, comments=True)
        except ValueError:
            pending += "\n"
            continue
        pending = ""
        part: list[str] = []
        for word in [*words, ";"]:
            if word not in SEPARATORS:
                part.append(word)
            elif part:
                yield part
                part = []
    assert not pending, f"a quote stays open: {pending}"


def swath_words(words: list[str]) -> tuple[str, ...] | None:
    """The arguments that reach swath: of ``swath ...`` and ``torchrun ... -m swath ...``; None for other programs."""
    if words[0] == "swath":
        return tuple(words[1:])
    for first, second in pairwise(words):
        if (first, second) == ("-m", "swath"):
            return tuple(words[words.index("swath") + 1 :])
    return None


def blocks(page: Path, *languages: str) -> Iterator[str]:
    """The fenced blocks of a page in one of these languages."""
    for found in FENCE.finditer(page.read_text()):
        if found[1] in languages:
            yield found[2]


def name_of(page: Path) -> str:
    """A page's path from the root of the checkout."""
    return str(page.relative_to(ROOT))


def shell(page: Path) -> list[list[str]]:
    """All commands of a page or of the comments of a recipe."""
    if page.suffix == ".yaml":
        said = "\n".join(line.lstrip("# ") for line in page.read_text().splitlines() if line.startswith("#"))
        typed = [line for line in re.sub(r"\\\n", " ", said).splitlines() if re.match(r"(swath \w|torchrun )", line)]
        return [words for line in typed for words in shell_lines(re.split(r"   +", line)[0])]
    return [words for block in blocks(page, "bash", "") for words in shell_lines(block)]


def command_lines() -> list[Line]:
    """Every command line of swath in the documentation and in the heads of recipes."""
    lines = []
    for page in [*PAGES, *RECIPES]:
        for words in shell(page):
            arguments = swath_words(words)
            if arguments:
                lines.append(Line(name_of(page), arguments, whole="..." not in arguments))
        told = [code for code in INLINE.findall(FENCE.sub("", page.read_text())) if code.startswith("swath ")]
        lines += [Line(name_of(page), tuple(shlex.split(code)[1:]), whole=False) for code in told]
    return lines


def command_of(words: tuple[str, ...]) -> tuple[Any, list[str]]:
    """The command that `words` name, and the words after its name."""
    command = ROOT_COMMAND
    rest = list(words)
    while hasattr(command, "commands") and rest and not rest[0].startswith("-"):
        name = rest.pop(0)
        assert name in command.commands, f"no command {name!r}"
        command = command.commands[name]
    return command, rest


SOURCES = [str(path) for part in ("src", "benchmarks") for path in (ROOT / part).rglob("*.py")]
ROOT_COMMAND: Any = get_command(app)
LINES = command_lines()


def fault(line: Line) -> str | None:
    """Why a command line cannot be typed like this; None where it can."""
    try:
        command, rest = command_of(line.words)
    except AssertionError as wrong:
        return str(wrong).splitlines()[0]
    options = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    options |= {"--help", "-h"}
    for word in rest[: rest.index("--")] if "--" in rest else rest:
        if re.match(r"--?[a-zA-Z]", word) and word.partition("=")[0] not in options:
            return f"no option {word}"
    if line.whole and not {"--help", "-h"} & set(rest):
        try:
            command.make_context(command.name, list(rest)).close()
        except Exception as wrong:
            return str(wrong)
    return None


def test_command_lines_parse() -> None:
    faults = [f"{line.where}: swath {shlex.join(line.words)}: {found}" for line in LINES if (found := fault(line))]
    assert not faults, "\n".join(faults)
    assert sum(line.whole for line in LINES) > 60, "the documentation's command lines are not found any more"


def test_a_wrong_command_line_is_found() -> None:
    assert fault(Line("here", ("serch", "a"), whole=False)) == "no command 'serch'"
    assert fault(Line("here", ("search", "a", "--nope"), whole=False)) == "no option --nope"
    assert "Missing" in str(fault(Line("here", ("index", "scenes"), whole=True)))
    assert fault(Line("here", ("index", "scenes", "--to", "a"), whole=True)) is None


def test_shipped_recipes_are_named_with_fields_that_they_have() -> None:
    shipped = {path.stem for path in RECIPES}
    checked = 0
    for line in LINES:
        if line.words[:1] != ("train",) or len(line.words) < 2 or line.words[1].isupper() or "..." in line.words:
            continue
        if line.words[1].startswith("-"):
            continue
        source = line.words[1]
        if source.endswith((".yaml", ".YAML")):
            source = "swath_mini_rgb"
            if any(word.startswith(("stages.", "start=", "skip=")) for word in line.words):
                source = "swath_mini_sar"
        assert source in shipped, f"{line.where}: no recipe {source}"
        load_recipe(source, [word for word in line.words[2:] if "=" in word and not word.startswith("-")])
        checked += 1
    assert checked > 15


def named(tree: ast.AST) -> dict[str, Any]:
    """What the imports of a block bind, for those of swath; each is really imported."""
    found: dict[str, Any] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "swath":
            module = importlib.import_module(str(node.module))
            for alias in node.names:
                try:
                    value = getattr(module, alias.name)
                except AttributeError:
                    value = importlib.import_module(f"{node.module}.{alias.name}")
                found[alias.asname or alias.name] = value
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "swath":
                    found[alias.asname or alias.name.split(".")[0]] = importlib.import_module(alias.name)
    return found


def misuse(block: str) -> list[str]:
    """Imports of a Python block that fail, and calls with arguments that the function does not take."""
    tree = ast.parse(block)
    names = named(tree)
    wrong = []
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        path: list[str] = []
        target: ast.expr = call.func
        while isinstance(target, ast.Attribute):
            path.insert(0, target.attr)
            target = target.value
        if not isinstance(target, ast.Name) or target.id not in names:
            continue
        try:
            function = names[target.id]
            for attribute in path:
                function = getattr(function, attribute)
            inspect.signature(function).bind(*call.args, **{str(word.arg): None for word in call.keywords})
        except (AttributeError, TypeError) as problem:
            wrong.append(f"{ast.unparse(call)}: {problem}")
    return wrong


def test_python_imports_what_is_there_and_calls_it_with_arguments_that_it_takes() -> None:
    wrong = [(name_of(page), found) for page in PAGES for block in blocks(page, "python") for found in misuse(block)]
    assert not wrong


def test_a_wrong_call_is_found() -> None:
    assert misuse("from swath.sources import cut\ncut(1, width=3)")
    with pytest.raises(ModuleNotFoundError):
        misuse("from swath.nowhere import cut")


def test_dotted_names_files_benchmarks_extras_and_targets_exist() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    wrong = []
    for page in [page for page in PAGES if page.name != "results.md"] + RECIPES:
        text = page.read_text()
        wrong += [(name_of(page), code) for code in re.findall(r"`(swath(?:\.\w+)+)`", text) if not resolves(code)]
        asked = re.findall(r"(?:swath|\.)\[([\w,-]+)\]'", text)
        missing = {name for found in asked for name in found.split(",")} - set(extras)
        missing |= set(re.findall(r"`make ([a-z-]+)", text)) - targets
        missing |= {name for name in re.findall(r"benchmarks/\w+\.py", text) if not has_file(name)}
        missing |= {name for name in re.findall(r"`((?:\w+/)*\w+\.py)`", text) if not has_file(name)}
        wrong += [(name_of(page), name) for name in sorted(missing)]
    assert not wrong


def has_file(name: str) -> bool:
    """Whether the checkout has this file, or its sources one whose path ends so."""
    return (ROOT / name).exists() or any(path.endswith(f"/{name}") for path in SOURCES)


def resolves(dotted: str) -> bool:
    """Whether a dotted name is a module, or something in one."""
    parts = dotted.split(".")
    for end in range(len(parts), 0, -1):
        try:
            value: Any = importlib.import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        for name in parts[end:]:
            if not hasattr(value, name) and name not in getattr(value, "model_fields", {}):
                return False
            value = getattr(value, name, None)
        return True
    return False


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as mkdocs and code hosts make them."""
    heads = re.findall(r"^#+ +(.+)$", FENCE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", head.lower())).strip("-") for head in heads}


def test_relative_links_lead_to_files_and_headings() -> None:
    dead = []
    for page in PAGES:
        for target in re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", page.read_text())):
            if re.match(r"[a-z]+:", target):
                continue
            path, _, anchor = target.partition("#")
            to = (page.parent / path).resolve() if path else page
            if not to.exists() or (anchor and to.suffix == ".md" and anchor not in anchors(to)):
                dead.append((name_of(page), target))
    assert not dead


def test_every_command_stands_in_the_reference() -> None:
    page = (ROOT / "docs" / "reference" / "cli.md").read_text()
    missing = []
    waiting = [("swath", ROOT_COMMAND)]
    while waiting:
        name, command = waiting.pop()
        below = getattr(command, "commands", {})
        waiting += [(f"{name} {sub}", child) for sub, child in below.items()]
        if not below and f"`{name}" not in page:
            missing.append(name)
    assert not missing


def documented_names() -> set[str]:
    """Names that the pages of the reference show: what the modules that they list define and export."""
    names: set[str] = set()
    for page in (ROOT / "docs" / "reference").glob("*.md"):
        for dotted in re.findall(r"^::: (\S+)", page.read_text(), re.MULTILINE):
            path = ROOT / "src" / Path(*dotted.split("."))
            source = next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.exists()), None)
            names |= set(dotted.split("."))
            if source is not None:
                text = source.read_text()
                names |= set(re.findall(r"^(?:def |class )?(\w+)(?=[(:\[ ])", text, re.MULTILINE))
                exported = re.search(r"^__all__ = \[([^\]]*)\]", text, re.MULTILINE)
                names |= set(re.findall(r'"(\w+)"', exported[1])) if exported else set()
    return names


def test_every_door_of_the_architecture_is_in_the_reference() -> None:
    doors = (ROOT / "docs" / "architecture.md").read_text().partition("## Doors")[2].partition("\n## ")[0]
    shown = documented_names()
    missing = []
    for code in INLINE.findall(doors):
        path = re.split(r"[( ]|\.\.\.", code.removeprefix("["))[0].split(".")
        name = next((part for part in path if part[:1].isupper()), path[-1])
        is_file = "(" not in code and (name == "run_" or has_file(f"{name}.py"))
        if path[0] and name not in shown and not is_file:
            missing.append(code)
    assert not missing
