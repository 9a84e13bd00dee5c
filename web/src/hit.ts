/** `Hit`: one chip that was found, as the page shows it. */

import type { Geometry } from "geojson";
import { keyOf, type Ref } from "./search";

/** A STAC item, as far as the page reads it. */
export interface Item {
  type: "Feature";
  id: string;
  collection: string;
  geometry: Geometry | null;
  bbox?: number[];
  properties: Record<string, unknown>;
  assets: Record<string, { href: string }>;
  links: { rel: string; href: string }[];
}

export interface Hit {
  ref: Ref;
  key: string;
  rank: number;
  score: number | null;
  confidence: number | null;
  sensor: string;
  /** `2020-06-01T10:20:30Z`; empty where unknown. */
  datetime: string;
  geometry: Geometry | null;
  /** What its scene or file is called; empty where unknown. */
  scene: string;
  caption: string;
  /** The item as the service gave it. */
  item: Item;
}

/** The hit that an item is; `rank` is its place in the answer, from 1. */
export function hitOf(item: Item, rank: number): Hit {
  const { properties } = item;
  const ref = { collection: item.collection, id: item.id };
  return {
    ref,
    key: keyOf(ref),
    rank,
    score: number(properties["swath:score"]),
    confidence: number(properties["swath:confidence"]),
    sensor: text(properties["swath:sensor"]),
    datetime: properties["swath:datetime_unknown"] === true ? "" : text(properties["datetime"]),
    geometry: item.geometry,
    scene: text(properties["title"]) || text(properties["name"]),
    caption: text(properties["swath:caption"]),
    item,
  };
}

/** A date for people: `2020-06-01`. */
export function day(hit: Hit): string {
  return hit.datetime.slice(0, 10);
}

/** A score for people. */
export function scoreText(score: number | null): string {
  return score === null ? "" : score.toFixed(3);
}

/** What a screen reader says of a hit. */
export function title(hit: Hit): string {
  const score = hit.score === null ? "" : `, score ${scoreText(hit.score)}`;
  return `${hit.rank}. ${hit.sensor}${hit.datetime ? `, ${day(hit)}` : ""}${score}`;
}

function number(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
