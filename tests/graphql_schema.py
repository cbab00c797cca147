"""`python -m tests.graphql_schema`: writes the schemas of both Durudex endpoints to docs/graphql/."""

from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "graphql"


def documents() -> dict[Path, str]:
    """Each file, and its content."""
    from accounts.api.durudex.schema import NEWER, OLDER

    return {FOLDER / "query.graphql": NEWER.as_str() + "\n", FOLDER / "v1.graphql": OLDER.as_str() + "\n"}


if __name__ == "__main__":
    import django

    django.setup()
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path, text in documents().items():
        path.write_text(text)
