import { describe, expect, it } from "vitest";
import { parse } from "../src/parse";

describe("the search box", () => {
  it.each([
    ["34.05, -118.24", [-118.24, 34.05]],
    ["34.05 -118.24", [-118.24, 34.05]],
    ["-118.24, 34.05", [-118.24, 34.05]],
    ["34.05 N, 118.24 W", [-118.24, 34.05]],
    ["118.24° w; 34.05° n", [-118.24, 34.05]],
    [" 0, 0 ", [0, 0]],
  ])("reads %s as a place", (text, at) => {
    expect(parse(text)).toEqual({ kind: "place", at });
  });

  it.each(["harbour with ships", "s2 2020", "34.05", "190, 95", "34 N, 12 S", "1,2,3", "91 N, 0 E"])(
    "reads %s as words",
    (text) => expect(parse(text)).toEqual({ kind: "words", text }),
  );

  it("reads four numbers as a box, if they are one", () => {
    expect(parse("-10, 35, 30, 60")).toEqual({ kind: "box", box: [-10, 35, 30, 60] });
    expect(parse("170,-20,-170,-10").kind).toBe("box");
    expect(parse("-10, 60, 30, 35").kind).toBe("words");
  });

  it("reads nothing as nothing", () => {
    expect(parse(" \n ").kind).toBe("nothing");
  });
});
