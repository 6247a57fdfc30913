package io.sluice.cli.check;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What checks can find: names for the rows of the pages in docs/checks (but log.md), which are the
 * one catalogue and which the program carries. Numbers are never used again for something else.
 */
public enum Code {
  KERNEL_OLD(1001),
  NO_MODE(1002),
  EBPF_OUTBOUND_REFUSED(1003),
  EBPF_INBOUND_REFUSED(1004),
  IPTABLES_UNUSABLE(1005),
  KERNEL_FEATURE(1006),
  NO_BTF(1007),
  NO_CGROUP2(1008),
  NO_BPFFS(1009),
  BPFFS_READ_ONLY(1010),
  MEMLOCK_LOW(1011),
  CAPABILITIES_MISSING(1012),
  LOCKDOWN(1013),
  UNPRIVILEGED_BPF(1014),
  CLOCK_1970(1015),
  CLOCK_ALONE(1016),
  MEMORY_LOW(1017),
  MEMORY_SHORT(1018),
  STATE_FULL(1019),
  STATE_LOW(1020),
  STATE_READ_ONLY(1021),
  STATE_OPEN(1022),
  STATE_FOREIGN(1023),
  STATE_NO_FOLDER(1024),
  FILES_SYSTEM(1025),
  FILES_DAEMON(1026),
  HIDEPID(1027),
  LOCAL_PORTS_MESH(1028),
  LOCAL_PORTS_FEW(1029),
  DAEMON_ABSENT(1030),
  DAEMON_SILENT(1031),
  DAEMON_NOT_READY(1032),
  MODE_IPTABLES(1033),
  FAIL_OPEN(1034),
  CONNECTIONS_MANY(1035),
  BUFFERS_MANY(1036),
  MAP_FULL(1037),
  MAP_NEARLY_FULL(1038),
  POD_PENDING(1039),
  POD_NOT_PROTECTED(1040),
  POD_REFUSED(1041),
  POD_PROBLEM(1042),
  POD_EARLIER(1043),
  RETIREMENT(1044),
  SEVERAL_NODES(1045),
  CLOCK_DOUBTED(1046),
  FILE_UNREADABLE(2001),
  MANIFEST_WRONG(2002),
  NO_EFFECT(2003),
  IN_PART(2004),
  NOTE(2005),
  ROUTE_MISSING(2006),
  MATCH_MISSING(2007),
  TARGET_NAMESPACE(2008),
  NO_SOURCE(2009),
  END_KIND(2010),
  FOREIGN_DOMAIN(2011),
  SEVERAL_MESHCONFIGS(2012),
  DUPLICATE(2013),
  VERSION_UNKNOWN(2014),
  SPLIT_SERVICE(2015),
  SPLIT_BACKEND(2016),
  SPLIT_PORTS(2017),
  SPLIT_WEIGHTS(2018),
  SPLIT_GROUP(2019),
  GATEWAY_PARENT(2020),
  GATEWAY_FILTER(2021),
  WORD_UNKNOWN(2022),
  SLICE_ALONE(2023),
  POD_NO_ADDRESS(2024),
  POD_HOST_NETWORK(2025),
  POD_NO_ACCOUNT(2026),
  CLAIMED_TWICE(2027),
  NOT_ENFORCED(2028),
  DENIES_OWN(2029),
  SERVICE_EXTERNAL(2030),
  ACCOUNT_MISSING(2031),
  SOURCE_MISSING(2032),
  SOURCE_NAMESPACE(2033),
  TARGET_PORT(2034),
  TARGET_OUTSIDE(2035),
  TARGET_SAME(2036),
  DEFAULT_ACCOUNT(2037),
  HTTP_ON_BYTES(2038),
  SERVICE_EMPTY(2039),
  SERVICE_UNREADY(2040),
  PORT_UNDECLARED(2041),
  PORT_NAME(2042),
  EXCLUDES_HBONE(2043),
  EXCLUSION_CONTRADICTS(2044),
  EXCLUSION_POLICY(2045),
  EXCLUDES_ALL(2046),
  NO_MESHCONFIG(2047),
  PERMISSIVE(2048),
  TARGETS_UNUSED(2049),
  MTLS_OFF(2050),
  NOBODY_ENROLLED(2051),
  NOBODY_MAY_CALL(2052),
  SEEN_NO_TARGET(2053),
  SEEN_PROTOCOL(2054),
  SEEN_UPSTREAM(2055),
  SEEN_DNS(2056),
  SEEN_EGRESS(2057),
  SEEN_PLAINTEXT(2058),
  SEEN_METADATA(2059),
  SEEN_HTTP_ONLY(2060),
  SEEN_CLOSED(2061),
  LEAF_EXPIRED(3001),
  LEAF_LATE(3002),
  LEAF_EARLY(3003),
  LEAF_MISSING(3004),
  LEAF_DOMAIN(3005),
  NODE_NOT_ADMITTED(3006),
  NODE_EXPIRED(3007),
  CONTROLLER_LOST(3008),
  IDENTITY_FAILS(3009),
  BUNDLE_REFUSED(3010),
  KEYS_NOT_KEPT(3011),
  NO_IDENTITY(3012),
  DOMAIN_DIFFERS(3013),
  ROOT_EXPIRED(3014),
  ROOT_SOON(3015),
  ROOT_EARLY(3016),
  ROOT_NO_CA(3017),
  ROOT_WEAK(3018),
  ROOTS_UNREADABLE(3019),
  ROOT_KEY(3020),
  AUTHORITY_FAILS(3021),
  CONTROLLER_CERTIFICATE(3022),
  ROTATION(3023),
  CONTROLLER_SILENT(4001),
  REGISTRY_INCOMPLETE(4002),
  CALLS_REFUSED(4003),
  NODE_GONE(4004),
  NODE_REFUSES(4005),
  NODE_VERSION(4006),
  NODE_BEHIND(4007),
  NOT_DISTRIBUTED(4008),
  LEASE_NOBODY(4009),
  REPLICA_PROBLEM(4010),
  SNAPSHOT_OLD(4011),
  SNAPSHOT_NONE(4012),
  SNAPSHOT_STORE(4013),
  CHANGE_REFUSED(4014),
  SNAPSHOT_PROBLEM(4015),
  SNAPSHOT_PART(4016),
  API_SILENT(4017),
  KUBERNETES_OLD(4018),
  CRD_MISSING(4019),
  CONTROLLER_UNREADY(4020),
  DAEMONS_UNREADY(4021),
  MESH_ABSENT(4022),
  MESH_TWICE(4023),
  POD_WAITS(4024),
  WEBHOOK_SERVICE(4025),
  WEBHOOK_UNREACHED(4026),
  WEBHOOK_CA(4027),
  RIGHT_MISSING(4028),
  BINDING_DANGLES(4029),
  NODE_UNREADY(4030),
  NODE_PRESSURE(4031),
  NODE_KERNEL(4032),
  NODE_PLATFORM(4033),
  POD_SECURITY(4034),
  NETWORK_POLICY(4035),
  SIDECAR(4036),
  INJECTION_LABEL(4037),
  OTHER_MESH(4038),
  CLUSTER_CLOCK(4039),
  NO_CLUSTER_DNS(4040),
  CNI_NO_NETWORK(5001),
  CNI_INVALID(5002),
  CNI_SHADOWED(5003),
  CNI_ORPHANED(5004),
  CNI_OUTDATED(5005),
  CNI_BINARY(5006),
  CNI_PROBLEM(5007),
  FOREIGN_CNI(5008),
  FOREIGN_RULES(5009),
  FOREIGN_PROXY(5010),
  PORT_METRICS(5011),
  PORT_CONTROL(5012),
  PORT_HBONE(5013),
  MTU_SMALL(5014),
  MTU_DIFFERS(5015),
  NO_RESOLVER(5016),
  MANY_RESOLVERS(5017),
  RESOLVER_FAILS(5018),
  NO_ROUTE(5019),
  NO_FORWARDING(5020),
  CONNTRACK_FULL(5021),
  CONNTRACK_HIGH(5022),
  LOOPBACK_DOWN(5023),
  NO_IPV6(5024);

  /** In order of the first digit. */
  private static final List<String> PAGES =
      List.of("node.md", "policy.md", "identity.md", "control.md", "network.md");

  private final String label;

  Code(int number) {
    this.label = "SLU" + number;
  }

  /** As printed, such as {@code SLU1001}. */
  public String label() {
    return label;
  }

  /** How bad it is. */
  public Severity severity() {
    return row().severity();
  }

  /** In one sentence. */
  public String title() {
    return row().title();
  }

  /** Where it comes from. */
  public String cause() {
    return row().cause();
  }

  /** What to do. */
  public String mend() {
    return row().mend();
  }

  private Row row() {
    return Objects.requireNonNull(Row.ALL.get(label), label);
  }

  /** That of this label, whatever its letter case. */
  static Optional<Code> of(String label) {
    for (Code each : values()) {
      if (each.label().equalsIgnoreCase(label)) {
        return Optional.of(each);
      }
    }
    return Optional.empty();
  }

  /** What the pages say of a code. */
  record Row(Severity severity, String title, String cause, String mend) {
    /** By label, in their order. */
    static final Map<String, Row> ALL = read();

    private static Map<String, Row> read() {
      Map<String, Row> rows = new LinkedHashMap<>();
      PAGES.stream()
          .flatMap(Row::cells)
          .forEach(row -> rows.put(row[0], new Row(Severity.of(row[1]), row[2], row[3], row[4])));
      return rows;
    }

    /** Of each row of a page, but for the first, what its columns say. */
    static Stream<String[]> cells(String page) {
      try (InputStream in = Objects.requireNonNull(Code.class.getResourceAsStream(page), page)) {
        return new String(in.readAllBytes(), StandardCharsets.UTF_8)
            .lines()
            .filter(line -> line.startsWith("| "))
            .skip(1)
            .map(line -> line.substring(2, line.length() - 2).split(" \\| ", -1));
      } catch (IOException e) {
        throw new UncheckedIOException(page, e);
      }
    }
  }
}
