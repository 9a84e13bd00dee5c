/** Export: results as files, the search as Python. */

import { useRef } from "preact/hooks";
import { csv, geojson, save, snippet, stac } from "../export";
import { hits, search, service, tell, told } from "../store";
import { Icon } from "./Icon";

export function Export() {
  const menu = useRef<HTMLDetailsElement>(null);
  const act = (does: () => void) => () => {
    does();
    if (menu.current) menu.current.open = false;
  };
  const none = hits.value.length === 0;
  return (
    <details class="menu" ref={menu} onKeyDown={(event) => event.key === "Escape" && act(() => undefined)()}>
      <summary class="quiet" title="Export">
        <Icon name="export" />
        <span class="said">Export</span>
      </summary>
      <div class="items">
        <button disabled={none} onClick={act(() => save(geojson(hits.value)))}>
          GeoJSON <small>for a GIS</small>
        </button>
        <button disabled={none} onClick={act(() => save(csv(hits.value)))}>
          CSV <small>for a table</small>
        </button>
        <button disabled={none} onClick={act(() => save(stac(hits.value)))}>
          STAC <small>items in full</small>
        </button>
        <button onClick={act(() => void copySnippet())}>
          Notebook <small>copy Python</small>
        </button>
      </div>
    </details>
  );
}

async function copySnippet(): Promise<void> {
  try {
    await navigator.clipboard.writeText(snippet(search.value, service.value.root));
    tell("Python copied: paste it into a notebook");
  } catch (error) {
    tell(`The browser does not let the page copy (${told(error)})`);
  }
}
