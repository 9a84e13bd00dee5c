/** What lies on the map: results, the area and place of the search, a heat map, the open hit's scene. */

import type { Feature, FeatureCollection, Geometry } from "geojson";
import type { ExpressionSpecification, GeoJSONSource, Map } from "maplibre-gl";
import { colour, scaled } from "../colour";
import { areaPolygon, circle, extent } from "../geo";
import type { Heat } from "../api/service";
import type { Hit } from "../hit";
import type { Search } from "../search";
import { PAINT, type Theme } from "./style";

const HOT: ExpressionSpecification = [
  "any",
  ["boolean", ["feature-state", "hover"], false],
  ["boolean", ["feature-state", "open"], false],
];
const FILL: ExpressionSpecification = ["case", HOT, 0.12, 0.4];

/** Add empty layers, lowest first. */
export function addLayers(map: Map, theme: Theme): void {
  const { mark, halo } = PAINT[theme];
  for (const id of ["peaks", "hits", "points", "area", "sketch"]) {
    map.addSource(id, { type: "geojson", data: EMPTY, promoteId: "key" });
  }
  map.addLayer({ id: "area-fill", type: "fill", source: "area", paint: { "fill-color": mark, "fill-opacity": 0.07 } });
  map.addLayer({
    id: "area-line",
    type: "line",
    source: "area",
    paint: { "line-color": mark, "line-width": 1.5, "line-dasharray": [3, 2] },
  });
  map.addLayer({
    id: "peaks",
    type: "line",
    source: "peaks",
    paint: { "line-color": "#ffffff", "line-width": ["case", ["==", ["get", "rank"], 1], 2.5, 1.2] },
  });
  map.addLayer({
    id: "hits-fill",
    type: "fill",
    source: "hits",
    paint: { "fill-color": ["get", "colour"], "fill-opacity": FILL },
  });
  map.addLayer({
    id: "hits-line",
    type: "line",
    source: "hits",
    paint: {
      "line-color": ["case", HOT, mark, ["get", "colour"]],
      "line-width": ["case", HOT, 3, 1.2],
    },
  });
  map.addLayer({
    id: "hits-point",
    type: "circle",
    source: "points",
    layout: { "circle-sort-key": ["get", "order"] },
    paint: {
      "circle-color": ["get", "colour"],
      "circle-radius": ["interpolate", ["linear"], ["zoom"], 1, 5, 8, 6, 11, 4],
      "circle-stroke-color": ["case", HOT, mark, halo],
      "circle-stroke-width": ["case", HOT, 4, 1],
      "circle-opacity": ["interpolate", ["linear"], ["zoom"], 9.5, 1, 11, 0],
      "circle-stroke-opacity": ["interpolate", ["linear"], ["zoom"], 9.5, 1, 11, 0],
    },
  });
  map.addLayer({
    id: "place",
    type: "circle",
    source: "area",
    filter: ["==", ["geometry-type"], "Point"],
    paint: { "circle-color": mark, "circle-radius": 6, "circle-stroke-color": halo, "circle-stroke-width": 2 },
  });
  map.addLayer({
    id: "sketch-fill",
    type: "fill",
    source: "sketch",
    paint: { "fill-color": mark, "fill-opacity": 0.15 },
  });
  map.addLayer({ id: "sketch-line", type: "line", source: "sketch", paint: { "line-color": mark, "line-width": 2 } });
  map.addLayer({
    id: "sketch-point",
    type: "circle",
    source: "sketch",
    filter: ["==", ["geometry-type"], "Point"],
    paint: { "circle-color": halo, "circle-radius": 4, "circle-stroke-color": mark, "circle-stroke-width": 2 },
  });
}

/** Show results: footprints, and points for what is too small to see from far. */
export function showHits(map: Map, hits: Hit[]): void {
  const shares = scaled(hits.map((hit) => hit.score));
  const footprints: Feature[] = [];
  const points: Feature[] = [];
  hits.forEach((hit, i) => {
    if (!hit.geometry) return;
    const properties = { key: hit.key, order: -hit.rank, colour: colour(shares[i] ?? 0.5) };
    footprints.push({ type: "Feature", properties, geometry: hit.geometry });
    points.push({ type: "Feature", properties, geometry: { type: "Point", coordinates: middle(hit.geometry) } });
  });
  set(map, "hits", footprints.reverse());
  set(map, "points", points);
}

/** Show the area and the place that the search names. */
export function showSearch(map: Map, { area, place }: Search): void {
  const features: Feature[] = area ? [plain(areaPolygon(area))] : [];
  if (place) features.push(plain({ type: "Point", coordinates: place.at }));
  if (place?.meaning === "near") features.push(circle(place.at, place.radiusKm));
  set(map, "area", features);
}

/** Show what is being drawn. */
export function showSketch(map: Map, geometries: Geometry[]): void {
  set(map, "sketch", geometries.map(plain));
}

/** Mark one hit, by hover or because it is open. */
export function mark(map: Map, state: "hover" | "open", key: string | null): void {
  for (const source of ["hits", "points"]) {
    for (const id of MARKED[state]) map.setFeatureState({ source, id }, { [state]: false });
    if (key !== null) map.setFeatureState({ source, id: key }, { [state]: true });
  }
  MARKED[state] = key === null ? [] : [key];
}

/** Show a heat map over its scene, with its peaks, below the results; null takes it away. */
export function showHeat(map: Map, heat: Heat | null): void {
  set(map, "peaks", heat?.peaks.features ?? []);
  if (map.getLayer("heat")) map.removeLayer("heat");
  if (map.getSource("heat")) map.removeSource("heat");
  // Footprints keep their lines: their fill would change the colours that are to be read.
  map.setPaintProperty("hits-fill", "fill-opacity", heat ? 0 : FILL);
  if (!heat) return;
  map.addSource("heat", { type: "image", url: heat.image, coordinates: heat.corners });
  map.addLayer({ id: "heat", type: "raster", source: "heat", paint: { "raster-fade-duration": 0 } }, "area-fill");
}

/** Show the tiles of a scene, below everything else on the map; null takes them away. */
export function showScene(map: Map, tiles: string | null): void {
  if (map.getLayer("scene")) map.removeLayer("scene");
  if (map.getSource("scene")) map.removeSource("scene");
  if (tiles === null) return;
  map.addSource("scene", { type: "raster", tiles: [tiles], tileSize: 256, minzoom: 8, maxzoom: 18 });
  map.addLayer({ id: "scene", type: "raster", source: "scene" }, map.getLayer("heat") ? "heat" : "area-fill");
}

const EMPTY: FeatureCollection = { type: "FeatureCollection", features: [] };
const MARKED: { hover: string[]; open: string[] } = { hover: [], open: [] };

function set(map: Map, source: string, features: Feature[]): void {
  void map.getSource<GeoJSONSource>(source)?.setData({ type: "FeatureCollection", features });
}

function plain(geometry: Geometry): Feature {
  return { type: "Feature", properties: {}, geometry };
}

function middle(geometry: Geometry): [number, number] {
  const [west, south, east, north] = extent([geometry]) ?? [0, 0, 0, 0];
  return [(west + east) / 2, (south + north) / 2];
}
