// Writes src/api/schema.ts, the types of the service's routes, from its OpenAPI document on the standard input; with
// --check, fails where the file is not what it would write. Run by `make api` and `make test-page`.
import { readFileSync, writeFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import openapiTS, { astToString } from "openapi-typescript";

const TALK = new Set(["description", "title", "summary", "example", "examples"]);
const file = new URL("../src/api/schema.ts", import.meta.url);
const nodes = await openapiTS(bare(JSON.parse(await text(process.stdin))), { defaultNonNullable: false });
const made = `// Made by scripts/api.mjs from the service's OpenAPI document; do not edit.\n${astToString(nodes)}`;
if (!process.argv.includes("--check")) {
  writeFileSync(file, made);
} else if (made !== readFileSync(file, "utf8")) {
  const now = made.split("\n");
  const then = new Set(readFileSync(file, "utf8").split("\n"));
  const fresh = now.filter((line) => !then.has(line)).slice(0, 10);
  console.error(`src/api/schema.ts is not of this service: run \`make api\`.\n${fresh.join("\n")}`);
  process.exit(1);
}

/** The document without what only people read: another wording is no other type. Names of properties are no wording. */
function bare(value, named = false) {
  if (Array.isArray(value)) return value.map((one) => bare(one));
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(([name]) => named || !TALK.has(name));
  return Object.fromEntries(kept.map(([name, one]) => [name, bare(one, name === "properties" && !named)]));
}
