import {
  CombinedError,
  createClient,
  fetchExchange,
  type AnyVariables,
  type OperationResult,
  type TypedDocumentNode,
} from "@urql/core";
import { authExchange } from "@urql/exchange-auth";
import { graphql } from "./sdk";
import { assert, email, mailedCode, newPassword, password, play, server, step, username } from "./step";

const createCode = graphql(`mutation CreateCode($email: String!) { createVerifyEmailCode(email: $email) }`);
const signUp = graphql(`mutation SignUp($input: SignUpInput!) { signUp(input: $input) { access refresh } }`);
const signIn = graphql(`mutation SignIn($input: SignInInput!) { signIn(input: $input) { access refresh } }`);
const refreshToken = graphql(`mutation RefreshToken($input: TokenInput!) { refreshToken(input: $input) }`);
const signOut = graphql(`mutation SignOut($input: TokenInput!) { signOut(input: $input) }`);
const forgotPassword = graphql(`mutation ForgotPassword($input: ForgotPasswordInput!) { forgotPassword(input: $input) }`);
const me = graphql(`query Me { me { id username email verified } }`);

let access = "";
let refresh = "";
let retryAfter: string | null = null;

// Asks for a new token where the access token is refused, and tries once more.
const refreshing = authExchange(async (utilities) => ({
  addAuthToOperation(operation) {
    return access ? utilities.appendHeaders(operation, { Authorization: `Bearer ${access}` }) : operation;
  },
  didAuthError: (error) => codeOf(error) === "UNAUTHORIZED" && refresh !== "",
  async refreshAuth() {
    const { data } = await utilities.mutate(refreshToken, { input: { token: refresh } });
    if (data) access = data.refreshToken;
  },
}));
const options = {
  url: `${server}/graph/query`,
  requestPolicy: "network-only",
  preferGetMethod: false,
  async fetch(url: string | URL | Request, options?: RequestInit) {
    const answer = await fetch(url, options);
    retryAfter = answer.headers.get("Retry-After");
    return answer;
  },
} as const;
const anyone = createClient({ ...options, exchanges: [fetchExchange] });
const client = createClient({ ...options, exchanges: [refreshing, fetchExchange] });

async function renew(): Promise<void> {
  access = dataOf(await anyone.mutation(refreshToken, { input: { token: refresh } })).refreshToken;
}

function codeOf(error: unknown): unknown {
  return error instanceof CombinedError ? error.graphQLErrors[0]?.extensions["code"] : undefined;
}

function dataOf<Data, Variables extends AnyVariables>(result: OperationResult<Data, Variables>): Data {
  if (result.error) throw result.error;
  assert(result.data);
  return result.data;
}

async function mutate<Data, Variables extends AnyVariables>(
  mutation: TypedDocumentNode<Data, Variables>,
  variables: NoInfer<Variables>,
): Promise<Data> {
  return dataOf(await client.mutation(mutation, variables));
}

const profile = async () => dataOf(await client.query(me, {})).me;

async function refused(call: Promise<unknown>): Promise<unknown> {
  return codeOf(await call.then(() => null, (error: unknown) => error));
}

const logIn = async (password: string) => (await mutate(signIn, { input: { username, password } })).signIn;

play(async () => {
  await mutate(createCode, { email });
  const input = { username, email, password, code: await mailedCode() };
  assert((await mutate(signUp, { input })).signUp.access);
  step("register");

  await mutate(createCode, { email: `other-${email}` });
  const other = { ...input, email: `other-${email}`, code: await mailedCode() };
  assert.equal(await refused(mutate(signUp, { input: other })), "ALREADY_EXISTS");
  step("taken");

  ({ access, refresh } = await logIn(password));
  step("login");

  assert.equal(await refused(logIn("wrong-horse-9")), "INVALID_ARGUMENT");
  step("wrong");

  assert.equal((await profile()).email, email);
  step("profile");

  const first = access;
  await renew();
  assert.notEqual(access, first);
  step("refresh");

  const kept = refresh;
  [access, refresh] = ["dead", ""];
  assert.equal(await refused(profile()), "UNAUTHORIZED");
  step("dead");

  refresh = kept;
  assert.equal((await profile()).username, username);
  assert.notEqual(access, "dead");
  step("renew");

  await mutate(createCode, { email });
  const changed = { email, password: newPassword, code: await mailedCode() };
  assert((await mutate(forgotPassword, { input: changed })).forgotPassword);
  assert.equal(await refused(logIn(password)), "INVALID_ARGUMENT");
  ({ access, refresh } = await logIn(newPassword));
  step("change");

  assert((await mutate(signOut, { input: { token: refresh } })).signOut);
  step("logout");

  refresh = "";
  assert.equal(await refused(profile()), "UNAUTHORIZED");
  step("after");

  let code = await refused(logIn("wrong-horse-9"));
  while (code === "INVALID_ARGUMENT") code = await refused(logIn("wrong-horse-9"));
  assert.equal(code, "RATE_LIMITED");
  assert(Number(retryAfter) > 0);
  step("limited");
});
