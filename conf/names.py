"""The names that commands and configuration share."""

from typing import Literal

Corpus = Literal["summary", "synopsis"]
Recipe = Literal["seed", "linear", "characters", "bilstm", "sentence", "blend"]
# What Word2Vec is fitted on: the train texts of one corpus, or of both.
VectorsOf = Literal["summary", "synopsis", "both"]
CORPORA: tuple[Corpus, ...] = ("summary", "synopsis")
# The shipped configurations: base.yaml and the overlays beside it.
Shipped = Literal["base", "demo", "imdb", "omdb", "quick", "seed", "tmdb", "wikipedia"]
# The spiders that come with genreflow: the sources that can be crawled.
SPIDERS = ("imdb", "wikipedia", "tmdb", "omdb")
# Named sets of fields that a crawl can be asked for.
FieldSet = Literal["study", "texts", "all"]
# Fields of the raw record that a page can carry.
TitleField = Literal[
    "title",
    "original_title",
    "title_type",
    "year",
    "mpaa",
    "run_time",
    "rating",
    "ratings_count",
    "genres",
    "summary",
    "summaries",
    "synopsis",
    "budget",
    "world_gross",
    "directors",
    "writers",
    "actors",
    "keywords",
    "countries",
    "languages",
]
# The file in a home that holds the address of MLflow's pages while `genreflow ui` serves them, and where they are by
# default.
MLFLOW_NOTE = "mlflow-server"
MLFLOW_PAGES = "http://127.0.0.1:5000"
