/** A chip's picture. Where the service asks for a token, it is fetched with it. */

import { useEffect, useState } from "preact/hooks";
import type { Ref } from "../search";
import { service } from "../store";

export function Thumb({ subject, alt = "" }: { subject: Ref; alt?: string }) {
  const [failed, setFailed] = useState(false);
  const address = service.value.thumbnail(subject);
  const src = useAddress(address);
  if (failed) return <span class="thumb none" role="img" aria-label={alt || "no picture"} />;
  return (
    <img
      class="thumb"
      src={src}
      alt={alt}
      width="256"
      height="256"
      loading="lazy"
      decoding="async"
      onError={() => setFailed(src !== undefined)}
    />
  );
}

function useAddress(address: string): string | undefined {
  const direct = Object.keys(service.value.headers).length === 0;
  const [fetched, setFetched] = useState<string>();
  useEffect(() => {
    if (direct) return;
    const stop = new AbortController();
    let url = "";
    service.value
      .blob(address, stop.signal)
      .then((blob) => setFetched((url = URL.createObjectURL(blob))))
      .catch(() => setFetched(stop.signal.aborted ? undefined : "data:,"));
    return () => {
      stop.abort();
      URL.revokeObjectURL(url);
    };
  }, [address, direct]);
  return direct ? address : fetched;
}
