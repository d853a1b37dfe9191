"""The names that commands and configuration share."""

from typing import Literal

Corpus = Literal["summary", "synopsis"]
Recipe = Literal["seed", "linear", "bilstm"]
CORPORA: tuple[Corpus, ...] = ("summary", "synopsis")
