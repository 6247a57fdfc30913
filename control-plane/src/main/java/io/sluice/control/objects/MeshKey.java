package io.sluice.control.objects;

import java.util.List;
import java.util.stream.Stream;

/**
 * The labels and annotations by which manifests talk to the mesh. No other is read. What they do
 * and which values they take, {@code docs/reference/annotations.md} says.
 */
public enum MeshKey {
  /** Enrols a Pod or all Pods of a Namespace. */
  MESH(Form.LABEL, Spelling.SLUICE, "mesh"),
  /** Keeps a Namespace out. */
  IGNORE(Form.LABEL, Spelling.EVERY_MESH, "ignore"),
  /** Names the mesh that watches a Namespace. */
  MONITORED_BY(Form.LABEL, Spelling.EVERY_MESH, "monitored-by"),
  /** Enrols in the words of OSM. */
  INJECTION(Form.ANNOTATION, Spelling.EVERY_MESH, "sidecar-injection"),
  /** Whether metrics tell of the pods of a Namespace by name. */
  METRICS(Form.ANNOTATION, Spelling.EVERY_MESH, "metrics"),
  /** Whether plaintext from outside the mesh is taken. */
  MTLS_MODE(Form.ANNOTATION, Spelling.SLUICE, "mtls-mode"),
  /** Ports of destinations that are left alone. */
  OUTBOUND_PORTS(Form.ANNOTATION, Spelling.EVERY_MESH, "outbound-port-exclusion-list"),
  /** Ports of the Pod that are left alone. */
  INBOUND_PORTS(Form.ANNOTATION, Spelling.EVERY_MESH, "inbound-port-exclusion-list"),
  /** Destinations that are left alone. */
  OUTBOUND_EXCLUDED_RANGES(
      Form.ANNOTATION, Spelling.EVERY_MESH, "outbound-ip-range-exclusion-list"),
  /** Destinations that alone are redirected. */
  OUTBOUND_INCLUDED_RANGES(
      Form.ANNOTATION, Spelling.EVERY_MESH, "outbound-ip-range-inclusion-list"),
  /** Name servers that may be asked. */
  DNS_RESOLVERS(Form.ANNOTATION, Spelling.SLUICE, "dns-resolvers"),
  /** Whether the cloud's metadata service may be called. */
  METADATA_MODE(Form.ANNOTATION, Spelling.SLUICE, "metadata-mode"),
  /** Which echo requests may be sent. */
  PING_MODE(Form.ANNOTATION, Spelling.SLUICE, "ping-mode"),
  /** Whether connections within the node have mutual TLS. */
  SAME_NODE_MTLS(Form.ANNOTATION, Spelling.SLUICE, "same-node-mtls"),
  /** After which a silent connection is reset. */
  IDLE_TIMEOUT(Form.ANNOTATION, Spelling.SLUICE, "idle-timeout"),
  /** Where connections to the pod find the application. */
  LOCAL_PROXY_MODE(Form.ANNOTATION, Spelling.SLUICE, "local-proxy-mode"),
  /** Whether ports are carried as HTTP where policy needs it. */
  L7(Form.ANNOTATION, Spelling.SLUICE, "l7"),
  /** How much more than others an endpoint may have where clients stay with one. */
  AFFINITY_MAX_LOAD(Form.ANNOTATION, Spelling.SLUICE, "affinity-max-load"),
  /** Whether new endpoints get their share little by little. */
  WARM_UP_ENABLE(Form.ANNOTATION, Spelling.EVERY_MESH, "traffic-warmup-enable"),
  /** For how long they warm up. */
  WARM_UP_DURATION(Form.ANNOTATION, Spelling.EVERY_MESH, "traffic-warmup-duration"),
  /** With which share they begin. */
  WARM_UP_MIN(Form.ANNOTATION, Spelling.EVERY_MESH, "traffic-warmup-minweight"),
  /** Which share they have at most. */
  WARM_UP_MAX(Form.ANNOTATION, Spelling.EVERY_MESH, "traffic-warmup-maxweight"),
  /** How early the share grows. */
  WARM_UP_AGGRESSION(Form.ANNOTATION, Spelling.EVERY_MESH, "traffic-warmup-aggression"),
  /** What becomes of open connections that a TrafficTarget no longer grants. */
  REVOKED_CONNECTIONS(Form.ANNOTATION, Spelling.SLUICE, "revoked-connections"),
  /** What happens while no daemon runs. */
  FAIL(Form.ANNOTATION, Spelling.SLUICE, "fail"),
  /** Where the network namespace of a Pod without a kubelet is. */
  NETNS(Form.ANNOTATION, Spelling.SLUICE, "netns"),
  /** The UID under which a static pod runs. */
  STATIC_POD_UID(Form.ANNOTATION, Spelling.FOREIGN, "kubernetes.io/config.mirror"),
  /** The Service of an EndpointSlice. */
  SERVICE_NAME(Form.LABEL, Spelling.FOREIGN, "kubernetes.io/service-name"),
  /** Where a Node is. */
  ZONE(Form.LABEL, Spelling.FOREIGN, "topology.kubernetes.io/zone"),
  /** Name of the application in metrics. */
  APP(Form.LABEL, Spelling.FOREIGN, "app.kubernetes.io/name"),
  /** The same, where {@link #APP} is not there. */
  SHORT_APP(Form.LABEL, Spelling.FOREIGN, "app"),
  /** Version of the application in metrics. */
  VERSION(Form.LABEL, Spelling.FOREIGN, "app.kubernetes.io/version"),
  /** The same, where {@link #VERSION} is not there. */
  SHORT_VERSION(Form.LABEL, Spelling.FOREIGN, "version"),
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
  private final boolean enforced;

  MeshKey(Form form, Spelling spelling, String word) {
    this(form, spelling, word, true);
  }

  /** One of Pods that OSM, osm-edge or FSM act on and this mesh does not. */
  MeshKey(String word) {
    this(Form.ANNOTATION, Spelling.EVERY_MESH, word, false);
  }

  MeshKey(Form form, Spelling spelling, String word, boolean enforced) {
    this.form = form;
    this.spelling = spelling;
    this.word = word;
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

  /** Whether the mesh acts on it; of others it only says that it does not. */
  public boolean isEnforced() {
    return enforced;
  }

  /** Those of which the mesh only says that it does not act on them. */
  static Stream<MeshKey> notEnforced() {
    return Stream.of(values()).filter(key -> !key.enforced);
  }
}
