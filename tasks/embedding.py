"""Task of the embed stage: corpora in, a Word2Vec vocabulary and its vectors out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from pydantic import BaseModel

from conf.names import VectorsOf
from conf.schema import Embed
from tasks import progress, store
from tasks.corpus import StoredCorpus, read_titles
from tasks.logic.vectors import fit_vectors
from tasks.reuse import cached
from tasks.saved_recipe import save_vectors

VERSION = 3


class StoredVectors(BaseModel, frozen=True):
    """Summarise stored vectors: words in the vocabulary, tokens they were fitted on, and those texts' terms."""

    texts: VectorsOf
    folder: Path
    fingerprint: str
    words: int
    vector_size: int
    tokens: int
    terms: list[str]
    reused: bool = False


@task(task_run_name="embed {texts}", cache_policy=NO_CACHE)
def fit_word2vec(
    home: Path, texts: VectorsOf, corpora: Sequence[StoredCorpus], settings: Embed, random_seed: int
) -> StoredVectors:
    """Fit Word2Vec on the train titles of one corpus, or of both, into vectors/<texts>-<fingerprint>/."""
    logger = get_run_logger()
    fingerprint = store.fingerprint(
        step="embed",
        version=VERSION,
        corpora=[corpus.fingerprint for corpus in corpora],
        settings=settings,
        seed=random_seed,
    )
    folder = home / "vectors" / f"{texts}-{fingerprint[:12]}"
    found = store.find_result(folder, fingerprint)
    if found:
        return cached(StoredVectors(folder=folder, **found.summary, reused=True), folder)

    read = [text for corpus in corpora for text in _train_texts(corpus)]
    with store.new_result(folder, step="embed", version=VERSION, fingerprint=fingerprint) as draft:
        with progress.bar(f"Word2Vec {texts}", settings.epochs, logger) as advance:
            vocabulary, vectors = fit_vectors(read, **settings.model_dump(), random_seed=random_seed, on_epoch=advance)
        save_vectors(draft.folder, vocabulary, vectors)
        draft.summary = {
            "texts": texts,
            "fingerprint": fingerprint,
            "words": len(vocabulary),
            "vector_size": settings.vector_size,
            "tokens": sum(text.count(" ") + 1 for text in read),
            "terms": sorted({term for corpus in corpora for term in corpus.terms}),
        }
    stored = StoredVectors(folder=folder, **draft.summary)
    logger.info(
        "%s: %d words from %d tokens of %d train texts",
        texts,
        stored.words,
        stored.tokens,
        len(read),
    )
    return stored


def _train_texts(corpus: StoredCorpus) -> list[str]:
    frame = read_titles(corpus)
    texts: list[str] = frame.loc[frame["fitted"] & (frame["split"] == "train"), "tokens"].tolist()
    return texts
