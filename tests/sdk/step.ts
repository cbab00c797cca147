import assert from "node:assert/strict";
import { createInterface } from "node:readline";

export { assert };
export const server = process.env["SERVER"] ?? "";
export const username = process.env["USERNAME"] ?? "";
export const email = `${username}@example.org`;
export const password = "correct-horse-9";
export const newPassword = "battery-staple-7";

export function step(name: string): void {
  console.log("step", name);
}

/** The code in the newest mail: whoever started this program reads the mail. */
export async function mailedCode(): Promise<string> {
  const lines = createInterface({ input: process.stdin });
  console.log("code?");
  const code = await new Promise<string>((resolve) => lines.once("line", resolve));
  lines.close();
  return code;
}

export function play(journey: () => Promise<void>): void {
  journey().then(
    () => process.exit(0),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
}
