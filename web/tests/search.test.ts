import { describe, expect, it } from "vitest";
import { hasExamples, interval, keyOf, NOTHING, ranks, refOf, withExample } from "../src/search";

const chip = { collection: "alps-s2-l2a", id: "a1" };

describe("examples", () => {
  it("moves a chip between the lists, and takes it out the second time", () => {
    const more = withExample(NOTHING, chip, "more");
    expect(more.more).toEqual([chip]);
    const less = withExample(more, chip, "less");
    expect([less.more, less.less]).toEqual([[], [chip]]);
    expect(withExample(less, chip, "less").less).toEqual([]);
  });

  it("starts at the first page again", () => {
    expect(withExample({ ...NOTHING, limit: 300 }, chip, "more").limit).toBe(NOTHING.limit);
  });

  it("knows what ranks", () => {
    expect(ranks(NOTHING)).toBe(false);
    expect(hasExamples(withExample(NOTHING, chip, "less"))).toBe(false);
    expect(ranks({ ...NOTHING, place: { at: [1, 2], meaning: "near", radiusKm: 5 } })).toBe(true);
    expect(hasExamples({ ...NOTHING, place: { at: [1, 2], meaning: "near", radiusKm: 5 } })).toBe(false);
  });
});

describe("names", () => {
  it("reads what it writes, also with slashes in a collection", () => {
    for (const ref of [chip, { collection: "a/b", id: "c" }]) expect(refOf(keyOf(ref))).toEqual(ref);
    for (const bad of ["", "a", "/a", "a/"]) expect(refOf(bad)).toBeNull();
  });

  it("includes both days in an interval", () => {
    expect(interval(NOTHING)).toBeNull();
    expect(interval({ ...NOTHING, from: "2020-01-02" })).toBe("2020-01-02T00:00:00Z/..");
    expect(interval({ ...NOTHING, to: "2020-01-02" })).toBe("../2020-01-02T23:59:59.999999Z");
  });
});
