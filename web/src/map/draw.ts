/** Drawing on the map: a place by one click, a box by dragging, a polygon by its corners. */

import type { Geometry } from "geojson";
import type { Map, MapMouseEvent, MapTouchEvent } from "maplibre-gl";
import { boxPolygon, dragged, wrapped } from "../geo";
import type { Area, LonLat } from "../search";
import { showSketch } from "./layers";

export type Tool = "none" | "box" | "polygon" | "place";

export interface Drawing {
  onArea: (area: Area) => void;
  onPlace: (at: LonLat) => void;
  onCancel: () => void;
}

const NEAR_PIXELS = 10;

/** One tool in use. `stop` puts the map back as it was. */
export interface Use {
  stop: () => void;
}

/** Take up a tool. */
export function use(tool: Tool, map: Map, drawing: Drawing): Use {
  if (tool === "none") return { stop: () => undefined };
  map.getCanvas().style.cursor = "crosshair";
  const onKey = (event: KeyboardEvent) => {
    if (event.key === "Escape") drawing.onCancel();
  };
  window.addEventListener("keydown", onKey);
  const ends = { box: useBox, polygon: usePolygon, place: usePlace }[tool](map, drawing);
  return {
    stop: () => {
      ends();
      window.removeEventListener("keydown", onKey);
      map.getCanvas().style.cursor = "";
      showSketch(map, []);
    },
  };
}

function usePlace(map: Map, { onPlace }: Drawing): () => void {
  const onClick = (event: MapMouseEvent) => onPlace(wrapped(at(event)));
  return all([map.on("click", onClick)]);
}

function useBox(map: Map, { onArea }: Drawing): () => void {
  let start: LonLat | null = null;
  const onDown = (event: MapMouseEvent | MapTouchEvent) => {
    event.preventDefault();
    start = at(event);
  };
  const onMove = (event: MapMouseEvent | MapTouchEvent) => {
    if (start) showSketch(map, [boxPolygon(dragged(start, at(event)))]);
  };
  const onUp = (event: MapMouseEvent | MapTouchEvent) => {
    if (!start) return;
    const box = dragged(start, at(event));
    start = null;
    if (box[0] !== box[2] && box[1] < box[3]) onArea({ kind: "box", box });
  };
  map.dragPan.disable();
  map.boxZoom.disable();
  const off = all([
    map.on("mousedown", onDown),
    map.on("mousemove", onMove),
    map.on("mouseup", onUp),
    map.on("touchstart", onDown),
    map.on("touchmove", onMove),
    map.on("touchend", onUp),
  ]);
  return () => {
    off();
    map.dragPan.enable();
    map.boxZoom.enable();
  };
}

function usePolygon(map: Map, { onArea }: Drawing): () => void {
  const ring: LonLat[] = [];
  const finish = () => {
    if (ring.length >= 3) onArea({ kind: "polygon", ring: ring.map(wrapped) });
  };
  const sketch = (loose: LonLat[]) => {
    const line = [...ring, ...loose];
    const shapes: Geometry[] = ring.map((one) => ({ type: "Point", coordinates: one }));
    if (line.length > 1) shapes.push({ type: "LineString", coordinates: line });
    if (line.length > 2) shapes.push({ type: "Polygon", coordinates: [[...line, line[0] ?? [0, 0]]] });
    showSketch(map, shapes);
  };
  const onClick = (event: MapMouseEvent) => {
    const first = ring[0];
    if (first && ring.length >= 3 && map.project(first).dist(event.point) < NEAR_PIXELS) return finish();
    const last = ring.at(-1);
    // The second click of a double click adds no corner.
    if (!last || map.project(last).dist(event.point) > 2) ring.push(at(event));
    sketch([]);
  };
  const onMove = (event: MapMouseEvent) => sketch([at(event)]);
  const onDouble = (event: MapMouseEvent) => {
    event.preventDefault();
    finish();
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.key === "Enter") finish();
    if (event.key === "Backspace") ring.pop();
  };
  map.doubleClickZoom.disable();
  const off = all([map.on("click", onClick), map.on("mousemove", onMove), map.on("dblclick", onDouble)]);
  window.addEventListener("keydown", onKey);
  return () => {
    off();
    window.removeEventListener("keydown", onKey);
    map.doubleClickZoom.enable();
  };
}

/** What ends all of them. */
function all(subscriptions: { unsubscribe: () => void }[]): () => void {
  return () => {
    for (const one of subscriptions) one.unsubscribe();
  };
}

function at(event: MapMouseEvent | MapTouchEvent): LonLat {
  return [event.lngLat.lng, event.lngLat.lat];
}
