// How the server is asked: with patience, and so that what is sent again does no harm.
import createClient from "openapi-fetch";
import type { paths } from "./api";
import { retryAfter } from "./refusals";

// The longest wait that happens by itself. Where the server asks for a longer one, a person decides.
const MOST_SECONDS = 10;
const PAUSE_SECONDS = 1;
const TIMEOUT_SECONDS = 20;
const TRIES = 3;

async function wait(seconds: number): Promise<void> {
  const line = document.querySelector("#waiting")!;
  line.textContent = `The server does not answer now. It is asked again in ${seconds} s.`;
  await new Promise((done) => setTimeout(done, seconds * 1000));
  line.textContent = "";
}

/**
 * Asks again after a lost answer, and after 429 and 503 when Retry-After says so, not earlier.
 * A repeated POST does no harm: it carries the same Idempotency-Key.
 */
export async function patiently(request: Request): Promise<Response> {
  for (let left = TRIES - 1; ; left--) {
    // The lock of all tabs may be held meanwhile, so it does not take for ever.
    const signal = AbortSignal.timeout(TIMEOUT_SECONDS * 1000);
    try {
      const response = await fetch(request.clone(), { signal });
      const seconds = retryAfter(response);
      if (![429, 503].includes(response.status) || seconds === 0 || seconds > MOST_SECONDS || !left) return response;
      await wait(seconds);
    } catch (error) {
      if (!left) throw error;
      await wait(PAUSE_SECONDS);
    }
  }
}

// The page is in English, so the server's sentences are.
export const options = { baseUrl: import.meta.env.VITE_SERVER, headers: { "Accept-Language": "en" } };

/** For what needs no user. `credentials: "include"` stands where the cookie with the refresh token is set or sent. */
export const anyone = createClient<paths>({ ...options, fetch: patiently });

/** A text that is new for each act. The act that is repeated under it is done once. */
export const newKey = (): string => crypto.randomUUID();
export const under = (key: string) => ({ header: { "Idempotency-Key": key } });
