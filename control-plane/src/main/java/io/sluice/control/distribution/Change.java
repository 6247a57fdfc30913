package io.sluice.control.distribution;

import io.sluice.api.discovery.v1.FollowResponse;
import io.sluice.api.discovery.v1.RemovedResource;
import io.sluice.api.discovery.v1.Resource;
import io.sluice.wire.ResourceKey;
import io.sluice.wire.WireLimits;

/** One change on its way to one node, part by part. One thread at a time. */
final class Change {
  private final long nonce;
  private final ResourceSet set;
  private final View target;
  private final Delta delta;
  private final boolean tellsOfEveryPod;
  private int nextChanged;
  private int nextRemoved;
  private boolean begun;

  /**
   * @param target what the node has when it has applied this
   * @param tellsOfEveryPod of the registry: whether a pod that is missing is only not known yet
   */
  Change(long nonce, ResourceSet set, View target, Delta delta, boolean tellsOfEveryPod) {
    this.nonce = nonce;
    this.set = set;
    this.target = target;
    this.delta = delta;
    this.tellsOfEveryPod = tellsOfEveryPod;
  }

  long nonce() {
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
    return begun && nextChanged == delta.changed().size() && nextRemoved == delta.removed().size();
  }

  /** The next part; there is one at least. */
  FollowResponse next() {
    begun = true;
    var part =
        FollowResponse.newBuilder()
            .setNonce(nonce)
            .setRevision(set.revision())
            .setRegistryComplete(set.isComplete())
            .setTellsOfEveryPod(tellsOfEveryPod);
    int entries = 0;
    int bytes = 0;
    while (nextChanged < delta.changed().size() && entries < WireLimits.RESOURCES_PER_PART) {
      Resource resource = delta.changed().get(nextChanged);
      bytes += resource.getContent().size();
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
      ResourceKey key = delta.removed().get(nextRemoved);
      part.addRemoved(RemovedResource.newBuilder().setType(key.type()).setName(key.name()));
      nextRemoved++;
      entries++;
    }
    return part.setLastPart(isSent()).build();
  }
}
