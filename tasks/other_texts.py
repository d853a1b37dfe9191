"""Task of the train stage: what a corpus's recipes learn from besides its own texts, those of the other corpus."""

from __future__ import annotations

from pathlib import Path

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from pydantic import BaseModel

from conf.data import Prepare
from conf.names import Corpus
from tasks import progress, store
from tasks.corpus import TITLES, StoredCorpus, read_titles
from tasks.logic.duplicates import band_keys, near_duplicates
from tasks.reuse import cached

VERSION = 2


class OtherTexts(BaseModel, frozen=True):
    """Summarise stored texts of train titles in the other corpus (source): how many, and which genres it models.

    near_duplicates counts those left out since they nearly duplicate a text that is not in train.
    """

    corpus: Corpus
    source: Corpus
    folder: Path
    fingerprint: str
    texts: int
    near_duplicates: int
    genres: list[str]
    terms: list[str]
    reused: bool = False


@task(task_run_name="other texts for {corpus.corpus}", cache_policy=NO_CACHE)
def find_other_texts(home: Path, corpus: StoredCorpus, other: StoredCorpus, settings: Prepare) -> OtherTexts:
    """Store the other corpus's fitted train texts into others/<corpus>-<fingerprint>/, but for near-duplicates.

    A title is in the same split in both corpora; what another title's summary shares with a validation, selection or
    test synopsis (or the other way round) is what the check is for.
    """
    logger = get_run_logger()
    fingerprint = store.fingerprint(
        step="other texts",
        version=VERSION,
        corpora=[corpus.fingerprint, other.fingerprint],
        similarity=settings.duplicate_similarity,
        ngram=settings.duplicate_ngram,
    )
    folder = home / "others" / f"{corpus.corpus}-{fingerprint[:12]}"
    found = store.find_result(folder, fingerprint)
    if found:
        return cached(OtherTexts(folder=folder, **found.summary, reused=True), folder)

    theirs = read_titles(other).query("fitted and split == 'train'")
    held = read_titles(corpus).query("split != 'train'")
    tokens, splits = ([*theirs[column], *held[column]] for column in ("tokens", "split"))
    alike = (settings.duplicate_similarity, settings.duplicate_ngram)
    with progress.bar(f"near-duplicates of {corpus.corpus}", len(tokens), logger) as advance:
        keys = band_keys(tokens, *alike, advance)
    marked = near_duplicates(tokens, splits, keys, *alike)[: len(theirs)]
    inputs = (corpus.folder, other.folder)
    with store.new_result(folder, step="other texts", version=VERSION, fingerprint=fingerprint, inputs=inputs) as draft:
        kept = theirs.loc[~marked, ["title_id", "genres", "text", "tokens"]]
        kept.to_parquet(draft.folder / TITLES, index=False)
        draft.summary = {
            "corpus": corpus.corpus, "source": other.corpus, "fingerprint": fingerprint, "texts": len(kept),
            "near_duplicates": int(marked.sum()), "genres": other.genres, "terms": other.terms,
        }  # fmt: skip
    stored = OtherTexts(folder=folder, **draft.summary)
    logger.info(
        "%s: %d %s texts of train titles besides, %d near-duplicates left out",
        corpus.corpus, stored.texts, other.corpus, stored.near_duplicates,
    )  # fmt: skip
    return stored
