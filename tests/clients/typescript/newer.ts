import { client, expect, expectRefusal, mailedCode, play } from "./client";
import { graphql } from "./newer-types";

const run = client("/graph/query");
const email = "newer@example.org";
const password = "correct-horse-9";

const createCode = graphql(`mutation CreateCode($email: String!) { createVerifyEmailCode(email: $email) }`);
const signUp = graphql(`mutation SignUp($input: SignUpInput!) { signUp(input: $input) { access refresh } }`);
const signIn = graphql(`mutation SignIn($input: SignInInput!) { signIn(input: $input) { access refresh } }`);
const refreshToken = graphql(`mutation RefreshToken($input: TokenInput!) { refreshToken(input: $input) }`);
const signOut = graphql(`mutation SignOut($input: TokenInput!) { signOut(input: $input) }`);
const forgotPassword = graphql(`mutation ForgotPassword($input: ForgotPasswordInput!) { forgotPassword(input: $input) }`);
const me = graphql(`query Me { me { id username email avatarUrl createdAt lastVisit verified } }`);
const user = graphql(`query User($id: ID!) { user(id: $id) { id username createdAt verified } }`);

play(async () => {
  await run(createCode, { email });
  const input = { username: "newer", email, password, code: await mailedCode() };
  await expectRefusal("INVALID_ARGUMENT", run(signUp, { input: { ...input, code: "x" } }));
  const first = (await run(signUp, { input })).signUp;

  const myself = (await run(me, {}, first.access)).me;
  expect(myself.email === email && myself.verified, "a verified account");
  expect(!Number.isNaN(Date.parse(myself.createdAt)), "a date");
  expect((await run(user, { id: myself.id })).user.username === "newer", "the same user");

  await run(createCode, { email });
  const changed = { email, password: "battery-staple-7", code: Number(await mailedCode()) };
  expect((await run(forgotPassword, { input: changed })).forgotPassword, "a new password");
  await expectRefusal("UNAUTHORIZED", run(me, {}, first.access));

  const second = (await run(signIn, { input: { username: "newer", password: changed.password } })).signIn;
  const access = (await run(refreshToken, { input: { token: second.refresh } })).refreshToken;
  expect((await run(signOut, { input: { token: second.refresh } }, access)).signOut, "signed out");
  await expectRefusal("UNAUTHORIZED", run(refreshToken, { input: { token: second.refresh } }));
});
