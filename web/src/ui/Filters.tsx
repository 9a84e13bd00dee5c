/** Filters: sensors and dates. */

import type { Collection } from "../api/service";
import { catalogue, go, search } from "../store";

export function Filters() {
  const collections = catalogue.value?.collections ?? [];
  const several = new Set(collections.map((one) => one.archive)).size > 1;
  const { from, to } = search.value;
  return (
    <div class="filters" role="group" aria-label="Filters">
      {collections.length > 1 && (
        <div class="sensors" role="group" aria-label="Sensors">
          {collections.map((one) => (
            <Sensor key={one.id} collection={one} several={several} />
          ))}
        </div>
      )}
      <div class="dates" role="group" aria-label="Dates">
        <label>
          <span>from</span>
          <input type="date" value={from} max={to} onChange={(event) => go({ from: event.currentTarget.value })} />
        </label>
        <label>
          <span>to</span>
          <input type="date" value={to} min={from} onChange={(event) => go({ to: event.currentTarget.value })} />
        </label>
      </div>
    </div>
  );
}

function Sensor({ collection, several }: { collection: Collection; several: boolean }) {
  const chosen = search.value.collections;
  const on = chosen.includes(collection.id);
  const toggle = () =>
    go({ collections: on ? chosen.filter((one) => one !== collection.id) : [...chosen, collection.id] });
  return (
    <button class="pill" aria-pressed={on} onClick={toggle} title={collection.id}>
      {several ? `${collection.archive} · ${collection.sensor}` : collection.sensor}{" "}
      <small>{collection.rows.toLocaleString("en")}</small>
    </button>
  );
}
