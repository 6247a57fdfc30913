package io.sluice.interception.maps;

import io.sluice.linux.bpf.BpfMap;
import java.util.HashMap;
import java.util.Map;

/**
 * Names of pods by namespace cookie, as they were when they were read.
 *
 * @param byCookie {@code namespace/name}
 */
record PodNames(Map<Long, String> byCookie) {
  static final PodNames NONE = new PodNames(Map.of());

  PodNames {
    byCookie = Map.copyOf(byCookie);
  }

  static PodNames read(PinDirectory pins) {
    Map<Long, String> names = new HashMap<>();
    PinnedMaps.read(
        pins.map("pod_names"),
        map -> {
          new BpfMap<>(map, PodKey.CODEC, PodNameValue.CODEC)
              .forEach((key, value) -> names.put(key.netnsCookie(), value.text()));
          return names;
        });
    return new PodNames(names);
  }

  /** The pod's name; {@code netns:<cookie>} when nothing tells it. */
  String of(long cookie) {
    return byCookie.getOrDefault(cookie, "netns:" + Long.toUnsignedString(cookie));
  }
}
