package io.sluice.interception.maps;

import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.bpf.BpfInfo.BpfMapInfo;
import io.sluice.linux.bpf.BpfMap;
import io.sluice.linux.bpf.BpfMapFd;
import io.sluice.linux.bpf.MapCodec;
import io.sluice.linux.bpf.PerCpuBpfMap;
import io.sluice.linux.bpf.SocketMap;
import io.sluice.mesh.IpAddresses;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.LongFunction;
import java.util.function.ToIntFunction;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Every pinned map of a node with what it holds. Reads the pins directly, so it works while the
 * daemon is dead; an entry that changes meanwhile may or may not be in a dump. Any thread, but one
 * that may block: every entry is read from the kernel.
 */
public final class MapCatalogue {
  /** Each pod has a map of this name, with a slot per listener; they are shown as one. */
  static final String LISTENERS = "listeners";

  /** What each slot serves; mirrors {@code enum sluice_slot}. */
  static final List<String> SLOTS =
      List.of("outbound/ipv4", "outbound/ipv6", "inbound/ipv4", "inbound/ipv6");

  private final PinDirectory pins;

  /** Over the pins of one node. */
  public MapCatalogue(PinDirectory pins) {
    this.pins = pins;
  }

  /** All maps that are pinned, in the order of the life of a connection. */
  public List<MapSummary> list() {
    List<MapSummary> summaries = new ArrayList<>();
    for (MapTables.Table table : new MapTables(Long::toUnsignedString).all()) {
      read(
              pins.map(table.name()),
              map -> {
                BpfMapInfo info = map.info();
                return new MapSummary(
                    table.name(),
                    table.holds(),
                    table.counter().applyAsInt(map),
                    info.maxEntries(),
                    info.id());
              })
          .ifPresent(summaries::add);
    }
    List<OptionalLong> slots =
        pins.podCookies().stream().flatMap(pod -> listeners(pod).stream()).toList();
    if (!slots.isEmpty()) {
      int filled = (int) slots.stream().filter(OptionalLong::isPresent).count();
      summaries.add(
          new MapSummary(
              LISTENERS, "listener of each pod, direction and family", filled, slots.size(), 0));
    }
    return summaries;
  }

  /** The entries of one map; empty when no such map is pinned. */
  public Optional<MapDump> dump(String name) {
    LongFunction<String> pods = podNames();
    if (name.equals(LISTENERS)) {
      return Optional.of(listeners(pods));
    }
    // Only a name from the list becomes a path.
    return new MapTables(pods)
        .all().stream()
            .filter(table -> table.name().equals(name))
            .findFirst()
            .flatMap(table -> read(pins.map(name), table.printer()));
  }

  private MapDump listeners(LongFunction<String> pods) {
    List<List<String>> rows = new ArrayList<>();
    for (long cookie : pins.podCookies()) {
      List<OptionalLong> sockets = listeners(cookie);
      for (int slot = 0; slot < sockets.size(); slot++) {
        OptionalLong socket = sockets.get(slot);
        rows.add(
            List.of(
                pods.apply(cookie),
                Integer.toString(slot),
                SLOTS.get(slot),
                socket.isPresent() ? Long.toUnsignedString(socket.getAsLong()) : "-"));
      }
    }
    return new MapDump(LISTENERS, List.of("pod", "slot", "serves", "socket_cookie"), rows);
  }

  /** Cookies of a pod's listeners, by slot; no slots when the pod has gone. */
  private List<OptionalLong> listeners(long cookie) {
    return read(
            pins.pod(cookie).resolve(LISTENERS),
            map -> {
              SocketMap slots = new SocketMap(map);
              List<OptionalLong> sockets = new ArrayList<>();
              for (int slot = 0; slot < SLOTS.size(); slot++) {
                sockets.add(slots.cookie(slot));
              }
              return sockets;
            })
        .orElseGet(List::of);
  }

  /** Names by namespace cookie, as they are now; {@code netns:<cookie>} when nothing tells one. */
  private LongFunction<String> podNames() {
    Map<Long, String> names = new HashMap<>();
    read(
        pins.map("pod_names"),
        map -> {
          new BpfMap<>(map, PodKey.CODEC, PodNameValue.CODEC)
              .forEach((key, value) -> names.put(key.netnsCookie(), value.text()));
          return names;
        });
    return cookie -> names.getOrDefault(cookie, "netns:" + Long.toUnsignedString(cookie));
  }

  /** What {@code reader} makes of a map; empty when nothing is pinned there, or not any more. */
  private static <T> Optional<T> read(Path pin, Function<BpfMapFd, T> reader) {
    if (!Files.exists(pin)) {
      return Optional.empty();
    }
    BpfMapFd opened;
    try {
      opened = BpfMapFd.openPinned(pin);
    } catch (LinuxException e) {
      if (e.errno() == Errno.ENOENT) {
        return Optional.empty(); // removed since: its pod was released
      }
      throw e;
    }
    try (opened) {
      return Optional.of(reader.apply(opened));
    }
  }

  /**
   * How each shared map is printed: one row an entry, sorted.
   *
   * <p>{@code pods} tells the pod of a namespace cookie.
   */
  record MapTables(LongFunction<String> pods) {
    private static final Comparator<List<String>> BY_CELLS =
        Comparator.comparing(row -> String.join(" ", row));

    /**
     * One map.
     *
     * @param name as pinned
     * @param holds what an entry is, in a few words
     * @param counter entries present; -1 when the kernel does not let this kind of map be walked
     * @param printer the entries as a table
     */
    record Table(
        String name,
        String holds,
        ToIntFunction<BpfMapFd> counter,
        Function<BpfMapFd, MapDump> printer) {}

    /** All of them, in the order of the life of a connection. */
    List<Table> all() {
      List<Table> tables = new ArrayList<>(ofPods());
      tables.addAll(ofRules());
      tables.addAll(ofDatagrams());
      tables.addAll(ofConnections());
      tables.addAll(ofTheFastPath());
      tables.addAll(ofTheNode());
      return tables;
    }

    private List<Table> ofPods() {
      return List.of(
          walked(
              "pods",
              "enrolled pods",
              PodKey.CODEC,
              PodValue.CODEC,
              List.of("pod", "netns_cookie", "ipv4", "ipv6", "flags", "ifindex", "port4", "port6"),
              (k, v) ->
                  List.of(
                      pods.apply(k.netnsCookie()),
                      Long.toUnsignedString(k.netnsCookie()),
                      host(v.address4()),
                      host(v.address6()),
                      PodFlag.of(v.flags()).toString(),
                      number(v.primaryIfindex()),
                      number(v.outboundPorts().ipv4()),
                      number(v.outboundPorts().ipv6()))),
          walked(
              "pod_names",
              "names of pods, for people",
              PodKey.CODEC,
              PodNameValue.CODEC,
              List.of("netns_cookie", "pod"),
              (k, v) -> List.of(Long.toUnsignedString(k.netnsCookie()), v.text())),
          walked(
              "pod_addresses",
              "addresses of each pod",
              PodAddressKey.CODEC,
              SluiceMaps.KEY_ZERO,
              List.of("pod", "address", "kind"),
              (k, v) ->
                  List.of(pods.apply(k.netnsCookie()), host(k.address()), AddressKind.label(v))),
          walked(
              "pod_by_address",
              "which pod has an address",
              AddressKey.CODEC,
              PodKey.CODEC,
              List.of("address", "pod"),
              (k, v) -> List.of(host(k.address()), pods.apply(v.netnsCookie()))));
    }

    private List<Table> ofRules() {
      return List.of(
          walked(
              "range_rules",
              "excluded and included ranges",
              RangeRuleKey.CODEC,
              SluiceMaps.KEY_ZERO,
              List.of("pod", "range", "action"),
              (k, v) ->
                  List.of(pods.apply(k.netnsCookie()), k.range().toString(), RuleAction.label(v))),
          ports("port_rules", "excluded ports"),
          ports("probe_ports", "ports that the node may probe"),
          walked(
              "interface_rules",
              "excluded interfaces",
              InterfaceRuleKey.CODEC,
              SluiceMaps.KEY_ZERO,
              List.of("pod", "ifindex", "action"),
              (k, v) ->
                  List.of(pods.apply(k.netnsCookie()), number(k.ifindex()), RuleAction.label(v))));
    }

    private List<Table> ofDatagrams() {
      return List.of(
          walked(
              "datagram_peers",
              "whose an address of the mesh is, for datagrams",
              AddressKey.CODEC,
              DatagramPeerValue.CODEC,
              List.of("address", "peer"),
              (k, v) -> List.of(host(k.address()), v.toString())),
          walked(
              "datagram_rules",
              "datagrams that UDPRoutes grant",
              DatagramRuleKey.CODEC,
              DatagramCountsValue.CODEC,
              List.of("pod", "direction", "peer", "port", "datagrams", "bytes", "answers"),
              (k, v) ->
                  List.of(
                      pods.apply(k.netnsCookie()),
                      k.direction().label(),
                      k.peer().toString(),
                      k.port() == 0 ? "every" : number(k.port()),
                      Long.toUnsignedString(v.datagrams()),
                      Long.toUnsignedString(v.bytes()),
                      Long.toUnsignedString(v.answers()))),
          unwalkable(
              "datagram_sockets", "whom single sockets have sent to, stored in the sockets"));
    }

    private List<Table> ofConnections() {
      return List.of(
          connections("connections", "connections being opened"),
          connections("node_connections", "connections of the node to pods"),
          walked(
              "pod_connections",
              "connections being opened, by pod",
              PodKey.CODEC,
              PodConnectionsValue.CODEC,
              List.of("pod", "opening", "fast"),
              (k, v) ->
                  List.of(
                      pods.apply(k.netnsCookie()),
                      Integer.toUnsignedString(v.opening()),
                      Integer.toUnsignedString(v.fast()))),
          walked(
              "all_connections",
              "connections being opened, and led without the proxy, by all pods",
              SluiceMaps.KEY_ZERO,
              SluiceMaps.KEY_ZERO,
              List.of("which", "connections"),
              (k, v) -> List.of(k == 0 ? "opening" : "fast", Integer.toUnsignedString(v))),
          new Table(
              VerdictTable.NAME,
              "verdicts, summed over CPUs",
              map -> verdicts(map).rows().size(),
              this::verdicts));
    }

    private List<Table> ofTheFastPath() {
      return List.of(
          walked(
              "fast_path",
              "what pods may call without the proxy",
              GrantKey.CODEC,
              GrantValue.CODEC,
              List.of("pod", "destination", "endpoints"),
              (k, v) ->
                  List.of(
                      pods.apply(k.netnsCookie()),
                      IpAddresses.text(k.destination()),
                      v.endpoints().stream()
                          .map(one ->
                              pods.apply(one.netnsCookie()) + "=" + IpAddresses.text(one.address()))
                          .collect(Collectors.joining(",")))),
          walked(
              "fast_connections",
              "connections without the proxy",
              ConnectionKey.CODEC,
              FastConnectionValue.CODEC,
              List.of("pod", "caller", "source", "destination", "called", "sent", "received"),
              (k, v) ->
                  List.of(
                      pods.apply(k.netnsCookie()),
                      pods.apply(v.callerCookie()),
                      IpAddresses.text(k.source()),
                      IpAddresses.text(k.destination()),
                      IpAddresses.text(v.called()),
                      Long.toUnsignedString(v.sent()),
                      Long.toUnsignedString(v.received()))),
          fastCounts("fast_counters", "what such connections were that are closed"),
          fastCounts("fast_told", "how much of it metrics have told"),
          unwalkable("fast_records", "ring of such connections that are over"));
    }

    private Table fastCounts(String name, String holds) {
      return walked(
          name,
          holds,
          FastCounterKey.CODEC,
          FastCountsValue.CODEC,
          List.of("caller", "pod", "called", "opened", "closed", "reset", "sent", "received"),
          (k, v) ->
              List.of(
                  pods.apply(k.callerCookie()),
                  pods.apply(k.netnsCookie()),
                  IpAddresses.text(k.called()),
                  Long.toUnsignedString(v.opened()),
                  Long.toUnsignedString(v.closed()),
                  Long.toUnsignedString(v.resetByCaller() + v.resetByCalled()),
                  Long.toUnsignedString(v.sent()),
                  Long.toUnsignedString(v.received())));
    }

    private Table ports(String name, String holds) {
      return walked(
          name,
          holds,
          PortRuleKey.CODEC,
          SluiceMaps.KEY_ZERO,
          List.of("pod", "direction", "port", "action"),
          (k, v) ->
              List.of(
                  pods.apply(k.netnsCookie()),
                  k.direction().label(),
                  number(k.port()),
                  RuleAction.label(v)));
    }

    private Table connections(String name, String holds) {
      return walked(
          name,
          holds,
          ConnectionKey.CODEC,
          ConnectionValue.CODEC,
          List.of("pod", "source", "destination", "kind", "address"),
          (k, v) ->
              List.of(
                  pods.apply(k.netnsCookie()),
                  IpAddresses.text(k.source()),
                  IpAddresses.text(k.destination()),
                  v.kindLabel(),
                  IpAddresses.text(v.address())));
    }

    private List<Table> ofTheNode() {
      return List.of(
          walked(
              "proxy_cgroups",
              "cgroups of the proxy",
              SluiceMaps.KEY_CGROUP,
              SluiceMaps.KEY_ZERO,
              List.of("cgroup_id", "pid"),
              (k, v) -> List.of(Long.toUnsignedString(k), number(v))),
          walked(
              "config",
              "settings of all programs",
              SluiceMaps.KEY_ZERO,
              ConfigValue.CODEC,
              List.of("host_netns_cookie", "flags"),
              (k, v) ->
                  List.of(
                      Long.toUnsignedString(v.hostNetnsCookie()),
                      "0x" + Integer.toHexString(v.flags()))),
          walked(
              "installation",
              "whose pins these are",
              SluiceMaps.KEY_ZERO,
              InstallationValue.CODEC,
              List.of("node", "schema", "boot_id"),
              (k, v) -> List.of(v.nodeName(), number(v.schemaVersion()), v.bootId())),
          new Table(
              "liveness",
              "socket of the living daemon",
              map -> isAlive(map) ? 1 : 0,
              map ->
                  new MapDump(
                      "liveness",
                      List.of("daemon"),
                      List.of(List.of(isAlive(map) ? "alive" : "dead")))),
          new Table("losses", "what could not be recorded", map -> 2, MapTables::losses),
          unwalkable("sockets", "state of single sockets, stored in the sockets"),
          unwalkable("socket_pods", "whose a socket is, on kernels before 6.15"),
          unwalkable("events", "ring of events; see `node events`"));
    }

    private static <K, V> Table walked(
        String name,
        String holds,
        MapCodec<K> key,
        MapCodec<V> value,
        List<String> columns,
        BiFunction<K, V, List<String>> row) {
      return new Table(
          name,
          holds,
          map -> new BpfMap<>(map, key, value).count(),
          map -> {
            List<List<String>> rows = new ArrayList<>();
            new BpfMap<>(map, key, value).forEach((k, v) -> rows.add(row.apply(k, v)));
            rows.sort(BY_CELLS);
            return new MapDump(name, columns, rows);
          });
    }

    private static Table unwalkable(String name, String holds) {
      return new Table(
          name,
          holds,
          map -> -1,
          map -> new MapDump(name, List.of("note"), List.of(List.of(holds))));
    }

    private MapDump verdicts(BpfMapFd map) {
      VerdictTable table = new VerdictTable(pods);
      new PerCpuBpfMap<>(map, CounterKey.CODEC).forEachSum(table::add);
      return table.dump();
    }

    private static boolean isAlive(BpfMapFd map) {
      return new SocketMap(map).isFilled(0);
    }

    private static MapDump losses(BpfMapFd map) {
      PerCpuBpfMap<Integer> losses = new PerCpuBpfMap<>(map, SluiceMaps.KEY_ZERO);
      return new MapDump(
          "losses",
          List.of("lost", "count"),
          List.of(
              List.of("events", Long.toUnsignedString(losses.sum(SluiceMaps.LOST_EVENTS))),
              List.of("counters", Long.toUnsignedString(losses.sum(SluiceMaps.LOST_COUNTERS)))));
    }

    private static String host(@Nullable InetAddress address) {
      return address == null ? "-" : IpAddresses.text(address);
    }

    private static String number(int value) {
      return Integer.toString(value);
    }
  }
}
