package io.sluice.node.distribution;

import io.sluice.api.discovery.v1.FollowResponse;
import io.sluice.api.discovery.v1.Resource;
import io.sluice.node.identity.control.ControlFailure;
import io.sluice.node.identity.control.ControlFailure.Reason;
import io.sluice.wire.ResourceDecoder;
import io.sluice.wire.ResourceKey;
import io.sluice.wire.UnusableResourceException;
import io.sluice.wire.WireLimits;
import java.util.ArrayList;
import java.util.List;

/** One change, from its first part to what the node holds after it. One thread. */
final class ArrivingChange {
  private final Holding.Edit edit;
  private final List<String> problems = new ArrayList<>();
  private final long nonce;
  private long revision;
  private boolean complete;
  private boolean tellsOfEveryPod;
  private boolean changes;
  private int entries;
  private long bytes;

  /** Begins with what the node has. */
  ArrivingChange(Holding before, long nonce) {
    this.edit = before.edit();
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
    part.getRemovedList().forEach(removed -> edit.remove(ResourceKey.of(removed)));
    part.getResourcesList().forEach(this::put);
    revision = part.getRevision();
    complete = part.getRegistryComplete();
    tellsOfEveryPod = part.getTellsOfEveryPod();
    return part.getLastPart();
  }

  private void put(Resource resource) {
    try {
      edit.put(resource, ResourceDecoder.decode(resource));
    } catch (UnusableResourceException e) {
      problem(String.valueOf(e.getMessage()));
    }
  }

  private void problem(String text) {
    if (problems.size() < WireLimits.PROBLEMS) {
      problems.add(text.substring(0, Math.min(text.length(), WireLimits.PROBLEM_CHARACTERS)));
    }
  }

  /**
   * What the node cannot use of it, when it has come as a whole; empty for nothing.
   *
   * @param result what it leads to
   */
  List<String> problems(Holding result) {
    if (!result.holds(ResourceKey.SETTINGS) && problems.isEmpty()) {
      problem(ResourceKey.SETTINGS + ": it is missing; nothing has a meaning without it");
    }
    if (result.size() > WireLimits.RESOURCES) {
      problem("it leaves " + result.size() + " resources, more than " + WireLimits.RESOURCES);
    }
    if (result.bytes() > WireLimits.TOTAL_CONTENT_BYTES) {
      problem(
          "it leaves " + result.bytes() + " bytes, more than " + WireLimits.TOTAL_CONTENT_BYTES);
    }
    return List.copyOf(problems);
  }

  /** What the node holds with as much of it as could be used. */
  Holding result() {
    return edit.result();
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

  boolean tellsOfEveryPod() {
    return tellsOfEveryPod;
  }

  /** Whether anything is different afterwards. */
  boolean changesAnything() {
    return changes;
  }
}
