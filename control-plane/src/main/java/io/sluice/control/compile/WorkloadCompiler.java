package io.sluice.control.compile;

import io.sluice.control.objects.MeshKeys;
import io.sluice.control.objects.Namespace;
import io.sluice.control.objects.Pod;
import io.sluice.mesh.Cidr;
import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.PodUid;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.Workload;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Turns Pods into workloads. */
final class WorkloadCompiler {
  private final Objects objects;
  private final TrustDomain trustDomain;
  private final InterceptionSettings meshWide;
  private final MtlsModes modes;
  private final Statuses statuses;
  private final Map<InetAddress, Pod> podByAddress = new HashMap<>();
  private final Map<String, Pod> podByNetns = new HashMap<>();
  private final Map<PodUid, Pod> podByUid = new HashMap<>();

  WorkloadCompiler(
      Objects objects,
      TrustDomain trustDomain,
      InterceptionSettings meshWide,
      MtlsModes modes,
      Statuses statuses) {
    this.objects = objects;
    this.trustDomain = trustDomain;
    this.meshWide = meshWide;
    this.modes = modes;
    this.statuses = statuses;
  }

  /** Workloads in order of name. */
  List<Workload> compile() {
    Map<String, Namespace> namespaces = new HashMap<>();
    for (Namespace namespace : objects.of(Namespace.class)) {
      namespaces.put(namespace.meta().name(), namespace);
    }
    List<Workload> workloads = new ArrayList<>();
    for (Pod pod : objects.of(Pod.class)) {
      workloads.add(workload(pod, namespaces.get(pod.meta().namespace())));
    }
    return workloads;
  }

  private Workload workload(Pod pod, @Nullable Namespace namespaceOrNull) {
    boolean enrolled = Enrolment.isEnrolled(pod, namespaceOrNull);
    report(pod, enrolled);
    return new Workload(
        new NamespacedName(pod.meta().namespace(), pod.meta().name()),
        new SpiffeId(trustDomain, pod.meta().namespace(), pod.serviceAccount()),
        addresses(pod),
        pod.meta().labels(),
        enrolled,
        netns(pod),
        uid(pod),
        pod.nodeNameOrNull(),
        pod.hostNetwork(),
        merged(pod.interception()),
        pod.probePorts(),
        modes.of(pod));
  }

  /** The addresses of a pod that has ended may already belong to another one. */
  private List<InetAddress> addresses(Pod pod) {
    if (pod.finished()) {
      return List.of();
    }
    List<InetAddress> own = new ArrayList<>();
    for (InetAddress address : pod.addresses()) {
      Pod other = pod.hostNetwork() ? null : podByAddress.putIfAbsent(address, pod);
      if (other == null) {
        own.add(address);
      } else {
        statuses.warning(
            pod,
            "address " + address.getHostAddress() + " already belongs to " + other.ref(),
            "give every Pod its own addresses in status.podIPs");
      }
    }
    return own;
  }

  /** Two pods in one network namespace could not be told apart, so only the first is placed. */
  private @Nullable String netns(Pod pod) {
    String netns = pod.netnsOrNull();
    if (netns == null || pod.finished() || pod.hostNetwork()) {
      return null;
    }
    String path = netns.startsWith("/") ? netns : "/run/netns/" + netns;
    if (path.startsWith("/var/run/")) {
      path = path.substring("/var".length());
    }
    Pod other = podByNetns.putIfAbsent(path, pod);
    if (other == null) {
      return netns;
    }
    statuses.warning(
        pod,
        "network namespace " + netns + " already belongs to " + other.ref(),
        "give every Pod its own " + MeshKeys.NETNS);
    return null;
  }

  private @Nullable PodUid uid(Pod pod) {
    PodUid uid = pod.uidOrNull();
    if (uid == null || pod.finished() || pod.hostNetwork()) {
      return null;
    }
    Pod other = podByUid.putIfAbsent(uid, pod);
    if (other == null) {
      return uid;
    }
    statuses.warning(
        pod,
        "UID " + uid + " already belongs to " + other.ref(),
        "give every Pod the metadata.uid that the cluster gave it");
    return null;
  }

  private void report(Pod pod, boolean enrolled) {
    String word = pod.meta().labels().getOrDefault(MeshKeys.MESH, "");
    if (word.equals("enabled") && !enrolled && !pod.finished()) {
      statuses.warning(
          pod,
          "it is not enrolled: it shares the node's network, or its namespace is kept out",
          "remove the label " + MeshKeys.MESH);
    }
    if (enrolled && pod.netnsOrNull() != null && pod.addresses().isEmpty()) {
      statuses.warning(
          pod,
          "it has no address, so the mesh can bring no traffic to it",
          "write its addresses to status.podIPs");
    }
    if (!pod.notEnforced().isEmpty()) {
      statuses.warning(pod, "not enforced yet: " + String.join(", ", pod.notEnforced()), "");
    }
  }

  private InterceptionSettings merged(InterceptionSettings own) {
    return new InterceptionSettings(
        union(meshWide.outboundPortExclusions(), own.outboundPortExclusions()),
        union(meshWide.inboundPortExclusions(), own.inboundPortExclusions()),
        union(meshWide.outboundRangeExclusions(), own.outboundRangeExclusions()),
        union(meshWide.outboundRangeInclusions(), own.outboundRangeInclusions()),
        union(meshWide.interfaceExclusions(), own.interfaceExclusions()));
  }

  private static <T> Set<T> union(Set<T> a, Set<T> b) {
    Set<T> result = new HashSet<>(a);
    result.addAll(b);
    return result;
  }

  private static List<Cidr> union(List<Cidr> a, List<Cidr> b) {
    return Stream.concat(a.stream(), b.stream()).distinct().toList();
  }
}
