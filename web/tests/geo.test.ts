import { describe, expect, it } from "vitest";
import { areaPolygon, boxPolygon, circle, dragged, extent, placeText, positions, wrapped } from "../src/geo";

describe("boxes", () => {
  it("cross the antimeridian in one piece", () => {
    expect(boxPolygon([170, -5, -170, 5]).coordinates[0]?.map((one) => one[0])).toEqual([170, 190, 190, 170, 170]);
    expect(dragged([170, 5], [190, -5])).toEqual([170, -5, -170, 5]);
    expect(dragged([-200, 0], [200, 95])).toEqual([-180, 0, 180, 90]);
  });

  it("go round geometries the short way", () => {
    const point = (lon: number, lat: number) => ({ type: "Point" as const, coordinates: [lon, lat] });
    expect(extent([point(1, 2), point(3, -4)])).toEqual([1, -4, 3, 2]);
    expect(extent([point(179, 0), point(-178, 1)])).toEqual([179, 0, 182, 1]);
    expect(extent([])).toBeNull();
  });
});

describe("geometry", () => {
  it("draws a circle of its radius", () => {
    const ring = circle([10, 60], 100).geometry.coordinates[0] ?? [];
    const [lon, lat] = ring[0] ?? [];
    expect(lon).toBeCloseTo(10);
    expect((lat ?? 0) - 60).toBeCloseTo(100 / 111.195, 3);
    expect(ring.at(-1)?.[0]).toBeCloseTo(ring[0]?.[0] ?? 0);
  });

  it("closes polygons and flattens all kinds", () => {
    const area = areaPolygon({
      kind: "polygon",
      ring: [
        [0, 0],
        [1, 0],
        [1, 1],
      ],
    });
    expect(area.coordinates[0]).toHaveLength(4);
    expect(positions({ type: "MultiPolygon", coordinates: [area.coordinates, area.coordinates] })).toHaveLength(8);
    expect(
      positions({ type: "GeometryCollection", geometries: [area, { type: "Point", coordinates: [1, 2] }] }),
    ).toHaveLength(5);
  });

  it("wraps and writes places", () => {
    expect(wrapped([190, 91])).toEqual([-170, 90]);
    expect(placeText([-118.2437, 34.0522])).toBe("34.05° N, 118.24° W");
  });
});
