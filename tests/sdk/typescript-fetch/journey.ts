import { assert, email, newPassword, password, play, server, step, username } from "./step";
import {
  AuthApi,
  Configuration,
  ErrorCode,
  LoginRefusalFromJSON,
  RefusalFromJSON,
  RegistrationRefusalFromJSON,
  ResponseError,
  UserApi,
} from "./sdk";

let access = "";
let refresh = "";
const anyone = new AuthApi(new Configuration({ basePath: server }));

async function renew(): Promise<void> {
  ({ access, refresh } = await anyone.authTokenRefreshCreate({ tokenRefreshRequest: { refresh } }));
}

// Asks for new tokens where the access token is refused, and tries once more.
const mine = new Configuration({
  basePath: server,
  accessToken: () => access,
  middleware: [
    {
      async post({ response, url, init, fetch }) {
        if (response.status !== 401 || !refresh) return response;
        await renew();
        return fetch(url, { ...init, headers: { ...init.headers, Authorization: `Bearer ${access}` } });
      },
    },
  ],
});
const auth = new AuthApi(mine);
const user = new UserApi(mine);

async function refused(call: Promise<unknown>): Promise<Response> {
  const error: unknown = await call.then(() => null, (reason: unknown) => reason);
  assert(error instanceof ResponseError, String(error));
  return error.response;
}

const logIn = (password: string) => anyone.authLoginCreate({ loginRequest: { username, password } });

play(async () => {
  const registrationRequest = { username, email, password1: password, password2: password };
  // Who sends it again under this key gets the same answer.
  const idempotencyKey = `register-${username}`;
  const registered = await anyone.authRegistrationCreate({ registrationRequest, idempotencyKey });
  assert.equal(registered.user.username, username);
  step("register");

  const taken = await refused(anyone.authRegistrationCreate({ registrationRequest }));
  assert.equal(taken.status, 400);
  assert(RegistrationRefusalFromJSON(await taken.json()).username?.length);
  step("taken");

  const tokens = await logIn(password);
  ({ access, refresh } = tokens);
  step("login");

  const wrong = await refused(logIn("wrong-horse-9"));
  assert.equal(wrong.status, 400);
  assert(LoginRefusalFromJSON(await wrong.json()).nonFieldErrors?.length);
  step("wrong");

  assert.equal((await user.authUserRetrieve()).email, email);
  step("profile");

  await renew();
  assert.notEqual(refresh, tokens.refresh);
  step("refresh");

  const kept = refresh;
  [access, refresh] = ["dead", ""];
  const dead = await refused(user.authUserRetrieve());
  assert.equal(dead.status, 401);
  assert.equal(RefusalFromJSON(await dead.json()).code, ErrorCode.TokenNotValid);
  step("dead");

  refresh = kept;
  assert.equal((await user.authUserRetrieve()).username, username);
  assert.notEqual(refresh, kept);
  step("renew");

  await auth.authPasswordChangeCreate({
    passwordChangeRequest: { oldPassword: password, newPassword1: newPassword, newPassword2: newPassword },
  });
  assert.equal((await refused(logIn(password))).status, 400);
  step("change");

  assert((await auth.authLogoutCreate()).detail);
  step("logout");

  refresh = "";
  const after = await refused(user.authUserRetrieve());
  assert.equal(after.status, 401);
  assert.equal(RefusalFromJSON(await after.json()).code, ErrorCode.TokenNotValid);
  step("after");

  let limited = await refused(logIn("wrong-horse-9"));
  while (limited.status === 400) limited = await refused(logIn("wrong-horse-9"));
  assert.equal(limited.status, 429);
  assert(Number(limited.headers.get("Retry-After")) > 0);
  assert.equal(RefusalFromJSON(await limited.json()).code, ErrorCode.RateLimited);
  step("limited");
});
