"""`Settings`: everything that can be set about the service, from arguments, the environment or a file.

A field `rate_limit` is also `SWATH_RATE_LIMIT` in the environment and `rate_limit` in a TOML file. Arguments count more
than the environment, the environment more than the file. Lists are JSON in the environment.
"""

from __future__ import annotations

import os
import tomllib
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from swath.errors import InputError

LOOPBACK = ("127.0.0.1", "::1", "localhost")
"""Addresses that only this machine can reach."""


class Settings(BaseSettings):
    """Settings of the service.

    Attributes:
        archives: where the archives are, each ``NAME=ADDRESS`` or an address.
        model: a model for all archives, where theirs has moved.
        host: address to listen on.
        port: port to listen on; 0 takes a free one.
        token: what clients must send as ``Authorization: Bearer TOKEN``; None asks for nothing.
        allow_anonymous: listen on other than loopback without a token.
        allowed_hosts: names under which clients may address the service, besides loopback, `host` and addresses in
            numbers; ``*`` allows all.
        cors_origins: web pages of other origins that may read answers; none by default.
        trusted_proxies: addresses or networks of proxies in front, whose ``X-Forwarded-For`` and ``X-Forwarded-Proto``
            count: clients are then told apart, and links begin with https where clients do; of all others those headers
            are not read.
        root_path: path under which a proxy serves the service.
        title: the catalogue's title.
        description: the catalogue's description.
        local_hrefs: whether items name the files of scenes on this machine.
        basemap: address of an XYZ basemap for the page, ``https://.../{z}/{x}/{y}.png``.
        max_upload_bytes: largest upload.
        max_upload_pixels: most pixels of an uploaded image.
        max_body_bytes: largest JSON body.
        max_json_depth: deepest nesting of a JSON body.
        max_url_bytes: longest address.
        max_limit: most items of one answer.
        max_vertices: most vertices of a geometry.
        max_filter_characters: longest CQL2 text.
        max_text_characters: longest text to search by.
        max_examples: most positive or negative examples of a search.
        max_heat_map_pixels: most pixels that one heat map, caption or question looks at.
        request_seconds: time after which a request is given up.
        heavy_requests: searches, heat maps and tiles that are worked on at once.
        waiting_requests: further ones that may wait.
        rate_limit: requests a second of one client, on average; 0 sets no limit.
        rate_burst: requests of one client at once.
        log_format: ``json`` or ``text``.
        log_level: least level that is logged.
        shutdown_seconds: how long running requests may go on after a signal to stop.
        warm_up: load models and vectors when the service starts, and vectors when an archive has changed, not with the
            first search.
    """

    model_config = SettingsConfigDict(env_prefix="SWATH_", extra="forbid", frozen=True)

    archives: tuple[str, ...] = Field(min_length=1)
    model: str | None = None
    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    token: SecretStr | None = None
    allow_anonymous: bool = False
    allowed_hosts: tuple[str, ...] = ()
    cors_origins: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    root_path: str = ""
    title: str = "swath"
    description: str = "Earth-observation archives, searched by meaning."
    local_hrefs: bool = False
    basemap: str | None = None
    max_upload_bytes: int = Field(default=16 * 2**20, ge=1)
    max_upload_pixels: int = Field(default=50_000_000, ge=1)
    max_body_bytes: int = Field(default=2**20, ge=1)
    max_json_depth: int = Field(default=40, ge=1, le=200)
    max_url_bytes: int = Field(default=16 * 2**10, ge=256, le=60_000)
    max_limit: int = Field(default=1000, ge=1, le=10_000)
    max_vertices: int = Field(default=10_000, ge=4)
    max_filter_characters: int = Field(default=8192, ge=1, le=16_384)
    max_text_characters: int = Field(default=4000, ge=1, le=100_000)
    max_examples: int = Field(default=32, ge=1)
    max_heat_map_pixels: int = Field(default=16_000_000, ge=1)
    request_seconds: float = Field(default=60.0, gt=0)
    heavy_requests: int = Field(default=4, ge=1)
    waiting_requests: int = Field(default=64, ge=0)
    rate_limit: float = Field(default=50.0, ge=0)
    rate_burst: int = Field(default=200, ge=1)
    log_format: Literal["json", "text"] = "json"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    shutdown_seconds: int = Field(default=20, ge=0)
    warm_up: bool = True

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is pydantic's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments and the environment only: the file is read by `load`, with messages of its own."""
        return init_settings, env_settings

    @field_validator("token")
    @classmethod
    def _long_token(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < 16:
            raise ValueError("a token needs 16 characters or more; make one with: openssl rand -hex 24")
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            try:
                ip_network(text)
            except ValueError:
                raise ValueError(f"{text!r} is no address or network, such as 10.0.0.2 or 10.0.0.0/24") from None
        return value

    @model_validator(mode="after")
    def _guarded(self) -> Settings:
        if self.host not in LOOPBACK and self.token is None and not self.allow_anonymous:
            raise ValueError(
                f"host {self.host} can be reached by other machines: set a token (SWATH_TOKEN), or allow_anonymous to "
                "let everybody in"
            )
        return self

    @classmethod
    def load(cls, file: Path | None = None, **arguments: Any) -> Settings:  # noqa: ANN401 - the fields
        """Read settings.

        Args:
            file: a TOML file of fields.
            **arguments: fields that count more; those that are None count as not given.

        Raises:
            InputError: a field that is unknown or cannot be used; the message names it.
        """
        given = {name: value for name, value in arguments.items() if value is not None}
        known = _read(file) if file is not None else {}
        try:
            from_environment = {name for name in cls.model_fields if name in _environment()}
            return cls(**{name: value for name, value in known.items() if name not in from_environment} | given)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            name = ".".join(str(part) for part in first["loc"]) or "settings"
            raise InputError(f"{name}: {first['msg'].removeprefix('Value error, ')}") from None
        except SettingsError as error:
            raise InputError(f'{error}: lists are JSON in the environment, such as \'["a", "b"]\'') from None


def _environment() -> set[str]:
    return {name.removeprefix("SWATH_").lower() for name in os.environ if name.startswith("SWATH_")}


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"settings file {file} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"settings file {file} is not TOML: {error}") from error
