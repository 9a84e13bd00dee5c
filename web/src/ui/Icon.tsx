/** Icons, drawn on a grid of 20. */

const PATHS = {
  search: "M8.500 3a5.500 5.500 0 1 0 0 11 5.500 5.500 0 0 0 0-11zM12.600 12.600 17 17",
  image: "M3 4h14v12H3zM3 13l4-4 4 4 2.500-2.500L17 14M12.500 7.500h.01",
  close: "M5 5l10 10M15 5 5 15",
  plus: "M10 4v12M4 10h12",
  minus: "M4 10h12",
  alike: "M3 3h8v8H3zM7 14v3h10V7h-3",
  box: "M3 5h14v10H3z",
  polygon: "M10 3l7 5-2.500 8h-9L3 8z",
  place:
    "M10 18s6-5.500 6-10a6 6 0 0 0-12 0c0 4.500 6 10 6 10zM10 10.500a2.200 2.200 0 1 0 0-4.400 2.200 2.200 0 0 0 0 4.400z",
  fit: "M3 7V3h4M13 3h4v4M17 13v4h-4M7 17H3v-4",
  export: "M10 3v9M6 8.500l4 4 4-4M3 15v2h14v-2",
  link: "M8 12l4-4M9 5.500l2-2a3.500 3.500 0 0 1 5 5l-2 2M11 14.500l-2 2a3.500 3.500 0 0 1-5-5l2-2",
  theme: "M10 3a7 7 0 1 0 0 14zM10 3a7 7 0 0 1 0 14",
  help: "M7.500 7.500a2.500 2.500 0 1 1 3.500 2.300c-.7.300-1 .8-1 1.700M10 14.500h.01M10 2.500a7.500 7.500 0 1 0 0 15 7.500 7.500 0 0 0 0-15z",
  heat: "M10 2.500c1 3 4.500 4.500 4.500 8.500a4.500 4.500 0 0 1-9 0c0-2 1-3 1.800-4 .4 1 1 1.500 1.700 1.800C9 7 9.200 4.500 10 2.500z",
  left: "M12.500 4l-6 6 6 6",
  right: "M7.500 4l6 6-6 6",
} as const;

export type IconName = keyof typeof PATHS;

/** An icon; what it means is said by the button that holds it. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 20 20" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
