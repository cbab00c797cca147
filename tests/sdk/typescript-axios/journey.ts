import axios, { type AxiosResponse } from "axios";
import { assert, email, newPassword, password, play, server, step, username } from "./step";
import { AuthApi, Configuration, ErrorCode, UserApi, type LoginRefusal, type Refusal, type RegistrationRefusal } from "./sdk";

let access = "";
let refresh = "";
const anyone = new AuthApi(new Configuration({ basePath: server }));

async function renew(): Promise<void> {
  ({ access, refresh } = (await anyone.authTokenRefreshCreate({ refresh })).data);
}

// Asks for new tokens where the access token is refused, and tries once more.
const http = axios.create();
http.interceptors.response.use(undefined, async (error: unknown) => {
  if (!axios.isAxiosError(error) || error.response?.status !== 401 || !refresh || !error.config) throw error;
  await renew();
  error.config.headers.set("Authorization", `Bearer ${access}`);
  return axios(error.config);
});
const mine = new Configuration({ basePath: server, accessToken: () => access });
const auth = new AuthApi(mine, undefined, http);
const user = new UserApi(mine, undefined, http);

async function refused<Body>(call: Promise<unknown>): Promise<AxiosResponse<Body>> {
  const error: unknown = await call.then(() => null, (reason: unknown) => reason);
  assert(axios.isAxiosError<Body>(error) && error.response, String(error));
  return error.response;
}

const logIn = (password: string) => anyone.authLoginCreate({ username, password });

play(async () => {
  const person = { username, email, password1: password, password2: password };
  // Who sends it again under this key gets the same answer.
  const registered = await anyone.authRegistrationCreate(person, `register-${username}`);
  assert.equal(registered.data.user.username, username);
  step("register");

  const taken = await refused<RegistrationRefusal>(anyone.authRegistrationCreate(person));
  assert.equal(taken.status, 400);
  assert(taken.data.username?.length);
  step("taken");

  const tokens = (await logIn(password)).data;
  ({ access, refresh } = tokens);
  step("login");

  const wrong = await refused<LoginRefusal>(logIn("wrong-horse-9"));
  assert.equal(wrong.status, 400);
  assert(wrong.data.non_field_errors?.length);
  step("wrong");

  assert.equal((await user.authUserRetrieve()).data.email, email);
  step("profile");

  await renew();
  assert.notEqual(refresh, tokens.refresh);
  step("refresh");

  const kept = refresh;
  [access, refresh] = ["dead", ""];
  const dead = await refused<Refusal>(user.authUserRetrieve());
  assert.equal(dead.status, 401);
  assert.equal(dead.data.code, ErrorCode.TokenNotValid);
  step("dead");

  refresh = kept;
  assert.equal((await user.authUserRetrieve()).data.username, username);
  assert.notEqual(refresh, kept);
  step("renew");

  await auth.authPasswordChangeCreate({
    old_password: password,
    new_password1: newPassword,
    new_password2: newPassword,
  });
  assert.equal((await refused(logIn(password))).status, 400);
  step("change");

  assert((await auth.authLogoutCreate()).data.detail);
  step("logout");

  refresh = "";
  const after = await refused<Refusal>(user.authUserRetrieve());
  assert.equal(after.status, 401);
  assert.equal(after.data.code, ErrorCode.TokenNotValid);
  step("after");

  let limited = await refused<Refusal>(logIn("wrong-horse-9"));
  while (limited.status === 400) limited = await refused<Refusal>(logIn("wrong-horse-9"));
  assert.equal(limited.status, 429);
  assert(Number(limited.headers["retry-after"]) > 0);
  assert.equal(limited.data.code, ErrorCode.RateLimited);
  step("limited");
});
