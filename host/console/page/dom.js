// Making elements. Text is always text: nothing here reads markup.

/** An element with properties and children: `element("li", { className: "x" }, "text", other)`. */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "data") Object.assign(made.dataset, value);
    else if (name in made) made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

export function byId(id) {
  return document.getElementById(id);
}

/** Sets a text if it is another one. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Sets a `data-` attribute if it is another one; undefined takes it away. */
export function setData(node, name, value) {
  if (node.dataset[name] === value) return;
  if (value === undefined) delete node.dataset[name];
  else node.dataset[name] = value;
}

/** Says something to those who listen to the page. */
export function say(text) {
  setText(byId("said"), text);
}
