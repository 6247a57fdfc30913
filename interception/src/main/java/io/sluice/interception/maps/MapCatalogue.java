package io.sluice.interception.maps;

import io.sluice.linux.bpf.BpfMapInfo;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Every pinned map of a node with what it holds. Reads the pins directly, so it works while the
 * daemon is dead; an entry that changes meanwhile may or may not be in a dump. Any thread, but one
 * that may block: every entry is read from the kernel.
 */
public final class MapCatalogue {
  private final PinDirectory pins;
  private final ListenerSlots listeners;

  /** Over the pins of one node. */
  public MapCatalogue(PinDirectory pins) {
    this.pins = pins;
    this.listeners = new ListenerSlots(pins);
  }

  /** All maps that are pinned, in the order of the life of a connection. */
  public List<MapSummary> list() {
    List<MapSummary> summaries = new ArrayList<>();
    for (MapTable table : new MapTables(PodNames.NONE).all()) {
      PinnedMaps.read(
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
    MapSummary slots = listeners.summary();
    if (slots.capacity() > 0) {
      summaries.add(slots);
    }
    return summaries;
  }

  /** The entries of one map; empty when no such map is pinned. */
  public Optional<MapDump> dump(String name) {
    PodNames pods = PodNames.read(pins);
    if (name.equals(ListenerSlots.NAME)) {
      return Optional.of(listeners.dump(pods));
    }
    // Only a name from the list becomes a path.
    return new MapTables(pods)
        .all().stream()
            .filter(table -> table.name().equals(name))
            .findFirst()
            .flatMap(table -> PinnedMaps.read(pins.map(name), table.printer()));
  }
}
