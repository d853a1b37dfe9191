"""Task of the embed stage: a corpus in, its Word2Vec vocabulary and vectors out."""

from __future__ import annotations

from pathlib import Path

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from pydantic import BaseModel

from conf.names import Corpus
from conf.schema import Embed
from tasks import progress, store
from tasks.corpus import StoredCorpus, read_titles
from tasks.logic.vectors import fit_vectors
from tasks.reuse import cached
from tasks.saved_recipe import save_vectors

VERSION = 1


class StoredVectors(BaseModel, frozen=True):
    """Summarise stored vectors: words in the vocabulary, tokens they were fitted on."""

    corpus: Corpus
    folder: Path
    fingerprint: str
    words: int
    vector_size: int
    tokens: int
    reused: bool = False


@task(task_run_name="embed {corpus.corpus}", cache_policy=NO_CACHE)
def fit_word2vec(home: Path, corpus: StoredCorpus, settings: Embed, random_seed: int) -> StoredVectors:
    """Fit Word2Vec on the corpus's train titles into vectors/<corpus>-<fingerprint>/."""
    logger = get_run_logger()
    fingerprint = store.fingerprint(
        step="embed", version=VERSION, corpus=corpus.fingerprint, settings=settings, seed=random_seed
    )
    folder = home / "vectors" / f"{corpus.corpus}-{fingerprint[:12]}"
    found = store.find_result(folder, fingerprint)
    if found:
        return cached(StoredVectors(folder=folder, **found.summary, reused=True), folder)

    frame = read_titles(corpus)
    texts = frame.loc[frame["fitted"] & (frame["split"] == "train"), "tokens"].tolist()
    with store.new_result(folder, step="embed", version=VERSION, fingerprint=fingerprint) as draft:
        with progress.bar(f"Word2Vec {corpus.corpus}", settings.epochs, logger) as advance:
            vocabulary, vectors = fit_vectors(texts, **settings.model_dump(), random_seed=random_seed, on_epoch=advance)
        save_vectors(draft.folder, vocabulary, vectors)
        draft.summary = {
            "corpus": corpus.corpus,
            "fingerprint": fingerprint,
            "words": len(vocabulary),
            "vector_size": settings.vector_size,
            "tokens": sum(text.count(" ") + 1 for text in texts),
        }
    stored = StoredVectors(folder=folder, **draft.summary)
    logger.info(
        "%s: %d words from %d tokens of %d train titles",
        corpus.corpus,
        stored.words,
        stored.tokens,
        len(texts),
    )
    return stored
