/** Thumbnails of the results, linked with the map, with arrow keys to walk among them. */

import { useEffect, useRef } from "preact/hooks";
import { colour, RAMP, scaled } from "../colour";
import { day, type Hit, scoreText, title } from "../hit";
import { keyOf } from "../search";
import { answer, catalogue, example, go, hasMore, hits, hovered, loading, more, open, opened, search } from "../store";
import { Icon, type IconName } from "./Icon";
import { Thumb } from "./Thumb";

export function Grid() {
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => {
    const key = opened.value?.key;
    if (key) list.current?.querySelector(`[data-key="${CSS.escape(key)}"]`)?.scrollIntoView({ block: "nearest" });
  }, [opened.value?.key]);
  const shares = scaled(hits.value.map((hit) => hit.score));
  if (loading.value && !answer.value) return <Skeleton />;
  return (
    <div class="scroll" data-loading={loading.value} data-weak={answer.value?.matchesWell === false}>
      <ul class="grid" ref={list} onKeyDown={(event) => walk(event)} aria-label="Found">
        {hits.value.map((hit, i) => (
          <Card key={hit.key} hit={hit} share={shares[i] ?? null} first={i === 0} />
        ))}
      </ul>
      {hasMore.value && (
        <button class="more" onClick={more} disabled={loading.value}>
          {loading.value ? "Searching…" : "Show more"}
        </button>
      )}
    </div>
  );
}

/** What the colours of scores mean. */
export function Legend() {
  const scores = hits.value.map((hit) => hit.score).filter((one) => one !== null);
  if (scores.length < 2) return null;
  return (
    <div class="legend" aria-label="Colours of scores">
      <span>{scoreText(Math.min(...scores))}</span>
      <i style={{ background: `linear-gradient(to right, ${RAMP.join(",")})` }} />
      <span>{scoreText(Math.max(...scores))}</span>
    </div>
  );
}

function Card({ hit, share, first }: { hit: Hit; share: number | null; first: boolean }) {
  const key = hit.key;
  const isIn = (list: "more" | "less") => search.value[list].some((ref) => keyOf(ref) === key);
  const current = opened.value?.key ?? hits.value[0]?.key;
  return (
    <li
      class="card"
      data-key={key}
      data-hover={hovered.value === key}
      onMouseEnter={() => (hovered.value = key)}
      onMouseLeave={() => (hovered.value = null)}
    >
      <button
        class="face"
        aria-label={title(hit)}
        aria-current={opened.value?.key === key ? "true" : undefined}
        tabIndex={current === key || (first && !hits.value.some((one) => one.key === current)) ? 0 : -1}
        onClick={() => open(hit.ref)}
        onFocus={() => (hovered.value = key)}
        onBlur={() => (hovered.value = null)}
      >
        <Thumb subject={hit.ref} />
        <span class="facts">
          {share !== null && <i class="dot" style={{ background: colour(share) }} />}
          <b>{scoreText(hit.score) || hit.sensor}</b>
          <span>{hit.score === null || !mixed() ? day(hit) : hit.sensor}</span>
        </span>
      </button>
      <span class="acts">
        <Act icon="plus" says="More like this" pressed={isIn("more")} onClick={() => example(hit.ref, "more")} />
        <Act icon="minus" says="Less like this" pressed={isIn("less")} onClick={() => example(hit.ref, "less")} />
        <Act icon="alike" says="Only what looks like this" onClick={() => onlyLike(hit)} />
      </span>
    </li>
  );
}

/** Whether results of several sensors may stand beside each other. */
function mixed(): boolean {
  return (catalogue.value?.collections.length ?? 0) > 1 && search.value.collections.length !== 1;
}

function Act(props: { icon: IconName; says: string; pressed?: boolean; onClick: () => void }) {
  return (
    <button
      tabIndex={-1}
      title={props.says}
      aria-label={props.says}
      aria-pressed={props.pressed}
      onClick={props.onClick}
    >
      <Icon name={props.icon} />
    </button>
  );
}

/** A new search by this chip alone; filters stay. */
export function onlyLike(hit: Hit): void {
  go({ text: "", upload: null, like: hit.ref, more: [], less: [], place: null });
}

function Skeleton() {
  return (
    <div class="scroll" aria-busy="true">
      <ul class="grid" aria-label="Searching">
        {Array.from({ length: 12 }, (_, i) => (
          <li class="card ghost" key={i} />
        ))}
      </ul>
    </div>
  );
}

const STEPS: Record<string, number> = { ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity };

/** Arrow keys walk; `m`, `l` and `s` are more, less and similar. */
function walk(event: KeyboardEvent): void {
  const face = event.target instanceof HTMLElement ? event.target.closest<HTMLElement>(".face") : null;
  if (!face || event.ctrlKey || event.metaKey || event.altKey) return;
  const faces = [...document.querySelectorAll<HTMLElement>(".grid .face")];
  const at = faces.indexOf(face);
  const hit = hits.value[at];
  const top = face.getBoundingClientRect().top;
  const across = faces.filter((one) => Math.abs(one.getBoundingClientRect().top - top) < 2).length;
  const by = { ...STEPS, ArrowDown: across, ArrowUp: -across }[event.key];
  if (by !== undefined) {
    event.preventDefault();
    faces[Math.max(0, Math.min(faces.length - 1, at + by))]?.focus();
  } else if (hit && event.key === "m") example(hit.ref, "more");
  else if (hit && event.key === "l") example(hit.ref, "less");
  else if (hit && event.key === "s") onlyLike(hit);
}
