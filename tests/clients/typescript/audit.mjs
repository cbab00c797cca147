// Runs the audits of graphql-http and prints one line for each that is not met, then how many there are.
import { auditServer } from "graphql-http";

const results = await auditServer({ url: process.argv[2] });
for (const { status, id, name, reason } of results) {
  if (status !== "ok") console.log(`${status} ${id} ${name}: ${reason}`);
}
console.log(results.length);
