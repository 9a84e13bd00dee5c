// Writes src/api/schema.ts, the types of the service's routes, from its OpenAPI document.
//   swath serve my-archive & npm run api            or   npm run api -- http://127.0.0.1:8080
import { writeFileSync } from "node:fs";
import openapiTS, { astToString } from "openapi-typescript";

const service = process.argv[2] ?? "http://127.0.0.1:8080";
const answer = await fetch(new URL("/api", service));
if (!answer.ok) throw new Error(`${service} answered ${answer.status}; is it a swath service?`);
const nodes = await openapiTS(await answer.json(), { defaultNonNullable: false });
const text = `// Made by scripts/api.mjs from the service's OpenAPI document; do not edit.\n${astToString(nodes)}`;
writeFileSync(new URL("../src/api/schema.ts", import.meta.url), text);
console.log(`${text.split("\n").length} lines`);
