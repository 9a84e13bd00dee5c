import { afterEach, describe, expect, it, vi } from "vitest";
import { Failure } from "../src/api/failure";
import { bodyOf, Service } from "../src/api/service";
import { NOTHING } from "../src/search";
import { item } from "./items";

const calls: [string, RequestInit][] = [];
const never = new AbortController().signal;

/** Answers requests, in order. */
function answers(...bodies: [unknown, number?][]): void {
  calls.length = 0;
  vi.stubGlobal("fetch", (address: string, init: RequestInit) => {
    calls.push([address, init]);
    const [body, status = 200] = bodies.shift() ?? [{}, 500];
    return Promise.resolve(new Response(JSON.stringify(body), { status }));
  });
}

afterEach(() => vi.unstubAllGlobals());

describe("searches", () => {
  const service = new Service("http://here/");

  it("rank by meaning where there is something to rank by, and list otherwise", async () => {
    answers([{ features: [] }], [{ features: [] }]);
    await service.search(NOTHING, null, never);
    await service.search({ ...NOTHING, text: "ice" }, null, never);
    expect(calls.map(([address]) => address)).toEqual(["http://here/search", "http://here/semantic-search"]);
  });

  it("say what matches, and how sure that is", async () => {
    const context = { confidence: 0.2, matches_well: false, took_ms: 5 };
    answers([{ features: [item("a", { "swath:score": 0.1 })], "swath:context": context }]);
    const found = await service.search({ ...NOTHING, text: "ice" }, null, never);
    expect(found).toMatchObject({
      confidence: 0.2,
      matchesWell: false,
      hits: [{ key: "alps-rgb/a", score: 0.1, rank: 1 }],
    });
  });

  it("send an image as a form", async () => {
    answers([{ features: [] }]);
    await service.search({ ...NOTHING, upload: "a.png" }, new Blob(["x"]), never);
    const form = calls[0]?.[1].body as FormData;
    expect(JSON.parse(form.get("query") as string)).toEqual({ limit: NOTHING.limit });
    expect(form.get("image")).toBeInstanceOf(Blob);
  });

  it("send filters and parts by their names", () => {
    const chip = { collection: "alps-rgb", id: "a" };
    const body = bodyOf({
      ...NOTHING,
      like: chip,
      more: [chip],
      less: [chip],
      to: "2020-02-03",
      collections: ["alps-rgb"],
      place: { at: [7, 46], meaning: "near", radiusKm: 9 },
      area: { kind: "box", box: [1, 2, 3, 4] },
    });
    expect(body).toEqual({
      like: chip,
      positives: [chip],
      negatives: [chip],
      near: [7, 46],
      radius_km: 9,
      bbox: [1, 2, 3, 4],
      collections: ["alps-rgb"],
      datetime: "../2020-02-03T23:59:59.999999Z",
      limit: NOTHING.limit,
    });
    const place = { at: [7, 46] as [number, number], meaning: "like" as const, radiusKm: 9 };
    expect(bodyOf({ ...NOTHING, place })).toEqual({ like_place: [7, 46], limit: NOTHING.limit });
  });

  it("look at the chip where the scene is too large for a heat map", async () => {
    const map = {
      image: "data:,",
      corners: [
        [0, 1],
        [1, 1],
        [1, 0],
        [0, 0],
      ],
      peaks: { type: "FeatureCollection", features: [] },
    };
    answers([{ description: "too large" }, 413], [map]);
    expect((await service.heat({ collection: "c", id: "a" }, "ice", never)).corners).toEqual(map.corners);
    expect(calls.map(([address]) => new URL(address).searchParams.get("scope"))).toEqual(["scene", "chip"]);
  });
});

describe("what the model says", () => {
  const service = new Service("http://here/");
  const chip = { collection: "alps-rgb", id: "a" };

  it("is known of each collection", async () => {
    const listed = {
      id: "alps-rgb",
      extent: { spatial: { bbox: [[0, 1, 2, 3]] }, temporal: { interval: [[null, null]] } },
      "swath:archive": "alps",
      "swath:sensor": "rgb",
      "swath:rows": 5,
      "swath:abilities": ["caption"],
    };
    answers([{ title: "t", basemap: null }], [{ collections: [listed] }]);
    const [collection] = (await service.describe(never)).collections;
    expect(collection).toMatchObject({ sensor: "rgb", days: null, abilities: ["caption"] });
  });

  it("is asked by the item's routes", async () => {
    answers([{ caption: "a quay" }], [{ answer: "3", confidence: 0.5 }]);
    expect(await service.caption(chip, never)).toBe("a quay");
    expect(await service.ask(chip, "how many?", never)).toMatchObject({ answer: "3", confidence: 0.5 });
    const path = "http://here/collections/alps-rgb/items/a";
    expect(calls.map(([address]) => address)).toEqual([`${path}/caption`, `${path}/ask`]);
    expect(calls[1]?.[1].body).toBe('{"question":"how many?"}');
  });
});

describe("failures", () => {
  const ask = (service = new Service("http://here/")) => service.item({ collection: "c", id: "a b" }, never);

  it.each([
    [401, "token"],
    [429, "busy"],
    [503, "busy"],
    [500, "broken"],
    [404, "refused"],
  ] as const)("tell %i as %s, in the service's words", async (status, kind) => {
    answers([{ code: "X", description: "no such thing" }, status]);
    await expect(ask()).rejects.toMatchObject({ kind, status, message: "No such thing" });
  });

  it("tell when nothing answers, and send the token", async () => {
    vi.stubGlobal("fetch", () => Promise.reject(new TypeError("refused")));
    await expect(ask()).rejects.toBeInstanceOf(Failure);
    answers([item("a b", {}), 200]);
    await ask(new Service("http://here/", "secret"));
    expect(calls[0]).toMatchObject([
      "http://here/collections/c/items/a%20b",
      { headers: { Authorization: "Bearer secret" } },
    ]);
  });
});
