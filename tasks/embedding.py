"""Task of the embed stage: corpora in, a Word2Vec vocabulary and its vectors out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pyarrow.compute as pc
from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from pyarrow.dataset import dataset
from pydantic import BaseModel

from conf.names import VectorsOf
from conf.training import Embed
from tasks import progress, store
from tasks.corpus import TITLES, StoredCorpus
from tasks.logic.vectors import fit_vectors
from tasks.reuse import cached
from tasks.saved_recipe import save_vectors

VERSION = 3
BATCH_TITLES = 10_000


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

    with (
        store.new_result(
            folder, step="embed", version=VERSION, fingerprint=fingerprint, inputs=[each.folder for each in corpora]
        ) as draft,
        store.scratch_folder(home / "vectors", texts) as scratch,
    ):
        read = TrainTexts(scratch / "texts.txt")
        count, tokens = read.write(text for corpus in corpora for text in _train_texts(corpus))
        with progress.bar(f"Word2Vec {texts}", settings.epochs, logger) as advance:
            vocabulary, vectors = fit_vectors(read, **settings.model_dump(), random_seed=random_seed, on_epoch=advance)
        save_vectors(draft.folder, vocabulary, vectors)
        draft.summary = {
            "texts": texts,
            "fingerprint": fingerprint,
            "words": len(vocabulary),
            "vector_size": settings.vector_size,
            "tokens": tokens,
            "terms": sorted({term for corpus in corpora for term in corpus.terms}),
        }
    stored = StoredVectors(folder=folder, **draft.summary)
    logger.info(
        "%s: %d words from %d tokens of %d train texts",
        texts,
        stored.words,
        stored.tokens,
        count,
    )
    return stored


class TrainTexts:
    """Keep space-joined texts on disk, a line each, and iterate over them as often as asked, one at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, texts: Iterable[str]) -> tuple[int, int]:
        """Write the texts and return how many they are, and how many words they have."""
        count = words = 0
        with self.path.open("w", encoding="utf-8", newline="\n") as stream:
            for text in texts:
                stream.write(f"{text}\n")
                count, words = count + 1, words + text.count(" ") + 1
        return count, words

    def __iter__(self) -> Iterator[str]:
        with self.path.open(encoding="utf-8", newline="\n") as stream:
            for line in stream:
                yield line.rstrip("\n")


def _train_texts(corpus: StoredCorpus) -> Iterator[str]:
    fitted = (pc.field("split") == "train") & pc.field("fitted")
    rows = dataset(corpus.folder / TITLES).to_batches(columns=["tokens"], filter=fitted, batch_size=BATCH_TITLES)
    return (text for batch in rows for text in batch["tokens"].to_pylist())
