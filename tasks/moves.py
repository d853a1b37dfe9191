"""Who was champion when and why: every move of the alias is recorded with the model, and can be taken back.

Nothing of Prefect is imported here. The record stands in tags of the registered model, one a move, and as a list in
its description, where MLflow's page shows it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

from pydantic import BaseModel

from conf.errors import GenreflowError
from conf.names import Corpus
from conf.operation import Track
from tasks.champion import CANDIDATE, CHAMPION, connect, find_champion, model_name, open_version, versions_of
from tasks.store import now

_TAG = "move."
# The tag of a version that was taken back, with the reason, until it becomes champion again.
ROLLED_BACK = "rolled_back"
# MLflow takes 5,000 characters as a tag's value, and the description is read by people.
_LONGEST_REASON = 2000
_SHOWN, _SHORT = 20, 200
# What MLflow's tables have room for where the database counts (PostgreSQL, MySQL).
LONGEST_DESCRIPTION = 5000
How = Literal["pipeline", "by hand", "rollback"]


class MoveError(GenreflowError):
    """Say why a version cannot become champion, and which ones there are."""


class Move(BaseModel, frozen=True):
    """Record that the alias champion went to a version: when (UTC, ISO 8601), from which (None: none), how and why."""

    at: str
    version: int
    before: int | None
    how: How
    reason: str

    @property
    def day(self) -> str:
        """Return when it was, to the minute, for people."""
        return f"{self.at[:16].replace('T', ' ')} UTC"


def read_moves(client: Any, name: str) -> list[Move]:
    """List every recorded move of a registered model's champion, the oldest first."""
    tags = client.get_registered_model(name).tags
    return [Move.model_validate_json(tags[key]) for key in sorted(tags) if key.startswith(_TAG)]


def move_champion(client: Any, name: str, version: int, how: How, reason: str) -> Move:
    """Record that a version becomes champion, tell of it, and then give it the alias.

    The alias comes last: a move that was cut before it is made again, and told and recorded once.
    """
    moves, champion = read_moves(client, name), find_champion(client, name)
    before = int(champion.version) if champion else None
    if moves and (moves[-1].version, moves[-1].before) == (version, before):
        move = moves.pop()
    else:
        move = Move(at=now(), version=version, before=before, how=how, reason=reason[:_LONGEST_REASON])
        # Another home may record a move of its own on the same store at this moment: both stay.
        key = f"{_TAG}{len(moves) + 1:05d}-{uuid4().hex[:8]}"
        client.set_registered_model_tag(name, key, move.model_dump_json())
    if ROLLED_BACK in client.get_model_version(name, str(version)).tags:
        client.delete_model_version_tag(name, str(version), ROLLED_BACK)
    if how == "rollback" and before is not None:
        client.set_model_version_tag(name, str(before), ROLLED_BACK, move.reason)
    client.update_registered_model(name, description=_describe(client, name, [*moves, move]))
    _tell(client, name, move)
    client.set_registered_model_alias(name, CHAMPION, str(version))
    return move


def was_carried_out(moves: list[Move], version: int, champion: int | None) -> bool:
    """Say whether a version is on record as champion, be it one that was replaced again since."""
    cut = bool(moves) and (moves[-1].version, moves[-1].before) == (version, champion)
    return not cut and any(move.version == version for move in moves)


def version_before(moves: list[Move], champion: int) -> int | None:
    """Return the version that a rollback of the champion goes to, None where none is on record.

    A rollback takes the last promotion back, as from a stack: the next one goes further back, not forth again.
    """
    stack: list[int] = []
    for move in moves:
        if move.how == "rollback":
            while stack and stack[-1] != move.version:
                stack.pop()
        else:
            stack += [move.before] if move.before is not None and not stack else []
            stack.append(move.version)
    return stack[-2] if len(stack) > 1 and stack[-1] == champion else None


def promote(home: Path, track: Track, corpus: Corpus, version: str | None, reason: str, *, force: bool) -> Move:
    """Make a version champion by hand, by default the candidate; one that cannot be opened here never becomes it.

    Raises MoveError for a version that does not exist, is champion already, or (unless force) failed the behaviour
    tests; ModelError or OldChampionError for one that does not open.
    """
    client, name = connect(home, track), model_name(track, corpus)
    chosen = find_version(client, name, version or CANDIDATE)
    champion = find_champion(client, name)
    if champion is not None and champion.version == chosen.version:
        raise MoveError(f"{name} version {chosen.version} is the champion already")
    if chosen.tags.get("behaviour_passed") == "no" and not force:
        raise MoveError(
            f"{name} version {chosen.version} failed the behaviour tests ({chosen.tags['behaviour']}): "
            "not promoted; --force promotes it all the same"
        )
    open_version(name, chosen.version)
    return move_champion(client, name, int(chosen.version), "by hand", reason)


def roll_back(home: Path, track: Track, corpus: Corpus, reason: str) -> Move:
    """Make the version champion again that the present one replaced; again goes further back.

    The version rolled back is marked so. Raises MoveError where there is none to go back to.
    """
    client, name = connect(home, track), model_name(track, corpus)
    champion = find_version(client, name, CHAMPION)
    moves = read_moves(client, name)
    if moves and moves[-1].before == int(champion.version):
        # A move away from it that was cut: it is made now.
        moves.pop()
    before = version_before(moves, int(champion.version))
    if before is None:
        raise MoveError(f"{name} version {champion.version} replaced no other champion: nothing to go back to")
    chosen = find_version(client, name, str(before))
    open_version(name, chosen.version)
    return move_champion(client, name, before, "rollback", reason)


def history(home: Path, track: Track, corpus: Corpus) -> list[Move]:
    """List every recorded move of a corpus's champion, the oldest first; none where no model is registered."""
    client, name = connect(home, track), model_name(track, corpus)
    return read_moves(client, name) if versions_of(client, name) else []


def find_version(client: Any, name: str, asked: str) -> Any:
    """Return the registered version asked for (3, v3, or an alias); raises MoveError naming those there are."""
    versions = versions_of(client, name)
    if not versions:
        raise MoveError(f"no version of {name} is registered: train first (genreflow demo, or genreflow run)")
    aliases = client.get_registered_model(name).aliases
    wanted = str(aliases.get(asked, asked)).removeprefix("v")
    for each in versions:
        if str(each.version) == wanted:
            return each
    there = ", ".join(str(each.version) for each in reversed(versions))
    what = f"version {wanted}" if wanted.isdecimal() else asked
    raise MoveError(f"{name} has no {what}; its versions are {there}, its aliases {', '.join(aliases) or 'none'}")


def _tell(client: Any, name: str, move: Move) -> None:
    """Tell of a move where people look: in the runs of both versions and, where people decided, their descriptions."""
    for number, standing in ((move.before, f"former {CHAMPION}"), (move.version, CHAMPION)):
        if number is None:
            continue
        version = client.get_model_version(name, str(number))
        if move.how == "rollback" and number == move.before:
            standing = "rolled back"
        became = f"{CHAMPION} since {move.day}" if number == move.version else f"{standing}, until {move.day}"
        told = f"{became} ({move.how}): {move.reason}"
        tags = {"standing": standing}
        if move.how != "pipeline":
            tags["decision"] = f"version {number} {told}"
            sentence = f"{told[0].upper()}{told[1:]}."
            if sentence not in (version.description or ""):
                description = f"{version.description or ''}\n\n{sentence}"[:LONGEST_DESCRIPTION]
                client.update_model_version(name, str(number), description=description)
        for key, value in tags.items():
            if version.run_id:
                client.set_tag(version.run_id, key, value)


def _describe(client: Any, name: str, moves: list[Move]) -> str:
    first = (client.get_registered_model(name).description or "").partition("\n")[0]
    lines = [
        f"- {move.day}: version {move.version} in place of {move.before or 'none'} ({move.how}): {move.reason[:_SHORT]}"
        for move in reversed(moves[-_SHOWN:])
    ]
    return "\n".join([first, "", "Champions, the present one first:", "", *lines])[:LONGEST_DESCRIPTION]
