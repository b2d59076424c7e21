"""`ganbench cache`: list or remove what has been computed from real samples."""

from __future__ import annotations

from pathlib import Path

import click

from ganbench.cli.options import as_json, results
from ganbench.cli.terminal import answer, answer_either, answer_json, note


@click.group()
def cache() -> None:
    """Cached features, statistics and classifiers of real samples."""


@cache.command("list")
@results
@as_json
def list_(results: Path, as_json: bool) -> None:
    """List the files of the cache with their sizes. Damaged files are marked; they are computed again when needed.

    \b
    Example:
      ganbench cache list
    """
    from ganbench.features.cache import cache_files

    files = cache_files(results / "cache")
    if as_json:
        answer_json({"files": [vars(file) | {"path": str(file.path)} for file in files]})
        return
    for file in files:
        answer(f"{file.bytes / 2**20:9.2f} MiB  {file.path}{'' if file.whole else '  damaged'}")
    damaged = sum(not file.whole for file in files)
    total = sum(file.bytes for file in files) / 2**20
    note(f"{len(files)} files, {total:.2f} MiB, {damaged} damaged in {results / 'cache'}")


@cache.command()
@results
@as_json
def clear(results: Path, as_json: bool) -> None:
    """Remove the files of the cache. They are computed again when needed.

    \b
    Example:
      ganbench cache clear
    """
    from ganbench.features.cache import clear_cache

    folder = results / "cache"
    removed = clear_cache(folder)
    answer_either({"folder": str(folder), "removed": removed}, f"{removed} files removed from {folder}", as_json)
