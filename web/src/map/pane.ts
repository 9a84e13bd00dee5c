/** The map, tied to the page's state both ways. */

import { effect } from "@preact/signals";
import { AttributionControl, Map, NavigationControl, ScaleControl, setWorkerUrl } from "maplibre-gl";
import "maplibre-gl/dist/maplibre-gl.css";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?url";
import { extent } from "../geo";
import { type Box, type LonLat, RADIUS_KM, refOf } from "../search";
import { catalogue, go, heat, hits, hovered, open, opened, pane, search, service, tool, view } from "../store";
import { theme } from "../ui/theme";
import { use } from "./draw";
import { addLayers, mark, showHeat, showHits, showScene, showSearch } from "./layers";
import { baseStyle } from "./style";

export interface MapHandle {
  fit: () => void;
  remove: () => void;
}

const HIT_LAYERS = ["hits-fill", "hits-point"];
const SCENE_ZOOM = 9;

/** Put a map into a box of the page. */
export function mountMap(container: HTMLElement): MapHandle {
  setWorkerUrl(workerUrl);
  const { centre, zoom } = view.value;
  const map = new Map({
    container,
    style: baseStyle(theme.value, catalogue.value?.basemap ?? null),
    center: centre ?? [0, 20],
    zoom: zoom ?? 0.8,
    maxZoom: 18,
    minZoom: 0,
    attributionControl: false,
    dragRotate: false,
    pitchWithRotate: false,
    touchPitch: false,
    fadeDuration: 0,
    transformRequest: (url) => (url.startsWith(service.value.root) ? { url, headers: service.value.headers } : { url }),
  });
  map.touchZoomRotate.disableRotation();
  map.addControl(new AttributionControl({ compact: true }));
  map.addControl(new NavigationControl({ showCompass: false }), "bottom-right");
  map.addControl(new ScaleControl(), "bottom-left");
  map.getCanvas().setAttribute("aria-label", "Map of results");
  const stops: (() => void)[] = [];
  let isStill = centre !== null;
  const fit = () =>
    fitTo(
      map,
      hits.value.flatMap((hit) => hit.geometry ?? []),
    );
  const tie = () => {
    stops.push(...ties(map));
    stops.push(
      effect(() => {
        showHits(map, hits.value);
        // A view that came with the link stays; after that, each answer is shown whole.
        if (hits.value.length > 0 && !isStill) fit();
        if (hits.value.length > 0) isStill = false;
      }),
    );
    container.dataset["ready"] = "true";
  };
  map.once("style.load", tie);
  const sizes = new ResizeObserver(() => map.resize());
  sizes.observe(container);
  return {
    fit,
    remove: () => {
      for (const stop of stops) stop();
      sizes.disconnect();
      map.remove();
    },
  };
}

function ties(map: Map): (() => void)[] {
  listen(map);
  let first = true;
  return [
    effect(() => {
      const now = theme.value;
      if (first) addLayers(map, now);
      else restyle(map);
      first = false;
    }),
    effect(() => showSearch(map, search.value)),
    effect(() => mark(map, "hover", hovered.value)),
    effect(() => {
      mark(map, "open", opened.value?.key ?? null);
      if (opened.value?.geometry) showWhole(map, extent([opened.value.geometry]));
    }),
    effect(() => {
      const hit = opened.value;
      showScene(map, hit?.geometry ? service.value.tiles(hit.ref) : null);
    }),
    effect(() => {
      const found = heat.value?.heat ?? null;
      showHeat(map, found);
      if (found) showWhole(map, extent([{ type: "MultiPoint", coordinates: found.corners }]));
    }),
    effect(() => {
      const done = use(tool.value, map, {
        onArea: (area) => finish(() => go({ area })),
        onPlace: (at) => finish(() => go({ place: { at, meaning: "near", radiusKm: RADIUS_KM } })),
        onCancel: () => (tool.value = "none"),
      });
      return done.stop;
    }),
  ];
}

function finish(does: () => void): void {
  tool.value = "none";
  pane.value = "results";
  does();
}

/** The other theme: the style again, and everything on it. */
function restyle(map: Map): void {
  map.setStyle(baseStyle(theme.value, catalogue.value?.basemap ?? null), { diff: false });
  map.once("styledata", () => {
    addLayers(map, theme.value);
    showHits(map, hits.value);
    showSearch(map, search.value);
    showHeat(map, heat.value?.heat ?? null);
    showScene(map, opened.value?.geometry ? service.value.tiles(opened.value.ref) : null);
    mark(map, "open", opened.value?.key ?? null);
  });
}

function listen(map: Map): void {
  map.on("moveend", () => {
    const { lng, lat } = map.getCenter().wrap();
    view.value = { ...view.peek(), centre: [lng, lat], zoom: Math.round(map.getZoom() * 100) / 100 };
  });
  map.on("mousemove", HIT_LAYERS, (event) => {
    if (tool.value !== "none") return;
    map.getCanvas().style.cursor = "pointer";
    hovered.value = keyAt(event.features);
  });
  map.on("mouseleave", HIT_LAYERS, () => {
    if (tool.value === "none") map.getCanvas().style.cursor = "";
    hovered.value = null;
  });
  map.on("click", HIT_LAYERS, (event) => {
    const ref = refOf(keyAt(event.features) ?? "");
    if (tool.value === "none" && ref) open(ref);
  });
}

function keyAt(features: { properties: Record<string, unknown> }[] | undefined): string | null {
  const key = features?.[0]?.properties["key"];
  return typeof key === "string" ? key : null;
}

function fitTo(map: Map, geometries: Parameters<typeof extent>[0]): void {
  const box = extent(geometries);
  if (box) map.fitBounds(box, { padding: 48, maxZoom: 12, duration: 0 });
}

/** Bring a chip into view, if it is not there or too small to see; when the page has made room for what is open. */
function showWhole(map: Map, box: Box | null): void {
  if (box) requestAnimationFrame(() => bringIn(map.resize(), box));
}

function bringIn(map: Map, box: Box): void {
  const corners: LonLat[] = [
    [box[0], box[1]],
    [box[2], box[3]],
  ];
  const inside = corners.every((one) => map.getBounds().contains(one));
  if (!inside || map.getZoom() < SCENE_ZOOM) map.fitBounds(box, { padding: 72, maxZoom: 13, duration: 600 });
}
