package io.sluice.control.objects;

import io.sluice.mesh.PingMode;
import java.util.List;
import java.util.stream.Stream;

/**
 * The labels and annotations by which manifests talk to the mesh. No other is read. Their texts
 * stand in {@code docs/reference/annotations.md}.
 */
public enum MeshKey {
  /** Enrols a Pod or all Pods of a Namespace. */
  MESH(
      Form.LABEL,
      Spelling.SLUICE,
      "mesh",
      "Pod, Namespace",
      "`enabled`, `disabled`; also `yes`, `true`, `no`, `false`",
      "Puts the pod, or the pods of the namespace, into the mesh or keeps them out. The pod's word"
          + " goes before that of its namespace."),
  /** Keeps a Namespace out. */
  IGNORE(
      Form.LABEL,
      Spelling.EVERY_MESH,
      "ignore",
      "Namespace",
      "`true`",
      "Keeps every pod of the namespace out, whatever else is written."),
  /** Names the mesh that watches a Namespace. */
  MONITORED_BY(
      Form.LABEL,
      Spelling.EVERY_MESH,
      "monitored-by",
      "Namespace",
      "name of a mesh; any",
      "Lets `sidecar-injection` enrol pods in the namespace. Which mesh is named does not matter."),
  /** Enrols in the words of OSM. */
  INJECTION(
      Form.ANNOTATION,
      Spelling.EVERY_MESH,
      "sidecar-injection",
      "Pod, Namespace",
      "`enabled`, `disabled`; also `yes`, `true`, `no`, `false`",
      "Enrols in a namespace with `monitored-by`; keeps a pod out anywhere. No sidecar is"
          + " injected."),
  /** Whether metrics tell of the pods of a Namespace by name. */
  METRICS(
      Form.ANNOTATION,
      Spelling.EVERY_MESH,
      "metrics",
      "Namespace",
      "`enabled`, `disabled`; also `yes`, `true`, `no`, `false`",
      "Whether the nodes' `/metrics` have the series that name the namespace's own pods or"
          + " workloads. `sluice metrics enable` and `disable` write it. Without it, and with a word"
          + " that is none: `enabled`."),
  /** Whether plaintext from outside the mesh is taken. */
  MTLS_MODE(
      Form.ANNOTATION,
      Spelling.SLUICE,
      "mtls-mode",
      "Pod, Namespace",
      "`STRICT`, `PERMISSIVE`",
      "Whether the pod takes plaintext from unproven sources. The pod's word goes before that of"
          + " its namespace, and that before `spec.traffic.mtlsMode` of the MeshConfig. A word that"
          + " is none counts as `STRICT`."),
  /** Ports of destinations that are left alone. */
  OUTBOUND_PORTS(
      Form.ANNOTATION,
      Spelling.EVERY_MESH,
      "outbound-port-exclusion-list",
      "Pod",
      "ports with commas",
      "Outbound connections to these ports are left alone, besides those of the MeshConfig."),
  /** Ports of the Pod that are left alone. */
  INBOUND_PORTS(
      Form.ANNOTATION,
      Spelling.EVERY_MESH,
      "inbound-port-exclusion-list",
      "Pod",
      "ports with commas",
      "Inbound connections to these ports are left alone, besides those of the MeshConfig."),
  /** Destinations that are left alone. */
  OUTBOUND_EXCLUDED_RANGES(
      Form.ANNOTATION,
      Spelling.EVERY_MESH,
      "outbound-ip-range-exclusion-list",
      "Pod",
      "address ranges with commas",
      "Outbound connections into these ranges are left alone, besides those of the MeshConfig."),
  /** Destinations that alone are redirected. */
  OUTBOUND_INCLUDED_RANGES(
      Form.ANNOTATION,
      Spelling.EVERY_MESH,
      "outbound-ip-range-inclusion-list",
      "Pod",
      "address ranges with commas",
      "Only outbound connections into these ranges, and those of the MeshConfig, are redirected."),
  /** Name servers that may be asked. */
  DNS_RESOLVERS(
      Form.ANNOTATION,
      Spelling.SLUICE,
      "dns-resolvers",
      "Pod",
      "addresses or ranges with commas",
      "Name servers that the pod may ask, besides those of the MeshConfig, of its"
          + " `spec.dnsConfig`, of the cluster and of the node. `0.0.0.0/0,::/0` are any."),
  /** Whether the cloud's metadata service may be called. */
  METADATA_MODE(
      Form.ANNOTATION,
      Spelling.SLUICE,
      "metadata-mode",
      "Pod, Namespace",
      "`REFUSE`, `ALLOW`",
      "Whether the pod may call its cloud's metadata service. The pod's word goes before that of its"
          + " namespace, and that before `spec.traffic.metadataMode` of the MeshConfig. A word that"
          + " is none counts as `REFUSE`."),
  /** Which echo requests may be sent. */
  PING_MODE(
      Form.ANNOTATION,
      Spelling.SLUICE,
      "ping-mode",
      "Pod, Namespace",
      "`REFUSE`, `PLAIN`, `ALLOW`",
      "Which ICMP echo requests the pod may send in a strict mesh; `PLAIN` are those with up to "
          + PingMode.PLAIN_BYTES
          + " bytes of payload. Which word counts is as with `metadata-mode`. A word that is none"
          + " counts as `PLAIN`."),
  /** Whether connections within the node have mutual TLS. */
  SAME_NODE_MTLS(
      Form.ANNOTATION,
      Spelling.SLUICE,
      "same-node-mtls",
      "Pod, Namespace",
      "`required`, `disabled`",
      "Whether the pod's connections with others of its node have mutual TLS, as those between nodes"
          + " have. One end that requires it is enough. Which word counts is as with"
          + " `metadata-mode`. A word that is none counts as `required`."),
  /** After which a silent connection is reset. */
  IDLE_TIMEOUT(
      Form.ANNOTATION,
      Spelling.SLUICE,
      "idle-timeout",
      "Pod, Namespace",
      "`none`, or `1s` to `30d`",
      "Connections from and to the pod are reset after so long without a byte, to within a second."
          + " Which word counts is as with `metadata-mode`. A word that is none counts as `none`."),
  /** Where connections to the pod find the application. */
  LOCAL_PROXY_MODE(
      Form.ANNOTATION,
      Spelling.SLUICE,
      "local-proxy-mode",
      "Pod, Namespace",
      "`Localhost`, `PodIP`",
      "Whether an application that listens on the pod's loopback alone is reached on the ports that"
          + " Services lead to. Which word counts is as with `metadata-mode`, after those"
          + " `spec.sidecar.localProxyMode` of the MeshConfig. A word that is none counts as"
          + " `PodIP`."),
  /** Whether ports are carried as HTTP where policy needs it. */
  L7(
      Form.ANNOTATION,
      Spelling.SLUICE,
      "l7",
      "Service, Namespace",
      "`on`, `off`",
      "Whether connections to the ports of the Service, or of the Services of the namespace, may be"
          + " carried as HTTP. With `off` they are bytes whatever the ports are declared to be: a"
          + " TrafficTarget with HTTP routes alone lets nobody in there. The Service's word goes"
          + " before that of its namespace. A word that is none counts as `on`. Quote it: YAML 1.1"
          + " takes it for a boolean."),
  /** Whether new endpoints get their share little by little. */
  WARM_UP_ENABLE(
      Form.ANNOTATION,
      Spelling.EVERY_MESH,
      "traffic-warmup-enable",
      "Pod, Service, Namespace",
      "`enabled`, `disabled`; also `yes`, `true`, `no`, `false`",
      "Whether the pod, the pods of the Service or those of all Services of the namespace get their"
          + " full share of calls little by little once they are ready. Of the three the first one"
          + " with this key says all `traffic-warmup` keys. A word that is none counts as"
          + " `disabled`."),
  /** For how long they warm up. */
  WARM_UP_DURATION(
      Form.ANNOTATION,
      Spelling.EVERY_MESH,
      "traffic-warmup-duration",
      "Pod, Service, Namespace",
      "`1s` to `1h`, such as `90s` or `1m30s`",
      "After so long the share is whole. Without it: `90s`."),
  /** With which share they begin. */
  WARM_UP_MIN(
      Form.ANNOTATION,
      Spelling.EVERY_MESH,
      "traffic-warmup-minweight",
      "Pod, Service, Namespace",
      "0 to 100",
      "What a new endpoint gets at least, as a percentage of a warm one's share. Without it: 10."),
  /** Which share they have at most. */
  WARM_UP_MAX(
      Form.ANNOTATION,
      Spelling.EVERY_MESH,
      "traffic-warmup-maxweight",
      "Pod, Service, Namespace",
      "1 to 100, no less than the least",
      "What it gets at most until the time is over. Without it: 100."),
  /** How early the share grows. */
  WARM_UP_AGGRESSION(
      Form.ANNOTATION,
      Spelling.EVERY_MESH,
      "traffic-warmup-aggression",
      "Pod, Service, Namespace",
      "1 to 100, such as 1.5",
      "With 1 the share grows evenly; the more above, the more of it comes early. Without it: 1."),
  /** What becomes of open connections that a TrafficTarget no longer grants. */
  REVOKED_CONNECTIONS(
      Form.ANNOTATION,
      Spelling.SLUICE,
      "revoked-connections",
      "TrafficTarget",
      "`CLOSE`, `KEEP`",
      "What becomes of open connections that rest on the TrafficTarget when it no longer grants"
          + " them. Without it: `spec.traffic.revokedConnections` of the MeshConfig. A word that is"
          + " none counts as `CLOSE`."),
  /** What happens while no daemon runs. */
  FAIL(
      Form.ANNOTATION,
      Spelling.SLUICE,
      "fail",
      "Pod, Namespace",
      "`open`, `closed`",
      "What becomes of new connections of an enrolled pod while no daemon runs: `closed` refuses"
          + " them, `open` leaves them alone, unprotected; with eBPF only, rules refuse them in any"
          + " case. The pod's word goes before that of its namespace; the node's `--fail-open` goes"
          + " before both. A word that is none counts as `closed`."),
  /** Where the network namespace of a Pod without a kubelet is. */
  NETNS(
      Form.ANNOTATION,
      Spelling.SLUICE,
      "netns",
      "Pod",
      "name below `/run/netns`, or an absolute path",
      "Names the network namespace of a pod that no kubelet runs. Read in a folder only: in a cluster"
          + " it is not believed, and the pod's status says so."),
  /** The UID under which a static pod runs. */
  STATIC_POD_UID(
      Form.ANNOTATION,
      Spelling.FOREIGN,
      "kubernetes.io/config.mirror",
      "Pod",
      "UID of a static pod",
      "Written by the kubelet: finds the processes of a static pod. In a cluster such a pod has no"
          + " identity (docs/identity.md)."),
  /** The Service of an EndpointSlice. */
  SERVICE_NAME(
      Form.LABEL,
      Spelling.FOREIGN,
      "kubernetes.io/service-name",
      "EndpointSlice",
      "name of a Service",
      "Written by Kubernetes: the Service that the slice belongs to."),
  /** Where a Node is. */
  ZONE(
      Form.LABEL,
      Spelling.FOREIGN,
      "topology.kubernetes.io/zone",
      "Node",
      "name of a zone",
      "Written by the cloud or the operator: pods of Nodes of one zone are near each other, where a"
          + " Service prefers that (`spec.trafficDistribution`)."),
  /** Name of the application in metrics. */
  APP(
      Form.LABEL,
      Spelling.FOREIGN,
      "app.kubernetes.io/name",
      "Pod",
      "any",
      "Names the workload in metrics (`source_app`, `destination_app`)."),
  /** The same, where {@link #APP} is not there. */
  SHORT_APP(
      Form.LABEL,
      Spelling.FOREIGN,
      "app",
      "Pod",
      "any",
      "The same, where `app.kubernetes.io/name` is missing. Without both: the pod's name."),
  /** Version of the application in metrics. */
  VERSION(
      Form.LABEL,
      Spelling.FOREIGN,
      "app.kubernetes.io/version",
      "Pod",
      "any",
      "Names the version in metrics (`source_version`, `destination_version`)."),
  /** The same, where {@link #VERSION} is not there. */
  SHORT_VERSION(
      Form.LABEL,
      Spelling.FOREIGN,
      "version",
      "Pod",
      "any",
      "The same, where `app.kubernetes.io/version` is missing. Without both: `latest`."),
  /** Known, without effect. */
  INBOUND_INCLUDED_PORTS("inbound-port-inclusion-list"),
  /** Known, without effect. */
  OUTBOUND_INCLUDED_PORTS("outbound-port-inclusion-list"),
  /** Known, without effect. */
  HELD_START("hold-application-until-proxy-starts"),
  /** Known, without effect. */
  GRACEFUL_EXIT("graceful-exit-until-downstream-ends");

  /** Where in {@code metadata} it stands. */
  public enum Form {
    /** In {@code labels}. */
    LABEL,
    /** In {@code annotations}. */
    ANNOTATION
  }

  /** Whose name it is. */
  private enum Spelling {
    /** Of Sluice alone. */
    SLUICE(List.of("sluice.io/")),
    /** Of OSM and osm-edge, of FSM, and of Sluice: the same key after another prefix. */
    EVERY_MESH(List.of("openservicemesh.io/", "flomesh.io/", "sluice.io/")),
    /** Of Kubernetes or of nobody; the word is the whole key. */
    FOREIGN(List.of(""));

    private final List<String> prefixes;

    Spelling(List<String> prefixes) {
      this.prefixes = prefixes;
    }
  }

  private final Form form;
  private final Spelling spelling;
  private final String word;
  private final String objects;
  private final String values;
  private final String meaning;
  private final boolean enforced;

  MeshKey(
      Form form, Spelling spelling, String word, String objects, String values, String meaning) {
    this(form, spelling, word, objects, values, meaning, true);
  }

  /** One of Pods that OSM, osm-edge or FSM act on and this mesh does not. */
  MeshKey(String word) {
    this(
        Form.ANNOTATION,
        Spelling.EVERY_MESH,
        word,
        "Pod",
        "any",
        "Has no effect; the pod is reported with a warning.",
        false);
  }

  MeshKey(
      Form form,
      Spelling spelling,
      String word,
      String objects,
      String values,
      String meaning,
      boolean enforced) {
    this.form = form;
    this.spelling = spelling;
    this.word = word;
    this.objects = objects;
    this.values = values;
    this.meaning = meaning;
    this.enforced = enforced;
  }

  /** Whether {@code key} begins as those of the meshes do. */
  static boolean isOfAMesh(String key) {
    return Spelling.EVERY_MESH.prefixes.stream().anyMatch(key::startsWith);
  }

  /** Label or annotation. */
  public Form form() {
    return form;
  }

  /** Every name under which it is read, in the order of reading. */
  public List<String> keys() {
    return spelling.prefixes.stream().map(prefix -> prefix + word).toList();
  }

  /** The only name. @throws IllegalStateException when there are several */
  public String key() {
    List<String> keys = keys();
    if (keys.size() != 1) {
      throw new IllegalStateException(this + " has the names " + keys);
    }
    return keys.getFirst();
  }

  /** Kinds of objects on which it is read, for people. */
  public String objects() {
    return objects;
  }

  /** What may be written, for people. */
  public String valuesText() {
    return values;
  }

  /** What it does, for people. */
  public String meaning() {
    return meaning;
  }

  /** Whether the mesh acts on it; of others it only says that it does not. */
  public boolean isEnforced() {
    return enforced;
  }

  /** Those of which the mesh only says that it does not act on them. */
  static Stream<MeshKey> notEnforced() {
    return Stream.of(values()).filter(key -> !key.enforced);
  }
}
