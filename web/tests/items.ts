import type { Item } from "../src/hit";

/** An item as the service gives it. */
export function item(id: string, properties: Record<string, unknown>, collection = "alps-rgb"): Item {
  const ring = [
    [7, 46],
    [8, 46],
    [8, 47],
    [7, 47],
    [7, 46],
  ];
  return {
    type: "Feature",
    id,
    collection,
    geometry: { type: "Polygon", coordinates: [ring] },
    properties: { datetime: "2020-06-01T10:00:00Z", "swath:sensor": "rgb", ...properties },
    assets: {},
    links: [{ rel: "self", href: `http://here/collections/${collection}/items/${id}` }],
  };
}
