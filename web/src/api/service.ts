/** `Service`: the page's one door to the service. Routes and bodies are typed by its OpenAPI document. */

import type { FeatureCollection } from "geojson";
import { areaPolygon } from "../geo";
import { type Hit, hitOf, type Item } from "../hit";
import { interval, type LonLat, type Ref, ranks, type Search } from "../search";
import type { components } from "./schema";
import { Failure, failureOf } from "./failure";

/** One archive's chips of one sensor. */
export interface Collection {
  id: string;
  archive: string;
  sensor: string;
  rows: number;
  bbox: [number, number, number, number];
  /** First and last day; null where unknown. */
  days: [string, string] | null;
  /** What its model can do with a chip, beside searching: `caption`, `ask`. */
  abilities: string[];
}

/** What a service has. */
export interface Catalogue {
  title: string;
  collections: Collection[];
  /** XYZ address of the basemap; null for the bundled coastlines. */
  basemap: string | null;
}

/** What a search found. */
export interface Answer {
  hits: Hit[];
  /** Share of general captions that the archive matches worse than the words; null without words. */
  confidence: number | null;
  matchesWell: boolean;
  tookMs: number | null;
}

/** A heat map, ready to lie on the map. */
export interface Heat {
  /** Address of the picture, a data URL. */
  image: string;
  /** North-west, north-east, south-east, south-west. */
  corners: Corners;
  peaks: FeatureCollection;
}

export type Corners = [LonLat, LonLat, LonLat, LonLat];

export class Service {
  #token: string;

  constructor(
    readonly root: string,
    token = "",
  ) {
    this.#token = token;
  }

  /** What requests must send; empty where the service asks for nothing. */
  get headers(): Record<string, string> {
    return this.#token === "" ? {} : { Authorization: `Bearer ${this.#token}` };
  }

  /** The service's collections and abilities. */
  async describe(signal: AbortSignal): Promise<Catalogue> {
    const [about, listed] = await Promise.all([
      this.#json<About>("page-settings", { signal }),
      this.#json<{ collections: CollectionDocument[] }>("collections", { signal }),
    ]);
    return {
      title: about.title,
      basemap: about.basemap,
      collections: listed.collections.map(collectionOf),
    };
  }

  /** Search by meaning; without anything to rank by, list what satisfies the filters, newest first. */
  async search(search: Search, image: Blob | null, signal: AbortSignal): Promise<Answer> {
    const found = ranks(search)
      ? await this.#semantic(bodyOf(search), image, signal)
      : await this.#post<Found>("search", bodyOf(search), signal);
    const context = found["swath:context"];
    return {
      hits: found.features.map((item, i) => hitOf(item, i + 1)),
      confidence: context?.confidence ?? null,
      matchesWell: context?.matches_well ?? true,
      tookMs: context?.took_ms ?? null,
    };
  }

  /** One chip, unranked. */
  async item(ref: Ref, signal: AbortSignal): Promise<Hit> {
    return { ...hitOf(await this.#json<Item>(itemPath(ref), { signal }), 0), score: null };
  }

  /** Where a chip's picture is. */
  thumbnail(ref: Ref): string {
    return `${this.root}${itemPath(ref)}/thumbnail`;
  }

  /** Tiles of a chip's scene. */
  tiles(ref: Ref): string {
    return `${this.root}${itemPath(ref)}/tiles/{z}/{x}/{y}.png`;
  }

  /** Where words fit in the scene of a chip: the whole scene, or the chip where the scene is too large to look at. */
  async heat(ref: Ref, words: string, signal: AbortSignal): Promise<Heat> {
    const ask = (scope: "scene" | "chip") => {
      const query = new URLSearchParams({ text: words, scope, f: "map" });
      return this.#json<HeatDocument>(`${itemPath(ref)}/heatmap?${query.toString()}`, { signal });
    };
    let found: HeatDocument;
    try {
      found = await ask("scene");
    } catch (error) {
      if (!(error instanceof Failure && error.status === 413)) throw error;
      found = await ask("chip");
    }
    if (!found.corners) throw new Failure("refused", "The scene has no georeference, so it has no place on the map.");
    return { image: found.image, corners: found.corners, peaks: found.peaks };
  }

  /** A caption that the service's model writes for a chip. */
  async caption(ref: Ref, signal: AbortSignal): Promise<string> {
    return (await this.#json<Schemas["Caption"]>(`${itemPath(ref)}/caption`, { signal })).caption;
  }

  /** What the service's model answers to a question about a chip, and how sure it is. */
  ask(ref: Ref, question: string, signal: AbortSignal): Promise<Schemas["Answered"]> {
    return this.#post<Schemas["Answered"]>(`${itemPath(ref)}/ask`, { question }, signal);
  }

  /** Something binary of the service, such as a picture. */
  async blob(address: string, signal: AbortSignal): Promise<Blob> {
    return (await this.#fetch(address, { signal })).blob();
  }

  async #semantic(query: Query, image: Blob | null, signal: AbortSignal): Promise<Found> {
    if (image === null) return this.#post<Found>("semantic-search", query, signal);
    const form = new FormData();
    form.set("query", JSON.stringify(query));
    form.set("image", image, "image");
    return this.#json<Found>("semantic-search", { method: "POST", body: form, signal });
  }

  #post<T>(path: string, body: unknown, signal: AbortSignal): Promise<T> {
    const headers = { "Content-Type": "application/json" };
    return this.#json<T>(path, { method: "POST", body: JSON.stringify(body), headers, signal });
  }

  async #json<T>(path: string, init: RequestInit): Promise<T> {
    const response = await this.#fetch(`${this.root}${path}`, init);
    return (await response.json()) as T;
  }

  async #fetch(address: string, init: RequestInit): Promise<Response> {
    const headers = { ...(init.headers as Record<string, string> | undefined), ...this.headers };
    let response: Response;
    try {
      response = await fetch(address, { ...init, headers });
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") throw error;
      throw new Failure("unreachable", "The service does not answer. Is `swath serve` still running?");
    }
    if (!response.ok) throw await failureOf(response);
    return response;
  }
}

/** What a search sends: its filters, and what it ranks by. */
export function bodyOf(search: Search): Query {
  const { text, like, place, more, less, collections, area } = search;
  const datetime = interval(search);
  return {
    ...(text !== "" && { text }),
    ...(like && { like }),
    ...(place?.meaning === "near" && { near: place.at, radius_km: place.radiusKm }),
    ...(place?.meaning === "like" && { like_place: place.at }),
    ...(more.length > 0 && { positives: more }),
    ...(less.length > 0 && { negatives: less }),
    ...(collections.length > 0 && { collections }),
    ...(datetime !== null && { datetime }),
    ...(area?.kind === "box" && { bbox: area.box }),
    ...(area?.kind === "polygon" && { intersects: { ...areaPolygon(area) } }),
    limit: search.limit,
  };
}

function itemPath({ collection, id }: Ref): string {
  return `collections/${encodeURIComponent(collection)}/items/${encodeURIComponent(id)}`;
}

interface HeatDocument {
  image: string;
  corners: Corners | null;
  peaks: FeatureCollection;
}

type Schemas = components["schemas"];
type Query = Schemas["SemanticQuery"];

interface Found {
  features: Item[];
  /** Of a search by meaning only. */
  "swath:context"?: Schemas["SemanticContext"];
}

interface About {
  title: string;
  basemap: string | null;
}

interface CollectionDocument {
  id: string;
  extent: { spatial: { bbox: number[][] }; temporal: { interval: (string | null)[][] } };
  "swath:archive": string;
  "swath:sensor": string;
  "swath:rows": number;
  "swath:abilities": string[];
}

function collectionOf(document: CollectionDocument): Collection {
  const [first, last] = document.extent.temporal.interval[0] ?? [];
  return {
    id: document.id,
    archive: document["swath:archive"],
    sensor: document["swath:sensor"],
    rows: document["swath:rows"],
    abilities: document["swath:abilities"],
    bbox: document.extent.spatial.bbox[0] as Collection["bbox"],
    days: first && last ? [first.slice(0, 10), last.slice(0, 10)] : null,
  };
}
