"""Bodies that no client should send: one list for the tests of every dialect."""

import json
from dataclasses import dataclass
from typing import Any

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=b"


@dataclass(frozen=True)
class Malformed:
    """One request body. status: of the answer where a JSON object of strings is expected."""

    name: str
    body: bytes
    content_type: str = "application/json"
    status: int = 400

    def request(self) -> dict[str, Any]:
        """Arguments for django.test.Client.generic()."""
        return {"data": self.body, "content_type": self.content_type}


CORPUS = [
    Malformed("no body", b""),
    Malformed("not JSON", b"{not json"),
    Malformed("cut off", b'{"username": "ali'),
    Malformed("array", b"[]"),
    Malformed("array of objects", b'[{"username": "alice"}]'),
    Malformed("string", b'"alice"'),
    Malformed("number", b"7"),
    Malformed("null", b"null"),
    Malformed("NaN", b'{"username": NaN}'),
    Malformed("not UTF-8", b'{"username": "\xff\xfe"}'),
    Malformed("nested 2,000 deep", b"[" * 2_000 + b"]" * 2_000),
    Malformed("nested 20,000 deep", b"[" * 20_000),
    Malformed("objects 20,000 deep", b'{"username":' * 20_000),
    Malformed("a number of 5,000 digits", b'{"username": ' + b"9" * 5_000 + b"}"),
    Malformed("unknown fields alone", b'{"nonsense": 1, "is_superuser": true}'),
    Malformed("3 MB", b'{"username": "' + b"x" * 3_000_000 + b'"}', status=413),
    Malformed("3 MB form", b"username=" + b"x" * 3_000_000, FORM, status=413),
    Malformed(
        "3 MB file",
        b'--b\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n' + b"x" * 3_000_000 + b"\r\n--b--\r\n",
        MULTIPART,
        status=413,
    ),
    Malformed("text", b"username=alice", "text/plain", status=415),
    Malformed("XML", b"<username>alice</username>", "application/xml", status=415),
    Malformed("no media type", b"username=alice", "nonsense", status=415),
    Malformed("bz2 charset", b"BZh9", "application/json; charset=bz2_codec"),
    Malformed("zip charset", b"x", "application/json; charset=zip"),
    Malformed("unknown charset", b"{}", "application/json; charset=nonsense"),
    Malformed("multipart without boundary", b"x", "multipart/form-data"),
    Malformed(
        "multipart without an end", b'--b\r\nContent-Disposition: form-data; name="nonsense"\r\n\r\nali', MULTIPART
    ),
    Malformed("2,000 form fields", "&".join(f"f{n}=1" for n in range(2_000)).encode(), FORM),
]

# Values in place of a string. None of them is a string that can be stored.
BAD_VALUES: list[tuple[str, Any]] = [
    ("null", None),
    ("array", ["alice"]),
    ("object", {"a": 1}),
    ("true", True),
    ("zero", 0),
    ("fraction", 1.5),
    ("empty", ""),
    ("NUL", "a\x00b"),
    ("lone surrogate", "a\ud800b"),
]


def with_value(body: dict[str, Any], name: str, value: Any) -> bytes:
    """`body` as JSON with one field replaced; json.dumps writes a lone surrogate as its escape, as a client would."""
    return json.dumps({**body, name: value}).encode()
