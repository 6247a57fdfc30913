package io.sluice.node.distribution;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import io.sluice.api.envoy.core.Node;
import io.sluice.api.envoy.discovery.DeltaDiscoveryRequest;
import io.sluice.api.envoy.discovery.DeltaDiscoveryResponse;
import io.sluice.api.envoy.discovery.Resource;
import io.sluice.mesh.Kind;
import io.sluice.mesh.Marker;
import io.sluice.mesh.MeshObject;
import io.sluice.mesh.MeshSettings;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Release;
import io.sluice.mesh.ResourceDecoder;
import io.sluice.mesh.ResourceEncoder;
import io.sluice.mesh.ResourceKey;
import io.sluice.mesh.SnapshotDifference.Change;
import io.sluice.mesh.SnapshotEditor;
import io.sluice.mesh.TrafficCodec;
import io.sluice.mesh.UnusableResourceException;
import io.sluice.mesh.Version;
import io.sluice.mesh.WireLimits;
import io.sluice.node.identity.control.ControlFailure;
import io.sluice.node.identity.control.ControlFailure.Reason;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;

/**
 * What a node was told of the mesh. Immutable.
 *
 * @param bytes of it as resources
 */
record Holding(MeshSnapshot content, long bytes) {
  private static final System.Logger LOG = System.getLogger(Holding.class.getName());

  /** Nothing. */
  static final Holding NOTHING = new Holding(MeshSnapshot.EMPTY, 0);

  /** Leaves room for the framing of a message with one entry too many. */
  private static final int REQUEST_BYTES = WireLimits.REQUEST_BYTES * 3 / 4;

  /** Of one entry, besides its name: version, tags and lengths. */
  private static final int ENTRY_BYTES = 28;

  /** A longest name takes three bytes a character. */
  private static final int BYTES_PER_CHARACTER = 3;

  /** What an earlier daemon was told, but for what only its release could use. */
  static Holding of(MeshSnapshot kept) {
    SnapshotEditor usable = kept.edit();
    kept.objects()
        .forEach(object -> {
          try {
            ResourceEncoder.encode(object);
          } catch (UnusableResourceException e) {
            // By the rules of the release that kept it; the controller sends what it is now.
            LOG.log(System.Logger.Level.WARNING, "resource_not_held " + e.getMessage());
            usable.remove(object.key());
          }
        });
    return NOTHING.followedBy(usable.snapshot(kept.revision()));
  }

  /** What it is with {@code next} in its place; costs what differs. */
  Holding followedBy(MeshSnapshot next) {
    long grown = bytes;
    var difference = next.since(content);
    for (var kind : difference.kinds()) {
      for (Change<?> change : difference.of(kind)) {
        grown += change.after().map(Holding::bytesOf).orElse(0);
        grown -= change.before().map(Holding::bytesOf).orElse(0);
      }
    }
    return new Holding(next, grown);
  }

  private static int bytesOf(MeshObject object) {
    return ResourceEncoder.content(object).size();
  }

  /**
   * How a stream begins.
   *
   * @param interception how pods are intercepted, and why so
   */
  List<DeltaDiscoveryRequest> requests(String interception) {
    List<DeltaDiscoveryRequest> requests = new ArrayList<>();
    DeltaDiscoveryRequest.Builder request =
        DeltaDiscoveryRequest.newBuilder()
            .setNode(
                Node.newBuilder()
                    .setUserAgentName("sluice")
                    .setUserAgentVersion(Release.VERSION)
                    .setMetadata(
                        Struct.newBuilder()
                            .putFields(Marker.INTERCEPTION, value(interception))
                            .putFields(TrafficCodec.KNOWN, value("true"))));
    int size = 0;
    for (MeshObject object : (Iterable<MeshObject>) content.objects()::iterator) {
      String name = object.key().toString();
      request.putInitialResourceVersions(name, Version.text(ResourceEncoder.content(object)));
      size += ENTRY_BYTES + BYTES_PER_CHARACTER * name.length();
      if (size > REQUEST_BYTES) {
        requests.add(request.setTypeUrl(Marker.TYPE_URL).build());
        request = DeltaDiscoveryRequest.newBuilder();
        size = 0;
      }
    }
    requests.add(
        request.setTypeUrl(Marker.TYPE_URL).addResourceNamesSubscribe(Marker.EVERYTHING).build());
    return requests;
  }

  private static Value value(String text) {
    return Value.newBuilder().setStringValue(text).build();
  }

  /** Tells on a stream that has begun of which pods something is wrong. */
  static DeltaDiscoveryRequest troubled(Map<NamespacedName, String> pods) {
    Struct.Builder those = Struct.newBuilder();
    pods.forEach((pod, problem) -> those.putFields(pod.toString(), value(problem)));
    return DeltaDiscoveryRequest.newBuilder()
        .setTypeUrl(Marker.TYPE_URL)
        .setNode(
            Node.newBuilder()
                .setMetadata(
                    Struct.newBuilder()
                        .putFields(
                            Marker.TROUBLED, Value.newBuilder().setStructValue(those).build())))
        .build();
  }

  /** One change, from its first part to what the node holds after it. One thread. */
  static final class ArrivingChange {
    private final Holding before;
    private final Collection<Kind<?>> kinds;
    private final String nonce;
    private final SnapshotEditor edit;
    private final List<String> problems = new ArrayList<>();
    private Marker marker = new Marker(0, false, false);
    private boolean changes;
    private int entries;
    private long bytes;

    /**
     * Begins with what the node has.
     *
     * @param kinds those that it knows
     */
    ArrivingChange(Holding before, Collection<Kind<?>> kinds, String nonce) {
      this.before = before;
      this.kinds = kinds;
      this.nonce = nonce;
      this.edit = before.content().edit();
    }

    /**
     * Takes one part.
     *
     * @return whether it was the last
     * @throws ControlFailure where this is no change that could be answered
     */
    boolean take(DeltaDiscoveryResponse part) {
      if (!part.getNonce().equals(nonce)) {
        throw badAnswer("the controller began a change before it had ended another");
      }
      boolean last;
      try {
        last = Marker.in(part).map(this::marked).orElse(false);
      } catch (InvalidProtocolBufferException e) {
        throw badAnswer("the controller ends a change by nonsense: " + e.getMessage());
      }
      List<Resource> resources =
          part.getResourcesList().subList(0, part.getResourcesCount() - (last ? 1 : 0));
      entries += resources.size() + part.getRemovedResourcesCount();
      for (Resource resource : resources) {
        bytes += resource.getResource().getValue().size();
      }
      if (entries > 2 * WireLimits.RESOURCES || bytes > WireLimits.TOTAL_CONTENT_BYTES) {
        throw badAnswer("the controller sends a change beyond all bounds");
      }
      changes |= entries > 0;
      part.getRemovedResourcesList().forEach(name -> edit.remove(ResourceKey.parse(name)));
      resources.forEach(this::put);
      return last;
    }

    private boolean marked(Marker last) {
      marker = last;
      return true;
    }

    private static ControlFailure badAnswer(String problem) {
      return new ControlFailure(Reason.BAD_ANSWER, problem);
    }

    private void put(Resource resource) {
      try {
        edit.put(ResourceDecoder.decode(resource, kinds));
      } catch (UnusableResourceException e) {
        problem(String.valueOf(e.getMessage()));
      }
    }

    private void problem(String text) {
      if (problems.size() < WireLimits.PROBLEMS) {
        problems.add(
            text.substring(0, Math.min(text.length(), WireLimits.PROBLEM_CHARACTERS))
                .replace('\n', ' '));
      }
    }

    /**
     * What the node cannot use of it, when it has come as a whole; empty for nothing.
     *
     * @param result what it leads to
     */
    List<String> problems(Holding result) {
      ResourceKey settings = Kind.SETTINGS.key(MeshSettings.NAME);
      if (result.content().get(Kind.SETTINGS, settings.name()).isEmpty() && problems.isEmpty()) {
        problem(settings + ": it is missing; nothing has a meaning without it");
      }
      if (result.content().size() > WireLimits.RESOURCES) {
        problem(
            "it leaves "
                + result.content().size()
                + " resources, more than "
                + WireLimits.RESOURCES);
      }
      if (result.bytes() > WireLimits.TOTAL_CONTENT_BYTES) {
        problem(
            "it leaves " + result.bytes() + " bytes, more than " + WireLimits.TOTAL_CONTENT_BYTES);
      }
      return List.copyOf(problems);
    }

    /** What the node holds with as much of it as could be used. */
    Holding result() {
      MeshSnapshot content = edit.snapshot(marker.revision()).withComplete(marker.complete());
      return before.followedBy(content);
    }

    String nonce() {
      return nonce;
    }

    /** Revision and completeness, as the controller says at its end. */
    Marker marker() {
      return marker;
    }

    /** Whether anything is different afterwards. */
    boolean changesAnything() {
      return changes;
    }
  }
}
