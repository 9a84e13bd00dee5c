import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { expect, it } from "vitest";

const BUILT = new URL("../../src/swath/service/static/", import.meta.url);
const files = readdirSync(BUILT);
const packed = (names: string[]) =>
  names.reduce((sum, name) => sum + gzipSync(readFileSync(new URL(name, BUILT))).length, 0) / 1024;

it("shows results after little: the page without its map", () => {
  expect(packed(["index.html", "index.js", "index.css"])).toBeLessThan(40);
});

it("is small with its map", () => {
  expect(packed(files)).toBeLessThan(560);
});

it("loads nothing from elsewhere", () => {
  const index = readFileSync(new URL("index.html", BUILT), "utf8");
  expect(index).not.toMatch(/(src|href)="(https?:)?\/\//);
  expect(files.filter((name) => name.endsWith(".map"))).toEqual([]);
});

it("has a lock file that names no host", () => {
  const lock = readFileSync(new URL("../package-lock.json", import.meta.url), "utf8");
  expect(lock).not.toMatch(/"resolved"/);
});
