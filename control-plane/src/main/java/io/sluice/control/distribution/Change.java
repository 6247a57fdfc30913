package io.sluice.control.distribution;

import io.sluice.api.envoy.discovery.DeltaDiscoveryResponse;
import io.sluice.api.envoy.discovery.Resource;
import io.sluice.mesh.Marker;
import io.sluice.mesh.WireLimits;

/** One change on its way to one node, part by part. One thread at a time. */
final class Change {
  private final String nonce;
  private final ResourceSet set;
  private final View target;
  private final Delta delta;
  private final Marker marker;
  private int nextChanged;
  private int nextRemoved;
  private boolean sent;

  /**
   * @param target what the node has when it has applied this
   * @param tellsOfEveryPod of the registry: whether a pod that is missing is only not known yet
   */
  Change(String nonce, ResourceSet set, View target, Delta delta, boolean tellsOfEveryPod) {
    this.nonce = nonce;
    this.set = set;
    this.target = target;
    this.delta = delta;
    this.marker = new Marker(set.revision(), set.snapshot().isComplete(), tellsOfEveryPod);
  }

  String nonce() {
    return nonce;
  }

  ResourceSet set() {
    return set;
  }

  View target() {
    return target;
  }

  Delta delta() {
    return delta;
  }

  boolean isSent() {
    return sent;
  }

  /** The next part; there is one at least. */
  DeltaDiscoveryResponse next() {
    var part = DeltaDiscoveryResponse.newBuilder().setTypeUrl(Marker.TYPE_URL).setNonce(nonce);
    int entries = 0;
    int bytes = 0;
    while (nextChanged < delta.changed().size() && entries < WireLimits.RESOURCES_PER_PART) {
      Resource resource = delta.changed().get(nextChanged);
      bytes += resource.getResource().getValue().size();
      if (entries > 0 && bytes > WireLimits.PART_CONTENT_BYTES) {
        break;
      }
      part.addResources(resource);
      nextChanged++;
      entries++;
    }
    while (nextChanged == delta.changed().size()
        && nextRemoved < delta.removed().size()
        && entries < WireLimits.RESOURCES_PER_PART) {
      part.addRemovedResources(delta.removed().get(nextRemoved).toString());
      nextRemoved++;
      entries++;
    }
    if (nextChanged == delta.changed().size() && nextRemoved == delta.removed().size()) {
      part.addResources(marker.resource());
      sent = true;
    }
    return part.build();
  }
}
