package io.sluice.control.distribution;

import io.sluice.api.discovery.v1.Held;
import io.sluice.api.discovery.v1.Hello;
import io.sluice.api.discovery.v1.Resource;
import io.sluice.api.discovery.v1.ResourceType;
import io.sluice.control.issuing.RefusalReason;
import io.sluice.control.issuing.RefusedException;
import io.sluice.wire.ResourceKey;
import io.sluice.wire.WireLimits;
import java.util.HashMap;
import java.util.Map;

/** What a node says it holds, gathered from its first messages. One thread. */
final class Hellos {
  private static final int LONGEST_SOFTWARE = 64;
  private static final int LONGEST_SENTENCE = 256;

  private final Map<ResourceKey, Resource> held = new HashMap<>();
  private String software = "";
  private String interception = "";
  private int messages;

  /** Whether this was the last one. */
  boolean take(Hello hello) {
    if (messages++ == 0) {
      if (hello.getFormat() != WireLimits.FORMAT) {
        throw new RefusedException(
            RefusalReason.FORMAT_UNKNOWN,
            "the node reads format "
                + Integer.toUnsignedString(hello.getFormat())
                + ", the controller writes format "
                + WireLimits.FORMAT,
            "bring node and controller to releases that share a format");
      }
      software = printable(hello.getSoftware(), LONGEST_SOFTWARE);
      interception = printable(hello.getInterception(), LONGEST_SENTENCE);
    }
    for (Held ofType : hello.getHeldList()) {
      ResourceType type = ofType.getType();
      if (type != ResourceType.UNRECOGNIZED) {
        ofType.getVersionsMap().forEach((name, version) -> hold(type, name, version));
      }
    }
    return !hello.getMoreFollow();
  }

  private void hold(ResourceType type, String name, long version) {
    if (name.length() > WireLimits.NAME_CHARACTERS || held.size() >= WireLimits.RESOURCES) {
      throw new RefusedException(
          RefusalReason.STREAM_MALFORMED,
          "the node says it holds names that are too long or too many",
          "let it begin without what it holds");
    }
    held.put(
        new ResourceKey(type, name),
        Resource.newBuilder().setType(type).setName(name).setVersion(version).build());
  }

  private static String printable(String text, int longest) {
    return text.substring(0, Math.min(text.length(), longest)).replaceAll("[^\\x20-\\x7e]", "?");
  }

  View held() {
    return held.isEmpty() ? View.NOTHING : View.held(held);
  }

  String software() {
    return software;
  }

  String interception() {
    return interception;
  }
}
