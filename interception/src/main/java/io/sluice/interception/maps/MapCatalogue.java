package io.sluice.interception.maps;

import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.bpf.BpfMap;
import io.sluice.linux.bpf.BpfMapFd;
import io.sluice.linux.bpf.BpfMapInfo;
import io.sluice.linux.bpf.SocketMap;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Function;
import java.util.function.LongFunction;

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
}
