import createClient, { type Middleware } from "openapi-fetch";
import { ErrorCode, type paths } from "./sdk";
import { assert, email, newPassword, password, play, server, step, username } from "./step";

let access = "";
let refresh = "";
const anyone = createClient<paths>({ baseUrl: server });

async function renew(): Promise<void> {
  const { data } = await anyone.POST("/api/auth/token/refresh/", { body: { refresh } });
  assert(data);
  ({ access, refresh } = data);
}

// Asks for new tokens where the access token is refused, and tries once more.
const withTokens: Middleware = {
  onRequest({ request }) {
    request.headers.set("Authorization", `Bearer ${access}`);
  },
  async onResponse({ request, response }) {
    if (response.status !== 401 || !refresh) return response;
    await renew();
    const again = new Request(request);
    again.headers.set("Authorization", `Bearer ${access}`);
    return fetch(again);
  },
};
const mine = createClient<paths>({ baseUrl: server });
mine.use(withTokens);

const logIn = (password: string) => anyone.POST("/api/auth/login/", { body: { username, password } });
const profile = () => mine.GET("/api/auth/user/");

play(async () => {
  const body = { username, email, password1: password, password2: password };
  // Who sends it again under this key gets the same answer.
  const params = { header: { "Idempotency-Key": `register-${username}` } };
  const registered = await anyone.POST("/api/auth/registration/", { body, params });
  assert.equal(registered.data?.user.username, username);
  step("register");

  const taken = await anyone.POST("/api/auth/registration/", { body });
  assert.equal(taken.response.status, 400);
  assert(taken.error && "username" in taken.error && taken.error.username?.length);
  step("taken");

  const { data: tokens } = await logIn(password);
  assert(tokens);
  ({ access, refresh } = tokens);
  step("login");

  const wrong = await logIn("wrong-horse-9");
  assert.equal(wrong.response.status, 400);
  assert(wrong.error && "non_field_errors" in wrong.error && wrong.error.non_field_errors?.length);
  step("wrong");

  assert.equal((await profile()).data?.email, email);
  step("profile");

  await renew();
  assert.notEqual(refresh, tokens.refresh);
  step("refresh");

  const kept = refresh;
  [access, refresh] = ["dead", ""];
  const dead = await profile();
  assert.equal(dead.response.status, 401);
  assert.equal(dead.error?.code, ErrorCode.token_not_valid);
  step("dead");

  refresh = kept;
  assert.equal((await profile()).data?.username, username);
  assert.notEqual(refresh, kept);
  step("renew");

  const changed = await mine.POST("/api/auth/password/change/", {
    body: { old_password: password, new_password1: newPassword, new_password2: newPassword },
  });
  assert(changed.data?.detail);
  assert.equal((await logIn(password)).response.status, 400);
  step("change");

  assert((await mine.POST("/api/auth/logout/")).data?.detail);
  step("logout");

  refresh = "";
  const after = await profile();
  assert.equal(after.response.status, 401);
  assert.equal(after.error?.code, ErrorCode.token_not_valid);
  step("after");

  let limited = await logIn("wrong-horse-9");
  while (limited.response.status === 400) limited = await logIn("wrong-horse-9");
  assert.equal(limited.response.status, 429);
  assert(Number(limited.response.headers.get("Retry-After")) > 0);
  assert.equal(limited.error?.code, ErrorCode.rate_limited);
  step("limited");
});
