"""A peer's fits, each in a process of its own and kept: `python -m benchmarks.peer_fits < SPEC.json` makes one.

A fit that is whole is not made again, so a benchmark that was cut short goes on where it stopped.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from pydantic import BaseModel

from benchmarks.peer_models import PEERS, Given, Peer
from conf.errors import GenreflowError
from conf.names import Corpus
from tasks import store
from tasks.logic.labels import to_matrix
from tasks.logic.metrics import score_ranking

VERSION = 1
PROBABILITIES = "probabilities.npz"
SPLITS = ("validation", "test")
# One fit uses one core, so that as many run side by side as there are.
_ONE_THREAD = {
    name: "1"
    for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OPENBLAS_NUM_THREADS")
} | {"TF_CPP_MIN_LOG_LEVEL": "3"}


class PeerError(GenreflowError):
    """Say which peer could not be fitted, and its process's last words."""


class Titles(BaseModel, frozen=True):
    """Say which titles peers are fitted and scored on: a prepared corpus's table and the genres modelled."""

    corpus: Corpus
    table: Path
    genres: list[str]
    fingerprint: str

    def rows(self, split: str) -> pd.DataFrame:
        """Read the titles of a split."""
        frame = pd.read_parquet(self.table, columns=["text", "genres", "split", "fitted"])
        return frame[frame["split"] == split]

    def tuned(self) -> tuple[np.ndarray, np.ndarray]:
        """Return which validation titles are tuned on, and their genres: no near-duplicates of later splits."""
        rows = self.rows("validation")
        tuned = rows["fitted"].to_numpy()
        return tuned, to_matrix(rows.loc[tuned, "genres"], self.genres)

    def test(self) -> np.ndarray:
        """Return the test titles' genres, uint8 (titles, genres)."""
        return to_matrix(self.rows("test")["genres"], self.genres)


class FitSpec(BaseModel, frozen=True):
    """Say which peer is fitted with which values on what, and where its probabilities go."""

    peer: str
    titles: Titles
    settings: dict[str, Any]
    random_seed: int
    kept: Path
    file: Path


class Fitted(BaseModel, frozen=True):
    """Summarise a peer's fit: its values, how long it took, and its value on the validation titles."""

    folder: Path
    settings: dict[str, Any]
    random_seed: int
    seconds: float
    value: float
    reused: bool = False

    def probabilities(self) -> dict[str, np.ndarray]:
        """Read the probabilities by split: float64 (titles, genres) of validation and test."""
        with np.load(self.folder / PROBABILITIES, allow_pickle=False) as arrays:
            return {split: arrays[split] for split in SPLITS}


class Tuned(NamedTuple):
    """Hold what tuning a peer gave: its trials but for those that failed, and fits of the best values, one a seed."""

    trials: list[Fitted]
    fits: list[Fitted]


# Makes a spec's file of probabilities.
Run = Callable[[FitSpec], None]


def fit(spec: FitSpec) -> None:
    """Fit a peer on the fitted train titles and write its probabilities of the validation and test titles."""
    rows = {split: spec.titles.rows(split) for split in ("train", *SPLITS)}
    fitted = {split: rows[split][rows[split]["fitted"]] for split in ("train", "validation")}
    genres = spec.titles.genres
    peer = next(peer for peer in PEERS if peer.name == spec.peer)
    probabilities = peer.fit(
        Given(
            texts=fitted["train"]["text"].tolist(),
            truth=to_matrix(fitted["train"]["genres"], genres),
            validation_texts=fitted["validation"]["text"].tolist(),
            validation_truth=to_matrix(fitted["validation"]["genres"], genres),
            settings=spec.settings,
            random_seed=spec.random_seed,
            kept=spec.kept,
        )
    )
    by_split = {split: probabilities(rows[split]["text"].tolist()) for split in SPLITS}
    if not all(np.isfinite(found).all() for found in by_split.values()):
        raise ValueError(f"probabilities that are not a number, of {spec.settings}")
    np.savez(spec.file, allow_pickle=False, **by_split)


def fit_in_process(spec: FitSpec) -> None:
    """Run `fit` in a process of its own; raises PeerError with its last line when it fails."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "benchmarks.peer_fits"],
        input=spec.model_dump_json(),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **_ONE_THREAD},
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["(it said nothing)"])[-1]
        raise PeerError(f"fitting {spec.peer} on {spec.titles.corpus} ended with exit code {done.returncode}: {last}")


def fit_peer(
    home: Path, peer: Peer, titles: Titles, settings: dict[str, Any], random_seed: int, run: Run = fit_in_process
) -> Fitted:
    """Fit a peer into peers/<corpus>-<peer>-<fingerprint>/ of the home, or find that fit there."""
    fingerprint = store.fingerprint(
        step="peer", version=VERSION, peer=peer.name, corpus=titles.fingerprint, settings=settings, seed=random_seed
    )
    short = "".join(letter for letter in peer.name.lower() if letter.isalnum())
    folder = home / "peers" / f"{titles.corpus}-{short}-{fingerprint[:12]}"
    found = store.find_result(folder, fingerprint)
    if found:
        return Fitted(folder=folder, **found.summary, reused=True)
    started = time.monotonic()
    with store.new_result(folder, step="peer", version=VERSION, fingerprint=fingerprint) as draft:
        file = draft.folder / PROBABILITIES
        run(
            FitSpec(
                peer=peer.name,
                titles=titles,
                settings=settings,
                random_seed=random_seed,
                kept=home / "sentences",
                file=file,
            )
        )
        draft.summary = {
            "settings": settings,
            "random_seed": random_seed,
            "seconds": round(time.monotonic() - started, 1),
            "value": validation_value(titles, file),
        }
    return Fitted(folder=folder, **draft.summary)


def validation_value(titles: Titles, file: Path) -> float:
    """Return what fits are tuned by, as in genreflow's own study: the mean of micro- and macro-averaged precision."""
    tuned, truth = titles.tuned()
    with np.load(file, allow_pickle=False) as arrays:
        ranked = score_ranking(truth, arrays["validation"][tuned], titles.genres)
    return float((ranked["map_micro"] + ranked["map_macro"]) / 2)


def tune(
    home: Path,
    peer: Peer,
    titles: Titles,
    budget: int,
    seeds: Sequence[int],
    tell: Callable[[str], None],
    run: Run = fit_in_process,
) -> Tuned:
    """Try as many values as the budget says, then fit the best once a seed; tell gets a line a trial.

    The first trial has the customary values, the others random ones, the same for the same first seed. A trial that
    fails has used its part of the budget; raises PeerError where all do.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    # What is drawn depends on no trial's value, so a search that goes on draws what it drew before.
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seeds[0]))
    study.enqueue_trial(dict(peer.customary))
    trials: list[Fitted] = []
    failed: PeerError | None = None
    for number in range(1, budget + 1):
        drawn = study.ask(dict(peer.space)).params
        settings = {name: _rounded(value) for name, value in drawn.items()}
        try:
            fitted = fit_peer(home, peer, titles, settings, seeds[0], run)
            told = f"{fitted.value:.4f}, " + ("kept from before" if fitted.reused else f"{fitted.seconds:,.0f} s")
            trials.append(fitted)
        except PeerError as error:
            failed, told = error, str(error)
        tell(f"{titles.corpus} {peer.name}: trial {number} of {budget}: {told}")
    if not trials:
        raise failed or PeerError(f"{peer.name}: a budget of no trials")
    best = max(trials, key=lambda trial: trial.value)
    fits = [fit_peer(home, peer, titles, best.settings, seed, run) for seed in (seeds if peer.by_chance else seeds[:1])]
    tell(f"{titles.corpus} {peer.name}: best {best.value:.4f}, seeds fitted: {len(fits)}")
    return Tuned(trials, fits)


def _rounded(value: Any) -> Any:
    return float(f"{value:.3g}") if isinstance(value, float) else value


if __name__ == "__main__":
    fit(FitSpec.model_validate_json(sys.stdin.read()))
