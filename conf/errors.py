"""The base of every error that tells a user what to change: the command line prints its message, no traceback."""


class GenreflowError(Exception):
    """Say what was expected and what came, naming the file, title or key."""

    exit_code = 1
