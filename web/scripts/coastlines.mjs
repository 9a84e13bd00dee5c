// Writes src/map/coast.json: land of Natural Earth 1:110m (public domain), as packed by world-atlas, to two decimals.
import { readFileSync, writeFileSync } from "node:fs";
import { feature } from "topojson-client";

const atlas = JSON.parse(readFileSync(new URL("../node_modules/world-atlas/land-110m.json", import.meta.url), "utf8"));
const land = feature(atlas, atlas.objects.land);

/** Coordinates to two decimals (about 1 km), far below the map's own generalisation. */
function rounded(value) {
  return Array.isArray(value) ? value.map(rounded) : Math.round(value * 100) / 100;
}

/**
 * A ring without jumps at the antimeridian: longitudes go on past 180 degrees, which maps draw on both sides. A ring
 * round the south pole is closed along it.
 */
function unwrapped(ring) {
  const out = [];
  let turn = 0;
  ring.forEach(([lon, lat], i) => {
    const before = i === 0 ? lon : ring[i - 1][0];
    if (Math.abs(lon - before) > 180) turn += lon < before ? 360 : -360;
    out.push([lon + turn, lat]);
  });
  if (turn !== 0) out.push([out.at(-1)[0], -90], [out[0][0], -90], out[0]);
  // Where a ring begins is chance: all rings of a polygon have to lie on the same turn round the globe.
  const lons = out.map(([lon]) => lon);
  const away = 360 * Math.round((Math.min(...lons) + Math.max(...lons)) / 720);
  return out.map(([lon, lat]) => [lon - away, lat]);
}

const features = (land.type === "FeatureCollection" ? land.features : [land]).map((one) => ({
  type: "Feature",
  properties: {},
  geometry: {
    type: one.geometry.type,
    coordinates: rounded(one.geometry.coordinates.map((polygon) => polygon.map(unwrapped))),
  },
}));
writeFileSync(
  new URL("../src/map/coast.json", import.meta.url),
  `${JSON.stringify({ type: "FeatureCollection", features })}\n`,
);
console.log(`${features.length} feature(s) of land`);
