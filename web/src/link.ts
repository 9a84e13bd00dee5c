/** Links: a search and a view as the part of the address after `#`, and back. The server never sees it. */

import type { Area, Box, LonLat, Place, Ref, Search } from "./search";
import { keyOf, NOTHING, PAGE_SIZE, RADIUS_KM, refOf } from "./search";

/** What is looked at, beside what is looked for. */
export interface View {
  centre: LonLat | null;
  zoom: number | null;
  /** The hit that is open. */
  open: Ref | null;
  /** The words of the heat map over the open hit's scene; empty for none. */
  heat: string;
}

/** A place to be near, or to look like. */
const PLACE_NAMES = { near: "near", like: "like-place" } as const;

export const NO_VIEW: View = { centre: null, zoom: null, open: null, heat: "" };

/** The address part of a search and a view; empty for the page as it starts. */
export function toHash(search: Search, view: View): string {
  const out = new URLSearchParams();
  const put = (name: string, value: string | null) => {
    if (value) out.set(name, value);
  };
  put("q", search.text);
  put("like", search.like && keyOf(search.like));
  put("image", search.upload);
  if (search.place) {
    put(PLACE_NAMES[search.place.meaning], numbers(search.place.at));
    if (search.place.meaning === "near") put("radius", String(search.place.radiusKm));
  }
  put("more", search.more.map(keyOf).join(","));
  put("less", search.less.map(keyOf).join(","));
  put("in", search.collections.join(","));
  put("from", search.from);
  put("to", search.to);
  if (search.area?.kind === "box") put("box", numbers(search.area.box));
  if (search.area?.kind === "polygon") put("polygon", numbers(search.area.ring.flat()));
  if (search.limit !== PAGE_SIZE) put("limit", String(search.limit));
  put("hit", view.open && keyOf(view.open));
  put("heat", view.heat);
  if (view.centre && view.zoom !== null) put("at", numbers([view.zoom, ...view.centre]));
  return out.toString().replaceAll("%2C", ",").replaceAll("%2F", "/");
}

/** The search and the view of an address part; whatever cannot be read is left out. */
export function fromHash(hash: string): { search: Search; view: View } {
  const given = new URLSearchParams(hash.replace(/^#/, ""));
  const text = (name: string) => given.get(name) ?? "";
  const refs = (name: string) =>
    list(text(name))
      .map(refOf)
      .filter((one) => one !== null);
  const at = parsed(text("at"), 3);
  const limit = Number(text("limit"));
  return {
    search: {
      ...NOTHING,
      text: text("q"),
      like: refOf(text("like")),
      upload: text("image") || null,
      place: placeOf(given),
      more: refs("more"),
      less: refs("less"),
      collections: list(text("in")),
      from: date(text("from")),
      to: date(text("to")),
      area: areaOf(text("box"), text("polygon")),
      limit: Number.isInteger(limit) && limit > 0 && limit <= 1000 ? limit : PAGE_SIZE,
    },
    view: {
      centre: at ? [at[1] ?? 0, at[2] ?? 0] : null,
      zoom: at?.[0] ?? null,
      open: refOf(text("hit")),
      heat: text("heat"),
    },
  };
}

function placeOf(given: URLSearchParams): Place | null {
  const radius = Number(given.get("radius"));
  for (const meaning of ["near", "like"] as const) {
    const [lon, lat] = parsed(given.get(PLACE_NAMES[meaning]) ?? "", 2) ?? [];
    if (lon !== undefined && lat !== undefined && Math.abs(lat) <= 90 && Math.abs(lon) <= 180) {
      return { at: [lon, lat], meaning, radiusKm: radius > 0 && radius <= 20_000 ? radius : RADIUS_KM };
    }
  }
  return null;
}

function areaOf(box: string, polygon: string): Area | null {
  const corners = parsed(box, 4);
  if (corners) return { kind: "box", box: corners as Box };
  const flat = list(polygon).map(Number);
  if (flat.length < 6 || flat.length % 2 || !flat.every(Number.isFinite)) return null;
  const ring = Array.from({ length: flat.length / 2 }, (_, i): LonLat => [flat[2 * i] ?? 0, flat[2 * i + 1] ?? 0]);
  return { kind: "polygon", ring };
}

function date(text: string): string {
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text)) ? text : "";
}

function parsed(text: string, count: number): number[] | null {
  const found = text === "" ? [] : text.split(",").map(Number);
  return found.length === count && found.every(Number.isFinite) ? found : null;
}

function list(text: string): string[] {
  return text.split(",").filter((one) => one !== "");
}

function numbers(values: number[]): string {
  return values.map((one) => String(Math.round(one * 1e5) / 1e5)).join(",");
}
