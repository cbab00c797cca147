from tests.graphql_schema import FOLDER, documents


def test_schemas_are_the_committed_ones() -> None:
    assert {path: path.read_text() for path in FOLDER.glob("*.graphql")} == documents(), "run: make graphql-docs"


def test_the_two_differ_in_sign_up_alone() -> None:
    newer, older = (text.splitlines() for text in documents().values())
    assert [(a, b) for a, b in zip(newer, older, strict=True) if a != b] == [
        ("  signUp(input: SignUpInput!): Tokens!", "  signUp(input: SignUpInput!): Boolean!")
    ]
