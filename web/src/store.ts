/** The page's state, and everything that changes it. Components read signals and call these functions. */

import { batch, computed, effect, signal } from "@preact/signals";
import { Failure } from "./api/failure";
import { type Answer, type Catalogue, type Heat, Service } from "./api/service";
import type { Hit } from "./hit";
import { fromHash, NO_VIEW, toHash, type View } from "./link";
import type { Tool } from "./map/draw";
import { hasExamples, keyOf, NOTHING, PAGE_SIZE, type Ref, type Search, withExample } from "./search";

/** An image to look like, that somebody dropped, pasted or chose. */
export interface Upload {
  name: string;
  blob: Blob;
  url: string;
}

const TOKEN = "swath-token";
const ROOT = new URL("./", document.baseURI).href;

export const service = signal(new Service(ROOT, sessionStorage.getItem(TOKEN) ?? ""));
export const catalogue = signal<Catalogue | null>(null);
export const search = signal<Search>(NOTHING);
export const view = signal<View>(NO_VIEW);
export const upload = signal<Upload | null>(null);
export const answer = signal<Answer | null>(null);
export const loading = signal(true);
export const failure = signal<Failure | null>(null);
/** The hit under the pointer or the keyboard's focus. */
export const hovered = signal<string | null>(null);
export const opened = signal<Hit | null>(null);
export const tool = signal<Tool>("none");
export const heat = signal<{ words: string; heat: Heat | null; failure: string | null } | null>(null);
/** Which pane a small screen shows. */
export const pane = signal<"results" | "map">("results");
/** What has just happened, for a moment. */
export const note = signal("");

export const hits = computed(() => answer.value?.hits ?? []);
/** Whether more hits may be had. */
export const hasMore = computed(() => hits.value.length >= search.value.limit && search.value.limit < 1000);

let running = new AbortController();
let looking = new AbortController();
let heating = new AbortController();

/** Start: read the link, ask the service what it has, search. */
export function start(): void {
  restore();
  addEventListener("popstate", restore);
  effect(() => {
    const hash = toHash(search.value, view.value);
    if (hash !== location.hash.slice(1)) history.replaceState(null, "", hash ? `#${hash}` : location.pathname);
  });
  void describe();
}

/** Change the search and run it; a step that the browser's back button undoes. */
export function go(change: Partial<Search>): void {
  const next = { limit: PAGE_SIZE, ...change };
  history.pushState(null, "", location.href);
  search.value = { ...search.value, ...next };
  if (change.upload === null) forget();
  void run();
}

/** Forget the search, keep the view of the map. */
export function clear(): void {
  forget();
  close();
  go(NOTHING);
}

/** Look like an image that somebody gave. */
export function lookLike(blob: Blob, name: string): void {
  forget();
  upload.value = { blob, name, url: URL.createObjectURL(blob) };
  go({ upload: name, like: null });
}

/** Favour or avoid a chip, or no longer. */
export function example(ref: Ref, list: "more" | "less"): void {
  go(withExample(search.value, ref, list));
}

/** More hits of the same search. */
export function more(): void {
  go({ limit: Math.min(search.value.limit + PAGE_SIZE, 1000) });
}

/** Open a hit, or close it. */
export function open(ref: Ref | null): void {
  showHeat("");
  view.value = { ...view.value, open: ref, heat: "" };
  void look();
}

/** Close the open hit. */
export function close(): void {
  open(null);
}

/** Open the hit before or after the open one. */
export function step(by: 1 | -1): void {
  const at = hits.value.findIndex((hit) => hit.key === opened.value?.key);
  const next = hits.value[at + by];
  if (at >= 0 && next) open(next.ref);
}

/** Show where words fit in the open hit's scene; empty words take the map away. */
export function showHeat(words: string): void {
  heating.abort();
  view.value = { ...view.value, heat: words };
  heat.value = null;
  const ref = view.value.open;
  if (words === "" || !ref) return;
  heating = new AbortController();
  const { signal } = heating;
  heat.value = { words, heat: null, failure: null };
  service.value
    .heat(ref, words, signal)
    .then((found) => (heat.value = { words, heat: found, failure: null }))
    .catch((error: unknown) => {
      if (!signal.aborted) heat.value = { words, heat: null, failure: told(error) };
    });
}

/** Use a token from now on, for as long as the browser's tab lives. */
export function useToken(token: string): void {
  sessionStorage.setItem(TOKEN, token);
  service.value = new Service(ROOT, token);
  void describe();
}

/** Tell something, for a moment. */
export function tell(text: string): void {
  note.value = text;
  setTimeout(() => {
    if (note.value === text) note.value = "";
  }, 4000);
}

/** What went wrong, in words. */
export function told(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Ask again, after a failure. */
export function again(): void {
  void (catalogue.value ? run() : describe());
}

async function describe(): Promise<void> {
  loading.value = true;
  failure.value = null;
  try {
    catalogue.value = await service.value.describe(new AbortController().signal);
    document.title = catalogue.value.title;
  } catch (error) {
    failed(error);
    return;
  }
  const { heat: words } = view.value;
  await Promise.all([run(), look()]);
  if (words !== "") showHeat(words);
}

async function run(): Promise<void> {
  running.abort();
  running = new AbortController();
  const { signal } = running;
  const asked = search.value;
  failure.value = null;
  if (asked.upload !== null && upload.value === null) {
    failed(
      new Failure(
        "refused",
        `This link looks like the image “${asked.upload}”, which stayed where the link was made. Drop it here again.`,
      ),
    );
    return;
  }
  if (asked.less.length > 0 && !hasExamples(asked)) {
    failed(
      new Failure(
        "refused",
        "“Less like this” needs something to look for beside it: words, an image, or “more like this”.",
      ),
    );
    return;
  }
  loading.value = true;
  try {
    const found = await service.value.search(asked, upload.value?.blob ?? null, signal);
    if (signal.aborted) return;
    answer.value = found;
    loading.value = false;
    // A hit that a link opened knows its score only now.
    opened.value = found.hits.find((hit) => hit.key === opened.value?.key) ?? opened.value;
  } catch (error) {
    if (!signal.aborted) failed(error);
  }
}

async function look(): Promise<void> {
  looking.abort();
  looking = new AbortController();
  const { signal } = looking;
  const ref = view.value.open;
  if (!ref) {
    opened.value = null;
    return;
  }
  const known = () => hits.value.find((hit) => hit.key === keyOf(ref));
  try {
    // The search may have ended meanwhile, and knows the score.
    const unranked = known() ? null : await service.value.item(ref, signal);
    opened.value = known() ?? unranked;
  } catch (error) {
    if (signal.aborted) return;
    tell(told(error));
    close();
  }
}

function restore(): void {
  const found = fromHash(location.hash);
  const same = toHash(found.search, NO_VIEW) === toHash(search.value, NO_VIEW);
  batch(() => {
    search.value = found.search;
    view.value = found.view;
  });
  if (found.search.upload === null) forget();
  if (!catalogue.value) return;
  if (!same) void run();
  void look();
  showHeat(found.view.heat);
}

function forget(): void {
  if (upload.value) URL.revokeObjectURL(upload.value.url);
  upload.value = null;
}

function failed(error: unknown): void {
  failure.value = error instanceof Failure ? error : new Failure("broken", told(error));
  answer.value = null;
  loading.value = false;
}
