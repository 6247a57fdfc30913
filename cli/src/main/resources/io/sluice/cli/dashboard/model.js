// What two readings of daemons' counters come to, and where a graph of them stands. Touches no page.

const UNKNOWN = "unknown";
const UNDER_WAY = 16; // calls that one end has counted and the other has not yet

const nothing = () =>
  ({ requests: 0, failed: 0, opened: 0, ended: 0, broken: 0, bytes: 0, durations: new Map(), answers: new Map() });

/**
 * The counters by who calls whom, of one node or of several. Either end counts, where it is here: the end that counted more is
 * shown. Of names that are not known the Service stands for who is called.
 */
export function pairs(edges) {
  const all = new Map();
  for (const edge of edges) {
    const [source, destination] = edge.direction === "outbound" ? [edge.workload, edge.peer] : [edge.peer, edge.workload];
    const from = source === UNKNOWN ? "outside" : source;
    const to = destination !== UNKNOWN ? destination
      : edge.service !== UNKNOWN ? `Service ${edge.service}` : "outside";
    const key = `${from} → ${to}`;
    if (!all.has(key)) {
      all.set(key, { key, from, to, ends: [], protocols: new Set(), sides: {}, wires: new Set(), clear: new Map() });
    }
    const pair = all.get(key);
    pair.ends.push(edge);
    pair.protocols.add(edge.protocol);
    add((pair.sides[edge.direction] ??= nothing()), edge, pair);
  }
  for (const pair of all.values()) {
    pair.counts = Object.values(pair.sides).sort((a, b) => b.requests + b.opened - a.requests - a.opened)[0];
    pair.wire = wire(pair);
  }
  return all;
}

function add(to, edge, pair) {
  let passed = edge.connections ?? 0;
  for (const answer of edge.answers ?? []) {
    to.requests += answer.count;
    to.failed += answer.failed ? answer.count : 0;
    const how = answer.code + (answer.flags === "-" ? "" : ` ${answer.flags}`)
      + (answer.grpcStatus ? ` grpc ${answer.grpcStatus}` : "");
    to.answers.set(how, (to.answers.get(how) ?? 0) + answer.count);
    passed += !answer.failed || ["-", "URX"].includes(answer.flags) ? answer.count : 0;
  }
  for (const [micros, count] of Object.entries(edge.durations ?? {})) {
    to.durations.set(micros, (to.durations.get(micros) ?? 0) + count);
  }
  to.opened += edge.connections ?? 0;
  to.bytes += (edge.sentBytes ?? 0) + (edge.receivedBytes ?? 0);
  for (const [flags, count] of Object.entries(edge.closed ?? {})) {
    to.ended += count;
    to.broken += flags === "-" ? 0 : count;
  }
  if (passed > 0) {
    pair.wires.add(edge.security); // what was refused went nowhere
    const clear = pair.clear.get(edge.node) ?? { inbound: 0, outbound: 0 };
    clear[edge.direction] += edge.security === "mutual_tls" ? 0 : passed;
    pair.clear.set(edge.node, clear);
  }
}

/** What is in clear has not left a node only where both its ends were there. */
function wire(pair) {
  const clear = [...pair.clear.values()].filter(({ inbound, outbound }) => inbound + outbound > 0);
  const leaves = clear.some(({ inbound, outbound }) =>
    Math.min(inbound, outbound) === 0 || Math.abs(inbound - outbound) > UNDER_WAY);
  const secure = pair.wires.has("mutual_tls");
  if (clear.length === 0) {
    return secure ? "mutual TLS" : "nothing passed";
  }
  return secure ? (leaves ? "partly in clear" : "mutual TLS, inside node") : leaves ? "in clear" : "inside node";
}

/** Rates, success and percentiles of what came between two counts of a pair; null where there was none. */
function between(before = nothing(), after, seconds) {
  const more = (name) => Math.max(0, after[name] - before[name]);
  const requests = more("requests");
  const ended = more("ended");
  const durations = [...after.durations]
    .map(([micros, count]) => [micros / 1000, Math.max(0, count - (before.durations.get(micros) ?? 0))])
    .sort((a, b) => a[0] - b[0]);
  return {
    requests: requests / seconds,
    connections: more("opened") / seconds,
    bytes: more("bytes") / seconds,
    success: requests > 0 ? 1 - more("failed") / requests : ended > 0 ? 1 - more("broken") / ended : null,
    p50: quantile(durations, 0.5),
    p95: quantile(durations, 0.95),
    p99: quantile(durations, 0.99),
  };
}

/** The same of the end that counted more then: what each counted is compared with what it had counted before. */
export const rateOf = (before, pair, seconds) =>
  Object.entries(pair.sides).map(([side, counts]) => between(before?.sides[side], counts, seconds))
    .sort((a, b) => b.requests + b.connections - a.requests - a.connections)[0];

/** The amount that this share of all is no more than, by amounts in order and how many there are of each. */
function quantile(amounts, share) {
  let left = share * amounts.reduce((sum, [, count]) => sum + count, 0);
  return left === 0 ? null : amounts.find(([, count]) => (left -= count) <= 0)?.[0] ?? amounts.at(-1)[0];
}

/** Layers of names, from callers to called; the same input stands the same way. */
export function layers(list) {
  const names = [...new Set(list.flatMap((pair) => [pair.from, pair.to]))].sort();
  const next = new Map(names.map((name) => [name, []]));
  list.forEach((pair) => pair.from !== pair.to && next.get(pair.from).push(pair.to));
  next.forEach((called) => called.sort());
  const layer = new Map();
  const open = new Set();
  const order = [];
  const visit = (name) => {
    open.add(name);
    for (const called of next.get(name)) {
      if (open.has(called)) { // a circle is cut where it closes
        next.set(name, next.get(name).filter((one) => one !== called));
      } else if (!order.includes(called)) {
        visit(called);
      }
    }
    open.delete(name);
    order.push(name);
  };
  names.forEach((name) => order.includes(name) || visit(name));
  for (const name of order.reverse()) {
    const own = layer.get(name) ?? 0;
    layer.set(name, own);
    next.get(name).forEach((called) => layer.set(called, Math.max(layer.get(called) ?? 0, own + 1)));
  }
  const columns = [];
  const place = new Map();
  for (let column = 0; place.size < names.length; column++) {
    const callers = (name) => list.filter((pair) => pair.to === name && place.has(pair.from)).map((pair) => place.get(pair.from));
    const middle = (name) => callers(name).reduce((sum, at, _, every) => sum + at / every.length, 0);
    columns[column] = names.filter((name) => layer.get(name) === column)
      .map((name) => [middle(name), name]).sort((a, b) => a[0] - b[0] || (a[1] < b[1] ? -1 : 1)).map(([, name]) => name);
    columns[column].forEach((name, row) => place.set(name, row));
  }
  return columns;
}

/**
 * Whether a record is of that pair: by the identities that it proves, else by those of the node's pods that it names, a map from
 * their names. Where it does not say who was called, the Service has to.
 */
export function isOf(pair, record, identities) {
  const own = (reporter) => (record.reporter === reporter ? identities.get(record.pod) : undefined);
  const source = record.sourcePrincipal ?? own("source") ?? identities.get(record.sourceWorkload) ?? UNKNOWN;
  const called = record.destinationPrincipal ?? own("destination");
  return (record.reporter === "source" || !identities.has(record.sourceWorkload)) // else the caller's end tells it too
    && pair.ends.some((end) => end.sourcePrincipal === source
      && end.service === (record.service ?? UNKNOWN)
      && end.destinationPrincipal === (called ?? (record.service ? end.destinationPrincipal : UNKNOWN)));
}

/** namespace/account of a SPIFFE ID; empty where it is none. */
export const account = (principal) =>
  /^spiffe:\/\/[^/]+\/ns\/([^/]+)\/sa\/([^/]+)$/.exec(principal ?? "")?.slice(1).join("/") ?? "";
