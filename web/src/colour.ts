/** Colours of scores: cividis, which people with any colour vision read in the same order (Nunez et al. 2018). */

export const RAMP = ["#00224e", "#35456c", "#666970", "#948e77", "#c8b866", "#fee838"] as const;

/** Scores as 0 to 1 within those of one answer; 1 where all are alike. */
export function scaled(scores: (number | null)[]): (number | null)[] {
  const known = scores.filter((one) => one !== null);
  const [low, high] = [Math.min(...known), Math.max(...known)];
  return scores.map((one) => (one === null ? null : high > low ? (one - low) / (high - low) : 1));
}

/** The colour of a share from 0 to 1. */
export function colour(share: number): string {
  const place = Math.max(0, Math.min(1, share)) * (RAMP.length - 1);
  const below = Math.min(Math.floor(place), RAMP.length - 2);
  const [a, b] = [channels(RAMP[below] ?? ""), channels(RAMP[below + 1] ?? "")];
  const mixed = a.map((one, i) => Math.round(one + ((b[i] ?? 0) - one) * (place - below)));
  return `rgb(${mixed.join(",")})`;
}

function channels(hex: string): number[] {
  return [1, 3, 5].map((from) => parseInt(hex.slice(from, from + 2), 16));
}
