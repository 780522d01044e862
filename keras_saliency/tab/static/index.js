// What TensorBoard loads, in a frame of its own.

import { App } from "./app.js";
import { h } from "./dom.js";
import { serverSource } from "./source.js";

/** Called by TensorBoard. */
export async function render() {
  const style = new URL("./style.css", import.meta.url).href;
  document.head.append(h("meta", { name: "viewport", content: "width=device-width" }));
  const sheet = h("link", { rel: "stylesheet", href: style });
  const dressed = new Promise((done) => sheet.addEventListener("load", done, { once: true }));
  document.head.append(sheet);
  document.documentElement.lang = "en";
  await Promise.race([dressed, new Promise((done) => setTimeout(done, 2000))]);
  const root = h("div", { className: "app" });
  document.body.append(root);
  await new App(root, serverSource()).start();
}
