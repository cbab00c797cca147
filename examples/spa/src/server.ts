// Requests to the server: they wait when told to, and repetitions do no harm.
import createClient from "openapi-fetch";
import type { paths } from "./api";
import { retryAfter } from "./refusals";

// The longest automatic wait. If the server asks for a longer one, a person decides.
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
    // This tab may hold the lock of all tabs meanwhile, so the time is limited.
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

// The page is in English, so the server's sentences are too.
export const options = { baseUrl: import.meta.env.VITE_SERVER, headers: { "Accept-Language": "en" } };

/** For requests without a user. `credentials: "include"` is for requests that set or send the refresh cookie. */
export const anyone = createClient<paths>({ ...options, fetch: patiently });

/** A new text for each act. An act that is repeated under it is done once. */
export const newKey = (): string => crypto.randomUUID();
export const under = (key: string) => ({ header: { "Idempotency-Key": key } });
