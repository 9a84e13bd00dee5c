/** What the page looks for, as one plain value: everything a link carries, and nothing else. */

export type LonLat = [number, number];
export type Box = [west: number, south: number, east: number, north: number];

/** A chip: its collection and its id. */
export interface Ref {
  collection: string;
  id: string;
}

export type Area = { kind: "box"; box: Box } | { kind: "polygon"; ring: LonLat[] };

/** A place, `near`: within a radius; `like`: what looks like images from there. */
export interface Place {
  at: LonLat;
  meaning: "near" | "like";
  radiusKm: number;
}

export interface Search {
  text: string;
  like: Ref | null;
  /** Name of an uploaded image; its bytes stay with the page. */
  upload: string | null;
  place: Place | null;
  more: Ref[];
  less: Ref[];
  /** Collections to look in: one for each archive and sensor; none means all. */
  collections: string[];
  from: string;
  to: string;
  area: Area | null;
  limit: number;
}

export const PAGE_SIZE = 60;
export const RADIUS_KM = 50;

export const NOTHING: Search = {
  text: "",
  like: null,
  upload: null,
  place: null,
  more: [],
  less: [],
  collections: [],
  from: "",
  to: "",
  area: null,
  limit: PAGE_SIZE,
};

/** One text for a chip, as links and maps use it. */
export function keyOf(ref: Ref): string {
  return `${ref.collection}/${ref.id}`;
}

/** The chip that a key names; null where it names none. */
export function refOf(key: string): Ref | null {
  const cut = key.lastIndexOf("/");
  return cut > 0 && cut < key.length - 1 ? { collection: key.slice(0, cut), id: key.slice(cut + 1) } : null;
}

/** Whether the search says how to rank, beyond what to filter by. */
export function ranks(search: Search): boolean {
  return hasExamples(search) || search.place !== null;
}

/** Whether anything is ranked by what it means. */
export function hasExamples(search: Search): boolean {
  const { text, like, upload, place, more } = search;
  return text !== "" || like !== null || upload !== null || place?.meaning === "like" || more.length > 0;
}

/** Whether any filter is set. */
export function isFiltered(search: Search): boolean {
  return search.collections.length > 0 || search.from !== "" || search.to !== "" || search.area !== null;
}

/** The search with a chip among its examples, and out of the other list; or without it, where it was there already. */
export function withExample(search: Search, ref: Ref, list: "more" | "less"): Search {
  const other = list === "more" ? "less" : "more";
  const without = (refs: Ref[]) => refs.filter((one) => keyOf(one) !== keyOf(ref));
  const had = search[list].length !== without(search[list]).length;
  return {
    ...search,
    limit: PAGE_SIZE,
    [list]: had ? without(search[list]) : [...search[list], ref],
    [other]: without(search[other]),
  };
}

/** The dates as a STAC interval; null without dates. */
export function interval(search: Search): string | null {
  if (search.from === "" && search.to === "") return null;
  const start = search.from === "" ? ".." : `${search.from}T00:00:00Z`;
  const end = search.to === "" ? ".." : `${search.to}T23:59:59.999999Z`;
  return `${start}/${end}`;
}
