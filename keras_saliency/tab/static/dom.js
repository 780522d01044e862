// Making elements. Text is always text: nothing here, nor anywhere else, takes markup.

/**
 * Makes an element.
 * @param {string} tag
 * @param {Record<string, any>} [props] `class`, `on…` listeners, properties, or attributes
 * @param {...(Node|string|number|null|undefined|false)} children
 * @returns {any}
 */
export function h(tag, props = {}, ...children) {
  return fill(document.createElement(tag), props, children);
}

/**
 * Makes an element of SVG.
 * @param {string} tag
 * @param {Record<string, any>} [props]
 * @param {...(Node|string|number|null|undefined|false)} children
 * @returns {any}
 */
export function svg(tag, props = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), props, children);
}

/**
 * Replaces what an element holds.
 * @param {Element} element
 * @param {...(Node|null|undefined|false)} children
 */
export function replace(element, ...children) {
  element.replaceChildren(.../** @type {Node[]} */ (children.filter(Boolean)));
}

/** @param {any} element @param {Record<string, any>} props @param {any[]} children */
function fill(element, props, children) {
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") element.style.cssText = value;
    else if (name in element && !(element instanceof SVGElement) && name !== "list") element[name] = value;
    else element.setAttribute(name === "className" ? "class" : name, value === true ? "" : String(value));
  }
  for (const child of children) {
    if (child !== null && child !== undefined && child !== false) element.append(child);
  }
  return element;
}

/**
 * A drop-down list with its label.
 * @param {string} label
 * @param {[string, string, string?][]} options value, text, and the group that it is listed in
 * @param {string} value
 * @param {(value: string) => void} onPick
 * @param {string} [hint]
 */
export function select(label, options, value, onPick, hint = "") {
  const list = h(
    "select",
    { ariaLabel: label, title: hint, onchange: (/** @type {any} */ e) => onPick(e.target.value) },
  );
  let group = "", place = list;
  for (const [v, text, named = ""] of options) {
    if (named !== group) {
      place = named ? h("optgroup", { label: named }) : list;
      if (named) list.append(place);
      group = named;
    }
    place.append(h("option", { value: v, selected: v === value }, text));
  }
  return h("label", { className: "field" }, h("span", {}, label), list);
}

/**
 * Buttons of which one, or several, are pressed.
 * @param {string} label
 * @param {[string, string, string?][]} options value, text, hint
 * @param {string[]} pressed
 * @param {(value: string) => void} onPick
 */
export function buttons(label, options, pressed, onPick) {
  const made = options.map(([value, text, hint]) =>
    h("button", { type: "button", title: hint || "", ariaPressed: String(pressed.includes(value)),
                  "data-value": value, onclick: () => onPick(value) }, text));
  return h("div", { className: "field", role: "group", ariaLabel: label },
           h("span", {}, label), h("div", { className: "segments" }, ...made));
}

/** The name of a statistic or method, with spaces. @param {string} name */
export function readable(name) {
  return name.replace(/_/g, " ");
}

/** @param {number|null|undefined} value */
export function figure(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 0.001 || size >= 100000) return value.toExponential(1);
  return size >= 100 ? value.toFixed(0) : size >= 10 ? value.toFixed(1) : value.toFixed(size < 0.1 ? 3 : 2);
}
