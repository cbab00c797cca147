// Passkeys in a browser: what a front end may copy. Each function answers what the AuthApi answered, or throws a Refusal.

/** A refusal of the AuthApi. `body` has `detail` and `code`, or sentences under the names of fields. */
export class Refusal extends Error {
  constructor(status, body) {
    super(body.detail ?? Object.values(body).flat().join(" "));
    this.status = status;
    this.body = body;
  }
}

/** One request to the AuthApi of `server`, an origin. `access`: an access token. */
export async function ask(server, method, path, body, access) {
  const headers = {"Content-Type": "application/json", ...(access && {Authorization: `Bearer ${access}`})};
  const answer = await fetch(`${server}/api/auth/${path}`, {method, headers, body: body && JSON.stringify(body)});
  const text = await answer.text();
  const said = text ? JSON.parse(text) : null;
  if (!answer.ok) throw new Refusal(answer.status, said);
  return said;
}

/** Adds a passkey to the user of the access token. The first factor brings `recovery_codes`, which are shown once. */
export async function addPasskey(server, access, name) {
  const {options, state} = await ask(server, "POST", "passkeys/register/begin/", {}, access);
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
  const credential = (await navigator.credentials.create({publicKey})).toJSON();
  return ask(server, "POST", "passkeys/register/complete/", {state, credential, name}, access);
}

/** Tokens for a passkey alone, or for one as the second factor of `challenge`. */
export async function logInWithPasskey(server, challenge) {
  const asked = challenge ? {challenge} : {};
  const {options, state} = await ask(server, "POST", "passkeys/login/begin/", asked);
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  const credential = (await navigator.credentials.get({publicKey})).toJSON();
  return ask(server, "POST", "passkeys/login/complete/", {state, credential, ...asked});
}
