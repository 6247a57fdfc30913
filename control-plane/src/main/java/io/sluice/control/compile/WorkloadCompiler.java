package io.sluice.control.compile;

import io.sluice.control.compile.Claims.Claimant;
import io.sluice.control.compile.Owners.Refusal;
import io.sluice.control.objects.EnrolmentWords;
import io.sluice.control.objects.KubernetesObject;
import io.sluice.control.objects.MeshKey;
import io.sluice.control.objects.Namespace;
import io.sluice.control.objects.Pod;
import io.sluice.mesh.Cidr;
import io.sluice.mesh.FailMode;
import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.MetadataMode;
import io.sluice.mesh.MtlsMode;
import io.sluice.mesh.Openings;
import io.sluice.mesh.PingMode;
import io.sluice.mesh.PodUid;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.Workload;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Turns a Pod into a workload.
 *
 * @param meshWide what the Pods share
 * @param owners of what {@link #claims} says, among all Pods
 */
record WorkloadCompiler(MeshWide meshWide, Owners owners, PodRanges ranges, Statuses statuses) {
  /**
   * What holds for every Pod.
   *
   * @param healthChecks whether nodes ask what their pods call
   * @param rules what the operator says of Pods that leave something out
   */
  record MeshWide(
      TrustDomain trustDomain,
      InterceptionSettings interception,
      Modes modes,
      boolean healthChecks,
      CompilerSettings rules) {}

  /** What a Pod's Namespace says; nothing where there is none. */
  record Surroundings(@Nullable Namespace namespaceOrNull, Modes modes, boolean measured) {
    static final Surroundings NONE = new Surroundings(null, Modes.NONE, true);

    /** Tells what is wrong with the words of the Namespace. */
    static Surroundings of(Namespace namespace, Statuses statuses) {
      L7.of(namespace, statuses); // of its Services; a wrong word is told here
      WarmUpWords.of(namespace, statuses); // likewise
      return new Surroundings(
          namespace, Modes.annotated(namespace, statuses), isMeasured(namespace, statuses));
    }

    private static boolean isMeasured(Namespace namespace, Statuses statuses) {
      boolean measured = true;
      for (String key : MeshKey.METRICS.keys()) {
        String word = namespace.meta().annotations().get(key);
        if (word != null) {
          Optional<Boolean> said = EnrolmentWords.enrols(word);
          if (said.isEmpty()) {
            statuses
                .on(Ground.WORD_UNKNOWN)
                .warning(
                    namespace,
                    "metadata.annotations[\"" + key + "\"]",
                    "'" + word + "' is no word for metrics, so enabled holds",
                    "write enabled or disabled");
          }
          measured &= said.orElse(true);
        }
      }
      return measured;
    }
  }

  /**
   * The Pod's workload.
   *
   * @param zones of nodes, by name
   */
  Workload workload(Pod pod, Surroundings surroundings, Map<String, String> zones) {
    boolean enrolled = Enrolment.isEnrolled(pod, surroundings.namespaceOrNull());
    report(pod, enrolled);
    Modes modes = Modes.annotated(pod, statuses).or(surroundings.modes()).or(meshWide.modes());
    String node =
        pod.nodeNameOrNull() == null ? meshWide.rules().onlyNodeOrNull() : pod.nodeNameOrNull();
    return new Workload(
        pod.meta().namespacedName(),
        identity(pod),
        addresses(pod),
        pod.meta().labels(),
        enrolled,
        netns(pod),
        uid(pod),
        node,
        pod.hostNetwork(),
        merged(pod.interception(), modes),
        pod.probePorts(),
        modes.mtls().orElse(MtlsMode.STRICT),
        modes.connections(surroundings.measured()),
        meshWide.healthChecks() && enrolled ? pod.readiness() : List.of(),
        node == null ? null : zones.get(node));
  }

  private SpiffeId identity(Pod pod) {
    String account = accountOf(pod);
    String namespace = pod.meta().namespace();
    return account == null
        ? SpiffeId.nobody(meshWide.trustDomain(), namespace)
        : new SpiffeId(meshWide.trustDomain(), namespace, account);
  }

  /** The account as which it runs; null for a pod that is nobody. */
  private @Nullable String accountOf(Pod pod) {
    String account = pod.accountOrNull();
    return account == null
            && meshWide.rules().staticPodNamespaces().contains(pod.meta().namespace())
        ? Pod.DEFAULT_ACCOUNT
        : account;
  }

  /** What only one Pod can have: addresses, the place of its network namespace, its UID. */
  private static Set<Object> claims(Pod pod, PodRanges ranges) {
    Set<Object> claims = new HashSet<>();
    if (pod.finished()) {
      return claims;
    }
    for (InetAddress address : pod.addresses()) {
      if (ranges.refusal(pod, address).isEmpty()) {
        claims.add(address);
      }
    }
    if (!pod.hostNetwork()) {
      if (pod.netnsOrNull() != null) {
        claims.add(netnsPath(pod.netnsOrNull()));
      }
      if (pod.uidOrNull() != null) {
        claims.add(pod.uidOrNull());
      }
    }
    return claims;
  }

  /** Adds the Pod's claims, and returns them. */
  static Set<Object> claim(Claims claims, Pod pod, PodRanges ranges) {
    Set<Object> all = claims(pod, ranges);
    Claimant claimant = claimant(pod);
    for (Object claim : all) {
      boolean isAtHome = claim instanceof InetAddress address && ranges.isAtHome(pod, address);
      claims.add(List.of(claim), isAtHome ? claimant.atHome() : claimant);
    }
    return all;
  }

  /** As whom the Pod claims. Pods of a node's network have its addresses together. */
  private static Claimant claimant(Pod pod) {
    return pod.hostNetwork()
        ? Claimant.of(pod, "network of node " + pod.nodeNameOrNull())
        : Claimant.alone(pod);
  }

  /** The addresses of a pod that has ended may already belong to another one. */
  private List<InetAddress> addresses(Pod pod) {
    if (pod.finished()) {
      return List.of();
    }
    List<InetAddress> own = new ArrayList<>();
    for (InetAddress address : pod.addresses()) {
      String thing = "address " + IpAddresses.text(address);
      Optional<String> outside = ranges.refusal(pod, address);
      Refusal refusal = owners.refusal(address, pod.ref());
      if (outside.isPresent()) {
        statuses.warning(
            pod,
            thing + " " + outside.get(),
            "look who wrote its status.podIPs; where addresses are not given out by Node"
                + " spec.podCIDRs, start the controller with --pod-ranges ignore");
      } else if (refusal != null) {
        conflict(pod, refusal, thing, "give every Pod its own addresses in status.podIPs");
      } else {
        own.add(address);
      }
    }
    return own;
  }

  /** Two pods in one network namespace could not be told apart, so only one is placed. */
  private @Nullable String netns(Pod pod) {
    String netns = pod.netnsOrNull();
    if (netns == null || pod.finished() || pod.hostNetwork()) {
      return null;
    }
    Refusal refusal = owners.refusal(netnsPath(netns), pod.ref());
    if (refusal == null) {
      return netns;
    }
    conflict(
        pod,
        refusal,
        "network namespace " + netns,
        "give every Pod its own " + MeshKey.NETNS.key());
    return null;
  }

  private static String netnsPath(String netns) {
    String path = netns.startsWith("/") ? netns : "/run/netns/" + netns;
    return path.startsWith("/var/run/") ? path.substring("/var".length()) : path;
  }

  private @Nullable PodUid uid(Pod pod) {
    PodUid uid = pod.uidOrNull();
    if (uid == null || pod.hostNetwork()) {
      return null;
    }
    if (pod.finished()) {
      return uid; // tells it from the next pod of its name
    }
    Refusal refusal = owners.refusal(uid, pod.ref());
    if (refusal == null) {
      return uid;
    }
    conflict(
        pod, refusal, "UID " + uid, "give every Pod the metadata.uid that the cluster gave it");
    return null;
  }

  private void conflict(Pod pod, Refusal refusal, String thing, String mend) {
    statuses
        .on(Ground.CLAIMED_TWICE)
        .conflict(pod, Severity.WARNING, "", refusal.reason(thing), mend, refusal.other());
  }

  private void report(Pod pod, boolean enrolled) {
    String word = pod.meta().labels().getOrDefault(MeshKey.MESH.key(), "");
    if (word.equals("enabled") && !enrolled && !pod.finished()) {
      statuses
          .on(Ground.POD_HOST_NETWORK)
          .warning(
              pod,
              "it is not enrolled: it shares the node's network, or its namespace is kept out",
              "remove the label " + MeshKey.MESH.key());
    }
    if (enrolled && accountOf(pod) == null) {
      statuses.warning(
          pod,
          "it has no service account, as static pods have none: it has no identity in the mesh, so"
              + " policy grants it nothing and it gets no certificate",
          "run it as an ordinary pod, or keep it out with the label "
              + MeshKey.MESH.key()
              + ": disabled; 'control run --static-pod-namespace' trusts the static pods of a"
              + " namespace");
    }
    if (pod.netnsIgnored()) {
      statuses.warning(
          pod,
          "the annotation " + MeshKey.NETNS.key() + " is not believed in a cluster",
          "remove it: the pod is found by its UID");
    }
    if (enrolled && pod.netnsOrNull() != null && pod.addresses().isEmpty()) {
      statuses
          .on(Ground.POD_NO_ADDRESS)
          .warning(
              pod,
              "it has no address, so the mesh can bring no traffic to it",
              "write its addresses to status.podIPs");
    }
    reportRanges(pod, "metadata.annotations", pod.interception(), statuses);
    WarmUpWords.of(pod, statuses); // of the Services that choose it; a wrong word is told here
    for (String key : pod.notEnforced()) {
      statuses
          .on(Ground.NOT_ENFORCED)
          .warning(pod, "metadata.annotations[\"" + key + "\"]", ConfigCompiler.NOT_ENFORCED, "");
    }
  }

  /** Says which ranges an object both includes and excludes. */
  static void reportRanges(
      KubernetesObject object, String field, InterceptionSettings written, Statuses statuses) {
    for (Cidr included : written.outboundRangeInclusions()) {
      written.outboundRangeExclusions().stream()
          .filter(excluded -> excluded.contains(included))
          .findFirst()
          .ifPresent(excluded ->
              statuses
                  .on(Ground.EXCLUSION_CONTRADICTS)
                  .conflict(
                      object,
                      Severity.WARNING,
                      field,
                      "include "
                          + included
                          + ", which is excluded by "
                          + excluded
                          + ", and that wins",
                      "take the range out of one of the two lists",
                      object.ref()));
    }
  }

  private InterceptionSettings merged(InterceptionSettings own, Modes modes) {
    InterceptionSettings everywhere = meshWide.interception();
    return new InterceptionSettings(
        union(everywhere.outboundPortExclusions(), own.outboundPortExclusions()),
        union(everywhere.inboundPortExclusions(), own.inboundPortExclusions()),
        union(everywhere.outboundRangeExclusions(), own.outboundRangeExclusions()),
        union(everywhere.outboundRangeInclusions(), own.outboundRangeInclusions()),
        union(everywhere.interfaceExclusions(), own.interfaceExclusions()),
        new Openings(
            union(everywhere.openings().resolvers(), own.openings().resolvers()),
            modes.metadata().orElse(MetadataMode.REFUSE),
            modes.ping().orElse(PingMode.PLAIN),
            modes.fail().orElse(FailMode.CLOSED)),
        List.of());
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
