/** What the search is made of, beside its words: each part can be taken out again. */

import type { ComponentChildren } from "preact";
import { placeText } from "../geo";
import { isFiltered, keyOf, NOTHING, type Place, ranks, type Ref } from "../search";
import { clear, example, go, search, upload } from "../store";
import { Icon } from "./Icon";
import { Thumb } from "./Thumb";

export function Parts() {
  const { like, place, area, more, less, upload: name } = search.value;
  if (!ranks({ ...search.value, text: "" }) && !isFiltered(search.value) && less.length === 0) return null;
  const examples = (refs: Ref[], list: "more" | "less") =>
    refs.map((ref) => (
      <Part key={keyOf(ref)} kind={list} says={`${list} like this`} onRemove={() => example(ref, list)}>
        <Thumb subject={ref} />
        {list === "more" ? "+" : "−"}
      </Part>
    ));
  return (
    <div class="parts" role="group" aria-label="The search">
      {name !== null && (
        <Part kind="like" says={`like ${name}`} onRemove={() => go({ upload: null })}>
          {upload.value && <img class="thumb" src={upload.value.url} alt="" />}
          <span class="cut">like {name}</span>
        </Part>
      )}
      {like && (
        <Part kind="like" says="like this chip" onRemove={() => go({ like: null })}>
          <Thumb subject={like} /> like this
        </Part>
      )}
      {examples(more, "more")}
      {examples(less, "less")}
      {place && <PlacePart place={place} />}
      {area && (
        <Part kind="area" says="the area" onRemove={() => go({ area: null })}>
          <Icon name={area.kind} /> in this {area.kind === "box" ? "box" : "polygon"}
        </Part>
      )}
      <button class="text" onClick={() => (search.value === NOTHING ? undefined : clear())}>
        Clear all
      </button>
    </div>
  );
}

function PlacePart({ place }: { place: Place }) {
  const change = (part: Partial<Place>) => go({ place: { ...place, ...part } });
  return (
    <Part kind="place" says="the place" onRemove={() => go({ place: null })}>
      <Icon name="place" />
      <select
        aria-label="Meaning of the place"
        value={place.meaning}
        onChange={(event) => change({ meaning: event.currentTarget.value as Place["meaning"] })}
      >
        <option value="near">within</option>
        <option value="like">looks like</option>
      </select>
      {place.meaning === "near" && (
        <label>
          <input
            type="number"
            min={1}
            max={20000}
            value={place.radiusKm}
            aria-label="Radius in km"
            onChange={(event) => {
              const radius = event.currentTarget.valueAsNumber;
              if (radius >= 1 && radius <= 20000) change({ radiusKm: radius });
            }}
          />{" "}
          km of
        </label>
      )}
      <span>{placeText(place.at)}</span>
    </Part>
  );
}

function Part(props: { kind: string; says: string; onRemove: () => void; children: ComponentChildren }) {
  return (
    <span class={`part ${props.kind}`}>
      {props.children}
      <button class="quiet" onClick={props.onRemove} title={`Take out: ${props.says}`}>
        <Icon name="close" />
        <span class="said">Take out: {props.says}</span>
      </button>
    </span>
  );
}
