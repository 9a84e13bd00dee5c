/** The page: a search above, thumbnails beside a map. */

import { useEffect, useState } from "preact/hooks";
import icon from "../icon.svg";
import { catalogue, clear, close, lookLike, note, opened, pane, tell, tool } from "../store";
import { Detail } from "./Detail";
import { Export } from "./Export";
import { Filters } from "./Filters";
import { Grid } from "./Grid";
import { Help } from "./Help";
import { Icon } from "./Icon";
import { MapPane } from "./MapPane";
import { Notice } from "./Notice";
import { Parts } from "./Parts";
import { SearchBox } from "./SearchBox";
import { toggleTheme } from "./theme";

export function App() {
  const [helping, setHelping] = useState(false);
  const [dropping, setDropping] = useState(false);
  useEffect(() => listen(setDropping, () => setHelping(true)), []);
  return (
    <div class="page" data-pane={pane.value} data-open={opened.value !== null}>
      <header class="bar">
        <h1 class="said">{catalogue.value?.title ?? "swath"}: search by meaning</h1>
        <button class="brand" onClick={clear} title="Start anew">
          <img src={icon} alt="" width="22" height="22" />
          <span>{catalogue.value?.title ?? "swath"}</span>
        </button>
        <SearchBox />
        <nav class="tools" aria-label="Page">
          <Export />
          <button class="quiet" onClick={() => void copyLink()} title="Copy a link to this view">
            <Icon name="link" />
            <span class="said">Copy link</span>
          </button>
          <button class="quiet" onClick={toggleTheme} title="Light or dark">
            <Icon name="theme" />
            <span class="said">Light or dark</span>
          </button>
          <button class="quiet" onClick={() => setHelping(true)} title="Help and keys (?)">
            <Icon name="help" />
            <span class="said">Help</span>
          </button>
        </nav>
      </header>
      <main class="panes">
        <section class="results" aria-label="Results">
          <Filters />
          <Parts />
          <Notice />
          <Grid />
        </section>
        <section class="map" aria-label="Map">
          <MapPane />
        </section>
        {opened.value && <Detail hit={opened.value} key={opened.value.key} />}
      </main>
      <nav class="switch" aria-label="Pane">
        {(["results", "map"] as const).map((one) => (
          <button key={one} aria-pressed={pane.value === one} onClick={() => (pane.value = one)}>
            {one === "results" ? "Results" : "Map"}
          </button>
        ))}
      </nav>
      {dropping && <div class="drop">Drop an image to find what looks like it</div>}
      <div class="note" role="status">
        {note.value}
      </div>
      {helping && <Help onClose={() => setHelping(false)} />}
    </div>
  );
}

async function copyLink(): Promise<void> {
  try {
    await navigator.clipboard.writeText(location.href);
    tell("Link copied");
  } catch {
    tell("The browser does not let the page copy; copy the address above instead");
  }
}

/** Keys, and images that are dropped or pasted anywhere. Gives what stops listening. */
function listen(setDropping: (is: boolean) => void, help: () => void): () => void {
  const stop = new AbortController();
  const on = { signal: stop.signal };
  const take = (files: FileList | undefined, event: Event) => {
    const file = [...(files ?? [])].find((one) => one.type.startsWith("image/") || /\.(tiff?|jp2)$/i.test(one.name));
    if (!file) return;
    event.preventDefault();
    lookLike(file, file.name || "pasted image");
  };
  addEventListener("paste", (event) => take(event.clipboardData?.files, event), on);
  addEventListener("dragover", (event) => (event.preventDefault(), setDropping(true)), on);
  addEventListener("dragleave", (event) => event.relatedTarget === null && setDropping(false), on);
  addEventListener(
    "drop",
    (event) => (event.preventDefault(), setDropping(false), take(event.dataTransfer?.files, event)),
    on,
  );
  addEventListener("keydown", (event) => onKey(event, help), on);
  return () => stop.abort();
}

function onKey(event: KeyboardEvent, help: () => void): void {
  const at = event.target instanceof HTMLElement ? event.target : null;
  if (event.key === "Escape") {
    if (document.querySelector("dialog[open]")) return;
    if (tool.value !== "none") tool.value = "none";
    else if (opened.value) close();
    return;
  }
  if (at?.matches("input, textarea, select") || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/") {
    event.preventDefault();
    document.querySelector<HTMLElement>("#words")?.focus();
  }
  if (event.key === "?") help();
}
