/** Results as files that other programs read, and as a snippet for a notebook. */

import { bodyOf } from "./api/service";
import type { Hit } from "./hit";
import type { Search } from "./search";
import { hasExamples, ranks } from "./search";
import { extent } from "./geo";

/** A file to save. */
export interface File {
  name: string;
  type: string;
  text: string;
}

const COLUMNS = [
  "rank",
  "id",
  "collection",
  "sensor",
  "datetime",
  "score",
  "confidence",
  "west",
  "south",
  "east",
  "north",
];

/** GeoJSON: one feature a hit, with plain properties, for any GIS. */
export function geojson(hits: Hit[]): File {
  const features = hits.map((hit) => ({
    type: "Feature",
    id: hit.ref.id,
    geometry: hit.geometry,
    properties: {
      rank: hit.rank,
      collection: hit.ref.collection,
      sensor: hit.sensor,
      datetime: hit.datetime || null,
      score: hit.score,
      confidence: hit.confidence,
    },
  }));
  return file("geojson", "application/geo+json", { type: "FeatureCollection", features });
}

/** STAC: the items as the service gave them. */
export function stac(hits: Hit[]): File {
  return file("stac.json", "application/geo+json", {
    type: "FeatureCollection",
    features: hits.map((hit) => hit.item),
  });
}

/** CSV (RFC 4180): one line a hit, with its box in degrees. */
export function csv(hits: Hit[]): File {
  const lines = hits.map((hit) => {
    const box = hit.geometry ? extent([hit.geometry]) : null;
    const { rank, ref, sensor, datetime, score, confidence } = hit;
    return [rank, ref.id, ref.collection, sensor, datetime, score, confidence, ...(box ?? [null, null, null, null])];
  });
  const text = [COLUMNS, ...lines].map((line) => line.map(cell).join(",")).join("\r\n");
  return { name: "swath.csv", type: "text/csv", text: `${text}\r\n` };
}

/** Python for a notebook: the same search against the same service, by its API. */
export function snippet(search: Search, root: string): string {
  const path = ranks(search) ? "semantic-search" : "search";
  const sends =
    search.upload === null ? "json=query" : 'files={"image": open(image, "rb")}, data={"query": json.dumps(query)}';
  return [
    ...(search.upload === null ? [] : ["import json", ""]),
    "import geopandas",
    "import requests",
    "",
    ...(search.upload === null ? [] : [`image = ${quoted(search.upload)}  # where the image lies`]),
    `query = ${python(bodyOf(search))}`,
    `answer = requests.post("${root}${path}", ${sends}, timeout=60)`,
    "answer.raise_for_status()",
    'found = geopandas.GeoDataFrame.from_features(answer.json()["features"], crs="EPSG:4326")',
    hasExamples(search) ? 'found[["swath:rank", "swath:score", "geometry"]]' : "found",
    "",
  ].join("\n");
}

/** Let the browser save a file. */
export function save({ name, type, text }: File): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = Object.assign(document.createElement("a"), { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

function file(suffix: string, type: string, content: unknown): File {
  return { name: `swath.${suffix}`, type, text: `${JSON.stringify(content, null, 1)}\n` };
}

/** A cell of CSV. A leading = + - @ of a text would be a formula to a spreadsheet: such texts get a quote in front. */
function cell(value: string | number | null): string {
  if (value === null) return "";
  if (typeof value === "number") return String(value);
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** JSON values as Python. */
function python(value: unknown, indent = ""): string {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "string") return quoted(value);
  if (Array.isArray(value)) return `[${value.map((one) => python(one, indent)).join(", ")}]`;
  if (typeof value !== "object") return JSON.stringify(value);
  const inner = `${indent}    `;
  const lines = Object.entries(value).map(([name, one]) => `${inner}${quoted(name)}: ${python(one, inner)},`);
  return lines.length > 0 ? `{\n${lines.join("\n")}\n${indent}}` : "{}";
}

function quoted(text: string): string {
  // JSON's escapes are Python's, but for a pair of surrogates, which JSON.stringify writes only where one stands alone.
  return JSON.stringify(text);
}
