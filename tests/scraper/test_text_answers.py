"""Whether an answer is the text that its server wrote."""

import gzip

import pytest
from scrapy.http import HtmlResponse, Response, TextResponse

from scraper.text_answers import judge_text, name_encoding

URL = "http://127.0.0.1/"
TEXT = "<html>Café, 東京</html>"


def answer(body: bytes, kind: str = "text/html") -> TextResponse:
    return HtmlResponse(URL, body=body, headers={"Content-Type": kind})


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (TEXT.encode(), "text/html; charset=utf-8"),
        ("<html>Café</html>".encode("latin-1"), "text/html; charset=iso-8859-1"),
        (TEXT.encode("utf-16"), "text/html"),
        ("<html>Кино</html>".encode("koi8-r"), "text/html; charset=koi8-r"),
        (b'<html><meta charset="iso-8859-1">Caf\xe9</html>', "text/html"),
        (TEXT.encode("utf-16-le"), "application/json; charset=utf-8"),
        (b"<html>plain</html>", "text/html; charset=iso-8859-1"),
    ],
)
def test_text_in_its_declared_encoding_is_good(body: bytes, kind: str) -> None:
    assert judge_text(answer(body, kind)) is None


@pytest.mark.parametrize(
    ("body", "kind", "told"),
    [
        ("<html>Café</html>".encode("latin-1"), "text/html; charset=utf-8", "bytes that are not utf-8"),
        ("<html>plain</html>".encode("utf-16-le"), "text/html; charset=utf-8", "NUL characters in what is declared"),
        ("<html>Café</html>".encode(), "text/html; charset=iso-8859-1", "UTF-8 declared as cp1252"),
        (b'<html><meta charset="koi8-r">' + TEXT.encode(), "text/html", "UTF-8 declared as koi8-r"),
        (b'{"a": "Caf\xe9"}', "application/json; charset=iso-8859-1", "bytes that are not utf-8"),
    ],
)
def test_text_in_another_encoding_is_refused(body: bytes, kind: str, told: str) -> None:
    verdict = judge_text(answer(body, kind))
    assert verdict is not None and verdict.reason == "encoding" and told in verdict.message


def test_undeclared_text_is_utf_8_and_nothing_else() -> None:
    assert judge_text(name_encoding(answer(TEXT.encode()))) is None
    verdict = judge_text(name_encoding(answer("<html>Łódź</html>".encode("cp1250"))))
    assert verdict is not None and verdict.message == "bytes that are not utf-8"


def test_declared_encoding_is_kept() -> None:
    response = answer(TEXT.encode("utf-16"))
    assert name_encoding(response) is response


def test_packed_body_is_refused() -> None:
    packed = Response(URL, body=gzip.compress(b"x"), headers={"Content-Encoding": "gzip"})
    verdict = judge_text(packed)
    assert verdict is not None and verdict.message == "Content-Encoding gzip that cannot be undone"


def test_image_is_no_text() -> None:
    verdict = judge_text(Response(URL, body=b"\xff\xd8\xff", headers={"Content-Type": "image/jpeg"}))
    assert verdict is not None and verdict.reason == "no_text" and "image/jpeg" in verdict.message
