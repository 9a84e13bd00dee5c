/** What the one search box holds: words, a place, or a box. */

import type { Box, LonLat } from "./search";

export type Parsed =
  { kind: "words"; text: string } | { kind: "place"; at: LonLat } | { kind: "box"; box: Box } | { kind: "nothing" };

const NUMBER = String.raw`[+-]?\d{1,3}(?:\.\d+)?`;
const SEPARATOR = String.raw`\s*[,;\s]\s*`;
const PAIR = new RegExp(`^(${NUMBER})\\s*°?${SEPARATOR}(${NUMBER})\\s*°?$`);
const LETTERED = new RegExp(`^(${NUMBER})\\s*°?\\s*([NSEW])${SEPARATOR}(${NUMBER})\\s*°?\\s*([NSEW])$`, "i");
const FOUR = new RegExp(`^${[NUMBER, NUMBER, NUMBER, NUMBER].map((one) => `(${one})`).join(SEPARATOR)}$`);

/**
 * Read the search box. Two numbers are latitude and longitude, as map services write them, unless only the other order
 * can be (`-118.2, 34.0`); letters (`34.0 N, 118.2 W`) always tell. Four numbers are west, south, east, north.
 */
export function parse(input: string): Parsed {
  const text = input.trim();
  if (text === "") return { kind: "nothing" };
  const lettered = LETTERED.exec(text);
  const at = lettered ? fromLetters(lettered.slice(1) as [string, string, string, string]) : fromPair(PAIR.exec(text));
  if (at) return { kind: "place", at };
  const box = fromFour(FOUR.exec(text));
  return box ? { kind: "box", box } : { kind: "words", text };
}

function fromLetters([first, one, second, other]: [string, string, string, string]): LonLat | null {
  const value = (number: string, letter: string) => Number(number) * (/[SW]/i.test(letter) ? -1 : 1);
  const isLat = (letter: string) => /[NS]/i.test(letter);
  if (isLat(one) === isLat(other)) return null;
  const [a, b] = [value(first, one), value(second, other)];
  return checked(isLat(one) ? [b, a] : [a, b]);
}

function fromPair(match: RegExpExecArray | null): LonLat | null {
  if (!match) return null;
  const [a, b] = [Number(match[1]), Number(match[2])];
  return checked([b, a]) ?? checked([a, b]);
}

function fromFour(match: RegExpExecArray | null): Box | null {
  if (!match) return null;
  const [west, south, east, north] = match.slice(1).map(Number) as Box;
  const inside = checked([west, south]) && checked([east, north]);
  return inside && south < north && west !== east ? [west, south, east, north] : null;
}

function checked([lon, lat]: LonLat): LonLat | null {
  return Math.abs(lon) <= 180 && Math.abs(lat) <= 90 ? [lon, lat] : null;
}
