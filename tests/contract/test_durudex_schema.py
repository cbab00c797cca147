from difflib import ndiff

from tests.graphql_schema import FOLDER, documents


def test_schemas_are_the_committed_ones() -> None:
    assert {path: path.read_text() for path in FOLDER.glob("*.graphql")} == documents(), "run: make graphql-docs"


def test_the_two_differ_in_sign_up_and_in_second_factors() -> None:
    newer, older = (text.splitlines() for text in documents().values())
    changed = [line for line in ndiff(older, newer) if line[0] in "+-" and line[2:].strip()]
    assert [line for line in changed if line[0] == "-"] == ["-   signUp(input: SignUpInput!): Boolean!"]
    assert [line[2:].strip() for line in changed if line[0] == "+"] == [
        "input ChallengeInput {",
        "challenge: String!",
        '"""Of the authenticator app, or a recovery code."""',
        "code: String!",
        "}",
        "signUp(input: SignUpInput!): Tokens!",
        '"""',
        "Goes on with a signIn that was refused with a `challenge` among the error's extensions.",
        '"""',
        "answerChallenge(input: ChallengeInput!): Tokens!",
    ]
