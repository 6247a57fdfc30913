// Draws who calls whom. The table beside it says the same: this is one picture to whoever does not see it.
import { layers } from "./model.js";

const SVG = "http://www.w3.org/2000/svg";
const [WIDTH, HEIGHT, GAP_X, GAP_Y, MARGIN] = [190, 34, 130, 22, 12];
const LONGEST = 26;

/** As many pairs as a picture can tell apart; the table has all. */
export const MOST = 80;

function add(parent, name, attributes, text) {
  const element = document.createElementNS(SVG, name);
  Object.entries(attributes).forEach(([key, value]) => element.setAttribute(key, value));
  if (text !== undefined) {
    element.textContent = text;
  }
  parent.append(element);
  return element;
}

const cut = (text) => (text.length <= LONGEST ? text : `${text.slice(0, LONGEST - 1)}…`);

/** Anew: lines are `{ key, from, to, label, bad, clear, weight, chosen }`. */
export function draw(svg, lines) {
  const columns = layers(lines);
  const at = new Map();
  columns.forEach((column, x) => column.forEach((name, y) =>
    at.set(name, [MARGIN + x * (WIDTH + GAP_X), MARGIN + y * (HEIGHT + GAP_Y)])));
  const width = 2 * MARGIN + columns.length * (WIDTH + GAP_X) - GAP_X;
  const height = 2 * MARGIN + Math.max(0, ...columns.map((column) => column.length)) * (HEIGHT + GAP_Y) - GAP_Y;
  const parts = document.createDocumentFragment();
  for (const line of lines) {
    const [x1, y1] = at.get(line.from);
    const [x2, y2] = at.get(line.to);
    const [start, end] = [x1 + WIDTH, x2];
    const bend = Math.max(40, (end - start) / 2);
    const path = `M${start} ${y1 + HEIGHT / 2}C${start + bend} ${y1 + HEIGHT / 2} ${end - bend} ${y2 + HEIGHT / 2} ${end} ${y2 + HEIGHT / 2}`;
    const classes = [line.bad && "bad", line.clear && "clear", line.chosen && "chosen"].filter(Boolean).join(" ");
    add(parts, "path", { d: path, class: classes, "stroke-width": 1.5 + line.weight * 4 });
    const hit = add(parts, "path", { d: path, class: "hit", "data-key": line.key });
    add(hit, "title", {}, `${line.key}: ${line.label}`);
    add(parts, "text", { class: "rate", x: (start + end) / 2, y: (y1 + y2 + HEIGHT) / 2 - 6, "text-anchor": "middle" }, line.label);
  }
  at.forEach(([x, y], name) => {
    const box = add(parts, "g", {});
    add(box, "rect", { x, y, width: WIDTH, height: HEIGHT, rx: 5 });
    add(box, "text", { x: x + 8, y: y + 22 }, cut(name));
    add(box, "title", {}, name);
  });
  svg.setAttribute("width", Math.max(width, 1));
  svg.setAttribute("height", Math.max(height, 1));
  svg.setAttribute("aria-label", `Graph of ${at.size} workloads and ${lines.length} pairs of callers and called; the table says the same`);
  svg.replaceChildren(parts);
}
