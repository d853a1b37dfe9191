"""Sections that say which models and titles pass, whom a run tells, where it logs, and what it takes of the machine."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, PlainSerializer

from conf.section import Positive, Section, Share

# A password may hold an @ or a slash as it is; the host begins after the last @. What follows a colon and is a port is
# no password.
_LOGIN = re.compile(r"//(?:[^/\s]*|[^/\s:]*:(?!\d+[/?#])[^\s'\"]*)@")
# In a query (postgresql://host/db?password=...), and in the words of a database's connection string.
_SECRET = re.compile(
    r"""(?i)\b((?:ssl)?password|passwd|pwd|passfile|secret|token|access_?token|api_?key|apikey)(=|%3D)[^&;\s'"]+"""
)
Block = Annotated[str, Field(pattern=r"^[a-z0-9-]+/[a-z0-9-]+$")] | None


class Behaviour(Section):
    """Configure which shares of the behaviour tests a candidate must pass."""

    invariance: Share
    direction: Share
    minimum: Share
    tolerance: Share


class Promote(Section):
    """Configure when a challenger replaces the champion."""

    level: Annotated[float, Field(gt=0.5, lt=1)]
    resamples: Positive


class Nightly(Section):
    """Configure when a pipeline run trains, and which new titles stop it before."""

    min_new_share: Annotated[float, Field(ge=0)]
    min_titles: Positive
    max_genre_shift: Share
    max_length_ratio: Annotated[float, Field(gt=1)]
    max_unknown_rise: Share
    max_missing_rise: Share
    max_placeholder_rise: Share


class Notify(Section):
    """Configure which of Prefect's notification blocks tell of what."""

    failure: Block
    promotion: Block
    refusal: Block


def without_login(text: str) -> str:
    """Return a text without the user and password of the URIs in it, be they before the host or in the query."""
    return _SECRET.sub(r"\1\2***", _LOGIN.sub("//", text))


class Track(Section):
    """Configure where MLflow keeps runs and models."""

    # Shown and logged without its password.
    uri: Annotated[str | None, PlainSerializer(lambda uri: uri and without_login(uri))]
    experiment: Annotated[str, Field(min_length=1)]
    model: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")]


class Run(Section):
    """Configure a run on a home folder."""

    wait_seconds: Annotated[float, Field(ge=0)]
    runner: Literal["threads", "dask"]
    dask_address: str | None
    processes: Positive
    block_titles: Positive
