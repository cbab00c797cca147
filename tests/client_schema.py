"""`python -m tests.client_schema FILE`: the OpenAPI document as the client documentation's generator sees it.

A generator takes the media types of refusals for those of the answer: only 2xx responses are left in. The summaries
are the Russian ones of AuthApi.md.
"""

import json
import sys
from typing import Any

METHODS = {"get", "put", "post", "delete", "patch"}


def client_schema() -> dict[str, Any]:
    from django.utils.translation import override
    from drf_spectacular.generators import SchemaGenerator

    with override("ru"):
        document: dict[str, Any] = json.loads(
            json.dumps(SchemaGenerator().get_schema(request=None, public=True), default=str, ensure_ascii=False)
        )
    for path in document["paths"].values():
        for operation in (path[method] for method in METHODS & set(path)):
            operation["responses"] = {
                status: body for status, body in operation["responses"].items() if status.startswith("2")
            }
    return document


if __name__ == "__main__":
    import django

    django.setup()
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        json.dump(client_schema(), file, ensure_ascii=False, indent=1)
