package io.sluice.control.compile;

import io.sluice.control.objects.KubernetesObject.ClusterNode;
import io.sluice.control.objects.ObjectRef;
import io.sluice.control.objects.Pod;
import io.sluice.mesh.Cidr;
import java.net.InetAddress;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Which addresses a Node's Pods may have: a kubelet writes its Pods' addresses, and would otherwise
 * claim those of every other Node. The ranges are Node {@code spec.podCIDRs}, which the API server
 * lets nobody change once they are set.
 *
 * <p>Whether a cluster gives addresses out by them is not written anywhere: with an address plan of
 * its own (Calico's, Cilium's cluster pool) they may be set and mean nothing. So {@link
 * PodRangeRule#AUTO} has them bind from when more than half of the Nodes with Pods, and at least
 * two, have only Pods inside their own range. One Node alone can neither bring that about nor, once
 * it is so, undo it: it stays until the controller ends.
 */
final class PodRanges {
  private static final int LEAST_NODES = 2;

  private final PodRangeRule rule;
  private final Map<String, List<Cidr>> ranges = new HashMap<>();
  private final Map<Cidr, Set<String>> nodesByRange = new HashMap<>();

  /** Of all ranges that ever were. */
  private final Set<Integer> lengths = new TreeSet<>();

  private final Map<String, Map<ObjectRef, Pod>> pods = new HashMap<>();

  /** Of Nodes that have ranges and Pods, whether all these are inside. */
  private final Map<String, Boolean> inside = new HashMap<>();

  private final Set<String> dueNodes = new HashSet<>();
  private int insideCount;
  private boolean rangesChanged;
  private boolean binding;

  /**
   * @param areBinding whether they bound before, which they go on to do
   */
  PodRanges(PodRangeRule rule, boolean areBinding) {
    this.rule = rule;
    this.binding = rule == PodRangeRule.ENFORCE || (areBinding && rule == PodRangeRule.AUTO);
  }

  void add(ClusterNode node) {
    if (!node.podRanges().isEmpty()) {
      ranges.put(node.meta().name(), node.podRanges());
      for (Cidr range : node.podRanges()) {
        lengths.add(range.prefixLength());
        nodesByRange.computeIfAbsent(range, _ -> new HashSet<>()).add(node.meta().name());
      }
      changed(node);
    }
  }

  void remove(ClusterNode node) {
    if (ranges.remove(node.meta().name()) != null) {
      for (Cidr range : node.podRanges()) {
        Set<String> nodes = nodesByRange.getOrDefault(range, Set.of());
        if (nodes.remove(node.meta().name()) && nodes.isEmpty()) {
          nodesByRange.remove(range);
        }
      }
      changed(node);
    }
  }

  private void changed(ClusterNode node) {
    dueNodes.add(node.meta().name());
    rangesChanged = true;
  }

  void add(Pod pod) {
    if (isJudged(pod)) {
      pods.computeIfAbsent(nodeOf(pod), _ -> new HashMap<>()).put(pod.ref(), pod);
      dueNodes.add(nodeOf(pod));
    }
  }

  void remove(Pod pod) {
    if (isJudged(pod)) {
      Map<ObjectRef, Pod> own = pods.getOrDefault(nodeOf(pod), Map.of());
      own.remove(pod.ref());
      if (own.isEmpty()) {
        pods.remove(nodeOf(pod));
      }
      dueNodes.add(nodeOf(pod));
    }
  }

  private static boolean isJudged(Pod pod) {
    return !pod.finished() && !pod.addresses().isEmpty();
  }

  private static String nodeOf(Pod pod) {
    return pod.nodeNameOrNull() == null ? "" : pod.nodeNameOrNull();
  }

  /** Takes account of what was added and removed. Names to {@code affected} whom that may touch. */
  void settle(Consumer<ObjectRef> affected) {
    for (String node : dueNodes) {
      count(node);
    }
    boolean wasBinding = binding;
    binding |=
        rule == PodRangeRule.AUTO
            && inside.size() >= LEAST_NODES
            && 2 * insideCount > inside.size();
    boolean bindNow = binding && !wasBinding;
    if (rangesChanged || bindNow) {
      pods.forEach((node, own) ->
          own.forEach((ref, pod) -> {
            if (bindNow || dueNodes.contains(node) || (binding && dependsOnAll(node, pod))) {
              affected.accept(ref);
            }
          }));
    }
    dueNodes.clear();
    rangesChanged = false;
  }

  /** Whether there is no range of its own node to hold one of its addresses against. */
  private boolean dependsOnAll(String node, Pod pod) {
    List<Cidr> own = ranges.getOrDefault(node, List.of());
    return pod.hostNetwork()
        || pod.addresses().stream().anyMatch(address -> ofItsFamily(own, address).isEmpty());
  }

  private void count(String node) {
    List<Cidr> own = ranges.get(node);
    List<Pod> judged =
        pods.getOrDefault(node, Map.of()).values().stream()
            .filter(pod -> !pod.hostNetwork())
            .toList();
    Boolean now =
        own == null || judged.isEmpty()
            ? null
            : judged.stream()
                .flatMap(pod -> pod.addresses().stream())
                .allMatch(address -> isInside(own, address));
    Boolean before = now == null ? inside.remove(node) : inside.put(node, now);
    insideCount += (Boolean.TRUE.equals(now) ? 1 : 0) - (Boolean.TRUE.equals(before) ? 1 : 0);
  }

  /** Whether they bind now. */
  boolean areBinding() {
    return binding;
  }

  /**
   * Whether the address is its Node's to give out, so that the Pod goes before one elsewhere that
   * claims it too. Asked while they do not bind as well.
   */
  boolean isAtHome(Pod pod, InetAddress address) {
    return rule != PodRangeRule.IGNORE
        && !pod.hostNetwork()
        && ranges.getOrDefault(nodeOf(pod), List.of()).stream()
            .anyMatch(range -> range.contains(address));
  }

  /** Why the Pod may not have the address; empty where it may. */
  Optional<String> refusal(Pod pod, InetAddress address) {
    if (!binding) {
      return Optional.empty();
    }
    List<Cidr> own = ofItsFamily(ranges.getOrDefault(nodeOf(pod), List.of()), address);
    if (own.stream().anyMatch(range -> range.contains(address))) {
      return Optional.empty();
    }
    if (!own.isEmpty() && !pod.hostNetwork()) {
      return Optional.of("is outside of " + texts(own) + ", the range of its Node " + nodeOf(pod));
    }
    String other = nodeAt(address);
    return other == null
        ? Optional.empty()
        : Optional.of("is of the ranges of Node " + other + ", where the Pod is not");
  }

  private static boolean isInside(List<Cidr> ranges, InetAddress address) {
    List<Cidr> own = ofItsFamily(ranges, address);
    return own.isEmpty() || own.stream().anyMatch(range -> range.contains(address));
  }

  private static List<Cidr> ofItsFamily(List<Cidr> ranges, InetAddress address) {
    int bytes = address.getAddress().length;
    return ranges.stream().filter(range -> range.network().getAddress().length == bytes).toList();
  }

  private static String texts(List<Cidr> ranges) {
    return String.join(", ", ranges.stream().map(Cidr::toString).toList());
  }

  /** A Node to whose Pods the address belongs, if there is one. */
  private @Nullable String nodeAt(InetAddress address) {
    for (int length : lengths) {
      if (length <= address.getAddress().length * 8) {
        Set<String> nodes = nodesByRange.getOrDefault(Cidr.around(address, length), Set.of());
        if (!nodes.isEmpty()) {
          return nodes.stream().min(String::compareTo).get(); // a name for the sentence
        }
      }
    }
    return null;
  }
}
