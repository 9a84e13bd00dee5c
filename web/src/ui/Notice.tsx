/** What there is to say of the answer: how many, how sure, nothing, or what failed. */

import { useState } from "preact/hooks";
import { isFiltered, ranks } from "../search";
import { again, answer, catalogue, clear, failure, go, hasMore, hits, loading, search, useToken } from "../store";
import { Legend } from "./Grid";

export function Notice() {
  if (failure.value) return failure.value.kind === "token" ? <Token says={failure.value.message} /> : <Failed />;
  return (
    <div class="notice" aria-live="polite">
      <p class="count">
        <span>{counted()}</span>
        <Legend />
      </p>
      {!loading.value && hits.value.length === 0 && <Empty />}
      {answer.value?.matchesWell === false && hits.value.length > 0 && (
        <p class="weak">
          <b>Nothing in this archive matches well.</b> These are the closest
          {answer.value.confidence !== null && `; confidence ${percent(answer.value.confidence)}`}.
        </p>
      )}
    </div>
  );
}

/** A share for people. */
export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

function counted(): string {
  if (loading.value) return "Searching…";
  const count = hits.value.length;
  const plus = hasMore.value ? "+" : "";
  if (!ranks(search.value)) return `${count}${plus} newest${placed()}`;
  const { confidence, matchesWell, tookMs } = answer.value ?? {};
  const sure =
    confidence !== null && confidence !== undefined && matchesWell ? ` · confidence ${percent(confidence)}` : "";
  const took = tookMs !== null && tookMs !== undefined ? ` · ${Math.round(tookMs)}\u00a0ms` : "";
  return `${count}${plus} found${placed()}${sure}${took}`;
}

/** How many can be seen on the map, where it is not all of them. */
function placed(): string {
  const count = hits.value.filter((hit) => hit.geometry !== null).length;
  if (count === hits.value.length) return "";
  return ` · ${count === 0 ? "none" : count} on the map`;
}

function Empty() {
  const rows = (catalogue.value?.collections ?? []).reduce((sum, one) => sum + one.rows, 0);
  if (rows === 0) {
    return (
      <div class="empty">
        <h2>This archive is empty</h2>
        <p>
          Fill it with <code>swath index</code>; what is added shows up here without a restart.
        </p>
      </div>
    );
  }
  return (
    <div class="empty">
      <h2>Nothing satisfies these filters</h2>
      <p>Widen the dates or the area, or look in more sensors.</p>
      {isFiltered(search.value) && (
        <button class="main" onClick={() => go({ collections: [], from: "", to: "", area: null })}>
          Drop the filters
        </button>
      )}
    </div>
  );
}

function Failed() {
  return (
    <div class="failed" role="alert">
      <h2>That did not work</h2>
      <p>{failure.value?.message}</p>
      <button class="main" onClick={again}>
        Try again
      </button>{" "}
      <button onClick={clear}>Start anew</button>
    </div>
  );
}

function Token({ says }: { says: string }) {
  const [token, setToken] = useState("");
  return (
    <form
      class="failed"
      onSubmit={(event) => {
        event.preventDefault();
        useToken(token.trim());
      }}
    >
      <h2>A token, please</h2>
      <p>{says}</p>
      <label>
        Token{" "}
        <input
          type="password"
          autocomplete="current-password"
          required
          value={token}
          onInput={(event) => setToken(event.currentTarget.value)}
        />
      </label>{" "}
      <button class="main" type="submit">
        Go on
      </button>
    </form>
  );
}
