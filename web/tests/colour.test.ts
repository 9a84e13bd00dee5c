import { expect, it } from "vitest";
import { colour, RAMP, scaled } from "../src/colour";

it("scales scores within one answer", () => {
  expect(scaled([0.2, null, 0.4, 0.3])).toEqual([0, null, 1, expect.closeTo(0.5)]);
  expect(scaled([0.3, 0.3])).toEqual([1, 1]);
});

it("goes through the ramp, darker for lower", () => {
  expect(colour(0)).toBe("rgb(0,34,78)");
  expect(colour(1)).toBe("rgb(254,232,56)");
  const light = RAMP.map((_, i) => (colour(i / 5).match(/\d+/g) ?? []).reduce((sum, one) => sum + Number(one), 0));
  expect(light).toEqual([...light].sort((a, b) => a - b));
});
