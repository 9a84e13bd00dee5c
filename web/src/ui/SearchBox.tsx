/** The one search box: words, a paragraph, coordinates, or an image. */

import { useSignal, useSignalEffect } from "@preact/signals";
import { useRef } from "preact/hooks";
import { placeText } from "../geo";
import { parse, type Parsed } from "../parse";
import { RADIUS_KM } from "../search";
import { go, lookLike, search } from "../store";
import { Icon } from "./Icon";

export function SearchBox() {
  const typed = useSignal(search.value.text);
  const box = useRef<HTMLTextAreaElement>(null);
  useSignalEffect(() => {
    typed.value = search.value.text;
  });
  const found = parse(typed.value);
  const submit = (event: Event) => {
    event.preventDefault();
    run(found);
    if (found.kind === "place" || found.kind === "box") typed.value = search.value.text;
  };
  return (
    <form class="search" role="search" onSubmit={submit}>
      <Icon name="search" />
      <textarea
        id="words"
        ref={box}
        rows={1}
        value={typed.value}
        maxLength={4000}
        aria-label="What to look for"
        aria-describedby="reads"
        placeholder="Words, a paragraph, 34.05, -118.24, or an image"
        spellcheck
        onInput={(event) => (typed.value = event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter" && !event.shiftKey && !event.isComposing) submit(event);
          if (event.key === "Escape") box.current?.blur();
        }}
      />
      <label class="quiet" title="Look like an image">
        <Icon name="image" />
        <span class="said">Look like an image</span>
        <input
          class="said"
          type="file"
          accept="image/*,.tif,.tiff,.jp2"
          onChange={(event) => {
            const file = event.currentTarget.files?.[0];
            if (file) lookLike(file, file.name);
            event.currentTarget.value = "";
          }}
        />
      </label>
      <button class="main" type="submit">
        Search
      </button>
      <p id="reads" class="reads" hidden={found.kind === "words" || found.kind === "nothing"}>
        {reads(found)}
      </p>
    </form>
  );
}

function run(found: Parsed): void {
  if (found.kind === "place") go({ place: { at: found.at, meaning: "near", radiusKm: RADIUS_KM } });
  else if (found.kind === "box") go({ area: { kind: "box", box: found.box } });
  else go({ text: found.kind === "words" ? found.text : "" });
}

function reads(found: Parsed): string {
  if (found.kind === "place") return `Enter: search near ${placeText(found.at)}`;
  if (found.kind === "box") return "Enter: search in this box (west, south, east, north)";
  return "";
}
