import { describe, expect, it } from "vitest";
import { hitOf } from "../src/hit";
import { item } from "./items";

describe("a hit", () => {
  it.each([
    [{ title: "Harbour", name: "scene_1" }, "Harbour"],
    [{ name: "scene_1" }, "scene_1"],
    [{}, ""],
    [{ title: 3 }, ""],
  ])("tells its scene's title, else its file's name: %o", (properties, scene) => {
    expect(hitOf(item("a", properties), 1).scene).toBe(scene);
  });
});
