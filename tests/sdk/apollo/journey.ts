import {
  ApolloClient,
  ApolloLink,
  CombinedGraphQLErrors,
  HttpLink,
  InMemoryCache,
  type OperationVariables,
  type TypedDocumentNode,
} from "@apollo/client";
import { SetContextLink } from "@apollo/client/link/context";
import { ErrorLink } from "@apollo/client/link/error";
import { from, switchMap } from "rxjs";
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
const http = new HttpLink({
  uri: `${server}/graph/query`,
  async fetch(url, options) {
    const answer = await fetch(url, options);
    retryAfter = answer.headers.get("Retry-After");
    return answer;
  },
});
const anyone = new ApolloClient({ link: http, cache: new InMemoryCache() });

async function renew(): Promise<void> {
  const { data } = await anyone.mutate({ mutation: refreshToken, variables: { input: { token: refresh } } });
  assert(data);
  access = data.refreshToken;
}

// Asks for a new token where the access token is refused, and tries once more.
const refreshing = new ErrorLink(({ error, operation, forward }) => {
  if (codeOf(error) !== "UNAUTHORIZED" || !refresh) return undefined;
  return from(renew()).pipe(switchMap(() => forward(operation)));
});
const withToken = new SetContextLink(() => ({ headers: access ? { Authorization: `Bearer ${access}` } : {} }));
const client = new ApolloClient({
  link: ApolloLink.from([refreshing, withToken, http]),
  cache: new InMemoryCache(),
  defaultOptions: { query: { fetchPolicy: "no-cache" } },
});

function codeOf(error: unknown): unknown {
  return CombinedGraphQLErrors.is(error) ? error.errors[0]?.extensions?.["code"] : undefined;
}

async function mutate<Data, Variables extends OperationVariables>(
  mutation: TypedDocumentNode<Data, Variables>,
  variables: NoInfer<Variables>,
): Promise<Data> {
  const { data } = await client.mutate<Data, OperationVariables>({ mutation, variables });
  assert(data);
  return data;
}

async function profile() {
  const { data } = await client.query({ query: me });
  assert(data);
  return data.me;
}

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
