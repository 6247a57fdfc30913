package io.sluice.cli.check;

import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.cli.check.Check.NotThereException;
import io.sluice.cli.check.Facts.Source;
import io.sluice.cli.check.Facts.Topic;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** A site with nothing wrong: a node's files, answers, manifests and a state folder. */
final class Site {
  private static final JsonMapper JSON =
      JsonMapper.builder()
          .enable(JsonReadFeature.ALLOW_SINGLE_QUOTES)
          .enable(JsonReadFeature.ALLOW_UNQUOTED_FIELD_NAMES)
          .build();

  static final String POD =
      """
      apiVersion: v1
      kind: Pod
      metadata: {name: NAME, namespace: shop, uid: UID, labels: {app: NAME}}
      spec:
        serviceAccountName: NAME
        nodeName: edge
        containers: [{name: main, image: x, ports: [{name: http, containerPort: 8080}]}]
      status:
        phase: Running
        podIPs: [{ip: ADDRESS}]
        conditions: [{type: Ready, status: "True"}]
      """;
  static final String TARGET =
      """
      apiVersion: access.smi-spec.io/v1alpha3
      kind: TrafficTarget
      metadata: {name: NAME, namespace: shop}
      spec:
        destination: {kind: ServiceAccount, name: TO, namespace: shop}
        sources: [{kind: ServiceAccount, name: FROM, namespace: shop}]
        rules: [{kind: TCPRoute, name: main}]
      """;
  static final String SERVICE =
      """
      apiVersion: v1
      kind: Service
      metadata: {name: store, namespace: shop}
      spec:
        clusterIP: 10.96.0.10
        clusterIPs: [10.96.0.10]
        selector: {app: store}
        ports: [{name: http, port: 80, targetPort: 8080}]
      """;
  static final String CONFIG =
      """
      apiVersion: config.sluice.io/v1alpha1
      kind: MeshConfig
      metadata: {name: mesh, namespace: sluice-system}
      spec: {traffic: {enablePermissiveTrafficPolicyMode: false}}
      """;

  private static final Map<Map<String, String>, Objects> READ = new HashMap<>();

  private final Path root;
  private final Path folder;
  private final Map<Topic, JsonNode> topics = new EnumMap<>(Topic.class);
  private final Map<String, String> manifests = new TreeMap<>();
  private final Map<Topic, String> absent = new HashMap<>();
  private boolean isFolderChanged;
  boolean isBefore;
  Path state;
  Instant now = Instant.now();

  Site(Path directory) throws IOException {
    root = Files.createDirectory(directory.resolve("host"));
    folder = Files.createDirectory(directory.resolve("registry"));
    state = Files.createDirectory(directory.resolve("state"));
    files();
    answers();
    manifests();
  }

  private void files() {
    file("proc/sys/kernel/osrelease", "6.12.0");
    file("sys/kernel/btf/vmlinux", "types");
    file(
        "proc/self/mountinfo",
        """
        30 1 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw
        31 1 0:27 / /sys/fs/bpf rw,nosuid shared:9 - bpf bpf rw,mode=700
        32 1 0:28 / /proc rw,nosuid shared:9 - proc proc rw
        """);
    file("proc/self/limits", "Max locked memory         8388608    8388608    bytes");
    file("sys/kernel/security/lockdown", "[none] integrity confidentiality");
    file("proc/sys/kernel/unprivileged_bpf_disabled", "2");
    file("run/systemd/timesync/synchronized", "");
    file("proc/meminfo", "MemTotal: 4000000 kB\nMemAvailable:    2000000 kB");
    file("proc/sys/fs/file-nr", "1000 0 100000");
    file("proc/77/limits", "Max open files            1048576    1048576    files");
    file("proc/77/comm", "java");
    file("proc/sys/net/ipv4/ip_local_port_range", "32768 60999");
    file("proc/sys/net/ipv4/ip_local_reserved_ports", "");
    file("proc/sys/net/ipv4/ip_forward", "1");
    file("proc/sys/net/ipv6/conf/all/disable_ipv6", "0");
    file("proc/sys/net/netfilter/nf_conntrack_count", "100");
    file("proc/sys/net/netfilter/nf_conntrack_max", "262144");
    file("sys/class/net/lo/flags", "0x9");
    file("sys/class/net/lo/mtu", "65536");
    file("sys/class/net/eth0/mtu", "1500");
    file("sys/class/net/cni0/mtu", "1450");
    file(
        "proc/net/route",
        "Iface Destination Gateway Flags RefCnt Use Metric Mask\n"
            + "eth0 00000000 0100000A 0003 0 0 0 00000000 0 0 0");
    file("etc/resolv.conf", "nameserver 10.0.0.1");
    listening(0);
  }

  private void answers() {
    json(
        Topic.KERNEL,
        "{mode: 'ebpf', reason: 'works', features: ["
            + "{feature: 'kernel sk_lookup', works: 'yes', detail: ''},"
            + "{feature: 'ebpf trial outbound', works: 'yes', detail: ''},"
            + "{feature: 'iptables nft ipv4', works: 'yes', detail: ''}]}");
    json(Topic.CAPABILITIES, "{missing: []}");
    json(Topic.DISK, "{totalBytes: 100000000000, usableBytes: 50000000000}");
    json(
        Topic.STATUS,
        "{node: 'edge', ready: true, missing: '-', outboundMode: 'ebpf', inboundMode: 'ebpf', pid: 77,"
            + " failOpen: false, retirement: 'NONE', connectionsLive: 3, connectionsLimit: 1000,"
            + " bufferedBytes: 0, bufferedBytesLimit: 1000, identity: 'valid until tomorrow',"
            + " controllerConnected: true, identityFailure: '-', trustBundleProblem: '-',"
            + " identityStoreProblem: '-', trustDomain: 'cluster.local', snapshotFrom: 'controller',"
            + " snapshotAgeSeconds: 5, controllerFollowed: true, snapshotStoreProblem: '-',"
            + " snapshotProblem: '-', snapshotComplete: true, refusedChange: []}");
    json(
        Topic.PODS,
        "[{pod: 'shop/store', state: 'enrolled', protection: 'protected', problem: '',"
            + " earlierConnections: 0}]");
    json(
        Topic.CERTIFICATES,
        "[{identity: 'spiffe://cluster.local/ns/shop/sa/store', notBefore: '2026-01-01T00:00:00Z',"
            + " notAfter: '2099-01-01T00:00:00Z', renewAt: '2098-01-01T00:00:00Z', problem: ''}]");
    json(Topic.MAPS, "[{map: 'pods', entries: 2, capacity: 1024}]");
    json(Topic.EVENTS, "[]");
    json(Topic.PINS, "['edge']");
    json(Topic.DAEMONS, "[{node: 'edge', metricsAddress: '0.0.0.0:15020'}]");
    json(Topic.CNI, "{state: 'chained', confDir: '/etc/cni/net.d', problems: []}");
    json(Topic.RULES, "{'iptables-nft-save': '*nat\\n:PREROUTING ACCEPT [0:0]\\nCOMMIT'}");
    json(Topic.RESOLVER, "{asked: '10.0.0.1', answered: true}");
    json(
        Topic.CONTROLLER,
        "{registryComplete: true, authority: 'ready', certificateEnd: '2099-01-01T00:00:00Z',"
            + " rotation: 'single', refusals: {}, nodes: {edge: {connected: true, software: '0.1.0',"
            + " revision: 7, pendingRevision: 0, problems: []}}, notDistributed: [],"
            + " leaseHolder: 'one', replica: 'one', replicaProblems: []}");
    cluster();
  }

  private void cluster() {
    String ours =
        "labels: {'app.kubernetes.io/name': 'sluice', 'app.kubernetes.io/component': 'controller'}";
    json(
        Topic.CLUSTER,
        "{version: {gitVersion: 'v1.31.0'}, rights: [{verb: 'create', allowed: true}]}");
    for (String definition :
        List.of(
            "meshconfigs.config.sluice.io",
            "traffictargets.access.smi-spec.io",
            "tcproutes.specs.smi-spec.io",
            "udproutes.specs.smi-spec.io",
            "httproutegroups.specs.smi-spec.io",
            "trafficsplits.split.smi-spec.io",
            "retries.policy.openservicemesh.io",
            "telemetries.policy.openservicemesh.io",
            "extensionservices.config.openservicemesh.io",
            "upstreamtrafficsettings.policy.openservicemesh.io",
            "ingressbackends.policy.openservicemesh.io",
            "accesscerts.policy.openservicemesh.io",
            "accesscontrols.policy.openservicemesh.io",
            "egresses.policy.openservicemesh.io",
            "isolations.policy.flomesh.io",
            "faultinjections.extension.gateway.flomesh.io")) {
      item("definitions", "{metadata: {name: '" + definition + "'}}");
    }
    item("namespaces", "{metadata: {name: 'shop', labels: {'sluice.io/mesh': 'enabled'}}}");
    item("namespaces", "{metadata: {name: 'sluice-system'}}");
    item(
        "deployments",
        "{metadata: {name: 'sluice-controller', namespace: 'sluice-system', %s},".formatted(ours)
            + " spec: {replicas: 1}, status: {readyReplicas: 1}}");
    item(
        "daemonSets",
        "{metadata: {name: 'sluice-node', namespace: 'sluice-system', %s},".formatted(ours)
            + " status: {desiredNumberScheduled: 1, numberReady: 1}}");
    item(
        "nodes",
        "{metadata: {name: 'edge'}, status: {conditions: [{type: 'Ready', status: 'True'}],"
            + " nodeInfo: {kernelVersion: '6.12.0', operatingSystem: 'linux', architecture: 'amd64'}}}");
    item(
        "services",
        "{metadata: {name: 'kube-dns', namespace: 'kube-system', labels: {'k8s-app': 'kube-dns'}}}");
    item("leases", "{metadata: {name: 'edge'}, spec: {renewTime: '" + now + "'}}");
  }

  private void manifests() {
    manifest("config", CONFIG);
    manifest(
        "namespace",
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {sluice.io/mesh: enabled}}\n");
    manifest("store", pod("store", "10.0.0.2"));
    manifest("buyer", pod("buyer", "10.0.0.3"));
    manifest("service", SERVICE);
    manifest(
        "route",
        """
        apiVersion: specs.smi-spec.io/v1alpha4
        kind: TCPRoute
        metadata: {name: main, namespace: shop}
        spec: {matches: {ports: [8080]}}
        """);
    manifest("target", target("buyer", "store"));
    manifest("back", target("store", "buyer"));
  }

  static String pod(String name, String address) {
    String uid = "00000000-0000-0000-0000-" + "%012x".formatted(name.hashCode() & 0xffffffL);
    return POD.replace("NAME", name).replace("UID", uid).replace("ADDRESS", address);
  }

  static String target(String from, String to) {
    return TARGET.replace("NAME", from + "-" + to).replace("FROM", from).replace("TO", to);
  }

  /** Writes one of the node's files. */
  void file(String path, String text) {
    try {
      Path file = root.resolve(path);
      Files.createDirectories(file.getParent());
      Files.writeString(file, text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  void remove(String path) {
    try {
      Files.delete(root.resolve(path));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Lets a socket listen; none for 0. */
  void listening(int port) {
    String line =
        "   0: 00000000:%04X 00000000:0000 %s 00000000:00000000"
            .formatted(port, port == 0 ? "01" : "0A");
    file("proc/net/tcp", "  sl  local_address rem_address   st\n" + line);
  }

  /** Merges into what is told; arrays get more. */
  void json(Topic topic, String text) {
    try {
      JsonNode before = topics.get(topic);
      topics.put(
          topic,
          before == null ? JSON.readTree(text) : JSON.readerForUpdating(before).readValue(text));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Tells this instead. */
  void instead(Topic topic, String text) {
    topics.remove(topic);
    json(topic, text);
  }

  /** Adds an object to those of a kind in the cluster. */
  void item(String kind, String text) {
    json(Topic.CLUSTER, "{'" + kind + "': {items: [" + text + "]}}");
  }

  /** As if the cluster had no object of that kind. */
  void noItems(String kind) {
    if (topics.get(Topic.CLUSTER) instanceof ObjectNode answers) {
      answers.remove(kind);
    }
  }

  void absent(Topic topic) {
    absent.put(topic, "nobody answers");
  }

  void manifest(String name, String text) {
    manifests.put(name + ".yaml", text);
  }

  void change(String name, String from, String to) {
    String before = manifests.getOrDefault(name + ".yaml", "");
    if (!before.contains(from)) {
      throw new IllegalArgumentException(name + " does not hold " + from);
    }
    manifests.put(name + ".yaml", before.replace(from, to));
  }

  Facts facts() {
    Map<Topic, Source<JsonNode>> sources = new EnumMap<>(Topic.class);
    topics.forEach((topic, value) -> sources.put(topic, () -> value));
    absent.forEach((topic, why) ->
        sources.put(
            topic,
            () -> {
              throw new NotThereException(why);
            }));
    manifests.forEach((name, text) -> {
      try {
        Files.writeString(folder.resolve(name), text);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    });
    return new Facts(new Host(root), "edge", state, isBefore, now, sources, this::objects);
  }

  /** Most faults are none of the manifests, which then need not be read again. */
  private Objects objects() {
    return isFolderChanged
        ? NodeFacts.registry(folder)
        : READ.computeIfAbsent(Map.copyOf(manifests), _ -> NodeFacts.registry(folder));
  }

  /** What all checks find, on this thread: thousands of hand-overs would take longer than they. */
  Set<Code> codes() {
    Set<Code> codes = EnumSet.noneOf(Code.class);
    Facts facts = facts();
    for (Check check : CheckRun.checks()) {
      try {
        check.look().at(facts, (code, subject, seen) -> codes.add(code));
      } catch (NotThereException e) {
        continue; // as in a run
      }
    }
    return codes;
  }

  CheckRun run() {
    return CheckRun.of(CheckRun.checks(), facts(), Duration.ofSeconds(20), subject -> {});
  }

  Path folder() {
    isFolderChanged = true;
    return folder;
  }
}
