"""`python -m tests.client_schema FILE`: the OpenAPI document as the client documentation's generator sees it.

It is the contract's, `?media=form`, with its Russian summaries. A generator takes the media types of refusals for those
of the answer: only 2xx responses are left in.
"""

import json
import sys
from typing import Any

METHODS = {"get", "put", "post", "delete", "patch"}


def client_schema() -> dict[str, Any]:
    from django.test import RequestFactory

    from accounts.api.authapi.schema import SchemaView

    answer = SchemaView.as_view()(RequestFactory().get("/api/schema/?format=json&media=form"))
    document: dict[str, Any] = json.loads(answer.content)
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
