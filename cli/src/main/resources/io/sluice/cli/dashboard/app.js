// Asks for what daemons and controllers tell, and keeps the page as that is. Whatever it is told is set as text: names, paths and reasons are
// chosen by others.
import { account, isOf, pairs, rateOf } from "./model.js";
import { draw, MOST } from "./graph.js";

const EVERY = 2000; // ms between two questions
const PATIENCE = 15000; // ms for one answer
const MOST_ASKED = 8; // pods, for the policies of one pair
const WINDOW = 10000; // ms that rates are of
const CHARTED = 150; // readings
const LISTED = 25; // requests of a pair
const KEPT = 1000; // records
const SHOWN = 500; // certificates

const $ = (id) => document.getElementById(id);
const readings = []; // { millis, pairs }, oldest first
const curves = new Map(); // by pair, [seconds, requests a second, p95]
const records = []; // of requests and connections, newest last
const refusals = new Map(); // by what they are alike in
let view; // "node" or "mesh"
let turn = 0; // of asking for it
let state;
let origin; // whose counters they are
let seen = 0;
let rates = new Map();
let chosen;
let opener;
let chart;

// --- what is written -----------------------------------------------------------------------------------------------------------

/** An element with text or elements in it; never HTML. */
function element(name, content = "", className = "") {
  const made = document.createElement(name);
  made.className = className;
  made.append(content);
  return made;
}

function say(node, text, className = "") {
  if (node.textContent !== text) {
    node.textContent = text;
  }
  node.className = className;
}

/** Rows stay the elements that they are, so that neither focus nor a reader loses its place. Cells are text, or [text, class]. */
function rows(body, wanted, first) {
  const present = new Map([...body.rows].map((row) => [row.dataset.key, row]));
  let before = null;
  for (const [key, cells] of wanted) {
    let row = present.get(key);
    present.delete(key);
    if (!row) {
      row = document.createElement("tr");
      row.dataset.key = key;
      cells.forEach((_, column) => {
        row.append(element(column === 0 ? "th" : "td"));
      });
      row.cells[0].scope = "row";
      first?.(row, key);
    }
    cells.forEach((cell, column) => {
      const [text, className = ""] = [cell].flat();
      say(row.cells[column].firstElementChild ?? row.cells[column], text, className);
    });
    const next = before ? before.nextElementSibling : body.firstElementChild;
    if (next !== row) {
      body.insertBefore(row, next);
    }
    before = row;
  }
  present.forEach((row) => row.remove());
}

const list = (node, texts) => {
  if (JSON.stringify(texts) !== node.dataset.shown) {
    node.dataset.shown = JSON.stringify(texts);
    node.replaceChildren(...texts.map((text) => element("li", text)));
  }
};

const number = (value, digits = 1) => (value === null || value === undefined ? "–" : value.toFixed(digits));
const percent = (share) => (share === null ? "–" : `${(100 * share).toFixed(share > 0.99 && share < 1 ? 2 : 1)} %`);
const bytes = (count) => {
  const unit = count < 1000 ? 0 : Math.min(3, Math.floor(Math.log10(count) / 3));
  return `${number(count / 1000 ** unit, unit ? 1 : 0)} ${["B", "kB", "MB", "GB"][unit]}`;
};
const clock = (time) => new Date(time).toLocaleTimeString();

function duration(seconds) {
  const parts = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
  const from = parts.findIndex(([, length]) => Math.abs(seconds) >= length);
  if (from < 0) {
    return "0 s";
  }
  let left = Math.abs(seconds);
  return (seconds < 0 ? "−" : "") + parts.slice(from, from + 2).map(([unit, length]) => {
    const count = Math.floor(left / length);
    left -= count * length;
    return `${count} ${unit}`;
  }).join(" ");
}

// --- the parts -----------------------------------------------------------------------------------------------------------------

function showNode() {
  const status = state.status;
  showTitle("node", state.node, "Node");
  say($("verdict"), status.verdict, status.ready ? "" : "bad");
  say($("untold"), state.untold ? `Single requests or refusals are not shown: ${state.untold}.` : "", "bad");
  showFacts([
    ["Mode", status.mode],
    ["Ready", status.ready ? "yes" : `no: ${status.missing}`],
    ["Policy", status.permissive ? "permissive" : "strict"],
    ["Fast path", status.fastPath],
    ["Memory", bytes(status.residentBytes)],
    ["Up for", duration(status.uptimeSeconds)],
    ["Snapshot", `revision ${status.snapshotRevision} from ${status.snapshotFrom}`],
    ["Snapshot age", age(status)],
    ["Controller", status.controller ? `${status.controller}, ${status.controllerConnected ? "reached" : "not reached"}` : "none"],
    ["Pods", `${status.podsEnrolled} enrolled, ${status.podsPending} pending`],
    ["Connections", `${status.connectionsLive} of ${status.connectionsLimit}`],
  ]);
}

const age = (status) => (status.snapshotAgeSeconds === undefined ? "read from its folder"
  : status.snapshotAgeSeconds < 0 ? "never confirmed" : duration(status.snapshotAgeSeconds));

function showTitle(kind, name, facts) {
  document.title = `Sluice ${name}`;
  say($("kind"), kind);
  say($("name"), name);
  say($("facts-title"), facts);
}

function showFacts(facts) {
  if ([...$("facts").children].map((pair) => pair.firstChild.textContent).join() !== facts.map(([name]) => name).join()) {
    $("facts").replaceChildren(...facts.map(([name]) => {
      const pair = element("div", element("dt", name));
      pair.append(element("dd"));
      return pair;
    }));
  }
  facts.forEach(([, text], index) => say($("facts").children[index].lastChild, text));
}

function showMesh() {
  const controllers = Object.entries(state.controllers);
  const silent = controllers.filter(([, status]) => status.silence);
  const answering = controllers.map(([, status]) => status).filter((status) => !status.silence);
  const first = answering.find((status) => status.leaseHeld) ?? answering[0];
  const alone = state.nodes.filter(readsItself).length;
  const following = state.nodes.filter((node) => node.follow?.connected).length;
  const others = state.nodes.length - alone;
  showTitle("mesh", first?.trustDomain ?? "", "Controller");
  say($("untold"), "");
  say($("verdict"), [...(alone ? [`${alone} ${alone === 1 ? "node reads" : "nodes read"} the objects without a controller`] : []),
    ...(others || !alone ? [`${following} of ${others} nodes follow a controller`] : []),
    ...silent.map(([name, status]) => `${name} does not answer: ${status.silence}`)].join("; "),
  following < others || !first ? "bad" : "");
  showFacts(first ? [
    ["Trust domain", first.trustDomain],
    ["Authority", `${first.authority}: ${first.authorityDetail}`],
    ["Change of the root", first.rotation],
    ["Its own certificate ends in", until(first.certificateEnd)],
    ["Objects", `revision ${first.registryRevision}, ${first.registryComplete ? "all read" : "not all read"}`],
    ["Controllers", `${answering.length} of ${controllers.length} answer${first.leaseHolder ? `, ${first.leaseHolder} writes` : ""}`],
  ] : []);
  showNodes();
  showObjects();
}

const readsItself = ({ follow, status }) => !follow && status !== undefined && status.snapshotAgeSeconds === undefined;
const until = (time) => (Number.isNaN(Date.parse(time)) ? "–" : duration((Date.parse(time) - state.time) / 1000));

function showNodes() {
  rows($("nodes"), state.nodes.map((one) => {
    const { node, follow, status, silence } = one;
    const ends = state.certificates.filter((held) => held.node === node).map((held) => held.notAfter)
      .filter((time) => !Number.isNaN(Date.parse(time))).sort((a, b) => Date.parse(a) - Date.parse(b));
    return [node, [node,
      follow ? (follow.connected ? "follows" : ["gone", "bad"]) : readsItself(one) ? "needs none" : ["not known to it", "warn"],
      status?.mode ?? (follow?.interception || "–"),
      status ? [status.verdict, status.ready ? "" : "bad"] : silence ? [`no answer: ${silence}`, "bad"] : "not asked from here",
      status ? bytes(status.residentBytes) : "–",
      follow ? `${follow.revision}${follow.pendingRevision ? `, ${follow.pendingRevision} not answered yet` : ""}`
        : String(status?.snapshotRevision ?? "–"),
      status ? age(status) : follow?.since ? `confirmed ${follow.since}` : "–",
      status ? `${status.podsEnrolled} enrolled, ${status.podsPending} pending` : "–",
      until(ends[0]), follow?.software ?? "–"]];
  }));
}

/** What of the mesh's objects has no effect, by who says so. */
function showObjects() {
  const told = [];
  const tell = (by, what, texts) => (texts ?? []).forEach((text) => told.push([by, what, text]));
  for (const [name, status] of Object.entries(state.controllers)) {
    tell(name, "cannot be used", status.registryProblems);
    tell(name, "no node is told of it", status.notDistributed);
    tell(name, "not done in the cluster", status.replicaProblems);
  }
  for (const { node, follow, status } of state.nodes) {
    tell(node, "refused by the node", follow?.problems);
    tell(node, "refused by the node", status?.refusedChange);
    tell(node, "cannot be used", status?.registryProblems);
    tell(node, "has no effect in part", status?.registryWarnings);
  }
  $("no-objects").hidden = told.length > 0;
  rows($("objects"), told.map((row) => [row.join("\n"), row]));
}

function read() {
  const now = { millis: state.millis, pairs: pairs(state.edges) };
  const counted = state.nodes ? state.nodes.map((node) => `${node.node} ${node.status?.pid}`).join() : state.status.pid;
  if (origin !== counted) {
    origin = counted; // another daemon counts from 0, one that is silent does not count
    readings.length = 0;
  }
  if (readings.length && now.millis === readings[readings.length - 1].millis) {
    return;
  }
  readings.push(now);
  while (readings.length > 2 && now.millis - readings[1].millis >= WINDOW) {
    readings.shift();
  }
  const before = readings[0];
  say($("window"), readings.length > 1 ? `Rates are of the last ${Math.round((now.millis - before.millis) / 1000)} s.` : "");
  rates = new Map();
  for (const [key, pair] of now.pairs) {
    const rate = readings.length > 1
      ? rateOf(before.pairs.get(key), pair, (now.millis - before.millis) / 1000) : null;
    rates.set(key, rate);
    if (rate) {
      const curve = curves.get(key) ?? [[], [], []];
      curves.set(key, curve);
      [state.time / 1000, rate.requests + rate.connections, rate.p95].forEach((value, index) => {
        curve[index].push(value);
        curve[index].splice(0, curve[index].length - CHARTED);
      });
    }
  }
  [...curves.keys()].filter((key) => !now.pairs.has(key)).forEach((key) => curves.delete(key));
}

const current = () => readings[readings.length - 1]?.pairs ?? new Map();
const load = (key) => (rates.get(key)?.requests ?? 0) + (rates.get(key)?.connections ?? 0);

function showCalls() {
  const words = $("filter").value.trim().toLowerCase();
  const wanted = [...current().values()].filter((pair) => pair.key.toLowerCase().includes(words))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  $("no-calls").hidden = current().size > 0;
  rows($("pairs"), wanted.map((pair) => {
    const rate = rates.get(pair.key);
    const success = rate?.success ?? null;
    return [pair.key, [pair.from, pair.to, [...pair.protocols].sort().join(", "), number(rate?.requests),
      [percent(success), success !== null && success < 0.99 ? "bad" : ""], number(rate?.p50), number(rate?.p95), number(rate?.p99),
      number(rate?.connections), rate ? bytes(rate.bytes) : "–", [pair.wire, pair.wire.endsWith("in clear") ? "warn" : ""]]];
  }), (row, key) => {
    const button = element("button");
    button.type = "button";
    button.ariaLabel = key;
    button.addEventListener("click", () => choose(key, button));
    row.cells[1].append(button);
  });
  const busiest = wanted.toSorted((a, b) => load(b.key) - load(a.key) || (a.key < b.key ? -1 : 1)).slice(0, MOST);
  say($("cut"), busiest.length < wanted.length ? `The picture has the busiest ${busiest.length} of ${wanted.length}; the table has all.` : "");
  $("graph").parentElement.hidden = busiest.length === 0;
  const most = Math.max(1, ...busiest.map((pair) => load(pair.key)));
  draw($("graph"), busiest.sort((a, b) => (a.key < b.key ? -1 : 1)).map((pair) => ({
    key: pair.key,
    from: pair.from,
    to: pair.to,
    label: `${number(load(pair.key))}/s`,
    bad: (rates.get(pair.key)?.success ?? 1) < 0.99,
    clear: pair.wire.endsWith("in clear"),
    weight: load(pair.key) / most,
    chosen: pair.key === chosen,
  })));
}

function showRefused() {
  for (const event of state.refused) {
    const key = [event.pod, event.direction, event.destination, event.reason, event.rule].join("\n");
    const alike = refusals.get(key) ?? { count: 0 };
    refusals.delete(key);
    refusals.set(key, { count: alike.count + 1, event });
  }
  while (refusals.size > KEPT) {
    refusals.delete(refusals.keys().next().value);
  }
  $("no-refused").hidden = refusals.size > 0;
  rows($("refused"), [...refusals].reverse().slice(0, 100).map(([key, { count, event }]) =>
    [key, [clock(event.time), String(count), event.pod, event.direction, event.destination, event.reason, event.rule, event.explanation]]));
}

function showCertificates() {
  const left = (time) => (Date.parse(time) - state.time) / 1000;
  $("no-certificates").hidden = !state.noCertificates;
  say($("no-certificates"), state.noCertificates ?? "");
  const all = [...state.certificates ?? []];
  if (view === "mesh") {
    all.sort((a, b) => (left(a.notAfter) || 0) - (left(b.notAfter) || 0)); // of many, those that end first
  }
  say($("more-certificates"), all.length > SHOWN ? `The first ${SHOWN} of ${all.length}.` : "");
  rows($("certificates"), all.slice(0, SHOWN).map((one) => {
    const life = left(one.notAfter);
    const share = life / ((Date.parse(one.notAfter) - Date.parse(one.notBefore)) / 1000);
    const node = one.node ?? state.node;
    return [`${node} ${one.identity}`, [one.identity, one.state,
      Number.isNaN(life) ? "–" : [`${duration(life)} (${Math.round(100 * share)} % left)`, share < 0.25 ? "bad" : ""],
      one.renewAt === "-" ? "–" : duration(left(one.renewAt)), one.pods.join(", "), one.problem, node]];
  }));
}

// --- one pair ------------------------------------------------------------------------------------------------------------------

function choose(key, from) {
  chosen = key;
  opener = from;
  $("detail").hidden = false;
  say($("detail-title"), key);
  list($("policies"), []);
  showCalls();
  showDetail();
  void showPolicies(key);
  $("detail-title").focus();
}

function showDetail() {
  const pair = current().get(chosen);
  if ($("detail").hidden || !pair) {
    return;
  }
  const [times, many, slow] = curves.get(chosen) ?? [[], [], []];
  say($("chart-text"), times.length === 0 ? "No rate yet: it takes two readings." :
    `Requests and connections a second (line): now ${number(many.at(-1))}, most ${number(Math.max(...many))}. `
    + `95th percentile in ms (dashes): now ${number(slow.at(-1))}. Of the last ${duration(times.at(-1) - times[0])}.`);
  if (times.length > 1) {
    chart ??= newChart();
    chart.setData([times, many, slow]);
  }
  list($("answers"), [...pair.counts.answers].sort().map(([how, count]) => `${how}: ${count} since the daemon's start`)
    .concat(pair.counts.opened ? [`connections: ${pair.counts.opened} since the daemon's start, ${pair.counts.broken} broken off`] : []));
  const identities = new Map(state.pods.map((pod) => [pod.pod, pod.identity]));
  const own = view === "mesh" ? [] : records.filter((record) => isOf(pair, record, identities)).slice(-LISTED).reverse();
  say($("no-requests"), own.length ? "" : "None has ended since this page follows them.");
  rows($("requests"), own.map((record) => [String(record.number), [clock(record.time),
    record.method ? `${record.method} ${record.path}` : `connection from ${record.client}`,
    record.method ? `${record.responseCode} ${record.responseFlags === "-" ? "" : record.responseFlags}` : record.close,
    String(record.durationMillis), record.verdict === "allowed" ? record.verdict : [`${record.verdict}: ${record.reason}`, "bad"],
    record.rule ?? record.reason]]));
}

function newChart() {
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name);
  const axis = { stroke: colour("--muted"), grid: { stroke: colour("--line"), width: 0.5 } };
  return new window.uPlot({
    width: Math.min(760, $("detail").clientWidth - 40),
    height: 180,
    legend: { show: false },
    cursor: { show: false },
    scales: { y: { range: (_, least, most) => [0, Math.max(1, most)] }, ms: { range: (_, least, most) => [0, Math.max(1, most)] } },
    axes: [{ ...axis, values: (_, ticks) => ticks.map((tick) => clock(1000 * tick)), space: 110 }, axis, { ...axis, scale: "ms", side: 1, grid: { show: false } }],
    series: [{}, { stroke: colour("--accent"), width: 2 }, { stroke: colour("--warn"), width: 2, dash: [6, 4], scale: "ms" }],
  }, [[], [], []], $("chart"));
}

function forgetChart() {
  chart?.destroy();
  chart = undefined;
}

/**
 * By a pod of each account that is called, where one is of this node, else of each that calls: one workload may run under
 * several.
 */
async function showPolicies(key) {
  const pair = current().get(key);
  const accounts = (name) => [...new Set(pair.ends.map((end) => account(end[name])).filter((one) => one))].sort();
  const podOf = (name) => state.pods.find((pod) => account(pod.identity) === name);
  const podsOf = (names) => names.map(podOf).filter((pod) => pod).slice(0, MOST_ASKED);
  const [sources, destinations] = [accounts("sourcePrincipal"), accounts("destinationPrincipal")];
  const inbound = podsOf(destinations).length > 0;
  const pods = inbound ? podsOf(destinations) : podsOf(sources);
  const note = (text) => key === chosen && say($("policy-note"), text);
  if (pods.length === 0) {
    note("No pod that is known here is at either end, so no policy is.");
    return;
  }
  note("Asking…");
  try {
    const asked = pods.map((one) => one.pod).join(", ");
    const told = await Promise.all(pods.map((one) => ask(one.node ? `mesh/policies/${one.node}/${one.pod}` : `policies/${one.pod}`)));
    const isOneOf = (names, id) => names.some((name) => id === name || account(id) === name);
    const named = (policy) => inbound
      ? [policy, policy.requests ?? {}].flatMap((one) => [...one.sources ?? [], ...one.foreignSources ?? []])
        .some((id) => isOneOf(sources, id))
      : isOneOf(destinations, policy.destination);
    const fit = [...new Set(told.flatMap((one) => one[inbound ? "inbound" : "outbound"] ?? []).filter(named).map(policyText))];
    if (key === chosen) {
      list($("policies"), fit);
    }
    note(told[0].settings?.permissive ? "Traffic policy mode is permissive: calls need no TrafficTarget."
      : fit.length ? `What grants it, by ${asked}:` : `No TrafficTarget grants it, by ${asked}.`);
  } catch (error) {
    note(`Not known: ${error.message}`);
  }
}

function policyText(policy) {
  const ports = policy.ports?.length ? `ports ${policy.ports.join(", ")}` : "every port";
  const routes = (policy.requests?.routes ?? []).map((route) =>
    `${route.methods?.length ? route.methods.join(", ") : "any method"} ${route.path || "any path"}`);
  return `TrafficTarget ${policy.namespace}/${policy.name}: ${ports}${routes.length ? `; requests ${routes.join("; ")}` : ""}`;
}

$("close").addEventListener("click", () => {
  chosen = undefined;
  $("detail").hidden = true;
  forgetChart();
  showCalls();
  (opener?.isConnected ? opener : $("calls")).focus();
});
$("graph").addEventListener("click", (event) => {
  const key = event.target.dataset?.key;
  if (key) {
    choose(key, [...$("pairs").rows].find((row) => row.dataset.key === key)?.querySelector("button"));
  }
});
$("filter").addEventListener("input", showCalls);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  forgetChart();
  showDetail();
});

// --- asking --------------------------------------------------------------------------------------------------------------------

async function ask(path) {
  let answer;
  try {
    answer = await fetch(path, { signal: AbortSignal.timeout(PATIENCE) });
  } catch (error) {
    throw new Error(error.name === "TimeoutError" ? `no answer within ${PATIENCE / 1000} s`
      : "'sluice dashboard' has ended, or cannot be reached", { cause: error });
  }
  const text = await answer.text();
  if (!answer.ok) {
    let told = text;
    try {
      told = JSON.parse(text).error;
    } catch {
      // a plain text says it itself
    }
    throw new Error(told);
  }
  return JSON.parse(text);
}

/** Said once when it changes, and not with each question: it is read aloud. */
function news(text, className = "") {
  say($("news"), text, className);
}

async function look(mine) {
  if (mine !== turn) {
    return; // another view is asked for
  }
  try {
    const next = await ask(view === "mesh" ? "mesh" : `state/${seen}`);
    if (mine !== turn) {
      return;
    }
    state = next;
    if (view === "node") {
      records.push(...state.requests);
      records.splice(0, records.length - KEPT);
      seen = state.last;
    }
    read();
    if (view === "node") {
      showNode();
      showRefused();
    } else {
      showMesh();
    }
    showCalls();
    showCertificates();
    showDetail();
    news($("news").className === "bad" ? `The ${view === "node" ? "daemon" : "mesh"} answers again since ${clock(state.time)}.`
      : $("news").textContent);
  } catch (error) {
    if (mine === turn) {
      const since = state ? ` What is shown is of ${clock(state.time)}.` : "";
      news(`Nothing new: ${error.message}.${since}`, "bad");
    }
  }
  setTimeout(() => (document.hidden ? document.addEventListener("visibilitychange", () => look(mine), { once: true }) : look(mine)), EVERY);
}

/** Begins anew with that view; what was counted for the other one says nothing of it. */
function show(name) {
  view = name;
  document.body.dataset.view = name;
  ["node", "mesh"].forEach((each) => $(each).setAttribute("aria-pressed", each === name));
  state = undefined;
  readings.length = 0;
  rates = new Map();
  curves.clear();
  chosen = undefined;
  $("detail").hidden = true;
  forgetChart();
  ["pairs", "certificates"].forEach((id) => $(id).replaceChildren());
  news("");
  look(++turn);
}

async function begin() {
  try {
    const views = await ask("views");
    $("views").hidden = !(views.node && views.mesh);
    show(views.mesh && (!views.node || location.hash === "#mesh") ? "mesh" : "node");
  } catch (error) {
    news(`Nothing is shown yet: ${error.message}.`, "bad");
    setTimeout(begin, EVERY);
  }
}

["node", "mesh"].forEach((name) => $(name).addEventListener("click", () => {
  history.replaceState(null, "", `#${name}`);
  show(name);
}));
begin();
