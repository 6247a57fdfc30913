package io.sluice.node.distribution;

import io.sluice.api.discovery.v1.FollowResponse;
import io.sluice.api.discovery.v1.RemovedResource;
import io.sluice.api.discovery.v1.Resource;
import io.sluice.node.distribution.Holding.Entry;
import io.sluice.node.identity.control.ControlFailure;
import io.sluice.node.identity.control.ControlFailure.Reason;
import io.sluice.wire.ResourceDecoder;
import io.sluice.wire.ResourceKey;
import io.sluice.wire.UnusableResourceException;
import io.sluice.wire.WireLimits;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** One change, from its first part to what the node holds after it. One thread. */
final class ArrivingChange {
  private final Map<ResourceKey, Entry> next;
  private final List<String> problems = new ArrayList<>();
  private final long nonce;
  private long revision;
  private boolean complete;
  private boolean changes;
  private int entries;
  private long bytes;

  /** Begins with what the node has. */
  ArrivingChange(Holding before, long nonce) {
    this.next = new HashMap<>(before.entries());
    this.nonce = nonce;
  }

  /**
   * Takes one part.
   *
   * @return whether it was the last
   * @throws ControlFailure where this is no change that could be answered
   */
  boolean take(FollowResponse part) {
    if (part.getNonce() != nonce) {
      throw new ControlFailure(
          Reason.BAD_ANSWER, "the controller began a change before it had ended another");
    }
    entries += part.getResourcesCount() + part.getRemovedCount();
    for (Resource resource : part.getResourcesList()) {
      bytes += resource.getContent().size();
    }
    if (entries > 2 * WireLimits.RESOURCES || bytes > WireLimits.TOTAL_CONTENT_BYTES) {
      throw new ControlFailure(
          Reason.BAD_ANSWER, "the controller sends a change beyond all bounds");
    }
    changes |= part.getResourcesCount() + part.getRemovedCount() > 0;
    part.getRemovedList().forEach(this::remove);
    part.getResourcesList().forEach(this::put);
    revision = part.getRevision();
    complete = part.getRegistryComplete();
    return part.getLastPart();
  }

  private void remove(RemovedResource removed) {
    next.remove(ResourceKey.of(removed));
  }

  private void put(Resource resource) {
    try {
      next.put(ResourceKey.of(resource), Entry.of(resource, ResourceDecoder.decode(resource)));
    } catch (UnusableResourceException e) {
      problem(String.valueOf(e.getMessage()));
    }
  }

  private void problem(String text) {
    if (problems.size() < WireLimits.PROBLEMS) {
      problems.add(text.substring(0, Math.min(text.length(), WireLimits.PROBLEM_CHARACTERS)));
    }
  }

  /** What the node cannot use of it, when it has come as a whole; empty for nothing. */
  List<String> problems() {
    if (!next.containsKey(ResourceKey.SETTINGS) && problems.isEmpty()) {
      problem(ResourceKey.SETTINGS + ": it is missing; nothing has a meaning without it");
    }
    if (next.size() > WireLimits.RESOURCES) {
      problem("it leaves " + next.size() + " resources, more than " + WireLimits.RESOURCES);
    }
    long total = next.values().stream().mapToLong(Entry::bytes).sum();
    if (total > WireLimits.TOTAL_CONTENT_BYTES) {
      problem("it leaves " + total + " bytes, more than " + WireLimits.TOTAL_CONTENT_BYTES);
    }
    return List.copyOf(problems);
  }

  Holding result() {
    return new Holding(next);
  }

  long nonce() {
    return nonce;
  }

  /** As the controller counts. */
  long revision() {
    return revision;
  }

  boolean isComplete() {
    return complete;
  }

  /** Whether anything is different afterwards. */
  boolean changesAnything() {
    return changes;
  }
}
