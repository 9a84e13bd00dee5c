/** The map's style: bundled coastlines, or any XYZ basemap over them, in light and dark. */

import type { FeatureCollection, LineString } from "geojson";
import type { LayerSpecification, StyleSpecification } from "maplibre-gl";
import coast from "./coast.json";

export type Theme = "light" | "dark";

export const PAINT = {
  light: { sea: "#dfe8ec", land: "#f6f5f0", shore: "#b9c4c6", grid: "#cfdadf", mark: "#0b6e75", halo: "#ffffff" },
  dark: { sea: "#12191d", land: "#232c30", shore: "#46545a", grid: "#1d272c", mark: "#5fd0d6", halo: "#0d1316" },
} as const;

/** The style without results. */
export function baseStyle(theme: Theme, basemap: string | null): StyleSpecification {
  const paint = PAINT[theme];
  const layers: LayerSpecification[] = [
    { id: "sea", type: "background", paint: { "background-color": paint.sea } },
    { id: "land", type: "fill", source: "coast", paint: { "fill-color": paint.land } },
    { id: "grid", type: "line", source: "grid", paint: { "line-color": paint.grid, "line-width": 0.6 } },
    { id: "shore", type: "line", source: "coast", paint: { "line-color": paint.shore, "line-width": 0.8 } },
  ];
  const style: StyleSpecification = {
    version: 8,
    sources: {
      coast: { type: "geojson", data: coast as FeatureCollection, attribution: "Natural Earth" },
      grid: { type: "geojson", data: graticule(15) },
    },
    layers,
  };
  if (basemap !== null) {
    style.sources["basemap"] = { type: "raster", tiles: [basemap], tileSize: 256 };
    layers.push({ id: "basemap", type: "raster", source: "basemap" });
  }
  return style;
}

/** Meridians and parallels every `step` degrees. */
export function graticule(step: number): FeatureCollection<LineString> {
  const lines: [number, number][][] = [];
  for (let lon = -180; lon <= 180; lon += step) lines.push([-85, 0, 85].map((lat) => [lon, lat]));
  for (let lat = -75; lat <= 75; lat += step) lines.push([-180, 0, 180].map((lon) => [lon, lat]));
  return {
    type: "FeatureCollection",
    features: lines.map((coordinates) => ({
      type: "Feature",
      properties: {},
      geometry: { type: "LineString", coordinates },
    })),
  };
}
