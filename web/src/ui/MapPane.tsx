/** The map and its tools. The map itself is loaded after the page: results come first. */

import { useEffect, useRef, useState } from "preact/hooks";
import type { Tool } from "../map/draw";
import type { MapHandle } from "../map/pane";
import { catalogue, told, tool } from "../store";
import { Icon, type IconName } from "./Icon";

const TOOLS: [Tool, IconName, string, string][] = [
  ["place", "place", "A place", "Click a place to search near it"],
  ["box", "box", "A box", "Drag a box to search inside it"],
  ["polygon", "polygon", "A polygon", "Click the corners; Enter or a double click closes it"],
];

export function MapPane() {
  const at = useRef<HTMLDivElement>(null);
  const handle = useRef<MapHandle | null>(null);
  const [problem, setProblem] = useState("");
  const ready = catalogue.value !== null;
  useEffect(() => {
    const box = at.current;
    if (!ready || !box) return;
    let gone = false;
    import("../map/pane")
      .then(({ mountMap }) => {
        if (!gone) handle.current = mountMap(box);
      })
      .catch((error: unknown) => setProblem(told(error)));
    return () => {
      gone = true;
      handle.current?.remove();
      handle.current = null;
    };
  }, [ready]);
  const hint = TOOLS.find(([one]) => one === tool.value)?.[3];
  return (
    <>
      <div class="canvas" ref={at} />
      {problem !== "" && (
        <p class="unmapped" role="alert">
          The map cannot be drawn in this browser ({problem}). Search and results work without it.
        </p>
      )}
      <div class="maptools" role="group" aria-label="Map tools">
        {TOOLS.map(([one, icon, says, does]) => (
          <button
            key={one}
            aria-pressed={tool.value === one}
            title={does}
            onClick={() => (tool.value = tool.value === one ? "none" : one)}
          >
            <Icon name={icon} />
            <span>{says}</span>
          </button>
        ))}
        <button title="Show all results" onClick={() => handle.current?.fit()}>
          <Icon name="fit" />
          <span>All</span>
        </button>
      </div>
      {hint && (
        <p class="hint" role="status">
          {hint}. Esc puts it away.
        </p>
      )}
    </>
  );
}
