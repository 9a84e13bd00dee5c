"""`swath serve`: archives over HTTP."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from swath.cli.output import JsonOption, note
from swath.errors import MissingExtraError


def serve(
    archives: Annotated[
        list[str] | None, typer.Argument(metavar="ARCHIVE...", help="Archives: folders or s3://..., or NAME=ADDRESS.")
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 takes a free one.", show_default="8080")] = None,
    config: Annotated[Path | None, typer.Option(help="TOML file of settings; SWATH_... wins over it.")] = None,
    model: Annotated[str | None, typer.Option(help="Where the archives' model lies, if it has moved.")] = None,
    basemap: Annotated[str | None, typer.Option(metavar="URL", help="XYZ basemap for the page.")] = None,
    cors: Annotated[list[str] | None, typer.Option(metavar="ORIGIN", help="Foreign page that may ask.")] = None,
    allow_host: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Name that the service goes by; repeatable.")
    ] = None,
    allow_anonymous: Annotated[
        bool, typer.Option("--allow-anonymous", help="Let other machines in without a token.")
    ] = False,
    local_hrefs: Annotated[bool, typer.Option("--local-hrefs", help="Name files of this machine in items.")] = False,
    warm_up: Annotated[bool, typer.Option(help="Load models and vectors at the start.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Serve archives: a STAC API, search by meaning, and a page for browsers.

    Only this machine can reach it unless --host says otherwise; then a token is asked for: SWATH_TOKEN, or token in the
    settings file. Stops with Ctrl-C or SIGTERM after the requests that run.

    Example: swath serve my-archive --port 8080
    """
    try:
        from swath.service import Settings
        from swath.service import serve as run
    except ImportError as error:
        if str(error.name or "").partition(".")[0] == "swath":
            raise
        raise MissingExtraError(error.name or "stac-fastapi", "serve") from error

    settings = Settings.load(
        config,
        archives=tuple(archives) if archives else None,
        host=host,
        port=port,
        model=model,
        basemap=basemap,
        cors_origins=tuple(cors) if cors else None,
        allowed_hosts=tuple(allow_host) if allow_host else None,
        allow_anonymous=allow_anonymous or None,
        local_hrefs=local_hrefs or None,
        warm_up=None if warm_up else False,
    )

    def started(address: str) -> None:
        if as_json:
            sys.stdout.write(json.dumps({"url": address, "archives": list(settings.archives)}) + "\n")
            sys.stdout.flush()
        else:
            note(f"serving {', '.join(settings.archives)} at {address} (Ctrl-C stops)")

    run(settings, started)
