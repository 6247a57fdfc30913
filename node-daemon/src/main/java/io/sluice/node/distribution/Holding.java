package io.sluice.node.distribution;

import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import io.sluice.api.envoy.core.Node;
import io.sluice.api.envoy.discovery.DeltaDiscoveryRequest;
import io.sluice.mesh.Marker;
import io.sluice.mesh.MeshObject;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.Release;
import io.sluice.mesh.ResourceEncoder;
import io.sluice.mesh.SnapshotDifference.Change;
import io.sluice.mesh.SnapshotEditor;
import io.sluice.mesh.UnusableResourceException;
import io.sluice.mesh.Version;
import io.sluice.mesh.WireLimits;
import java.util.ArrayList;
import java.util.List;

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
                            .putFields(
                                Marker.INTERCEPTION,
                                Value.newBuilder().setStringValue(interception).build())));
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
}
