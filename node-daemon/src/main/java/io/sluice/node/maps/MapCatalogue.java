package io.sluice.node.maps;

import io.sluice.linux.bpf.BpfMap;
import io.sluice.linux.bpf.BpfMapFd;
import io.sluice.linux.bpf.BpfMapInfo;
import io.sluice.linux.bpf.MapCodec;
import io.sluice.linux.bpf.PerCpuBpfMap;
import io.sluice.linux.bpf.SocketMap;
import io.sluice.mesh.IpAddresses;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.BiFunction;
import java.util.function.ToIntFunction;

/**
 * Every pinned map of a node with what it holds. Reads the pins directly, so it works while the
 * daemon is dead; an entry that changes meanwhile may or may not be in a dump.
 */
public final class MapCatalogue {
  private static final List<String> SLOTS =
      List.of("outbound/ipv4", "outbound/ipv6", "inbound/ipv4", "inbound/ipv6");
  private static final List<String> CONNECTION_KINDS =
      List.of("?", "redirected", "from_proxy", "from_node");
  private static final List<String> ACTIONS = List.of("neutral", "exclude", "include");
  private static final List<String> ADDRESS_KINDS = List.of("?", "mesh", "excluded");

  private static final String LISTENERS = "listeners";

  private final PinDirectory pins;
  private Map<Long, String> names = Map.of();

  /** Over the pins of one node; for one thread. */
  public MapCatalogue(PinDirectory pins) {
    this.pins = pins;
  }

  /** One known map: what it holds, how to count and how to print it. */
  private record Known(
      String name, String holds, ToIntFunction<BpfMapFd> counter, Printer printer) {}

  @FunctionalInterface
  private interface Printer {
    MapDump print(BpfMapFd map);
  }

  /** All maps that are pinned, in the order of the life of a connection. */
  public List<MapSummary> list() {
    List<MapSummary> summaries = new ArrayList<>();
    for (Known known : known()) {
      Path pin = pins.map(known.name);
      if (Files.exists(pin)) {
        try (BpfMapFd map = BpfMapFd.openPinned(pin)) {
          BpfMapInfo info = map.info();
          summaries.add(
              new MapSummary(
                  known.name,
                  known.holds,
                  known.counter.applyAsInt(map),
                  info.maxEntries(),
                  info.id()));
        }
      }
    }
    int slots = pins.podCookies().size() * SLOTS.size();
    if (slots > 0) {
      int filled = (int) dumpListeners().rows().stream().filter(r -> !r.get(3).equals("-")).count();
      summaries.add(
          new MapSummary(
              LISTENERS, "listener of each pod, direction and family", filled, slots, 0));
    }
    return summaries;
  }

  /** The entries of one map; empty when no such map is pinned. */
  public Optional<MapDump> dump(String name) {
    names = readNames();
    if (name.equals(LISTENERS)) {
      return Optional.of(dumpListeners());
    }
    for (Known known : known()) {
      if (known.name.equals(name) && Files.exists(pins.map(name))) {
        try (BpfMapFd map = BpfMapFd.openPinned(pins.map(name))) {
          return Optional.of(known.printer.print(map));
        }
      }
    }
    return Optional.empty();
  }

  private List<Known> known() {
    return List.of(
        walked(
            "pods",
            "enrolled pods",
            PodKey.CODEC,
            PodValue.CODEC,
            List.of("pod", "netns_cookie", "ipv4", "ipv6", "flags", "ifindex"),
            this::podRow),
        walked(
            "pod_addresses",
            "addresses of each pod",
            PodAddressKey.CODEC,
            SluiceMaps.KEY_ZERO,
            List.of("pod", "address", "kind"),
            (k, v) -> List.of(pod(k.netnsCookie()), host(k.address()), word(ADDRESS_KINDS, v))),
        walked(
            "pod_by_address",
            "which pod has an address",
            AddressKey.CODEC,
            PodKey.CODEC,
            List.of("address", "pod"),
            (k, v) -> List.of(host(k.address()), pod(v.netnsCookie()))),
        walked(
            "range_rules",
            "excluded and included ranges",
            RangeRuleKey.CODEC,
            SluiceMaps.KEY_ZERO,
            List.of("pod", "range", "action"),
            (k, v) -> List.of(pod(k.netnsCookie()), k.range().toString(), word(ACTIONS, v))),
        walked(
            "port_rules",
            "excluded ports",
            PortRuleKey.CODEC,
            SluiceMaps.KEY_ZERO,
            List.of("pod", "direction", "port", "action"),
            (k, v) ->
                List.of(
                    pod(k.netnsCookie()), k.direction().label(), "" + k.port(), word(ACTIONS, v))),
        walked(
            "interface_rules",
            "excluded interfaces",
            InterfaceRuleKey.CODEC,
            SluiceMaps.KEY_ZERO,
            List.of("pod", "ifindex", "action"),
            (k, v) -> List.of(pod(k.netnsCookie()), "" + k.ifindex(), word(ACTIONS, v))),
        walked(
            "connections",
            "connections being opened",
            ConnectionKey.CODEC,
            ConnectionValue.CODEC,
            List.of("pod", "source", "destination", "kind", "address"),
            (k, v) ->
                List.of(
                    pod(k.netnsCookie()),
                    IpAddresses.text(k.source()),
                    IpAddresses.text(k.destination()),
                    word(CONNECTION_KINDS, v.kind()),
                    IpAddresses.text(v.address()))),
        new Known(
            "verdict_counters",
            "verdicts, summed over CPUs",
            this::countCounters,
            this::dumpCounters),
        walked(
            "proxy_cgroups",
            "cgroups of the proxy",
            SluiceMaps.KEY_CGROUP,
            SluiceMaps.KEY_ZERO,
            List.of("cgroup_id", "pid"),
            (k, v) -> List.of("" + k, "" + v)),
        walked(
            "config",
            "settings of all programs",
            SluiceMaps.KEY_ZERO,
            ConfigValue.CODEC,
            List.of("host_netns_cookie", "flags"),
            (k, v) -> List.of("" + v.hostNetnsCookie(), "0x" + Integer.toHexString(v.flags()))),
        walked(
            "installation",
            "whose pins these are",
            SluiceMaps.KEY_ZERO,
            InstallationValue.CODEC,
            List.of("node", "schema", "boot_id"),
            (k, v) -> List.of(v.nodeName(), "" + v.schemaVersion(), v.bootId())),
        new Known(
            "liveness",
            "socket of the living daemon",
            MapCatalogue::countLiveness,
            MapCatalogue::dumpLiveness),
        new Known("losses", "what could not be recorded", map -> 2, MapCatalogue::dumpLosses),
        unwalkable("sockets", "state of single sockets, stored in the sockets"),
        unwalkable("events", "ring of events; see `node events`"));
  }

  private <K, V> Known walked(
      String name,
      String holds,
      MapCodec<K> key,
      MapCodec<V> value,
      List<String> columns,
      BiFunction<K, V, List<String>> row) {
    return new Known(
        name,
        holds,
        map -> new BpfMap<>(map, key, value).count(),
        map -> {
          List<List<String>> rows = new ArrayList<>();
          new BpfMap<>(map, key, value).forEach((k, v) -> rows.add(row.apply(k, v)));
          rows.sort((a, b) -> String.join(" ", a).compareTo(String.join(" ", b)));
          return new MapDump(name, columns, rows);
        });
  }

  private static Known unwalkable(String name, String holds) {
    return new Known(
        name, holds, map -> -1, map -> new MapDump(name, List.of("note"), List.of(List.of(holds))));
  }

  private List<String> podRow(PodKey key, PodValue value) {
    return List.of(
        pod(key.netnsCookie()),
        Long.toUnsignedString(key.netnsCookie()),
        value.address4() == null ? "-" : host(value.address4()),
        value.address6() == null ? "-" : host(value.address6()),
        PodFlag.of(value.flags()).toString(),
        "" + value.primaryIfindex());
  }

  private int countCounters(BpfMapFd map) {
    int[] count = {0};
    new PerCpuBpfMap<>(map, CounterKey.CODEC).forEachSum((key, sum) -> count[0]++);
    return count[0];
  }

  private MapDump dumpCounters(BpfMapFd map) {
    List<List<String>> rows = new ArrayList<>();
    new PerCpuBpfMap<>(map, CounterKey.CODEC)
        .forEachSum((key, sum) ->
            rows.add(
                List.of(
                    pod(key.netnsCookie()),
                    key.direction().label(),
                    "ipv" + key.family(),
                    key.outcome().label(),
                    key.reason().label(),
                    "" + sum)));
    rows.sort((a, b) -> String.join(" ", a).compareTo(String.join(" ", b)));
    return new MapDump(
        "verdict_counters",
        List.of("pod", "direction", "family", "verdict", "reason", "count"),
        rows);
  }

  private static int countLiveness(BpfMapFd map) {
    return new SocketMap(map).isFilled(0) ? 1 : 0;
  }

  private static MapDump dumpLiveness(BpfMapFd map) {
    boolean alive = new SocketMap(map).isFilled(0);
    return new MapDump("liveness", List.of("daemon"), List.of(List.of(alive ? "alive" : "dead")));
  }

  private static MapDump dumpLosses(BpfMapFd map) {
    PerCpuBpfMap<Integer> losses = new PerCpuBpfMap<>(map, SluiceMaps.KEY_ZERO);
    return new MapDump(
        "losses",
        List.of("lost", "count"),
        List.of(List.of("events", "" + losses.sum(0)), List.of("counters", "" + losses.sum(1))));
  }

  private MapDump dumpListeners() {
    List<List<String>> rows = new ArrayList<>();
    for (long cookie : pins.podCookies()) {
      Path pin = pins.pod(cookie).resolve(LISTENERS);
      if (!Files.exists(pin)) {
        continue;
      }
      try (BpfMapFd map = BpfMapFd.openPinned(pin)) {
        SocketMap slots = new SocketMap(map);
        for (int slot = 0; slot < SLOTS.size(); slot++) {
          OptionalLong socket = slots.cookie(slot);
          rows.add(
              List.of(
                  pod(cookie),
                  "" + slot,
                  SLOTS.get(slot),
                  socket.isPresent() ? "" + socket.getAsLong() : "-"));
        }
      }
    }
    return new MapDump(LISTENERS, List.of("pod", "slot", "serves", "socket_cookie"), rows);
  }

  private String pod(long cookie) {
    return names.getOrDefault(cookie, "netns:" + Long.toUnsignedString(cookie));
  }

  private Map<Long, String> readNames() {
    Path pin = pins.map("pod_names");
    Map<Long, String> read = new HashMap<>();
    if (Files.exists(pin)) {
      try (BpfMapFd map = BpfMapFd.openPinned(pin)) {
        new BpfMap<>(map, PodKey.CODEC, PodNameValue.CODEC)
            .forEach((k, v) -> read.put(k.netnsCookie(), v.namespace() + "/" + v.name()));
      }
    }
    return read;
  }

  private static String host(InetAddress address) {
    return IpAddresses.text(address);
  }

  private static String word(List<String> words, int index) {
    return index >= 0 && index < words.size() ? words.get(index) : "" + index;
  }
}
