/** One hit in full: its picture, facts, and what can be done with it. */

import { useEffect, useRef, useState } from "preact/hooks";
import { extent, placeText } from "../geo";
import { day, type Hit, scoreText } from "../hit";
import { keyOf } from "../search";
import { catalogue, close, example, heat, hits, search, service, showHeat, step, told, view } from "../store";
import { onlyLike } from "./Grid";
import { Icon } from "./Icon";
import { percent } from "./Notice";
import { Thumb } from "./Thumb";

export function Detail({ hit }: { hit: Hit }) {
  const collection = catalogue.value?.collections.find((one) => one.id === hit.ref.collection);
  const at = hits.value.findIndex((one) => one.key === hit.key);
  const isIn = (list: "more" | "less") => search.value[list].some((ref) => keyOf(ref) === hit.key);
  return (
    <aside class="detail" aria-label="The open result">
      <header>
        <h2>
          {hit.sensor} {day(hit)}
        </h2>
        <button class="quiet" disabled={at <= 0} onClick={() => step(-1)} title="The one before">
          <Icon name="left" />
          <span class="said">The one before</span>
        </button>
        <button class="quiet" disabled={at < 0 || at + 1 >= hits.value.length} onClick={() => step(1)} title="The next">
          <Icon name="right" />
          <span class="said">The next</span>
        </button>
        <button class="quiet" onClick={close} title="Close (Esc)">
          <Icon name="close" />
          <span class="said">Close</span>
        </button>
      </header>
      <Thumb subject={hit.ref} alt={hit.caption || "The chip as seen by its sensor"} />
      <div class="row" role="group" aria-label="Steer the search">
        <button aria-pressed={isIn("more")} onClick={() => example(hit.ref, "more")}>
          <Icon name="plus" /> More like this
        </button>
        <button aria-pressed={isIn("less")} onClick={() => example(hit.ref, "less")}>
          <Icon name="minus" /> Less
        </button>
        <button onClick={() => onlyLike(hit)} title="A new search by this chip alone">
          <Icon name="alike" /> Only
        </button>
      </div>
      <HeatForm hit={hit} />
      {hit.caption !== "" && <p class="caption">{hit.caption}</p>}
      {collection?.abilities.includes("caption") && <Write hit={hit} />}
      {collection?.abilities.includes("ask") && <Ask hit={hit} />}
      <Facts hit={hit} />
    </aside>
  );
}

function Facts({ hit }: { hit: Hit }) {
  const box = hit.geometry ? extent([hit.geometry]) : null;
  const facts: [string, string][] = [
    ["Score", scoreText(hit.score)],
    ["Confidence", hit.confidence === null ? "" : percent(hit.confidence)],
    ["Scene", hit.scene],
    ["Taken", hit.datetime.replace("T", " ").replace("Z", " UTC")],
    ["Place", box ? placeText([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2], 3) : "unknown"],
    ["Collection", hit.ref.collection],
    ["Id", hit.ref.id],
  ];
  const self = hit.item.links.find((link) => link.rel === "self")?.href;
  return (
    <dl class="facts">
      {facts.map(
        ([name, value]) =>
          value !== "" && (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ),
      )}
      {self && (
        <div>
          <dt>STAC</dt>
          <dd>
            <a href={self} target="_blank" rel="noreferrer">
              item
            </a>
          </dd>
        </div>
      )}
    </dl>
  );
}

function HeatForm({ hit }: { hit: Hit }) {
  const shown = heat.value;
  const [words, setWords] = useState(view.value.heat || search.value.text);
  if (!hit.geometry) return null;
  return (
    <form
      class="ask"
      aria-label="Heat map"
      onSubmit={(event) => {
        event.preventDefault();
        showHeat(words.trim());
      }}
    >
      <label for="heat">Where in the scene?</label>
      <span>
        <input
          id="heat"
          required
          value={words}
          maxLength={4000}
          placeholder="what to look for"
          onInput={(event) => setWords(event.currentTarget.value)}
        />
        <button type="submit" disabled={shown !== null && !shown.heat && !shown.failure}>
          <Icon name="heat" /> Heat map
        </button>
        {shown && (
          <button type="button" onClick={() => showHeat("")}>
            Hide
          </button>
        )}
      </span>
      <small role="status">
        {shown && !shown.heat && !shown.failure && "Looking at the scene…"}
        {shown?.heat && `Bright is where “${shown.words}” fits best.`}
        {shown?.failure}
      </small>
    </form>
  );
}

function Write({ hit }: { hit: Hit }) {
  const [text, run, busy] = useAnswer(() => service.value.caption(hit.ref, new AbortController().signal));
  return (
    <div class="ask">
      <button onClick={run} disabled={busy}>
        {busy ? "Writing…" : "Write a caption"}
      </button>
      <p role="status">{text}</p>
    </div>
  );
}

function Ask({ hit }: { hit: Hit }) {
  const [question, setQuestion] = useState("");
  const [text, run, busy] = useAnswer(async () => {
    const said = await service.value.ask(hit.ref, question, new AbortController().signal);
    return `${said.answer} · confidence ${percent(said.confidence)}`;
  });
  return (
    <form
      class="ask"
      onSubmit={(event) => {
        event.preventDefault();
        run();
      }}
    >
      <label for="question">Ask about it</label>
      <span>
        <input
          id="question"
          required
          maxLength={1000}
          value={question}
          placeholder="Is there water?"
          onInput={(event) => setQuestion(event.currentTarget.value)}
        />
        <button type="submit" disabled={busy}>
          {busy ? "Asking…" : "Ask"}
        </button>
      </span>
      <p role="status">{text}</p>
    </form>
  );
}

/** Text that the service writes when asked: the text, what asks, and whether it is being written. */
function useAnswer(asks: () => Promise<string>): [string, () => void, boolean] {
  const [text, setText] = useState("");
  const [busy, setBusy] = useState(false);
  const here = useRef(true);
  useEffect(() => () => void (here.current = false), []);
  const show = (said: string) => {
    if (!here.current) return;
    setText(said);
    setBusy(false);
  };
  const run = () => {
    setBusy(true);
    setText("");
    asks().then(show, (error: unknown) => show(told(error)));
  };
  return [text, run, busy];
}
