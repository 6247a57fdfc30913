package io.sluice.node.distribution;

import com.google.protobuf.InvalidProtocolBufferException;
import io.sluice.api.envoy.discovery.DeltaDiscoveryResponse;
import io.sluice.api.envoy.discovery.Resource;
import io.sluice.mesh.Kind;
import io.sluice.mesh.Marker;
import io.sluice.mesh.MeshSettings;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.ResourceDecoder;
import io.sluice.mesh.ResourceKey;
import io.sluice.mesh.SnapshotEditor;
import io.sluice.mesh.UnusableResourceException;
import io.sluice.mesh.WireLimits;
import io.sluice.node.identity.control.ControlFailure;
import io.sluice.node.identity.control.ControlFailure.Reason;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;

/** One change, from its first part to what the node holds after it. One thread. */
final class ArrivingChange {
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
          "it leaves " + result.content().size() + " resources, more than " + WireLimits.RESOURCES);
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

  /** Revision and completeness, as the controller says, once the last part has come. */
  Marker marker() {
    return marker;
  }

  /** Whether anything is different afterwards. */
  boolean changesAnything() {
    return changes;
  }
}
