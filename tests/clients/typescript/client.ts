import { createInterface } from "node:readline/promises";

/** A document whose variables and result graphql-codegen has typed. */
interface Typed<Result, Variables> {
  toString(): string;
  __apiType?: (variables: Variables) => Result;
}

export class Refused extends Error {
  constructor(readonly code: string) {
    super(code);
  }
}

export function client(path: string) {
  return async function run<Result, Variables>(
    document: Typed<Result, Variables>,
    variables: Variables,
    token?: string,
  ): Promise<Result> {
    const response = await fetch(process.env["SERVER"] + path, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...(token ? { Authorization: `Bearer ${token}` } : {}) },
      body: JSON.stringify({ query: document.toString(), variables }),
    });
    const answer = (await response.json()) as { data: Result; errors?: { extensions: { code: string } }[] };
    const error = answer.errors?.[0];
    if (error) throw new Refused(error.extensions.code);
    return answer.data;
  };
}

const lines = createInterface({ input: process.stdin });

/** The code in the newest mail: whoever started this program reads the mail. */
export async function mailedCode(): Promise<string> {
  const line = new Promise<string>((resolve) => lines.once("line", resolve));
  console.log("code?");
  return line;
}

export function expect(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}

export async function expectRefusal(code: string, call: Promise<unknown>): Promise<void> {
  const refusal = await call.then(() => null, (error: unknown) => error);
  expect(refusal instanceof Refused && refusal.code === code, `${code} was expected, not ${String(refusal)}`);
}

export function play(flow: () => Promise<void>): void {
  flow().then(() => console.log("done"), (error: unknown) => { console.error(error); process.exitCode = 1; })
    .finally(() => lines.close());
}
