package io.sluice.interception.maps;

import io.sluice.linux.bpf.SocketMap;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

/**
 * The listener maps of all pods as one: every pod has a map of its own, with a slot per listener.
 */
final class ListenerSlots {
  /** Name of each pod's map, and of the table that shows them together. */
  static final String NAME = "listeners";

  static final String HOLDS = "listener of each pod, direction and family";

  /** What each slot serves; mirrors {@code enum sluice_slot}. */
  static final List<String> SLOTS =
      List.of("outbound/ipv4", "outbound/ipv6", "inbound/ipv4", "inbound/ipv6");

  private static final List<String> COLUMNS = List.of("pod", "slot", "serves", "socket_cookie");

  private final PinDirectory pins;

  ListenerSlots(PinDirectory pins) {
    this.pins = pins;
  }

  /** Slots with a living listener, of all slots; empty of pods, empty of slots. */
  MapSummary summary() {
    int filled = 0;
    int slots = 0;
    for (long cookie : pins.podCookies()) {
      for (OptionalLong socket : sockets(cookie)) {
        slots++;
        filled += socket.isPresent() ? 1 : 0;
      }
    }
    return new MapSummary(NAME, HOLDS, filled, slots, 0);
  }

  /** Every slot of every pod. */
  MapDump dump(PodNames pods) {
    List<List<String>> rows = new ArrayList<>();
    for (long cookie : pins.podCookies()) {
      List<OptionalLong> sockets = sockets(cookie);
      for (int slot = 0; slot < sockets.size(); slot++) {
        OptionalLong socket = sockets.get(slot);
        rows.add(
            List.of(
                pods.of(cookie),
                Integer.toString(slot),
                SLOTS.get(slot),
                socket.isPresent() ? Long.toUnsignedString(socket.getAsLong()) : "-"));
      }
    }
    return new MapDump(NAME, COLUMNS, rows);
  }

  private List<OptionalLong> sockets(long cookie) {
    return PinnedMaps.read(
            pins.pod(cookie).resolve(NAME),
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
}
