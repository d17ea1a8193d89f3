// Light or dark, as the system has it or as the user chose. The canvases take their colours from the same variables as the rest.

import { byId } from "./dom.js";

const COLORS = [
  "text", "soft", "faint", "good", "bad", "unseen", "live", "wait", "throttled", "call", "callMark", "lambda", "function_url",
  "api_gateway",
];
const CHOICES = ["auto", "light", "dark"];
const KEY = "firstbyte-theme";

/** The colours of now. */
export const theme = {};

/** Sets the theme, and again whenever it changes; `changed` is called after each change. */
export function start(changed) {
  const system = matchMedia("(prefers-color-scheme: dark)");
  let choice = CHOICES.includes(localStorage.getItem(KEY)) ? localStorage.getItem(KEY) : "auto";
  const apply = () => {
    document.documentElement.dataset.theme = choice === "auto" ? (system.matches ? "dark" : "light") : choice;
    const style = getComputedStyle(document.documentElement);
    for (const name of COLORS) theme[name] = style.getPropertyValue(`--${name}`).trim();
    theme.font = `11px ${style.getPropertyValue("--font")}`;
    byId("theme").ariaLabel = byId("theme").title = `Theme: ${choice}`;
    changed();
  };
  system.addEventListener("change", apply);
  byId("theme").addEventListener("click", () => {
    choice = CHOICES[(CHOICES.indexOf(choice) + 1) % CHOICES.length];
    localStorage.setItem(KEY, choice);
    apply();
  });
  apply();
}
