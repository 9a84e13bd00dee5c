/** Help: what the page can do, and its keys. */

import { useEffect, useRef } from "preact/hooks";
import { Icon } from "./Icon";

const KEYS = [
  ["/", "to the search box"],
  ["Arrows", "walk among the results"],
  ["Enter", "open a result"],
  ["m, l", "more, less like the result"],
  ["s", "only what looks like it"],
  ["Esc", "close, or put a tool away"],
  ["?", "this help"],
] as const;

export function Help({ onClose }: { onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} class="help" onClose={onClose} aria-labelledby="help-title">
      <h2 id="help-title">Search by meaning</h2>
      <button class="quiet shut" onClick={() => dialog.current?.close()} title="Close">
        <Icon name="close" />
        <span class="said">Close</span>
      </button>
      <p>
        Type words or a whole paragraph. Drop, paste or choose an image to find what looks like it. Type coordinates
        (latitude, longitude) or click a place on the map. Draw a box or a polygon to stay inside. Then steer with “more
        like this” and “less like this”.
      </p>
      <p>
        The address in your browser always tells the whole search: copy it to share or to come back. Only images that
        you give stay with you.
      </p>
      <dl class="keys">
        {KEYS.map(([key, does]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
    </dialog>
  );
}
