// Elements and forms. Text goes into the page as text, never as HTML.
import { Refused } from "./refusals";
import { newKey } from "./server";

type Child = Node | string;

export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, string> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

export const link = (route: string, text: string): HTMLAnchorElement => h("a", { href: `#/${route}` }, text);

/** `errors`: the server's names for errors of this field, if they differ from its own name. */
export interface Field {
  name: string;
  label: string;
  type?: string;
  autocomplete?: string;
  value?: string;
  hint?: string;
  errors?: string[];
}

interface Options {
  fields?: Field[];
  button: string;
  /** The button's name for people who cannot see the text beside it. */
  label?: string;
  submit: (values: Record<string, string>, key: string) => Promise<Child | void>;
}

let forms = 0;

/**
 * A form, or a button alone. It says what the server refuses: under the field, or above the button. What `submit`
 * answers takes its place. The button waits as long as the server says.
 */
export function form({ fields = [], button: text, label, submit }: Options): HTMLFormElement {
  const id = `form-${++forms}`;
  const alert = h("p", { role: "alert", class: "problem" });
  const button = h("button", label ? { "aria-label": label } : {}, text);
  const element = h("form", { novalidate: "" });
  const inputs = new Map<string, HTMLInputElement>();
  const problems = new Map<string, HTMLElement>();

  for (const { name, label, type = "text", autocomplete = "off", value = "", hint, errors = [name] } of fields) {
    const problem = h("p", { id: `${id}-${name}-problem`, class: "problem" });
    const about = hint ? `${id}-${name}-hint ${problem.id}` : problem.id;
    const input = h("input", { id: `${id}-${name}`, name, type, autocomplete, value, "aria-describedby": about });
    if (type !== "password") for (const off of ["autocapitalize", "spellcheck"]) input.setAttribute(off, "false");
    element.append(h("label", { for: input.id }, label), input);
    if (hint) element.append(h("p", { id: `${id}-${name}-hint`, class: "hint" }, hint));
    element.append(problem);
    for (const error of errors) {
      inputs.set(error, input);
      problems.set(error, problem);
    }
  }
  element.append(alert, button);

  // One act has one key, so that it is done once even if it is sent several times. Other values are another act.
  let key = newKey();
  element.addEventListener("input", () => (key = newKey()));

  function clear(): void {
    alert.textContent = "";
    for (const problem of problems.values()) problem.textContent = "";
    for (const input of inputs.values()) input.removeAttribute("aria-invalid");
  }

  async function refuse(error: unknown): Promise<void> {
    if (error instanceof DOMException && error.name === "NotAllowedError") {
      alert.textContent = "The device gave no answer, or it was cancelled.";
      return;
    }
    if (!(error instanceof Refused)) {
      alert.textContent = "The server cannot be reached. Nothing is lost: try again.";
      return;
    }
    const said = [error.message];
    for (const [name, sentences] of Object.entries(error.fields)) {
      const problem = problems.get(name);
      if (!problem) said.push(...sentences);
      else problem.textContent = [problem.textContent, ...sentences].filter(Boolean).join(" ");
      inputs.get(name)?.setAttribute("aria-invalid", "true");
    }
    alert.textContent = said.filter(Boolean).join(" ");
    for (let left = error.seconds; left > 0 && element.isConnected; left--) {
      button.textContent = `${text} (in ${left} s)`;
      await new Promise((done) => setTimeout(done, 1000));
    }
    button.textContent = text;
  }

  element.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.getAttribute("aria-disabled")) return;
    clear();
    // Not `disabled`: the focus would be lost.
    button.setAttribute("aria-disabled", "true");
    try {
      const values = Object.fromEntries([...new FormData(element)].map(([name, value]) => [name, String(value)]));
      const next = await submit(values, key);
      key = newKey();
      if (next !== undefined) {
        const place = typeof next === "string" ? h("p", { role: "status", tabindex: "-1" }, next) : next;
        element.replaceWith(place);
        if (place instanceof HTMLElement) (place.querySelector("input") ?? place).focus();
      }
    } catch (error) {
      const said = refuse(error);
      element.querySelector<HTMLInputElement>("[aria-invalid]")?.focus();
      await said;
    } finally {
      button.removeAttribute("aria-disabled");
    }
  });
  return element;
}
