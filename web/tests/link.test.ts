import { describe, expect, it } from "vitest";
import { fromHash, NO_VIEW, toHash, type View } from "../src/link";
import { NOTHING, type Search } from "../src/search";

const a = { collection: "alps-rgb", id: "0a" };
const b = { collection: "alps-s1-grd", id: "1b" };

const SEARCHES: Search[] = [
  NOTHING,
  { ...NOTHING, text: "a harbour & ships, 50 % cloud = #1\nin two lines" },
  { ...NOTHING, like: a, more: [a, b], less: [b], limit: 120 },
  {
    ...NOTHING,
    upload: "my image.tif",
    collections: ["alps-rgb", "alps-s1-grd"],
    from: "2020-01-01",
    to: "2021-12-31",
  },
  {
    ...NOTHING,
    place: { at: [-118.24, 34.05], meaning: "near", radiusKm: 20 },
    area: { kind: "box", box: [170, -5, -170, 5] },
  },
  { ...NOTHING, like: a, place: { at: [7, 46], meaning: "like", radiusKm: 50 } },
  {
    ...NOTHING,
    area: {
      kind: "polygon",
      ring: [
        [0, 0],
        [1, 0],
        [1, 1.12345],
      ],
    },
  },
];
const VIEW: View = { centre: [7.5, 46.25], zoom: 8.5, open: b, heat: "snow & ice" };

describe("links", () => {
  it.each(SEARCHES.map((search, i) => [i, search] as const))("carry search %i there and back", (_, search) => {
    for (const view of [NO_VIEW, VIEW]) expect(fromHash(`#${toHash(search, view)}`)).toEqual({ search, view });
  });

  it("are empty for the page as it starts", () => {
    expect(toHash(NOTHING, NO_VIEW)).toBe("");
  });

  it("leave out what cannot be read", () => {
    const { search, view } = fromHash(
      "#near=1&radius=-3&box=1,2,x,4&polygon=1,2,3&from=yesterday&to=2020-13-40&limit=1e9&at=1,2&hit=nowhere&more=,x,a/b",
    );
    expect(search).toEqual({ ...NOTHING, more: [{ collection: "a", id: "b" }] });
    expect(view).toEqual(NO_VIEW);
  });
});
