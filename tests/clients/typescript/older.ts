import { client, expect, expectRefusal, mailedCode, play } from "./client";
import { graphql } from "./older-types";

const run = client("/graph/v1/query");
const email = "older@example.org";
const password = "correct-horse-9";

const createCode = graphql(`mutation CreateCode($email: String!) { createVerifyEmailCode(email: $email) }`);
const signUp = graphql(`mutation SignUp($input: SignUpInput!) { signUp(input: $input) }`);
const signIn = graphql(`mutation SignIn($input: SignInInput!) { signIn(input: $input) { access refresh } }`);
const signOut = graphql(`mutation SignOut($input: TokenInput!) { signOut(input: $input) }`);
const user = graphql(`query User($id: ID!) { user(id: $id) { username } }`);

play(async () => {
  await run(createCode, { email });
  const input = { username: "older", email, password, code: await mailedCode() };
  const signedUp: boolean = (await run(signUp, { input })).signUp;
  expect(signedUp, "signed up");
  await expectRefusal("NOT_FOUND", run(user, { id: "user-id" }));
  const tokens = (await run(signIn, { input: { username: "older", password } })).signIn;
  expect((await run(signOut, { input: { token: tokens.refresh } }, tokens.access)).signOut, "signed out");
});
