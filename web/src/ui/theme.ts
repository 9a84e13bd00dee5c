/** Light and dark: as the system has it, until somebody chooses. */

import { computed, effect, signal } from "@preact/signals";
import type { Theme } from "../map/style";

const CHOSEN = "swath-theme";
const system = matchMedia("(prefers-color-scheme: dark)");
const systemIsDark = signal(system.matches);
const chosen = signal(localStorage.getItem(CHOSEN) as Theme | null);

export const theme = computed<Theme>(() => chosen.value ?? (systemIsDark.value ? "dark" : "light"));

/** Follow the system and the choice. */
export function startTheme(): void {
  system.addEventListener("change", () => (systemIsDark.value = system.matches));
  effect(() => {
    document.documentElement.dataset["theme"] = theme.value;
  });
}

/** The other theme, and remember it. */
export function toggleTheme(): void {
  chosen.value = theme.value === "dark" ? "light" : "dark";
  localStorage.setItem(CHOSEN, chosen.value);
}
