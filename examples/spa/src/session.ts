// Who is logged in, for all tabs of this browser.
//
// The access token is only in memory, and the refresh token in a cookie that no script can read. All tabs share that
// cookie. Requests that set it take turns among all tabs (Web Locks), and each tab learns the outcome
// (BroadcastChannel): one tab refreshes, and the others use its token; one logs out, and all are logged out.
import createClient from "openapi-fetch";
import type { paths } from "./api";
import { answered } from "./refusals";
import { anyone, options, patiently, under } from "./server";

const tabs = new BroadcastChannel("session");
const atMyTurn = <T>(act: () => Promise<T>): Promise<T> => navigator.locks.request("session", act) as Promise<T>;

let token = "";
let changed: () => void = () => undefined;

/** The access token; "" if nobody is logged in. */
export const access = (): string => token;

/** Calls `listener` whenever the logged-in user changes. */
export function onChange(listener: () => void): void {
  changed = listener;
}

/** The user's id in an access token; "" without one. Only the server can say whether the token is valid. */
export function userOf(jwt: string): string {
  const claims = jwt.split(".")[1];
  return claims ? JSON.parse(atob(claims.replaceAll("-", "+").replaceAll("_", "/"))).sub : "";
}

function take(next: string): void {
  const before = token;
  token = next;
  if (userOf(before) !== userOf(next)) changed();
}

function tell(next: string): void {
  tabs.postMessage(next);
  take(next);
}

tabs.onmessage = ({ data }: MessageEvent<string>) => take(data);

/** Gets another access token than `stale`, unless a tab did so meanwhile. Afterwards there is none if the session is over. */
export function renew(stale: string): Promise<void> {
  return atMyTurn(async () => {
    if (token !== stale) return;
    // An empty `refresh` means the cookie.
    const asked = await anyone.POST("/api/auth/token/refresh/", { body: { refresh: "" }, credentials: "include" });
    // 400: there is no cookie. 401: its session is over. Anything else says nothing about the session.
    if ([400, 401].includes(asked.response.status)) tell("");
    else tell((await answered(asked)).access);
  });
}

/** Starts a session in this tab's turn. */
export function enter<T>(ask: () => Promise<T>): Promise<T> {
  return atMyTurn(async () => {
    const answer = await ask();
    // If the address has to be verified first, the answer to a registration has no token.
    const { access } = answer as { access?: string };
    if (access) tell(access);
    return answer;
  });
}

export function logOut(key: string): Promise<void> {
  return atMyTurn(async () => {
    const headers = { Authorization: `Bearer ${token}` };
    const asked = await anyone.POST("/api/auth/logout/", { params: under(key), headers, credentials: "include" });
    // 401: the session was over already. An expired access token is enough for this.
    if (asked.response.status !== 401) await answered(asked);
    tell("");
  });
}

function bearing(request: Request, token: string): Request {
  const copy = request.clone();
  copy.headers.set("Authorization", `Bearer ${token}`);
  return copy;
}

/** Sends a request as the user. If the access token is refused, it gets a new one and sends the request again. */
async function asUser(request: Request): Promise<Response> {
  const used = token;
  const response = await patiently(bearing(request, used));
  if (response.status !== 401) return response;
  await renew(used);
  // Logged out, or another user has logged in meanwhile. This request was not theirs.
  if (userOf(token) !== userOf(used)) return response;
  return patiently(bearing(request, token));
}

/** For requests of a user. */
export const mine = createClient<paths>({ ...options, fetch: asUser });
