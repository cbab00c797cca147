// The server's refusals, and the sentences for them.
import { ErrorCode } from "./api";

const SENTENCES: Partial<Record<ErrorCode, string>> = {
  [ErrorCode.rate_limited]: "That was too often.",
  [ErrorCode.overloaded]: "The server is busy.",
  [ErrorCode.token_not_valid]: "You are logged out.",
  [ErrorCode.invalid_code]: "This code is not right, or was used before.",
  [ErrorCode.invalid_challenge]: "It took too long, or too many codes were wrong. Log in again.",
  [ErrorCode.mfa_enrolment_required]: "This account needs a second factor before it can be used.",
  [ErrorCode.reauthentication_required]: "Log in again to do this.",
  [ErrorCode.session_not_found]: "This session is over already.",
  [ErrorCode.email_not_verified]: "Verify your e-mail address first.",
};

/** After how many seconds the request may be repeated; 0 if the server does not say. */
export const retryAfter = (response: Response): number => Number(response.headers.get("Retry-After") ?? 0);

interface Body {
  code?: ErrorCode;
  detail?: string;
}

/** `fields`: sentences under the names of the body's fields. `body`: the whole answer. `seconds`: how long to wait. */
export class Refused extends Error {
  readonly code: ErrorCode | undefined;
  readonly fields: Record<string, string[]>;
  readonly seconds: number;

  constructor(
    readonly body: Body,
    response: Response,
  ) {
    const sentence = (body.code && SENTENCES[body.code]) ?? body.detail;
    const fields = Object.entries(body).filter((entry): entry is [string, string[]] => Array.isArray(entry[1]));
    super(sentence ?? (fields.length ? "" : `The server answered ${response.status}.`));
    this.code = body.code;
    // A value of a challenge, not a sentence about a field.
    this.fields = Object.fromEntries(fields.filter(([name]) => name !== "factors"));
    this.seconds = retryAfter(response);
  }
}

/** The server's answer; throws Refused for a refusal. */
export async function answered<T>(asked: Asked<T> | Promise<Asked<T>>): Promise<T> {
  const { data, error, response } = await asked;
  if (response.ok) return data as T;
  // A proxy may answer something else than JSON.
  throw new Refused(typeof error === "object" && error !== null ? error : {}, response);
}

interface Asked<T> {
  data?: T;
  error?: unknown;
  response: Response;
}
