/** Small geometry on longitude and latitude. */

import type { Feature, Geometry, Polygon, Position } from "geojson";
import type { Area, Box, LonLat } from "./search";

const EARTH_KM = 6371.0088;

/** A box as a polygon; one that crosses the antimeridian goes on past 180 degrees, as maps draw it. */
export function boxPolygon([west, south, east, north]: Box): Polygon {
  const right = east < west ? east + 360 : east;
  const ring = [
    [west, south],
    [right, south],
    [right, north],
    [west, north],
    [west, south],
  ];
  return { type: "Polygon", coordinates: [ring] };
}

/** An area as a polygon. */
export function areaPolygon(area: Area): Polygon {
  return area.kind === "box" ? boxPolygon(area.box) : { type: "Polygon", coordinates: [closed(area.ring)] };
}

/** A ring whose last point is its first. */
export function closed(ring: LonLat[]): LonLat[] {
  const [first, last] = [ring[0], ring.at(-1)];
  if (!first || !last) return [];
  return first[0] === last[0] && first[1] === last[1] ? ring : [...ring, first];
}

/** Longitude into -180 to 180, latitude cut off at the poles. */
export function wrapped([lon, lat]: LonLat): LonLat {
  return [((((lon + 180) % 360) + 360) % 360) - 180, Math.max(-90, Math.min(90, lat))];
}

/** The box between two corners of a drag; one that is a whole world wide or more is the world's. */
export function dragged(a: LonLat, b: LonLat): Box {
  const [south, north] = [Math.min(a[1], b[1]), Math.max(a[1], b[1])];
  if (Math.abs(a[0] - b[0]) >= 360) return [-180, Math.max(south, -90), 180, Math.min(north, 90)];
  const west = wrapped([Math.min(a[0], b[0]), south]);
  const east = wrapped([Math.max(a[0], b[0]), north]);
  return [west[0], west[1], east[0], east[1]];
}

/** A circle on the sphere as a polygon. */
export function circle([lon, lat]: LonLat, radiusKm: number, corners = 64): Feature<Polygon> {
  const angle = radiusKm / EARTH_KM;
  const phi = (lat * Math.PI) / 180;
  const ring: Position[] = [];
  for (let corner = 0; corner <= corners; corner++) {
    const bearing = (2 * Math.PI * corner) / corners;
    const sine = Math.sin(phi) * Math.cos(angle) + Math.cos(phi) * Math.sin(angle) * Math.cos(bearing);
    const to = Math.asin(Math.max(-1, Math.min(1, sine)));
    const turn = Math.atan2(
      Math.sin(bearing) * Math.sin(angle) * Math.cos(phi),
      Math.cos(angle) - Math.sin(phi) * sine,
    );
    ring.push([lon + (turn * 180) / Math.PI, (to * 180) / Math.PI]);
  }
  return { type: "Feature", properties: {}, geometry: { type: "Polygon", coordinates: [ring] } };
}

/** The positions of a geometry. */
export function positions(geometry: Geometry): Position[] {
  if (geometry.type === "GeometryCollection") return geometry.geometries.flatMap(positions);
  const nested = geometry.coordinates as unknown[];
  const flat = geometry.type === "Point" ? [nested] : nested.flat(DEPTH[geometry.type]);
  return flat as Position[];
}

const DEPTH = { Point: 0, MultiPoint: 0, LineString: 0, MultiLineString: 1, Polygon: 1, MultiPolygon: 2 } as const;

/**
 * The box round geometries. Where one gap in longitude is wider than the way across the antimeridian, the box goes past
 * 180 degrees there: results on both sides of the Pacific are shown beside each other.
 */
export function extent(geometries: Geometry[]): Box | null {
  const all = geometries.flatMap(positions);
  if (all.length === 0) return null;
  const lats = all.map((one) => one[1] ?? 0);
  const lons = all.map((one) => one[0] ?? 0).sort((a, b) => a - b);
  const first = lons[0] ?? 0;
  const last = lons.at(-1) ?? 0;
  let [west, east, widest] = [first, last, first + 360 - last];
  for (let i = 1; i < lons.length; i++) {
    const [before, after] = [lons[i - 1] ?? 0, lons[i] ?? 0];
    if (after - before > widest) [west, east, widest] = [after, before + 360, after - before];
  }
  return [west, Math.min(...lats), east, Math.max(...lats)];
}

/** A place for people: `34.05° N, 118.24° W`. */
export function placeText([lon, lat]: LonLat, digits = 2): string {
  const one = (value: number, letters: string) =>
    `${Math.abs(value).toFixed(digits)}° ${value < 0 ? (letters[1] ?? "") : (letters[0] ?? "")}`;
  return `${one(lat, "NS")}, ${one(lon, "EW")}`;
}
