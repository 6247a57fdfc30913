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
import java.util.Comparator;
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
    faults.believed();
    faults.cluster();
    faults.neighbours();
    faults.network();
    faults.rows();
    faults.all.sort(Comparator.comparing(Fault::code));
    return faults.all;
  }

  /** How it is made; its code; of what, and what that says. */
  private static final String ROWS =
      """
      file | KERNEL_OLD | proc/sys/kernel/osrelease | 4.19.0-27-amd64
      told | NO_MODE | KERNEL | {mode: 'none', reason: 'no program and no rule'}
      told | EBPF_OUTBOUND_REFUSED | KERNEL | {features: [{feature: 'ebpf trial outbound', works: 'no', detail: 'EPERM'}]}
      told | EBPF_INBOUND_REFUSED | KERNEL | {features: [{feature: 'ebpf trial inbound', works: 'no', detail: 'EPERM'}]}
      told | KERNEL_FEATURE | KERNEL | {features: [{feature: 'kernel so_netns_cookie', works: 'no', detail: 'EPERM'}]}
      instead | IPTABLES_UNUSABLE | KERNEL | {mode: 'ebpf', features: [{feature: 'iptables nft ipv4', works: 'no', detail: ''}]}
      told | CAPABILITIES_MISSING | CAPABILITIES | {missing: ['CAP_BPF']}
      gone | NO_BTF | sys/kernel/btf/vmlinux
      file | NO_CGROUP2 | proc/self/mountinfo | 30 1 0:26 / /sys/fs/cgroup rw - cgroup cgroup rw
      file | NO_BPFFS | proc/self/mountinfo | 30 1 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw
      file | BPFFS_READ_ONLY | proc/self/mountinfo | 31 1 0:27 / /sys/fs/bpf ro,nosuid - bpf bpf rw
      file | HIDEPID | proc/self/mountinfo | 32 1 0:28 / /proc rw,nosuid - proc proc rw,hidepid=2
      file | LOCKDOWN | sys/kernel/security/lockdown | none integrity [confidentiality]
      file | UNPRIVILEGED_BPF | proc/sys/kernel/unprivileged_bpf_disabled | 0
      told | CLOCK_DOUBTED | STATUS | {timeProblem: 'the wall clock shows 1970'}
      gone | CLOCK_ALONE | run/systemd/timesync/synchronized
      file | MEMORY_LOW | proc/meminfo | MemAvailable:     200000 kB
      file | MEMORY_SHORT | proc/meminfo | MemAvailable:      20000 kB
      instead | STATE_FULL | DISK | {totalBytes: 100000000, usableBytes: 4096}
      instead | STATE_LOW | DISK | {totalBytes: 1000000000, usableBytes: 20000000}
      told | STATE_READ_ONLY | DISK | {writeFailure: 'Read-only file system'}
      file | FILES_SYSTEM | proc/sys/fs/file-nr | 99000 0 100000
      file | FILES_DAEMON | proc/77/limits | Max open files            1024    4096    files
      file | LOCAL_PORTS_MESH | proc/sys/net/ipv4/ip_local_port_range | 1024 65535
      file | LOCAL_PORTS_FEW | proc/sys/net/ipv4/ip_local_port_range | 60000 60999
      told | DAEMON_NOT_READY | STATUS | {ready: false, missing: 'the CNI plugin'}
      told | MODE_IPTABLES | STATUS | {outboundMode: 'iptables', outboundReason: 'asked for'}
      told | FAIL_OPEN | STATUS | {failOpen: true}
      told | RETIREMENT | STATUS | {retirement: 'ANNOUNCED'}
      told | CONNECTIONS_MANY | STATUS | {connectionsLive: 950}
      told | BUFFERS_MANY | STATUS | {bufferedBytes: 999}
      told | MAP_FULL | MAPS | [{map: 'range_rules', entries: 64, capacity: 64}]
      told | MAP_NEARLY_FULL | MAPS | [{map: 'range_rules', entries: 62, capacity: 64}]
      told | POD_PENDING | PODS | [{pod: 'shop/x', state: 'pending', protection: 'refused', problem: 'why'}]
      told | POD_NOT_PROTECTED | PODS | [{pod: 'shop/x', state: 'enrolled', protection: 'not protected', problem: 'why'}]
      told | POD_REFUSED | PODS | [{pod: 'shop/x', state: 'enrolled', protection: 'refused', problem: 'why'}]
      told | POD_PROBLEM | PODS | [{pod: 'shop/x', state: 'enrolled', protection: 'protected', problem: 'why'}]
      told | POD_EARLIER | PODS | [{pod: 'shop/x', state: 'enrolled', earlierConnections: 2}]
      told | SEVERAL_NODES | PINS | ['other']
      change | ROUTE_MISSING | target | name: main | name: mian
      change | TARGET_NAMESPACE | target | name: store, namespace: shop | name: store, namespace: bank
      change | NO_SOURCE | target | sources: [{kind: ServiceAccount, name: buyer, namespace: shop}] | sources: []
      change | END_KIND | target | [{kind: ServiceAccount, name: buyer | [{kind: User, name: buyer
      change | FOREIGN_DOMAIN | target | {kind: ServiceAccount, name: buyer, namespace: shop} | {kind: AuthenticatedPrincipal, name: "spiffe://other.example/ns/a/sa/b"}
      change | WORD_UNKNOWN | store | labels: | annotations: {sluice.io/mtls-mode: strictly}, labels:
      change | CLAIMED_TWICE | buyer | 10.0.0.3 | 10.0.0.2
      change | NOT_ENFORCED | config | Mode: false | Mode: false}, observability: {fsmLogLevel: info
      change | DENIES_OWN | config | traffic: | certificate: {deniedIdentities: ["spiffe://cluster.local/ns/sluice-system/sa/node.edge"]}, traffic:
      change | TARGET_PORT | route | [8080] | [80]
      change | SERVICE_EMPTY | service | {app: store} | {app: stroe}
      change | SERVICE_UNREADY | store | "True" | "False"
      change | PORT_UNDECLARED | service | name: http | name: main
      change | PORT_NAME | service | targetPort: 8080 | targetPort: web
      change | EXCLUDES_HBONE | store | labels: | annotations: {sluice.io/inbound-port-exclusion-list: "15008"}, labels:
      change | EXCLUSION_POLICY | store | labels: | annotations: {sluice.io/inbound-port-exclusion-list: "8080"}, labels:
      change | EXCLUSION_CONTRADICTS | store | labels: | annotations: {sluice.io/outbound-ip-range-exclusion-list: "10.0.0.0/8", sluice.io/outbound-ip-range-inclusion-list: "10.1.0.0/16"}, labels:
      change | EXCLUDES_ALL | store | labels: | annotations: {sluice.io/outbound-ip-range-exclusion-list: "0.0.0.0/0"}, labels:
      change | PERMISSIVE | config | Mode: false | Mode: true
      change | TARGETS_UNUSED | config | Mode: false | Mode: true
      change | NOBODY_ENROLLED | namespace | enabled | disabled
      seen | SEEN_NO_TARGET | no_traffic_target
      seen | SEEN_PROTOCOL | protocol_mismatch
      seen | SEEN_UPSTREAM | upstream_refused
      seen | SEEN_DNS | dns_refused
      seen | SEEN_EGRESS | egress_disabled
      seen | SEEN_PLAINTEXT | mtls_required
      seen | SEEN_METADATA | metadata_refused
      seen | SEEN_HTTP_ONLY | http_only
      seen | SEEN_CLOSED | pod_closed
      told | LEAF_EXPIRED | CERTIFICATES | [{identity: 'spiffe://cluster.local/ns/shop/sa/x', notBefore: '2026-01-01T00:00:00Z', notAfter: '2026-01-01T00:00:00Z', renewAt: '2026-01-01T00:00:00Z', problem: 'why'}]
      told | LEAF_EARLY | CERTIFICATES | [{identity: 'spiffe://cluster.local/ns/shop/sa/x', notBefore: '2099-01-01T00:00:00Z', notAfter: '2099-01-01T00:00:00Z', renewAt: '2099-01-01T00:00:00Z', problem: 'why'}]
      told | LEAF_LATE | CERTIFICATES | [{identity: 'spiffe://cluster.local/ns/shop/sa/x', notBefore: '2026-01-01T00:00:00Z', notAfter: '2099-01-01T00:00:00Z', renewAt: '2026-01-01T00:00:00Z', problem: 'why'}]
      told | LEAF_MISSING | CERTIFICATES | [{identity: 'spiffe://cluster.local/ns/shop/sa/x', notBefore: '-', notAfter: '-', renewAt: '-', problem: 'why'}]
      told | LEAF_DOMAIN | CERTIFICATES | [{identity: 'spiffe://old.example/ns/shop/sa/x', notBefore: '2026-01-01T00:00:00Z', notAfter: '2099-01-01T00:00:00Z', renewAt: '2099-01-01T00:00:00Z', problem: 'why'}]
      told | NODE_NOT_ADMITTED | STATUS | {identity: 'not admitted yet'}
      told | NODE_EXPIRED | STATUS | {identity: 'expired since yesterday'}
      told | CONTROLLER_LOST | STATUS | {controllerConnected: false}
      told | IDENTITY_FAILS | STATUS | {identityFailure: 'PERMISSION_DENIED'}
      told | BUNDLE_REFUSED | STATUS | {trustBundleProblem: 'shares no root'}
      told | KEYS_NOT_KEPT | STATUS | {identityStoreProblem: 'No space left'}
      told | NO_IDENTITY | STATUS | {identity: 'off'}
      told | DOMAIN_DIFFERS | STATUS | {trustDomain: 'other.example'}
      instead | CONTROLLER_SILENT | CONTROLLER | {silence: 'no such file'}
      told | REGISTRY_INCOMPLETE | CONTROLLER | {registryComplete: false}
      told | CALLS_REFUSED | CONTROLLER | {refusals: {not_placed: 3}}
      told | NOT_DISTRIBUTED | CONTROLLER | {notDistributed: ['Service shop/big is too large']}
      told | AUTHORITY_FAILS | CONTROLLER | {authority: 'unavailable', authorityDetail: 'sealed'}
      told | CONTROLLER_CERTIFICATE | CONTROLLER | {certificateEnd: '2026-01-01T00:00:00Z'}
      told | ROTATION | CONTROLLER | {rotation: 'Distributing[next]'}
      told | NODE_GONE | CONTROLLER | {nodes: {b: {connected: false}}}
      told | NODE_REFUSES | CONTROLLER | {nodes: {b: {problems: ['Service x']}}}
      told | NODE_VERSION | CONTROLLER | {nodes: {b: {software: '0.0.1'}}}
      told | NODE_BEHIND | CONTROLLER | {nodes: {b: {revision: 3, pendingRevision: 9}}}
      told | LEASE_NOBODY | CONTROLLER | {leaseHolder: 'nobody known'}
      told | REPLICA_PROBLEM | CONTROLLER | {replicaProblems: ['may not patch status']}
      told | SNAPSHOT_OLD | STATUS | {controllerFollowed: false, snapshotAgeSeconds: 4000}
      told | SNAPSHOT_NONE | STATUS | {snapshotFrom: 'none yet'}
      told | SNAPSHOT_STORE | STATUS | {snapshotStoreProblem: 'damaged'}
      told | SNAPSHOT_PROBLEM | STATUS | {snapshotProblem: 'UNAVAILABLE'}
      told | CHANGE_REFUSED | STATUS | {refusedChange: ['Workload shop/x']}
      told | SNAPSHOT_PART | STATUS | {snapshotComplete: false}
      instead | API_SILENT | CLUSTER | {silence: 'it takes no connection'}
      told | KUBERNETES_OLD | CLUSTER | {version: {gitVersion: 'v1.20.1'}}
      item | CONTROLLER_UNREADY | deployments | {metadata: {name: 'c', namespace: 'sluice-system', labels: {'app.kubernetes.io/name': 'sluice', 'app.kubernetes.io/component': 'controller'}}, status: {}}
      item | MESH_TWICE | deployments | {metadata: {name: 'c', namespace: 'b', labels: {'app.kubernetes.io/name': 'sluice', 'app.kubernetes.io/component': 'controller'}}, status: {readyReplicas: 1}}
      item | DAEMONS_UNREADY | daemonSets | {metadata: {name: 'd', labels: {'app.kubernetes.io/name': 'sluice', 'app.kubernetes.io/component': 'controller'}}, status: {desiredNumberScheduled: 3}}
      item | POD_WAITS | pods | {metadata: {name: 'p', labels: {'app.kubernetes.io/name': 'sluice', 'app.kubernetes.io/component': 'controller'}}, status: {containerStatuses: [{name: 'node', state: {waiting: {reason: 'ImagePullBackOff'}}}]}}
      told | RIGHT_MISSING | CLUSTER | {rights: [{verb: 'create', resource: 'x', allowed: false}]}
      item | BINDING_DANGLES | clusterRoleBindings | {metadata: {name: 'b', labels: {'app.kubernetes.io/name': 'sluice', 'app.kubernetes.io/component': 'controller'}}, subjects: [{kind: 'ServiceAccount', name: 'gone'}]}
      item | NODE_UNREADY | nodes | {metadata: {name: 'n'}, status: {conditions: [{type: 'Ready', status: 'Unknown', message: 'silent'}]}}
      item | NODE_PRESSURE | nodes | {metadata: {name: 'n'}, status: {conditions: [{type: 'DiskPressure', status: 'True'}]}}
      item | NODE_KERNEL | nodes | {metadata: {name: 'n'}, status: {nodeInfo: {kernelVersion: '4.18.0-553'}}}
      item | NODE_PLATFORM | nodes | {metadata: {name: 'n'}, status: {nodeInfo: {operatingSystem: 'windows'}}}
      item | WEBHOOK_SERVICE | validatingWebhooks | {metadata: {name: 'w'}, webhooks: [{name: 'a.example', clientConfig: {service: {namespace: 'kube-system', name: 'gone'}}}]}
      item | WEBHOOK_UNREACHED | mutatingWebhooks | {metadata: {name: 'w'}, webhooks: [{name: 'a.example', clientConfig: {service: {namespace: 'kube-system', name: 'kube-dns'}}}]}
      item | SIDECAR | pods | {metadata: {name: 'store', namespace: 'shop'}, spec: {containers: [{name: 'istio-proxy'}]}}
      item | POD_NO_ACCOUNT | pods | {metadata: {name: 'store', namespace: 'shop', annotations: {'kubernetes.io/config.mirror': 'x'}}}
      item | INJECTION_LABEL | namespaces | {metadata: {name: 'x', labels: {'sluice.io/mesh': 'enabled', 'istio-injection': 'enabled'}}}
      item | OTHER_MESH | definitions | {metadata: {name: 'sidecars.networking.istio.io'}}
      item | NETWORK_POLICY | networkPolicies | {metadata: {name: 'p', namespace: 'shop'}, spec: {ingress: [{ports: [{port: 8080}]}]}}
      instead | CNI_NO_NETWORK | CNI | {state: 'no primary', confDir: '/etc/cni/net.d'}
      instead | CNI_SHADOWED | CNI | {state: 'shadowed'}
      instead | CNI_ORPHANED | CNI | {state: 'orphaned'}
      instead | CNI_OUTDATED | CNI | {state: 'outdated'}
      told | CNI_INVALID | CNI | {problems: [{path: '/x', text: 'is no JSON; ours is not written'}]}
      told | CNI_BINARY | CNI | {problems: [{path: '/x', text: 'is missing: the runtime looks for it in [/a]'}]}
      told | CNI_PROBLEM | CNI | {problems: [{path: '/x', text: 'holds plugins that runtimes run after ours'}]}
      file | FOREIGN_CNI | etc/cni/net.d/10-a.conflist | {"name": "a", "plugins": [{"type": "bridge"}, {"type": "istio-cni"}]}
      told | FOREIGN_RULES | RULES | {'iptables-legacy-save': '*nat\\n:ISTIO_OUTPUT - [0:0]'}
      file | FOREIGN_PROXY | proc/99/comm | envoy
      file | MTU_SMALL | sys/class/net/eth0/mtu | 576
      file | MTU_DIFFERS | sys/class/net/cni0/mtu | 9000
      file | NO_RESOLVER | etc/resolv.conf | search example
      told | RESOLVER_FAILS | RESOLVER | {answered: false}
      gone | NO_ROUTE | proc/net/route
      file | NO_FORWARDING | proc/sys/net/ipv4/ip_forward | 0
      file | CONNTRACK_FULL | proc/sys/net/netfilter/nf_conntrack_count | 262144
      file | CONNTRACK_HIGH | proc/sys/net/netfilter/nf_conntrack_count | 230000
      file | LOOPBACK_DOWN | sys/class/net/lo/flags | 0x8
      file | NO_IPV6 | proc/sys/net/ipv6/conf/all/disable_ipv6 | 1
      """;

  private void rows() {
    for (String row : ROWS.lines().toList()) {
      String[] cells = row.split(" \\| ", -1);
      Code code = Code.valueOf(cells[1]);
      switch (cells[0]) {
        case "file" -> file(code, cells[2], cells[3]);
        case "gone" -> gone(code, cells[2]);
        case "told" -> told(code, Topic.valueOf(cells[2]), cells[3]);
        case "instead" -> instead(code, Topic.valueOf(cells[2]), cells[3]);
        case "item" -> item(code, cells[2], cells[3]);
        case "change" -> change(code, cells[2], cells[3], cells[4]);
        case "seen" -> seen(code, cells[2]);
        default -> throw new IllegalArgumentException(row);
      }
    }
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

    made(
        Code.MEMLOCK_LOW,
        "a file of the node",
        site -> {
          site.file("proc/sys/kernel/osrelease", "5.10.0");
          site.file("proc/self/limits", "Max locked memory         65536    65536    bytes");
        });
  }

  private void resources() {
    made(Code.CLOCK_1970, "the clock", site -> site.now = Instant.EPOCH.plusSeconds(42));
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
    made(Code.NO_MESHCONFIG, "a manifest", site -> site.manifest("config", OTHER));
    change(Code.MTLS_OFF, "config", "spec: {", "spec: {sidecar: {sidecarDisabledMTLS: true}, ");
    made(Code.NOBODY_MAY_CALL, "a manifest", site -> site.manifest("back", OTHER));
  }

  /** Of no concern to anybody. */
  private static final String OTHER = "apiVersion: v1\nkind: Namespace\nmetadata: {name: bank}\n";

  private void seen(Code code, String reason) {
    told(code, EVENTS, "[{reason: '" + reason + "', pod: 'shop/buyer', time: 'now'}]");
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

  private void cluster() {

    made(Code.CRD_MISSING, source(CLUSTER), site -> site.noItems("definitions"));
    made(
        Code.MESH_ABSENT,
        source(CLUSTER),
        site -> {
          site.noItems("deployments");
          site.noItems("daemonSets");
        });
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
  }

  private void network() {

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
    file(
        Code.MANY_RESOLVERS,
        "etc/resolv.conf",
        "nameserver 10.0.0.1\nnameserver 10.0.0.2\nnameserver 10.0.0.3\nnameserver 10.0.0.4");
  }
}
