"""What the container file and the guide "Serve archives" say, held against the settings and the repository."""

from __future__ import annotations

import configparser
import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from swath.service import Settings

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "guides" / "serve.md").read_text(encoding="utf-8")
CONTAINERFILE = (ROOT / "Containerfile").read_text(encoding="utf-8")


def blocks(kind: str) -> list[str]:
    found = re.findall(rf"```{kind}\n(.*?)```", GUIDE, re.DOTALL)
    assert found
    return found


def test_every_setting_that_is_named_exists() -> None:
    named = set(re.findall(r"\bSWATH_([A-Z_]+)", GUIDE + CONTAINERFILE))
    assert {name.lower() for name in named} <= set(Settings.model_fields)
    table = re.search(r"\| setting \| default.*?\n\n", GUIDE, re.DOTALL)
    assert table is not None
    names = [name for row in table[0].strip().splitlines()[2:] for name in re.findall(r"`(\w+)`", row.split("|")[1])]
    assert len(names) > 10
    assert set(names) <= set(Settings.model_fields)


def test_the_container_file_copies_what_is_there_and_is_not_ignored() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    sources = [
        source
        for line in re.findall(r"^COPY (?!--from)(.+)$", CONTAINERFILE, re.MULTILINE)
        for source in shlex.split(line)[:-1]
    ]
    assert "src" in sources
    for source in sources:
        assert list(ROOT.glob(source)), source
        assert f"!{source}" in ignored, source
    read_by_the_build = {"README.md", "LICENSE*", "pyproject.toml", "constraints.txt", "src"}
    assert read_by_the_build == set(sources)


def test_the_example_of_compose_gives_settings_that_can_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    (text,) = [block for block in blocks("yaml") if "services:" in block]
    compose: dict[str, Any] = yaml.safe_load(text)
    service = compose["services"]["swath"]
    for name, value in service["environment"].items():
        if name.startswith("SWATH_"):
            monkeypatch.setenv(name, re.sub(r"\$\{.*\}", 48 * "0", value))
    settings = Settings.load(archives=tuple(service["command"][1:]))
    assert settings.token is not None
    subnet = compose["networks"]["default"]["ipam"]["config"][0]["subnet"]
    assert settings.trusted_proxies == (subnet,)
    seconds = int(service["stop_grace_period"].removesuffix("s"))
    assert seconds > settings.shutdown_seconds
    proxied = compose["services"]["proxy"]["command"].split()
    assert proxied[proxied.index("--from") + 1] in settings.allowed_hosts


def test_the_unit_gives_running_requests_their_time() -> None:
    (text,) = blocks("ini")
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read_string(text)
    stop = int(unit["Service"]["TimeoutStopSec"])
    assert stop > Settings(archives=("a",)).shutdown_seconds
    command = unit["Service"]["ExecStart"].split()
    assert command[1:] == ["serve", "--config", "/etc/swath/service.toml"]


def test_the_example_of_a_settings_file_can_be_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (text,) = blocks("toml")
    file = tmp_path / "service.toml"
    file.write_text(text)
    monkeypatch.setenv("SWATH_TOKEN", 48 * "0")
    assert Settings.load(file).host == "0.0.0.0"


def test_commands_of_the_container_file_are_json() -> None:
    commands = re.findall(r"^(?:ENTRYPOINT|CMD|\s+CMD) (\[.*\])$", CONTAINERFILE, re.MULTILINE)
    assert len(commands) == 3
    assert all(isinstance(json.loads(command), list) for command in commands)
