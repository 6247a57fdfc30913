package io.sluice.cli.check;

import static io.sluice.cli.check.Facts.Topic.CAPABILITIES;
import static io.sluice.cli.check.Facts.Topic.CERTIFICATES;
import static io.sluice.cli.check.Facts.Topic.CLUSTER;
import static io.sluice.cli.check.Facts.Topic.CNI;
import static io.sluice.cli.check.Facts.Topic.CONTROLLER;
import static io.sluice.cli.check.Facts.Topic.DAEMONS;
import static io.sluice.cli.check.Facts.Topic.DISK;
import static io.sluice.cli.check.Facts.Topic.EVENTS;
import static io.sluice.cli.check.Facts.Topic.KERNEL;
import static io.sluice.cli.check.Facts.Topic.MAPS;
import static io.sluice.cli.check.Facts.Topic.PINS;
import static io.sluice.cli.check.Facts.Topic.PODS;
import static io.sluice.cli.check.Facts.Topic.RESOLVER;
import static io.sluice.cli.check.Facts.Topic.RULES;
import static io.sluice.cli.check.Facts.Topic.STATUS;

import io.sluice.cli.check.Facts.Topic;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.function.Consumer;

/** One fault for every code, made in a {@link Site} that has none. */
final class Faults {
  private final List<Fault> all = new ArrayList<>();
  private final Roots roots;

  /**
   * One of them.
   *
   * @param way what it is made of: files, manifests, roots, or answers of somebody
   */
  record Fault(Code code, String way, Consumer<Site> make) {}

  /** Certificates in PEM, made by openssl. */
  record Roots(String good, String leaf, String weak) {}

  private Faults(Roots roots) {
    this.roots = roots;
  }

  static List<Fault> all(Roots roots) {
    Faults faults = new Faults(roots);
    faults.kernel();
    faults.resources();
    faults.daemon();
    faults.statuses();
    faults.policy();
    faults.events();
    faults.identity();
    faults.believed();
    faults.control();
    faults.cluster();
    faults.neighbours();
    faults.network();
    return faults.all;
  }

  private void file(Code code, String path, String text) {
    all.add(new Fault(code, "a file of the node", site -> site.file(path, text)));
  }

  private void gone(Code code, String path) {
    all.add(new Fault(code, "a file of the node is missing", site -> site.remove(path)));
  }

  private void told(Code code, Topic topic, String text) {
    all.add(new Fault(code, source(topic), site -> site.json(topic, text)));
  }

  private void instead(Code code, Topic topic, String text) {
    all.add(new Fault(code, source(topic), site -> site.instead(topic, text)));
  }

  private static String source(Topic topic) {
    return switch (topic) {
      case KERNEL, CAPABILITIES -> "an answer of the kernel";
      case DISK -> "an answer of the disk";
      case STATUS, PODS, CERTIFICATES, MAPS, EVENTS, PINS, DAEMONS -> "an answer of the daemon";
      case CNI -> "an answer of the CNI installation";
      case RULES -> "rules as iptables prints them";
      case RESOLVER -> "a silent name server";
      case CONTROLLER -> "an answer of the controller";
      case CLUSTER -> "an answer of the API server";
    };
  }

  private void item(Code code, String kind, String text) {
    all.add(new Fault(code, source(CLUSTER), site -> site.item(kind, text)));
  }

  private void manifest(Code code, String text) {
    all.add(new Fault(code, "a manifest", site -> site.manifest("fault", text)));
  }

  private void change(Code code, String name, String from, String to) {
    all.add(new Fault(code, "a manifest", site -> site.change(name, from, to)));
  }

  private void made(Code code, String way, Consumer<Site> make) {
    all.add(new Fault(code, way, make));
  }

  private void kernel() {
    file(Code.KERNEL_OLD, "proc/sys/kernel/osrelease", "4.19.0-27-amd64");
    told(Code.NO_MODE, KERNEL, "{mode: 'none', reason: 'no program and no rule'}");
    String answer = "{features: [{feature: '%s', works: 'no', detail: 'EPERM'}]}";
    told(Code.EBPF_OUTBOUND_REFUSED, KERNEL, answer.formatted("ebpf trial outbound"));
    told(Code.EBPF_INBOUND_REFUSED, KERNEL, answer.formatted("ebpf trial inbound"));
    told(Code.KERNEL_FEATURE, KERNEL, answer.formatted("kernel so_netns_cookie"));
    instead(
        Code.IPTABLES_UNUSABLE,
        KERNEL,
        "{mode: 'ebpf', features: [{feature: 'iptables nft ipv4', works: 'no', detail: ''}]}");
    told(Code.CAPABILITIES_MISSING, CAPABILITIES, "{missing: ['CAP_BPF']}");
    gone(Code.NO_BTF, "sys/kernel/btf/vmlinux");
    String mounts = "proc/self/mountinfo";
    file(Code.NO_CGROUP2, mounts, "30 1 0:26 / /sys/fs/cgroup rw - cgroup cgroup rw");
    file(Code.NO_BPFFS, mounts, "30 1 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw");
    file(Code.BPFFS_READ_ONLY, mounts, "31 1 0:27 / /sys/fs/bpf ro,nosuid - bpf bpf rw");
    file(Code.HIDEPID, mounts, "32 1 0:28 / /proc rw,nosuid - proc proc rw,hidepid=2");
    made(
        Code.MEMLOCK_LOW,
        "a file of the node",
        site -> {
          site.file("proc/sys/kernel/osrelease", "5.10.0");
          site.file("proc/self/limits", "Max locked memory         65536    65536    bytes");
        });
    file(Code.LOCKDOWN, "sys/kernel/security/lockdown", "none integrity [confidentiality]");
    file(Code.UNPRIVILEGED_BPF, "proc/sys/kernel/unprivileged_bpf_disabled", "0");
  }

  private void resources() {
    made(Code.CLOCK_1970, "the clock", site -> site.now = Instant.EPOCH.plusSeconds(42));
    told(Code.CLOCK_DOUBTED, STATUS, "{timeProblem: 'the wall clock shows 1970'}");
    gone(Code.CLOCK_ALONE, "run/systemd/timesync/synchronized");
    file(Code.MEMORY_LOW, "proc/meminfo", "MemAvailable:     200000 kB");
    file(Code.MEMORY_SHORT, "proc/meminfo", "MemAvailable:      20000 kB");
    instead(Code.STATE_FULL, DISK, "{totalBytes: 100000000, usableBytes: 4096}");
    instead(Code.STATE_LOW, DISK, "{totalBytes: 1000000000, usableBytes: 20000000}");
    told(Code.STATE_READ_ONLY, DISK, "{writeFailure: 'Read-only file system'}");
    made(
        Code.STATE_OPEN,
        "a real folder",
        site -> {
          try {
            Files.setPosixFilePermissions(site.state, PosixFilePermissions.fromString("rwxrwxrwx"));
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        });
    made(
        Code.STATE_NO_FOLDER,
        "a real file",
        site -> {
          site.state = site.folder().resolve("state");
          try {
            Files.createFile(site.state);
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        });
    made(Code.STATE_FOREIGN, "a real folder", site -> site.state = foreign());
    file(Code.FILES_SYSTEM, "proc/sys/fs/file-nr", "99000 0 100000");
    file(Code.FILES_DAEMON, "proc/77/limits", "Max open files            1024    4096    files");
    String range = "proc/sys/net/ipv4/ip_local_port_range";
    file(Code.LOCAL_PORTS_MESH, range, "1024 65535");
    file(Code.LOCAL_PORTS_FEW, range, "60000 60999");
  }

  /** A folder of somebody else; root's where another runs the tests. */
  private static Path foreign() {
    try {
      Path folder = Files.createTempDirectory("check");
      folder.toFile().deleteOnExit();
      if (System.getProperty("user.name").equals("root")) {
        Files.setAttribute(folder, "unix:uid", 65_534);
      }
      return folder;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void daemon() {
    made(
        Code.DAEMON_ABSENT,
        "no daemon",
        site -> {
          site.absent(STATUS);
          site.instead(PINS, "[]");
          site.instead(DAEMONS, "[]");
        });
    made(Code.DAEMON_SILENT, "no daemon", site -> site.absent(STATUS));
    told(Code.DAEMON_NOT_READY, STATUS, "{ready: false, missing: 'the CNI plugin'}");
    told(Code.MODE_IPTABLES, STATUS, "{outboundMode: 'iptables', outboundReason: 'asked for'}");
    told(Code.FAIL_OPEN, STATUS, "{failOpen: true}");
    told(Code.RETIREMENT, STATUS, "{retirement: 'ANNOUNCED'}");
    told(Code.CONNECTIONS_MANY, STATUS, "{connectionsLive: 950}");
    told(Code.BUFFERS_MANY, STATUS, "{bufferedBytes: 999}");
    told(Code.MAP_FULL, MAPS, "[{map: 'range_rules', entries: 64, capacity: 64}]");
    told(Code.MAP_NEARLY_FULL, MAPS, "[{map: 'range_rules', entries: 62, capacity: 64}]");
    String pod = "[{pod: 'shop/x', state: '%s', protection: '%s', problem: 'why'}]";
    told(Code.POD_PENDING, PODS, pod.formatted("pending", "refused"));
    told(Code.POD_NOT_PROTECTED, PODS, pod.formatted("enrolled", "not protected"));
    told(Code.POD_REFUSED, PODS, pod.formatted("enrolled", "refused"));
    told(Code.POD_PROBLEM, PODS, pod.formatted("enrolled", "protected"));
    told(Code.POD_EARLIER, PODS, "[{pod: 'shop/x', state: 'enrolled', earlierConnections: 2}]");
    told(Code.SEVERAL_NODES, PINS, "['other']");
  }

  private void statuses() {
    made(
        Code.FILE_UNREADABLE,
        "a real link to nowhere",
        site -> {
          try {
            Files.createSymbolicLink(site.folder().resolve("gone.yaml"), Path.of("nowhere"));
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        });
    manifest(Code.MANIFEST_WRONG, "apiVersion: v1\nkind: Pod\nmetadata: [no, mapping]\n");
    manifest(
        Code.NO_EFFECT,
        """
        apiVersion: discovery.k8s.io/v1
        kind: EndpointSlice
        metadata: {name: a, namespace: shop, labels: {kubernetes.io/service-name: store}}
        addressType: FQDN
        endpoints: []
        ports: []
        """);
    made(
        Code.IN_PART,
        "a manifest",
        site ->
            site.change(
                "config",
                "Mode: false",
                "Mode: true, mtlsMode: STRICT}, certificate: {deniedIdentities: [x]"));
    manifest(Code.NOTE, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: shop}\n");
    change(Code.ROUTE_MISSING, "target", "name: main", "name: mian");
    made(
        Code.MATCH_MISSING,
        "a manifest",
        site -> {
          site.manifest("group", GROUP);
          site.change(
              "target",
              "{kind: TCPRoute, name: main}",
              "{kind: HTTPRouteGroup, name: web, matches: [wirte]}");
        });
    change(
        Code.TARGET_NAMESPACE,
        "target",
        "name: store, namespace: shop",
        "name: store, namespace: bank");
    change(
        Code.NO_SOURCE,
        "target",
        "sources: [{kind: ServiceAccount, name: buyer, namespace: shop}]",
        "sources: []");
    change(
        Code.END_KIND,
        "target",
        "[{kind: ServiceAccount, name: buyer",
        "[{kind: User, name: buyer");
    change(
        Code.FOREIGN_DOMAIN,
        "target",
        "{kind: ServiceAccount, name: buyer, namespace: shop}",
        "{kind: AuthenticatedPrincipal, name: \"spiffe://other.example/ns/a/sa/b\"}");
    manifest(Code.SEVERAL_MESHCONFIGS, Site.CONFIG.replace("name: mesh", "name: second"));
    manifest(Code.DUPLICATE, Site.SERVICE);
    manifest(Code.VERSION_UNKNOWN, Site.target("buyer", "x").replace("v1alpha3", "v1alpha9"));
    String split =
        """
        apiVersion: split.smi-spec.io/v1alpha4
        kind: TrafficSplit
        metadata: {name: s, namespace: shop}
        spec:
          service: store
          backends: [{service: store, weight: 1}]
        """;
    manifest(Code.SPLIT_SERVICE, split.replace("service: store\n", "service: stroe\n"));
    manifest(Code.SPLIT_BACKEND, split.replace("{service: store", "{service: stroe"));
    manifest(Code.SPLIT_WEIGHTS, split.replace("weight: 1", "weight: 0"));
    manifest(Code.SPLIT_GROUP, split + "  matches: [{kind: HTTPRouteGroup, name: none}]\n");
    made(
        Code.SPLIT_PORTS,
        "a manifest",
        site -> {
          site.manifest(
              "other",
              Site.SERVICE
                  .replace("name: store,", "name: other,")
                  .replace("10.96.0.10", "10.96.0.11")
                  .replace("port: 80,", "port: 81,"));
          site.manifest("split", split.replace("{service: store", "{service: other"));
        });
    String route =
        """
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {name: r, namespace: shop}
        spec:
          parentRefs: [{group: "", kind: Service, name: store, port: 80}]
          rules: [{backendRefs: [{name: store, port: 80}]}]
        """;
    manifest(
        Code.GATEWAY_PARENT,
        route.replace("name: store, port: 80}]\n  rules", "name: none, port: 80}]\n  rules"));
    manifest(
        Code.GATEWAY_FILTER,
        route.replace(
            "[{backendRefs",
            "[{filters: [{type: ExtensionRef, extensionRef: {group: a, kind: b, name: c}}], backendRefs"));
    change(
        Code.WORD_UNKNOWN,
        "store",
        "labels:",
        "annotations: {sluice.io/mtls-mode: strictly}, labels:");
    manifest(
        Code.SLICE_ALONE,
        """
        apiVersion: discovery.k8s.io/v1
        kind: EndpointSlice
        metadata: {name: a, namespace: shop}
        addressType: IPv4
        endpoints: []
        ports: []
        """);
    made(
        Code.POD_NO_ADDRESS,
        "a manifest",
        site -> {
          site.change("buyer", "podIPs: [{ip: 10.0.0.3}]", "podIPs: []");
          site.change("buyer", "labels:", "annotations: {sluice.io/netns: buyer}, labels:");
        });
    made(
        Code.POD_HOST_NETWORK,
        "a manifest",
        site -> {
          site.change("buyer", "  nodeName: edge", "  hostNetwork: true\n  nodeName: edge");
          site.change("buyer", "labels: {", "labels: {sluice.io/mesh: enabled, ");
        });
    change(Code.CLAIMED_TWICE, "buyer", "10.0.0.3", "10.0.0.2");
    change(
        Code.NOT_ENFORCED,
        "config",
        "Mode: false",
        "Mode: false}, observability: {tracing: {enable: true}");
    change(
        Code.DENIES_OWN,
        "config",
        "traffic:",
        "certificate: {deniedIdentities: [\"spiffe://cluster.local/ns/sluice-system/sa/node.edge\"]}, traffic:");
    manifest(
        Code.SERVICE_EXTERNAL,
        """
        apiVersion: v1
        kind: Service
        metadata: {name: far, namespace: shop}
        spec: {type: ExternalName, externalName: far.example}
        """);
  }

  private static final String GROUP =
      """
      apiVersion: specs.smi-spec.io/v1alpha4
      kind: HTTPRouteGroup
      metadata: {name: web, namespace: shop}
      spec: {matches: [{name: read, pathRegex: "/.*", methods: [GET]}]}
      """;

  private void policy() {
    manifest(Code.ACCOUNT_MISSING, Site.target("buyer", "stroe"));
    manifest(Code.SOURCE_MISSING, Site.target("byuer", "store"));
    manifest(
        Code.SOURCE_NAMESPACE,
        Site.target("buyer", "store")
            .replace("name: buyer, namespace: shop", "name: buyer, namespace: sohp")
            .replace("buyer-store", "x"));
    change(Code.TARGET_PORT, "route", "[8080]", "[80]");
    change(Code.TARGET_OUTSIDE, "store", "labels: {", "labels: {sluice.io/mesh: disabled, ");
    manifest(Code.TARGET_SAME, Site.target("buyer", "store").replace("buyer-store", "x"));
    made(
        Code.DEFAULT_ACCOUNT,
        "a manifest",
        site -> {
          site.manifest("pod", Site.pod("default", "10.0.0.9"));
          site.manifest("more", Site.target("buyer", "default"));
        });
    made(
        Code.HTTP_ON_BYTES,
        "a manifest",
        site -> {
          site.manifest("group", GROUP);
          site.change(
              "target", "{kind: TCPRoute, name: main}", "{kind: HTTPRouteGroup, name: web}");
          site.change("service", "name: http", "name: tcp");
        });
    change(Code.SERVICE_EMPTY, "service", "{app: store}", "{app: stroe}");
    change(Code.SERVICE_UNREADY, "store", "\"True\"", "\"False\"");
    change(Code.PORT_UNDECLARED, "service", "name: http", "name: main");
    change(Code.PORT_NAME, "service", "targetPort: 8080", "targetPort: web");
    String list = "annotations: {sluice.io/inbound-port-exclusion-list: \"%s\"}, labels:";
    change(Code.EXCLUDES_HBONE, "store", "labels:", list.formatted("15008"));
    change(Code.EXCLUSION_POLICY, "store", "labels:", list.formatted("8080"));
    change(
        Code.EXCLUSION_CONTRADICTS,
        "store",
        "labels:",
        "annotations: {sluice.io/outbound-ip-range-exclusion-list: \"10.0.0.0/8\","
            + " sluice.io/outbound-ip-range-inclusion-list: \"10.1.0.0/16\"}, labels:");
    change(
        Code.EXCLUDES_ALL,
        "store",
        "labels:",
        "annotations: {sluice.io/outbound-ip-range-exclusion-list: \"0.0.0.0/0\"}, labels:");
    made(Code.NO_MESHCONFIG, "a manifest", site -> site.manifest("config", ""));
    change(Code.PERMISSIVE, "config", "Mode: false", "Mode: true");
    change(Code.TARGETS_UNUSED, "config", "Mode: false", "Mode: true");
    change(Code.MTLS_OFF, "config", "spec: {", "spec: {sidecar: {sidecarDisabledMTLS: true}, ");
    change(Code.NOBODY_ENROLLED, "namespace", "enabled", "disabled");
    made(
        Code.NOBODY_MAY_CALL,
        "a manifest",
        site -> site.manifest("back", Site.target("buyer", "store")));
  }

  private void events() {
    seen(Code.SEEN_NO_TARGET, "no_traffic_target");
    seen(Code.SEEN_PROTOCOL, "protocol_mismatch");
    seen(Code.SEEN_UPSTREAM, "upstream_refused");
    seen(Code.SEEN_DNS, "dns_refused");
    seen(Code.SEEN_EGRESS, "egress_disabled");
    seen(Code.SEEN_PLAINTEXT, "mtls_required");
    seen(Code.SEEN_METADATA, "metadata_refused");
    seen(Code.SEEN_HTTP_ONLY, "http_only");
  }

  private void seen(Code code, String reason) {
    told(code, EVENTS, "[{reason: '" + reason + "', pod: 'shop/buyer', time: 'now'}]");
  }

  private void identity() {
    String leaf =
        "[{identity: 'spiffe://%s/ns/shop/sa/x', notBefore: '%s', notAfter: '%s', renewAt: '%s', problem: 'why'}]";
    String early = "2026-01-01T00:00:00Z";
    String late = "2099-01-01T00:00:00Z";
    String own = "cluster.local";
    told(Code.LEAF_EXPIRED, CERTIFICATES, leaf.formatted(own, early, early, early));
    told(Code.LEAF_EARLY, CERTIFICATES, leaf.formatted(own, late, late, late));
    told(Code.LEAF_LATE, CERTIFICATES, leaf.formatted(own, early, late, early));
    told(Code.LEAF_MISSING, CERTIFICATES, leaf.formatted(own, "-", "-", "-"));
    told(Code.LEAF_DOMAIN, CERTIFICATES, leaf.formatted("old.example", early, late, late));
    told(Code.NODE_NOT_ADMITTED, STATUS, "{identity: 'not admitted yet'}");
    told(Code.NODE_EXPIRED, STATUS, "{identity: 'expired since yesterday'}");
    told(Code.CONTROLLER_LOST, STATUS, "{controllerConnected: false}");
    told(Code.IDENTITY_FAILS, STATUS, "{identityFailure: 'PERMISSION_DENIED'}");
    told(Code.BUNDLE_REFUSED, STATUS, "{trustBundleProblem: 'shares no root'}");
    told(Code.KEYS_NOT_KEPT, STATUS, "{identityStoreProblem: 'No space left'}");
    told(Code.NO_IDENTITY, STATUS, "{identity: 'off'}");
    told(Code.DOMAIN_DIFFERS, STATUS, "{trustDomain: 'other.example'}");
  }

  private void believed() {
    root(Code.ROOT_EXPIRED, roots.good(), site -> site.now = site.now.plus(Duration.ofDays(400)));
    root(Code.ROOT_SOON, roots.good(), site -> site.now = site.now.plus(Duration.ofDays(350)));
    root(Code.ROOT_EARLY, roots.good(), site -> site.now = site.now.minus(Duration.ofDays(1)));
    root(Code.ROOT_NO_CA, roots.leaf(), site -> {});
    root(Code.ROOT_WEAK, roots.weak(), site -> {});
    root(Code.ROOTS_UNREADABLE, "no certificate", site -> {});
    root(Code.ROOT_KEY, "-----BEGIN PRIVATE" + " KEY-----\n" + roots.good(), site -> {});
  }

  private void root(Code code, String pem, Consumer<Site> clock) {
    made(
        code,
        "a real certificate",
        site -> {
          site.json(CONTROLLER, "{roots: '" + pem.replace("\n", "\\n") + "'}");
          clock.accept(site);
        });
  }

  private void control() {
    instead(Code.CONTROLLER_SILENT, CONTROLLER, "{silence: 'no such file'}");
    told(Code.REGISTRY_INCOMPLETE, CONTROLLER, "{registryComplete: false}");
    told(Code.CALLS_REFUSED, CONTROLLER, "{refusals: {not_placed: 3}}");
    told(Code.NOT_DISTRIBUTED, CONTROLLER, "{notDistributed: ['Service shop/big is too large']}");
    told(Code.AUTHORITY_FAILS, CONTROLLER, "{authority: 'unavailable', authorityDetail: 'sealed'}");
    told(Code.CONTROLLER_CERTIFICATE, CONTROLLER, "{certificateEnd: '2026-01-01T00:00:00Z'}");
    told(Code.ROTATION, CONTROLLER, "{rotation: 'Distributing[next]'}");
    told(Code.NODE_GONE, CONTROLLER, "{nodes: {b: {connected: false}}}");
    told(Code.NODE_REFUSES, CONTROLLER, "{nodes: {b: {problems: ['Service x']}}}");
    told(Code.NODE_VERSION, CONTROLLER, "{nodes: {b: {software: '0.0.1'}}}");
    told(Code.NODE_BEHIND, CONTROLLER, "{nodes: {b: {revision: 3, pendingRevision: 9}}}");
    told(Code.LEASE_NOBODY, CONTROLLER, "{leaseHolder: 'nobody known'}");
    told(Code.REPLICA_PROBLEM, CONTROLLER, "{replicaProblems: ['may not patch status']}");
    told(Code.SNAPSHOT_OLD, STATUS, "{controllerFollowed: false, snapshotAgeSeconds: 4000}");
    told(Code.SNAPSHOT_NONE, STATUS, "{snapshotFrom: 'none yet'}");
    told(Code.SNAPSHOT_STORE, STATUS, "{snapshotStoreProblem: 'damaged'}");
    told(Code.SNAPSHOT_PROBLEM, STATUS, "{snapshotProblem: 'UNAVAILABLE'}");
    told(Code.CHANGE_REFUSED, STATUS, "{refusedChange: ['Workload shop/x']}");
    told(Code.SNAPSHOT_PART, STATUS, "{snapshotComplete: false}");
  }

  private void cluster() {
    instead(Code.API_SILENT, CLUSTER, "{silence: 'it takes no connection'}");
    told(Code.KUBERNETES_OLD, CLUSTER, "{version: {gitVersion: 'v1.20.1'}}");
    made(Code.CRD_MISSING, source(CLUSTER), site -> site.noItems("definitions"));
    String labels =
        "labels: {'app.kubernetes.io/name': 'sluice', 'app.kubernetes.io/component': 'controller'}";
    item(
        Code.CONTROLLER_UNREADY,
        "deployments",
        "{metadata: {name: 'c', namespace: 'sluice-system', " + labels + "}, status: {}}");
    item(
        Code.MESH_TWICE,
        "deployments",
        "{metadata: {name: 'c', namespace: 'b', " + labels + "}, status: {readyReplicas: 1}}");
    item(
        Code.DAEMONS_UNREADY,
        "daemonSets",
        "{metadata: {name: 'd', " + labels + "}, status: {desiredNumberScheduled: 3}}");
    made(
        Code.MESH_ABSENT,
        source(CLUSTER),
        site -> {
          site.noItems("deployments");
          site.noItems("daemonSets");
        });
    item(
        Code.POD_WAITS,
        "pods",
        "{metadata: {name: 'p', "
            + labels
            + "}, status: {containerStatuses:"
            + " [{name: 'node', state: {waiting: {reason: 'ImagePullBackOff'}}}]}}");
    told(
        Code.RIGHT_MISSING, CLUSTER, "{rights: [{verb: 'create', resource: 'x', allowed: false}]}");
    item(
        Code.BINDING_DANGLES,
        "clusterRoleBindings",
        "{metadata: {name: 'b', "
            + labels
            + "}, subjects: [{kind: 'ServiceAccount', name: 'gone'}]}");
    String node = "{metadata: {name: 'n'}, status: {%s}}";
    item(
        Code.NODE_UNREADY,
        "nodes",
        node.formatted("conditions: [{type: 'Ready', status: 'Unknown', message: 'silent'}]"));
    item(
        Code.NODE_PRESSURE,
        "nodes",
        node.formatted("conditions: [{type: 'DiskPressure', status: 'True'}]"));
    item(Code.NODE_KERNEL, "nodes", node.formatted("nodeInfo: {kernelVersion: '4.18.0-553'}"));
    item(Code.NODE_PLATFORM, "nodes", node.formatted("nodeInfo: {operatingSystem: 'windows'}"));
    made(
        Code.POD_SECURITY,
        source(CLUSTER),
        site ->
            site.item(
                "namespaces",
                "{metadata: {name: 'sluice-system', labels:"
                    + " {'pod-security.kubernetes.io/enforce': 'restricted'}}}"));
    made(Code.CLUSTER_CLOCK, "the clock", site -> site.now = site.now.plus(Duration.ofMinutes(9)));
    made(Code.NO_CLUSTER_DNS, source(CLUSTER), site -> site.noItems("services"));
  }

  private void neighbours() {
    String webhook = "{metadata: {name: 'w'}, webhooks: [{name: 'a.example', clientConfig: {%s}}]}";
    String service = "service: {namespace: 'kube-system', name: '%s'}";
    item(Code.WEBHOOK_SERVICE, "validatingWebhooks", webhook.formatted(service.formatted("gone")));
    item(
        Code.WEBHOOK_UNREACHED,
        "mutatingWebhooks",
        webhook.formatted(service.formatted("kube-dns")));
    made(
        Code.WEBHOOK_CA,
        "a real certificate",
        site -> {
          String bundle =
              Base64.getEncoder().encodeToString(roots.good().getBytes(StandardCharsets.US_ASCII));
          site.item(
              "validatingWebhooks", webhook.formatted("url: 'x', caBundle: '" + bundle + "'"));
          site.now = site.now.plus(Duration.ofDays(400));
        });
    item(
        Code.SIDECAR,
        "pods",
        "{metadata: {name: 'store', namespace: 'shop'}, spec: {containers: [{name: 'istio-proxy'}]}}");
    item(
        Code.POD_NO_ACCOUNT,
        "pods",
        "{metadata: {name: 'store', namespace: 'shop', annotations: {'kubernetes.io/config.mirror': 'x'}}}");
    item(
        Code.INJECTION_LABEL,
        "namespaces",
        "{metadata: {name: 'x', labels: {'sluice.io/mesh': 'enabled', 'istio-injection': 'enabled'}}}");
    item(Code.OTHER_MESH, "definitions", "{metadata: {name: 'sidecars.networking.istio.io'}}");
    item(
        Code.NETWORK_POLICY,
        "networkPolicies",
        "{metadata: {name: 'p', namespace: 'shop'}, spec: {ingress: [{ports: [{port: 8080}]}]}}");
  }

  private void network() {
    instead(Code.CNI_NO_NETWORK, CNI, "{state: 'no primary', confDir: '/etc/cni/net.d'}");
    instead(Code.CNI_SHADOWED, CNI, "{state: 'shadowed'}");
    instead(Code.CNI_ORPHANED, CNI, "{state: 'orphaned'}");
    instead(Code.CNI_OUTDATED, CNI, "{state: 'outdated'}");
    String problem = "{problems: [{path: '/x', text: '%s'}]}";
    told(Code.CNI_INVALID, CNI, problem.formatted("is no JSON; ours is not written"));
    told(Code.CNI_BINARY, CNI, problem.formatted("is missing: the runtime looks for it in [/a]"));
    told(Code.CNI_PROBLEM, CNI, problem.formatted("holds plugins that runtimes run after ours"));
    file(
        Code.FOREIGN_CNI,
        "etc/cni/net.d/10-a.conflist",
        "{\"name\": \"a\", \"plugins\": [{\"type\": \"bridge\"}, {\"type\": \"istio-cni\"}]}");
    told(Code.FOREIGN_RULES, RULES, "{'iptables-legacy-save': '*nat\\n:ISTIO_OUTPUT - [0:0]'}");
    file(Code.FOREIGN_PROXY, "proc/99/comm", "envoy");
    made(
        Code.PORT_METRICS,
        "a listening socket",
        site -> {
          site.absent(STATUS);
          site.instead(DAEMONS, "[]");
          site.listening(15_020);
        });
    made(
        Code.PORT_CONTROL,
        "a listening socket",
        site -> {
          site.absent(CONTROLLER);
          site.listening(15_012);
        });
    made(Code.PORT_HBONE, "a listening socket", site -> site.listening(15_008));
    file(Code.MTU_SMALL, "sys/class/net/eth0/mtu", "576");
    file(Code.MTU_DIFFERS, "sys/class/net/cni0/mtu", "9000");
    file(Code.NO_RESOLVER, "etc/resolv.conf", "search example");
    file(
        Code.MANY_RESOLVERS,
        "etc/resolv.conf",
        "nameserver 10.0.0.1\nnameserver 10.0.0.2\nnameserver 10.0.0.3\nnameserver 10.0.0.4");
    told(Code.RESOLVER_FAILS, RESOLVER, "{answered: false}");
    gone(Code.NO_ROUTE, "proc/net/route");
    file(Code.NO_FORWARDING, "proc/sys/net/ipv4/ip_forward", "0");
    file(Code.CONNTRACK_FULL, "proc/sys/net/netfilter/nf_conntrack_count", "262144");
    file(Code.CONNTRACK_HIGH, "proc/sys/net/netfilter/nf_conntrack_count", "230000");
    file(Code.LOOPBACK_DOWN, "sys/class/net/lo/flags", "0x8");
    file(Code.NO_IPV6, "proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
  }
}
